// A listening endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "device.hpp"
#include "fabric_options.hpp"

namespace trestle::ofi {

/// What tt_listener is. Lifetime: until UNLISTENED was handed out.
class Listener final : public EventSink {
 public:
  /// Takes over a request to connect.
  using OnRequest =
      std::function<void(Listener&, InfoPtr request, std::span<const std::byte> greeting)>;

  Listener(transport_kit::Loop& loop, const FabricOptions& options, void* user,
           OnRequest on_request);
  ~Listener() override;

  /// Errors: TT_E_ADDRINUSE and the like, or what libfabric says.
  sdk::Result<> open(Device& device, InfoPtr info);
  void set_uri(std::string uri) { uri_ = std::move(uri); }
  /// The port; 0 if the address has none.
  std::uint16_t port() const;

  /// Stops listening; UNLISTENED follows.
  void close();

  /// Turns a request down.
  void refuse(const fi_info& request);

  const std::string& uri() const noexcept { return uri_; }
  const FabricOptions& options() const noexcept { return options_; }
  void* user() const noexcept { return user_; }
  bool is_open() const noexcept { return endpoint_ != nullptr; }
  Device& device() const noexcept { return *device_; }

 private:
  void on_request(InfoPtr request, std::span<const std::byte> greeting) override {
    on_request_(*this, std::move(request), greeting);
  }
  void on_failure(int number, const std::string& text) override;

  transport_kit::Loop& loop_;
  const FabricOptions options_;
  void* const user_;
  OnRequest on_request_;
  Device* device_ = nullptr;
  InfoPtr info_;  ///< the provider sockets goes on looking at it
  Handle<fid_pep> endpoint_;
  std::string uri_;
};

}  // namespace trestle::ofi
