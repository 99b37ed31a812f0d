// Opening fabric and domain, and reading their queues.
#include "device.hpp"

#include <rdma/fi_errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <trestle/transport_kit/socket_address.hpp>
#include <utility>

#include "library_descriptors.hpp"

namespace trestle::ofi {
namespace {

using transport_kit::Pollable;
using transport_kit::SocketAddress;

/// Completions that are read at once.
constexpr std::size_t batch_entries = 32;
/// Batches that are read before the connections get their turn.
constexpr int batches_max = 4;
/// So that what a connection was sent is read before its end is; others go on sending meanwhile.
constexpr int batches_max_at_end = 64;
/// The event queue was said to be ready so many times, and nothing came of it.
constexpr unsigned rounds_for_nothing_max = 16;
/// Room for completions where a provider does not grow its queue. 32 are enough for a connection.
constexpr std::size_t queue_entries = 16 * 1024;

/// A request to connect may leave names out.
bool same_text(const char* one, const char* other) {
  return one == nullptr || other == nullptr || std::strcmp(one, other) == 0;
}

bool has_bulk(const fi_info& info) {
  return (info.caps & FI_RMA) != 0;
}

/// Closing a region ends all accesses to it there. Of others that is not known.
bool has_name_of_hardware(const fi_info& info) {
  return info.fabric_attr->prov_name != nullptr &&
         std::string_view(info.fabric_attr->prov_name).starts_with("verbs");
}

/// What libfabric does with the plugin's own memory.
std::uint64_t local_access(const fi_info& info) {
  return FI_SEND | FI_RECV | (has_bulk(info) ? FI_READ | FI_WRITE : 0);
}

template <class Ask>
SocketAddress address_from(Ask ask) {
  SocketAddress address;
  address.fill(ask);
  return address;
}

/// libfabric counts with another type.
template <class Ask>
int name_of(socklen_t* size, Ask ask) {
  std::size_t bytes = *size;
  const int failed = ask(&bytes);
  *size = static_cast<socklen_t>(bytes);
  return failed;
}

/// The descriptor to wait for.
template <class Fid>
sdk::Result<int> wait_descriptor(const std::string& what, Fid& queue) {
  int fd = -1;
  const int failed = fi_control(&queue.fid, FI_GETWAIT, &fd);
  if (failed == 0 && fd >= 0) return fd;
  return sdk::Error(TT_E_UNSUPPORTED, "the provider's " + what +
                                          " has no descriptor to wait for: " + reason_of(-failed));
}

}  // namespace

class Device::EventSource final : public Pollable {
 public:
  explicit EventSource(Device& device) : device_(device) {}

 private:
  void work() override { device_.read_events(); }
  Device& device_;
};

class Device::CompletionSource final : public Pollable {
 public:
  explicit CompletionSource(Device& device) : device_(device) {}

