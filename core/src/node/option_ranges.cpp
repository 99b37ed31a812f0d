// The ranges, and what to say of a value that is in none.
#include "node/option_ranges.hpp"

#include <array>
#include <string>

#include "wire/packet.hpp"

namespace trestle {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds one_millisecond = std::chrono::milliseconds(1);

constexpr std::size_t count_max = CountRange::no_max;
constexpr nanoseconds time_max = TimeRange::no_max;
/// Both are told to the peer in 32 bits.
constexpr std::size_t told_max = std::numeric_limits<std::uint32_t>::max();
/// A packet of one such frame, with room for small ones, has its length in 32 bits.
constexpr std::size_t frame_bytes_max = told_max - (1u << 20) + 1;

constexpr std::array count_table{
    CountRange{"workers", &NodeOptions::workers, 0, 1024},
    CountRange{"spawn_queue_messages", &NodeOptions::spawn_queue_messages, 0, count_max},
    CountRange{"spawn_queue_bytes", &NodeOptions::spawn_queue_bytes, 1, count_max},
    CountRange{"concurrency_max", &NodeOptions::concurrency_max, 0, count_max},
    CountRange{"calls_max", &NodeOptions::calls_max, 1, wire::CallId::no_slot},
    CountRange{"requests_max", &NodeOptions::requests_max, 0, told_max},
    // Less would refuse hellos, and what nodes ask each other.
    CountRange{"message_bytes_max", &NodeOptions::message_bytes_max, wire::hello_frame_bytes_max,
               frame_bytes_max},
    CountRange{"queue_bytes_max", &NodeOptions::queue_bytes_max, 1, count_max},
    CountRange{"unauthenticated_peers_max", &NodeOptions::unauthenticated_peers_max, 1, count_max},
    CountRange{"turn_frames_max", &NodeOptions::turn_frames_max, 1, count_max},
    CountRange{"turn_bytes_max", &NodeOptions::turn_bytes_max, 1, count_max},
    CountRange{"input_bytes_max", &NodeOptions::input_bytes_max, wire::hello_frame_bytes_max,
               count_max},
    CountRange{"unsent_bytes_max", &NodeOptions::unsent_bytes_max, 1, count_max},
    CountRange{"send_ahead_bytes", &NodeOptions::send_ahead_bytes, 0, count_max},
    // Its hello is part of that.
    CountRange{"newcomer_bytes_max", &NodeOptions::newcomer_bytes_max, wire::hello_frame_bytes_max,
               count_max},
    CountRange{"send_delay_bytes", &NodeOptions::send_delay_bytes, 0, count_max},
};

constexpr std::array time_table{
    TimeRange{"call_timeout", &NodeOptions::call_timeout, nanoseconds(1), time_max},
    TimeRange{"handshake_timeout", &NodeOptions::handshake_timeout, nanoseconds(1), time_max},
    TimeRange{"close_timeout", &NodeOptions::close_timeout, nanoseconds(0), time_max},
    TimeRange{"dead_after", &NodeOptions::dead_after, nanoseconds(1), added_time_max},
    TimeRange{"reconnect_window", &NodeOptions::reconnect_window, nanoseconds(0), time_max},
    TimeRange{"redial_delay_min", &NodeOptions::redial_delay_min, one_millisecond, added_time_max},
    TimeRange{"redial_delay_max", &NodeOptions::redial_delay_max, one_millisecond, added_time_max},
    TimeRange{"takeover_timeout", &NodeOptions::takeover_timeout, nanoseconds(1), time_max},
    TimeRange{"send_delay_max", &NodeOptions::send_delay_max, nanoseconds(0), added_time_max},
    TimeRange{"log_interval", &NodeOptions::log_interval, nanoseconds(0), added_time_max},
};

std::string spelled(std::size_t count) {
  return std::to_string(count);
}
std::string spelled(nanoseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(time);
  if (whole == time) return std::to_string(whole.count()) + " ms";
  return std::to_string(time.count()) + " ns";
}

template <class Value>
Error out_of_range(std::string_view name, Value value, std::string_view bound, Value limit) {
  return Error(Errc::invalid_argument, "NodeOptions::" + std::string(name) + " is " +
                                           spelled(value) + ", but must be at " +
                                           std::string(bound) + " " + spelled(limit));
}

template <class Value>
Result<void> check_range(std::string_view name, Value value, Value min, Value max) {
  if (value < min) return out_of_range(name, value, "least", min);
  if (value > max) return out_of_range(name, value, "most", max);
  return {};
}

/// Each alone may be what it is.
template <class Value>
Result<void> check_order(std::string_view larger, Value value, std::string_view smaller,
                         Value least) {
  if (value >= least) return {};
  Error error = out_of_range(larger, value, "least", least);
  error.text += ", as NodeOptions::" + std::string(smaller) + " is";
  return error;
}

}  // namespace

std::span<const CountRange> count_ranges() noexcept {
  return count_table;
}

std::span<const TimeRange> time_ranges() noexcept {
  return time_table;
}

Result<void> check(const NodeOptions& options) {
  for (const CountRange& range : count_table) {
    auto checked = check_range(range.name, options.*range.option, range.min, range.max);
    if (checked.has_error()) return checked;
  }
  for (const TimeRange& range : time_table) {
    auto checked = check_range(range.name, options.*range.option, range.min, range.max);
    if (checked.has_error()) return checked;
  }
  if (options.heartbeat) {
    auto checked = check_range("heartbeat", *options.heartbeat, nanoseconds(0), added_time_max);
    if (checked.has_error()) return checked;
  }
  auto ordered = check_order("redial_delay_max", options.redial_delay_max, "redial_delay_min",
                             options.redial_delay_min);
  if (ordered.has_error()) return ordered;
  // One message that has to wait would end its connection.
  return check_order("input_bytes_max", options.input_bytes_max, "message_bytes_max",
                     options.message_bytes_max);
}

}  // namespace trestle
