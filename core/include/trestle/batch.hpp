// Batches: several messages that one run of a handler takes together.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <trestle/clock.hpp>
#include <trestle/delivery_mode.hpp>
#include <trestle/headers.hpp>
#include <trestle/ids.hpp>

namespace trestle {

class Node;

/// When a batch is complete, for handlers that take a Batch. Whatever comes first counts.
struct BatchOptions {
  std::size_t messages_max = 64;     ///< so many are there; at least 1
  std::size_t bytes_max = 1u << 20;  ///< their payloads have so many; a larger one runs alone
  /// After the first message came, on the node's clock. 0: at the end of its turn.
  std::chrono::nanoseconds delay_max = std::chrono::milliseconds(5);
};

/// One message of a batch.
template <class T>
struct Batched {
  T value;                                            ///< its payload
  InstanceId sender{};                                ///< who sent it
  MessageId message_id{};                             ///< equal to what the sender was told
  DeliveryMode mode = DeliveryMode::fire_and_forget;  ///< what the sender waits for
  std::optional<TimePoint> deadline{};                ///< on the node's clock
  Headers headers{};                                  ///< as the sender set them
};

/// What a batched handler takes: messages in the order in which they came, one at least. `T` is
/// what other handlers take: `BytesView` (valid during the run), `Payload`, `Encoded`, or a type
/// that codec.hpp can decode. A message that cannot be decoded is refused by itself, and is not in
/// here.
template <class T>
class Batch {
 public:
  /// For the node.
  Batch(Node& node, std::vector<Batched<T>> messages)
      : node_(&node), messages_(std::move(messages)) {}

  /// The node that runs the handler.
  Node& node() const noexcept { return *node_; }
  /// How many messages there are.
  std::size_t size() const noexcept { return messages_.size(); }
  /// The message of that place.
  const Batched<T>& operator[](std::size_t place) const { return messages_[place]; }
  /// Likewise; to move from.
  Batched<T>& operator[](std::size_t place) { return messages_[place]; }
  /// The first message.
  auto begin() const noexcept { return messages_.begin(); }
  /// Behind the last one.
  auto end() const noexcept { return messages_.end(); }
  /// The first message; to move from.
  auto begin() noexcept { return messages_.begin(); }
  /// Behind the last one.
  auto end() noexcept { return messages_.end(); }

 private:
  Node* node_;
  std::vector<Batched<T>> messages_;
};

}  // namespace trestle