 private:
  void work() override { device_.read_completions(); }
  Guess guess() override { return device_.read_batch() > 0 ? Guess::right : Guess::wrong; }
  Device& device_;
};

Device::Device(transport_kit::Loop& loop, const fi_info& info, Registration registration)
    : loop_(loop),
      info_(fi_dupinfo(&info)),
      registration_(registration),
      event_source_(std::make_unique<EventSource>(*this)),
      completion_source_(std::make_unique<CompletionSource>(*this)) {}

Device::~Device() {
  loop_.forget(*event_source_);
  loop_.forget(*completion_source_);
  if (events_fd_ >= 0) loop_.unwatch(events_fd_);
  if (completions_fd_ >= 0) loop_.unwatch(completions_fd_);
}

sdk::Result<std::unique_ptr<Device>> Device::open(transport_kit::Loop& loop, const fi_info& info,
                                                  Registration registration) {
  std::unique_ptr<Device> device(new Device(loop, info, registration));
  if (device->info_ == nullptr) return ofi_error("cannot copy what libfabric found", FI_ENOMEM);
  if (auto opened = device->open_fabric(); opened.has_error()) return opened.error();
  return device;
}

sdk::Result<> Device::open_fabric() {
  const CloseNewOnExec private_descriptors;
  const std::string name = info_->fabric_attr->prov_name;
  auto fabric = open_handle<fid_fabric>("open the fabric of " + name, [&](fid_fabric** raw) {
    return fi_fabric(info_->fabric_attr, raw, nullptr);
  });
  if (fabric.has_error()) return fabric.error();
  fabric_ = std::move(*fabric);
  fi_eq_attr attr{};
  attr.wait_obj = FI_WAIT_FD;
  auto events = open_handle<fid_eq>("open an event queue of " + name, [&](fid_eq** raw) {
    return fi_eq_open(fabric_.get(), &attr, raw, nullptr);
  });
  if (events.has_error()) return events.error();
  events_ = std::move(*events);
  auto fd = wait_descriptor("event queue", *events_);
  if (fd.has_error()) return fd.error();
  if (const int failed = loop_.watch(*fd, *event_source_, EPOLLIN); failed != 0) {
    return ofi_error("cannot watch the event queue of " + name, failed);
  }
  events_fd_ = *fd;
  return {};
}

sdk::Result<> Device::open_domain(fi_info& info) {
  if (completions_fd_ >= 0) return {};
  const CloseNewOnExec private_descriptors;
  const std::string name = info_->fabric_attr->prov_name;
  auto domain = open_handle<fid_domain>("open a domain of " + name, [&](fid_domain** raw) {
    return fi_domain(fabric_.get(), &info, raw, nullptr);
  });
  if (domain.has_error()) return domain.error();
  fi_cq_attr attr{};
  attr.size = std::min(queue_entries, std::max<std::size_t>(info.rx_attr->size * 64, 1024));
  attr.format = FI_CQ_FORMAT_DATA;
  attr.wait_obj = FI_WAIT_FD;
  auto completions = open_handle<fid_cq>("open a completion queue of " + name, [&](fid_cq** raw) {
    return fi_cq_open(domain->get(), &attr, raw, nullptr);
  });
  if (completions.has_error()) return completions.error();
  auto fd = wait_descriptor("completion queue", **completions);
  if (fd.has_error()) return fd.error();
  if (const int failed = loop_.watch(*fd, *completion_source_, EPOLLIN); failed != 0) {
    return ofi_error("cannot watch the completion queue of " + name, failed);
  }
  domain_ = std::move(*domain);
  completions_ = std::move(*completions);
  completions_fd_ = *fd;
  region_mode_ = static_cast<std::uint64_t>(info.domain_attr->mr_mode);
  in_software_ = !has_name_of_hardware(info);
  memory_ = std::make_unique<MessageMemory>(loop_, *domain_, registration_, local_access(info));
  return {};
}

bool Device::serves(const fi_info& info, Registration registration) const {
  // A request of the provider sockets names nothing, and its fabric by another name.
  if (info.fabric_attr->prov_name == nullptr) return registration == registration_;
  return registration == registration_ && has_bulk(info) == has_bulk(*info_) &&
         same_text(info.fabric_attr->prov_name, info_->fabric_attr->prov_name) &&
         same_text(info.fabric_attr->name, info_->fabric_attr->name) &&
         same_text(info.domain_attr->name, info_->domain_attr->name);
}

sdk::Result<Handle<fid_pep>> Device::listen(fi_info& info, EventSink& sink) {
  events_armed_ = false;
  const CloseNewOnExec private_descriptors;
  auto listener = open_handle<fid_pep>("open a listening endpoint", [&](fid_pep** raw) {
    return fi_passive_ep(fabric_.get(), &info, raw, nullptr);
  });
  if (listener.has_error()) return listener.error();
  int failed = fi_pep_bind(listener->get(), &events_->fid, 0);
  if (failed == 0) failed = fi_listen(listener->get());
  if (failed != 0) return ofi_error("cannot listen", -failed);
  event_sinks_[&(*listener)->fid] = &sink;
  return listener;
}

sdk::Result<Handle<fid_ep>> Device::make_endpoint(fi_info& info, std::uint64_t connection,
                                                  EventSink& events, CompletionSink& completions) {
  if (auto opened = open_domain(info); opened.has_error()) return opened.error();
  events_armed_ = false;
  const CloseNewSocketsOnExec private_sockets;
  auto endpoint = open_handle<fid_ep>("open an endpoint", [&](fid_ep** raw) {
    return fi_endpoint(domain_.get(), &info, raw, nullptr);
  });
  if (endpoint.has_error()) return endpoint.error();
  int failed = fi_ep_bind(endpoint->get(), &events_->fid, 0);
  if (failed == 0) {
    failed = fi_ep_bind(endpoint->get(), &completions_->fid, FI_TRANSMIT | FI_RECV);
  }
  if (failed == 0) failed = fi_enable(endpoint->get());
  if (failed != 0) return ofi_error("cannot enable an endpoint", -failed);
  event_sinks_[&(*endpoint)->fid] = &events;
  completion_sinks_[connection] = &completions;
  return endpoint;
}

void Device::close(Handle<fid_ep> endpoint, std::uint64_t connection) {
  events_armed_ = false;
  event_sinks_.erase(&endpoint->fid);
  completion_sinks_.erase(connection);
  endpoint.reset();
}

void Device::close(Handle<fid_pep> listener) {
  events_armed_ = false;
  event_sinks_.erase(&listener->fid);
  listener.reset();
}

bool Device::may_sleep() {
  // One by one: who has nothing to read is not read in vain, which is dear for the event queue.
  if (completions_ != nullptr && !may_wait_for(completions_->fid)) {
    loop_.enqueue(*completion_source_);
    return false;
  }
  return events_armed_ || arm_events();
}

/// Whether its descriptor is ready only when something more comes.
bool Device::may_wait_for(fid& queue) {
  std::array<fid*, 1> queues{&queue};
  return fi_trywait(fabric_.get(), queues.data(), 1) == 0;
}

bool Device::arm_events() {
  events_armed_ = may_wait_for(events_->fid);
  if (!events_armed_) loop_.enqueue(*event_source_);
  return events_armed_;
}

EventSink* Device::event_sink(const fid* object) const {
  const auto found = event_sinks_.find(object);
  return found == event_sinks_.end() ? nullptr : found->second;
}

CompletionSink* Device::completion_sink(std::uint64_t connection) const {
  const auto found = completion_sinks_.find(connection);
  return found == completion_sinks_.end() ? nullptr : found->second;
}

void Device::read_events() {
  events_armed_ = false;
  constexpr int events_per_round = 64;
  const CloseNewSocketsOnExec private_sockets;  // that are accepted
  for (int i = 0; i < events_per_round; ++i) {
    if (read_event()) {
      rounds_for_nothing_ = 0;
      continue;
    }
    // Reading an event does not make the descriptor quiet: a host that polls would find it ready
    // for ever. Not after each reading in vain: libfabric leaked handshakes of strangers then.
    if (i > 0) arm_events();
    // Handshakes have steps that are no events, but not many without one.
    if (++rounds_for_nothing_ % rounds_for_nothing_max == 0) drop_ended_handshakes();
    return;
  }
  loop_.enqueue(*event_source_);
}

/// libfabric 1.17's tcp keeps watching a socket whose other side ended in the middle of the
/// handshake, and says nothing: the host would never sleep again.
void Device::drop_ended_handshakes() {
  for (const int socket : watched_by(events_fd_)) {
    if (!is_at_end(socket)) continue;
    // Its descriptor stays open, because the library would not notice that its number means
    // something else then.
    ::epoll_ctl(events_fd_, EPOLL_CTL_DEL, socket, nullptr);
    ::shutdown(socket, SHUT_RDWR);
    if (EventSink* const sink = sink_of_socket(socket)) {
      sink->on_failure(FI_ECONNRESET, "the other side ended in the middle of the handshake");
    }
  }
}

EventSink* Device::sink_of_socket(int socket) const {
  const SocketAddress local =
      address_from([&](sockaddr* to, socklen_t* size) { return ::getsockname(socket, to, size); });
  const SocketAddress peer =
      address_from([&](sockaddr* to, socklen_t* size) { return ::getpeername(socket, to, size); });
  for (const auto& [object, sink] : event_sinks_) {
    if (object->fclass != FI_CLASS_EP || peer.size() == 0) continue;
    auto* const name = const_cast<fid*>(object);
    auto* const endpoint = reinterpret_cast<fid_ep*>(name);  // an endpoint begins with its fid
    const auto own = [&](sockaddr* to, socklen_t* size) {
      return name_of(size, [&](std::size_t* bytes) { return fi_getname(name, to, bytes); });
    };
    const auto others = [&](sockaddr* to, socklen_t* size) {
      return name_of(size, [&](std::size_t* bytes) { return fi_getpeer(endpoint, to, bytes); });
    };
    if (address_from(own) == local && address_from(others) == peer) return sink;
  }
  return nullptr;
}

/// False: there is none.
bool Device::read_event() {
  constexpr std::size_t greeting_bytes_max = 256;
  alignas(fi_eq_cm_entry) std::array<std::byte, sizeof(fi_eq_cm_entry) + greeting_bytes_max> bytes;
  std::uint32_t kind = 0;
  const ssize_t size = fi_eq_read(events_.get(), &kind, bytes.data(), bytes.size(), 0);
  if (size == -FI_EAVAIL) {
    read_event_error();
    return true;
  }
  if (size < static_cast<ssize_t>(sizeof(fi_eq_cm_entry))) return false;
  fi_eq_cm_entry entry{};
  std::memcpy(&entry, bytes.data(), sizeof(entry));
  const auto greeting =
      std::span(bytes).first(static_cast<std::size_t>(size)).subspan(sizeof(entry));
  InfoPtr request(kind == FI_CONNREQ ? entry.info : nullptr);
  EventSink* const sink = event_sink(entry.fid);
  if (sink == nullptr) return true;
  switch (kind) {
    case FI_CONNREQ:
      sink->on_request(std::move(request), greeting);
      break;
    case FI_CONNECTED:
      sink->on_connected(greeting);
      break;
    case FI_SHUTDOWN:
      // What came before the end is in the other queue.
      for (int i = 0; i < batches_max_at_end && completions_ != nullptr && read_batch() > 0; ++i) {
      }
      if (EventSink* const still = event_sink(entry.fid)) still->on_shutdown();
      break;
    default:
      break;
  }
  return true;
}

void Device::read_event_error() {
  fi_eq_err_entry error{};
  if (fi_eq_readerr(events_.get(), &error, 0) <= 0) return;
  EventSink* const sink = event_sink(error.fid);
  if (sink == nullptr) return;
  std::string text = reason_of(error.err);
  if (error.prov_errno != 0) {
    const char* detail =
        fi_eq_strerror(events_.get(), error.prov_errno, error.err_data, nullptr, 0);
    if (detail != nullptr && text != detail) text += std::string(" (") + detail + ")";
  }
  sink->on_failure(error.err, text);
}

void Device::read_completions() {
  for (int i = 0; i < batches_max; ++i) {
    if (read_batch() < batch_entries) return;
  }
  loop_.enqueue(*completion_source_);
}

/// How many there were.
std::size_t Device::read_batch() {
  std::array<fi_cq_data_entry, batch_entries> batch;
  const ssize_t count = fi_cq_read(completions_.get(), batch.data(), batch.size());
  if (count == -FI_EAVAIL) {
    read_completion_error();
    return 1;
  }
  if (count <= 0) return 0;
  touched_.clear();
  for (const fi_cq_data_entry& entry : std::span(batch).first(static_cast<std::size_t>(count))) {
    const OperationContext context = OperationContext::decode(entry.op_context);
    CompletionSink* const sink = completion_sink(context.connection);
    if (sink == nullptr) continue;
    if (touched_.empty() || touched_.back() != context.connection) {
      touched_.push_back(context.connection);
    }
    if (context.direction == OperationContext::Direction::send) {
      sink->on_sent(context.number);
      continue;
    }
    if (context.direction == OperationContext::Direction::bulk) {
      sink->on_bulk(context.number, 0, {});
      continue;
    }
    Arrival arrival{context.number, entry.len, std::nullopt};
    if ((entry.flags & FI_REMOTE_CQ_DATA) != 0) arrival.tag = entry.data;
    sink->on_arrival(arrival);
  }
  for (const std::uint64_t connection : touched_) {
    if (CompletionSink* const sink = completion_sink(connection)) sink->on_batch_end();
  }
  return static_cast<std::size_t>(count);
}

void Device::read_completion_error() {
  fi_cq_err_entry error{};
  if (fi_cq_readerr(completions_.get(), &error, 0) <= 0) return;
  const OperationContext context = OperationContext::decode(error.op_context);
  CompletionSink* const sink = completion_sink(context.connection);
  // What an ended connection had posted comes back like this; the event queue says why it ended.
  if (sink == nullptr || error.err == FI_ECANCELED) return;
  std::string text = reason_of(error.err);
  const char* detail =
      fi_cq_strerror(completions_.get(), error.prov_errno, error.err_data, nullptr, 0);
  if (detail != nullptr && text != detail) text += std::string(" (") + detail + ")";
  if (context.direction == OperationContext::Direction::bulk) {
    return sink->on_bulk(context.number, error.err, text);
  }
  sink->on_broken(error.err, text);
}

}  // namespace trestle::ofi
