// Addresses to listen at that nobody has used.
#pragma once

#include <filesystem>
#include <string>

namespace trestle::scenarios {

/// Makes them, and the folder of their socket files, which goes with it.
class FreshAddresses {
 public:
  FreshAddresses() = default;
  FreshAddresses(const FreshAddresses&) = delete;
  FreshAddresses& operator=(const FreshAddresses&) = delete;
  ~FreshAddresses();

  /// `pattern` with a new one in the place of {name} or {file}.
  std::string make(std::string pattern);

 private:
  std::filesystem::path folder_;  // made when needed
  int made_ = 0;
};

}  // namespace trestle::scenarios
