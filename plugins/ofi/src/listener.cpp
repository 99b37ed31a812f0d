// Listening, until UNLISTENED.
#include "listener.hpp"

#include <trestle/transport_kit/addresses.hpp>

#include <array>
#include <utility>

namespace trestle::ofi {

Listener::Listener(transport_kit::Loop& loop, const FabricOptions& options, void* user,
                   OnRequest on_request)
    : loop_(loop), options_(options), user_(user), on_request_(std::move(on_request)) {}

Listener::~Listener() {
  if (endpoint_ != nullptr) device_->close(std::move(endpoint_));
}

sdk::Result<> Listener::open(Device& device, InfoPtr info) {
  device_ = &device;
  info_ = std::move(info);
  auto endpoint = device.listen(*info_, *this);
  if (endpoint.has_error()) return endpoint.error();
  endpoint_ = std::move(*endpoint);
  return {};
}

std::uint16_t Listener::port() const {
  std::array<std::byte, sizeof(sockaddr_storage)> bytes{};
  std::size_t size = bytes.size();
  if (fi_getname(&endpoint_->fid, bytes.data(), &size) != 0) return 0;
  return transport_kit::port_of(transport_kit::SocketAddress(bytes.data(), size));
}

void Listener::close() {
  if (endpoint_ == nullptr) return;
  device_->close(std::move(endpoint_));
  loop_.tell_unlistened(user_);
}

void Listener::refuse(const fi_info& request) {
  if (endpoint_ != nullptr) fi_reject(endpoint_.get(), request.handle, nullptr, 0);
}

void Listener::on_failure(int, const std::string& text) {
  loop_.host().log(TT_LOG_WARN, uri_ + ": a connection was lost before it was made: " + text);
}

}  // namespace trestle::ofi
