// Events of a transport on their way to the host: batches bounded by what progress() was given.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace trestle::transport_kit {

/// Keeps events in order until a batch has room for them, and keeps two promises of the ABI:
/// ACCEPTED is alone of its connection in its batch, and the text of CLOSED stays valid until the
/// next batch. Threads: distinct objects safe.
class EventQueue {
 public:
  /// Starts a batch in `out` with what is waiting. Texts of the previous batch end here.
  void begin(std::span<tt_event> out);

  /// Ends the batch; returns how many events it holds.
  std::size_t end() noexcept;

  /// Whether an event of `conn`, pushed now, goes into the current batch. Ask before pushing a
  /// PACKET whose bytes live only until the next progress().
  bool has_room(const tt_conn* conn) const noexcept {
    return room() > 0 && (accepted_.empty() || !was_accepted_in_batch(conn));
  }

  /// Events that the current batch can still take.
  std::size_t room() const noexcept { return waiting_.empty() ? batch_.size() - used_ : 0; }

  /// Adds an event. `user` is where its cookie is kept: read when the event is handed out, because
  /// the host sets it only after ACCEPTED. Null: the event's own cookie stands.
  void push(const tt_event& event, void* const* user = nullptr);

  /// The same, for an event whose data is `text`, which the queue keeps alive.
  void push(const tt_event& event, void* const* user, std::string text);

  /// Whether nothing waits for a later batch.
  bool empty() const noexcept { return waiting_.empty(); }

 private:
  struct Waiting {
    tt_event event;
    void* const* user;
    std::string text;
  };

  bool was_accepted_in_batch(const tt_conn* conn) const noexcept;
  tt_event& hand_out(const tt_event& event, void* const* user);
  void hand_out(const tt_event& event, void* const* user, std::string text);

  std::deque<Waiting> waiting_;
  std::span<tt_event> batch_;
  std::size_t used_ = 0;
  std::vector<const tt_conn*> accepted_;  ///< in this batch
  std::deque<std::string> texts_;         ///< of this batch; a deque never moves its elements
};

}  // namespace trestle::transport_kit
