// One fabric and domain of libfabric with their two queues: what all endpoints there share.
#pragma once

#include <trestle/transport_kit/loop.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "handles.hpp"
#include "message_memory.hpp"

namespace trestle::ofi {

/// Whoever the event queue speaks to: a listener or a connection.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;

  /// Somebody wants to connect; `request` has the handle to accept or to reject.
  virtual void on_request(InfoPtr /*request*/, std::span<const std::byte> /*greeting*/) {}
  virtual void on_connected(std::span<const std::byte> /*greeting*/) {}
  virtual void on_shutdown() {}
  /// `number` is libfabric's.
  virtual void on_failure(int number, const std::string& text) = 0;
};

/// A message that has arrived.
struct Arrival {
  std::uint32_t slot = 0;
  std::size_t bytes = 0;
  std::optional<std::uint64_t> tag;
};

/// Whoever the completion queue speaks to.
class CompletionSink {
 public:
  CompletionSink() = default;
  CompletionSink(const CompletionSink&) = delete;
  CompletionSink& operator=(const CompletionSink&) = delete;
  virtual ~CompletionSink() = default;

  virtual void on_arrival(const Arrival& arrival) = 0;
  virtual void on_sent(std::uint32_t message) = 0;
  /// A remote read or write; `failed` is libfabric's number, or 0.
  virtual void on_bulk(std::uint32_t operation, int failed, const std::string& text) = 0;
  virtual void on_broken(int number, const std::string& text) = 0;
  /// After a batch of the above.
  virtual void on_batch_end() = 0;
};

/// Names an operation to libfabric, which gives it back with the completion. A number and not an
/// address: completions of what is gone may still come, and must find nobody.
struct OperationContext {
  enum class Direction { receive, send, bulk };
  static constexpr std::uint32_t numbers_max = 2048;

  std::uint64_t connection = 0;
  Direction direction = Direction::receive;
  /// Of the slot, of the message modulo `numbers_max`, or of the operation.
  std::uint32_t number = 0;

  void* encode() const noexcept {
    const std::uint64_t low = number + static_cast<std::uint32_t>(direction) * numbers_max;
    return reinterpret_cast<void*>(connection << 13 | low);
  }
  static OperationContext decode(void* context) noexcept {
    const auto bits = reinterpret_cast<std::uintptr_t>(context);
    const auto low = static_cast<std::uint32_t>(bits & 0x1FFF);
    return {bits >> 13, static_cast<Direction>(low / numbers_max), low % numbers_max};
  }
};

/// Lifetime: longer than all endpoints, and than packets that the host holds.
class Device {
 public:
  /// Opens the fabric of `info` and an event queue. Errors: what libfabric says; TT_E_UNSUPPORTED:
  /// the provider cannot wake a sleeper.
  static sdk::Result<std::unique_ptr<Device>> open(transport_kit::Loop& loop, const fi_info& info,
                                                   Registration registration);
  ~Device();

  /// Whether endpoints of `info` belong here.
  bool serves(const fi_info& info, Registration registration) const;

  /// A listening endpoint; `sink` hears of requests until `forget`.
  sdk::Result<Handle<fid_pep>> listen(fi_info& info, EventSink& sink);
  /// An endpoint, ready to post and then to connect or accept.
  sdk::Result<Handle<fid_ep>> make_endpoint(fi_info& info, std::uint64_t connection,
                                            EventSink& events, CompletionSink& completions);
  /// Closes it: nothing is heard of it any more, nor does libfabric touch its memory.
  void close(Handle<fid_ep> endpoint, std::uint64_t connection);
  void close(Handle<fid_pep> listener);

  /// Takes what has completed.
  void read_completions();
  /// Whether the host may sleep; libfabric must be asked each time.
  bool may_sleep();

  MessageMemory& memory() noexcept { return *memory_; }
  /// Where memory is opened to other sides.
  fid_domain& domain() noexcept { return *domain_; }
  /// Whether this process answers remote reads itself, some time after they were asked for.
  bool serves_reads_in_software() const noexcept { return in_software_; }
  /// How it wants that.
  std::uint64_t region_mode() const noexcept { return region_mode_; }

 private:
  /// The two descriptors in the loop.
  class EventSource;
  class CompletionSource;

  Device(transport_kit::Loop& loop, const fi_info& info, Registration registration);
  sdk::Result<> open_fabric();
  sdk::Result<> open_domain(fi_info& info);
  bool may_wait_for(fid& queue);
  bool arm_events();
  void read_events();
  bool read_event();
  void read_event_error();
  void drop_ended_handshakes();
  EventSink* sink_of_socket(int socket) const;
  std::size_t read_batch();
  void read_completion_error();
  EventSink* event_sink(const fid* object) const;
  CompletionSink* completion_sink(std::uint64_t connection) const;

  transport_kit::Loop& loop_;
  const InfoPtr info_;
  const Registration registration_;
  // In the order in which libfabric wants them closed, from the last to the first.
  Handle<fid_fabric> fabric_;
  Handle<fid_domain> domain_;
  Handle<fid_eq> events_;
  Handle<fid_cq> completions_;
  std::unique_ptr<MessageMemory> memory_;
  std::uint64_t region_mode_ = 0;
  bool in_software_ = true;
  int events_fd_ = -1;
  int completions_fd_ = -1;
  std::unique_ptr<EventSource> event_source_;
  std::unique_ptr<CompletionSource> completion_source_;

  std::unordered_map<const fid*, EventSink*> event_sinks_;
  std::unordered_map<std::uint64_t, CompletionSink*> completion_sinks_;
  unsigned rounds_for_nothing_ = 0;
  /// Its descriptor was good to wait for, and nobody has touched the event queue since: so it still
  /// is, and to ask again would cost every message a system call.
  bool events_armed_ = false;
  std::vector<std::uint64_t> touched_;  ///< in the batch that is being read
};

}  // namespace trestle::ofi
