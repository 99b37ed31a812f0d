// Names of the numbers that travel on the wire.
#include <trestle/codec_id.hpp>
#include <trestle/delivery_mode.hpp>

#include <array>

#include "wire/frame.hpp"

namespace trestle {
namespace {

template <class T>
struct Named {
  T value;
  std::string_view name;
};

constexpr std::array modes{
    Named<DeliveryMode>{DeliveryMode::fire_and_forget, "fire_and_forget"},
    Named<DeliveryMode>{DeliveryMode::confirmed, "confirmed"},
    Named<DeliveryMode>{DeliveryMode::with_response, "with_response"},
    Named<DeliveryMode>{DeliveryMode::with_receipt_ack, "with_receipt_ack"},
    Named<DeliveryMode>{DeliveryMode::with_receipt_and_response, "with_receipt_and_response"},
};

constexpr std::array codecs{
    Named<Codec>{Codec::bytes, "bytes"},
    Named<Codec>{Codec::msgpack, "msgpack"},
    Named<Codec>{Codec::json, "json"},
};

constexpr std::array kinds{
    Named<wire::FrameKind>{wire::FrameKind::hello, "hello"},
    Named<wire::FrameKind>{wire::FrameKind::request, "request"},
    Named<wire::FrameKind>{wire::FrameKind::accepted, "accepted"},
    Named<wire::FrameKind>{wire::FrameKind::ack, "ack"},
    Named<wire::FrameKind>{wire::FrameKind::nack, "nack"},
    Named<wire::FrameKind>{wire::FrameKind::reply, "reply"},
    Named<wire::FrameKind>{wire::FrameKind::cancel, "cancel"},
    Named<wire::FrameKind>{wire::FrameKind::ping, "ping"},
    Named<wire::FrameKind>{wire::FrameKind::pong, "pong"},
    Named<wire::FrameKind>{wire::FrameKind::goodbye, "goodbye"},
    Named<wire::FrameKind>{wire::FrameKind::window, "window"},
    Named<wire::FrameKind>{wire::FrameKind::pull, "pull"},
    Named<wire::FrameKind>{wire::FrameKind::pulled, "pulled"},
};

template <class Table, class T>
constexpr std::string_view name_of(const Table& table, T value) noexcept {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return "unknown";
}

template <class T, std::size_t Size>
constexpr std::optional<T> value_of(const std::array<Named<T>, Size>& table,
                                    std::string_view name) noexcept {
  for (const auto& entry : table) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(DeliveryMode mode) noexcept {
  return name_of(modes, mode);
}

std::optional<DeliveryMode> parse_delivery_mode(std::string_view name) noexcept {
  return value_of(modes, name);
}

std::string_view to_string(Codec codec) noexcept {
  return name_of(codecs, codec);
}

std::optional<Codec> parse_codec(std::string_view name) noexcept {
  return value_of(codecs, name);
}

std::string_view wire::to_string(FrameKind kind) noexcept {
  return name_of(kinds, kind);
}

}  // namespace trestle
