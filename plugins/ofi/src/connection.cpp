// The life of a connection: dialling, accepting, coming up, closing.
#include "connection.hpp"

#include <trestle/transport_kit/addresses.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace trestle::ofi {
namespace {

/// "tcp://1.2.3.4:5" -> "ofi+tcp://1.2.3.4:5".
std::string uri_of(const std::string& scheme, const SocketAddress& address) {
  std::string uri = transport_kit::uri_of(address);
  const std::size_t end = uri.find("://");
  return end == std::string::npos ? uri : scheme + uri.substr(end);
}

template <class Ask>
SocketAddress fabric_address(Ask ask) {
  std::array<std::byte, sizeof(sockaddr_storage)> bytes{};
  std::size_t size = bytes.size();
  if (ask(bytes.data(), &size) != 0) return {};
  return SocketAddress(bytes.data(), size);
}

}  // namespace

Connection::Connection(Shared& shared, std::uint64_t number, const FabricOptions& options)
    : shared_(shared),
      number_(number),
      options_(options),
      forecast_(options.receive_buffer_bytes, options.ahead_bytes) {
  if (options_.held_packets_max > 0) held_ = std::make_shared<HeldPackets>();
}

Connection::~Connection() {
  drop_endpoint();
  if (held_) held_->waiting = nullptr;
  shared_.loop.forget(*this);
  std::erase(shared_.viewed, this);
}

void Connection::await_addresses(std::string target) {
  scheme_ = target.substr(0, target.find(':'));
  info_.peer_uri = std::move(target);
  dial_until_ = shared_.loop.host().now() + options_.connect_timeout;
  shared_.loop.set_deadline(*this, dial_until_);
}

void Connection::dial(std::vector<SocketAddress> addresses, FindRoute find_route) {
  if (state_ != State::dialling) return;
  addresses_ = std::move(addresses);
  find_route_ = std::move(find_route);
  dial_next();
}

void Connection::give_up(const std::string& why) {
  if (state_ == State::dialling) finish(TT_E_UNREACHABLE, why);
}

void Connection::dial_next() {
  while (next_address_ < addresses_.size()) {
    const sdk::Result<> dialled = dial_one(addresses_[next_address_++]);
    if (dialled.has_value()) return;
    if (!first_failure_) first_failure_ = dialled.error();
    drop_endpoint();
  }
  const sdk::Error why = first_failure_.value_or(sdk::Error(TT_E_UNREACHABLE, "no address"));
  finish(why.code, "cannot connect to " + info_.peer_uri + ": " + why.text);
}

sdk::Result<> Connection::dial_one(const SocketAddress& address) {
  auto route = find_route_(address);
  if (route.has_error()) return route.error();
  if (auto opened = open_endpoint(std::move(*route)); opened.has_error()) return opened.error();
  const Greeting::Encoded greeting =
      Greeting{window_->slots(), static_cast<std::uint32_t>(window_->slot_bytes())}.encode();
  const int failed = fi_connect(endpoint_.get(), address.data(), greeting.data(), greeting.size());
  if (failed != 0) return ofi_error("connecting", -failed);
  // The time left is shared by the addresses left, so that a silent one does not use it up.
  const auto now = shared_.loop.host().now();
  const auto left = static_cast<std::int64_t>(addresses_.size() - next_address_ + 1);
  shared_.loop.set_deadline(*this, now + (dial_until_ - now) / left);
  return {};
}

sdk::Result<> Connection::open_endpoint(Route route) {
  device_ = route.device;
  const InfoPtr& info = endpoint_info_ = std::move(route.info);
  auto endpoint = device_->make_endpoint(*info, number_, *this, *this);
  if (endpoint.has_error()) return endpoint.error();
  endpoint_ = std::move(*endpoint);
  const auto slots = static_cast<std::uint32_t>(
      std::min<std::size_t>(static_cast<std::size_t>(options_.receive_buffers),
                            std::max<std::size_t>(info->rx_attr->size, 4)));
  window_.emplace(number_, slots, options_.receive_buffer_bytes, shared_.room_budget);
  const SendLimits limits{.inject_bytes = info->tx_attr->inject_size,
                          .segments = std::min(info->tx_attr->iov_limit, segments_max),
                          .message_bytes = info->ep_attr->max_msg_size};
  sender_.emplace(number_, limits, *window_);
  if ((info->caps & FI_RMA) != 0) {
    regions_.emplace(device_->domain(), device_->region_mode());
    transfers_.emplace(number_, device_->memory());
  }
  return window_->open(*endpoint_, device_->memory());
}

/// Nothing is heard of it any more, and its memory is ours again.
void Connection::drop_endpoint() {
  if (endpoint_ != nullptr) device_->close(std::move(endpoint_), number_);
  if (window_ && viewed_.empty()) window_->close();
}

sdk::Result<> Connection::accept(Route route, const Greeting& peer, std::string scheme,
                                 std::uint64_t cookie) {
  state_ = State::accepting;
  arriving_bytes_max_ = shared_.limits.first_packet_bytes_max;
  scheme_ = std::move(scheme);
  listener_cookie_ = cookie;
  if (route.info->dest_addr != nullptr) {
    info_.peer_uri =
        uri_of(scheme_, SocketAddress(route.info->dest_addr, route.info->dest_addrlen));
  }
  if (auto opened = open_endpoint(std::move(route)); opened.has_error()) return opened.error();
  sender_->open(*endpoint_, peer);
  const Greeting::Encoded greeting =
      Greeting{window_->slots(), static_cast<std::uint32_t>(window_->slot_bytes())}.encode();
  const int failed = fi_accept(endpoint_.get(), greeting.data(), greeting.size());
  if (failed != 0) return ofi_error("cannot accept a connection", -failed);
  shared_.loop.set_deadline(*this, shared_.loop.host().now() + options_.connect_timeout);
  return {};
}

