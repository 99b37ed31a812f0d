// One call that has a completion and nothing else: nobody can end it before its outcome.
#pragma once

#include <trestle/detail/open_call.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "calls/call_table.hpp"
#include "memory/block_allocator.hpp"
#include "peers/peer_table.hpp"

namespace trestle {
class OutgoingCalls;
}

namespace trestle::detail {

/// What nearly all asynchronous calls are. A CallState can do more, and costs several times as
/// much. Lifetime: whoever makes it keeps it until it was sent, the connection until its outcome,
/// the leader's work until that was delivered; never destroyed with the lock held.
class PlainCall final : public calls::CallSink {
 public:
  PlainCall(OutgoingCalls& calls, const peers::PeerLinkPtr& link, std::string_view handler,
            CallCompletion&& done)
      : calls_(calls), link_(link), handler_(handler), done_(std::move(done)) {}
  ~PlainCall() = default;

  // One per call, so its memory is recycled.
  static void* operator new(std::size_t size) { return memory::allocate(size); }
  static void operator delete(void* call, std::size_t size) noexcept {
    memory::deallocate(call, size);
  }

  /// It was not sent: another has to.
  CallCompletion take_completion() noexcept { return std::move(done_); }
  /// Has the next turn, or this one, deliver it. Lock held.
  void complete(Result<Encoded>&& outcome) noexcept override;

  /// Keeps the outcome for deliver(). Lock held.
  void settle(Result<Encoded>&& outcome) noexcept;
  /// Runs the completion. Threads: the leader, or nobody drives any more; lock not held.
  void deliver() noexcept;

 private:
  using Name = std::basic_string<char, std::char_traits<char>, memory::BlockAllocator<char>>;

  OutgoingCalls& calls_;
  const peers::PeerLinkPtr link_;  // keeps the node, too, and goes last
  const Name handler_;
  CallCompletion done_;
  std::optional<Result<Encoded>> outcome_;
};

}  // namespace trestle::detail
