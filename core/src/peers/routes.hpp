// The ways on which a peer can be dialled, and which of them were tried.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trestle::peers {

/// URIs, nearest first; empty where the application gave one only.
class Routes {
 public:
  void set(std::vector<std::string> uris) {
    uris_ = std::move(uris);
    tried_ = 0;
  }
  bool empty() const noexcept { return uris_.empty(); }
  bool has(std::string_view uri) const {
    return std::find(uris_.begin(), uris_.end(), uri) != uris_.end();
  }

  /// Makes `uri` the nearest one, if there is one; the others count as not tried.
  void restart(std::string& uri) {
    if (uris_.empty()) return;
    tried_ = 1;
    uri = uris_.front();
  }
  /// Makes `uri` the next that was not tried since. False: there is none.
  bool go_on(std::string& uri) {
    if (tried_ == 0 || tried_ >= uris_.size()) return false;
    uri = uris_[tried_++];
    return true;
  }

 private:
  std::vector<std::string> uris_;
  std::size_t tried_ = 0;
};

}  // namespace trestle::peers