void Connection::on_connected(std::span<const std::byte> greeting) {
  if (state_ == State::accepting) {
    describe_ends();
    return come_up(TT_EV_ACCEPTED);
  }
  if (state_ != State::dialling) return;
  const auto peer = Greeting::decode(greeting);
  if (!peer) {
    return finish(TT_E_PROTOCOL, "cannot connect to " + info_.peer_uri +
                                     ": what answered is no Trestle node with this transport");
  }
  sender_->open(*endpoint_, *peer);
  describe_ends();
  come_up(TT_EV_CONNECTED);
}

void Connection::describe_ends() {
  info_.local_uri = uri_of(scheme_, fabric_address([&](void* to, std::size_t* size) {
                             return fi_getname(&endpoint_->fid, to, size);
                           }));
  if (!info_.peer_uri.empty()) return;  // as it was asked for, or as the request said
  info_.peer_uri = uri_of(scheme_, fabric_address([&](void* to, std::size_t* size) {
                            return fi_getpeer(endpoint_.get(), to, size);
                          }));
}

void Connection::come_up(std::uint16_t event_kind) {
  state_ = State::up;
  addresses_ = {};
  find_route_ = {};
  shared_.loop.set_deadline(*this, std::nullopt);
  shared_.loop.tell_up(source(), event_kind, listener_cookie_);
  tell_writable();              // a send that came too early may now be tried again
  shared_.loop.enqueue(*this);  // what has arrived meanwhile
}

void Connection::close(sdk::CloseMode mode) {
  if (state_ == State::closed) return;
  if (mode == sdk::CloseMode::abort || state_ == State::dialling || state_ == State::accepting) {
    return finish(TT_E_CLOSED, "closed by this side");
  }
  if (state_ != State::up) return;
  state_ = State::flushing;
  refused_bytes_ = 0;
  paused_ = false;
  linger_until_ = shared_.loop.host().now() + shared_.limits.linger;
  shared_.loop.set_deadline(*this, linger_until_);
  shared_.loop.enqueue(*this);  // packets that wait for room in a batch are dropped now
  shared_.loop.host().wake();
  send_queue();
}

void Connection::on_deadline() {
  switch (state_) {
    case State::dialling:
      if (!first_failure_) first_failure_ = sdk::Error(TT_E_TIMEDOUT, "no answer in time");
      drop_endpoint();
      return dial_next();
    case State::accepting:
      return finish(TT_E_TIMEDOUT, "the other side did not complete the connection in time");
    case State::flushing:
      if (shared_.loop.host().now() < linger_until_) break;
      return finish(TT_E_CLOSED, "closed by this side; " + std::to_string(queued_bytes_) +
                                     " bytes were not taken within the linger time");
    case State::draining:
      return finish(TT_E_CLOSED, "closed by this side");
    case State::up:
      break;
    case State::closed:
      return;
  }
  // The provider was full, and may have room now.
  if (state_ == State::flushing) shared_.loop.set_deadline(*this, linger_until_);
  send_bulk();
  send_queue();
}

void Connection::on_shutdown() {
  peer_ended_ = true;
  if (state_ == State::dialling || state_ == State::accepting) {
    return on_failure(FI_ECONNABORTED, reason_of(FI_ECONNABORTED));
  }
  deliver();
}

void Connection::on_failure(int number, const std::string& text) {
  switch (state_) {
    case State::dialling:
      if (!first_failure_) first_failure_ = sdk::Error(status_of(number), text);
      drop_endpoint();
      return dial_next();
    case State::accepting:
      return finish(status_of(number), "the other side did not complete the connection: " + text);
    case State::closed:
      return;
    default:
      on_broken(number, text);
      deliver();
  }
}

/// All that came was taken, and nothing more will come.
void Connection::end_of_peer() {
  if (state_ == State::draining) return finish(TT_E_CLOSED, "closed by this side");
  if (end_) return finish(end_->code, end_->text);
  if (state_ == State::flushing && queued_bytes_ == 0) {
    return finish(TT_E_CLOSED, "closed by this side");
  }
  std::string text = "the other side ended without a goodbye: was it killed?";
  if (queued_bytes_ > 0) text += " " + std::to_string(queued_bytes_) + " bytes were unsent";
  finish(TT_E_RESET, std::move(text));
}

/// From within a call of the host's, or of what is still being read.
void Connection::finish_later(tt_status status, std::string text) {
  peer_ended_ = true;
  if (!end_) end_ = sdk::Error(status, std::move(text));
  shared_.loop.enqueue(*this);
  shared_.loop.host().wake();
}

void Connection::finish(tt_status status, std::string text) {
  state_ = State::closed;
  refused_bytes_ = 0;
  drop_endpoint();
  arrived_.clear();
  if (assembly_) device_->memory().give_back(assembly_->take());
  assembly_.reset();
  drop_parcels(status);
  drop_bulk(status);
  if (held_) held_->waiting = nullptr;
  shared_.loop.forget(*this);
  shared_.loop.tell_closed(source(), status, std::move(text));
}

void Connection::work() {
  if (state_ == State::up || state_ == State::flushing || state_ == State::draining) deliver();
}

void Connection::set_reading(sdk::Reading reading) {
  paused_ = reading == sdk::Reading::pause && state_ <= State::up;
  if (paused_ || state_ == State::closed) return;
  shared_.loop.enqueue(*this);
  shared_.loop.host().wake();
}

}  // namespace trestle::ofi
