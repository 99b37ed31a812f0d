// Knows whether the present thread is inside a node's turn.
#pragma once

namespace trestle {

class NodeCore;

/// Marks the present thread as the one that runs a node's actions.
class TurnScope {
 public:
  explicit TurnScope(const NodeCore& core) noexcept
      : core_(&core), outer_(innermost_), depth_(depth() + 1) {
    innermost_ = this;
  }
  ~TurnScope() { innermost_ = outer_; }
  TurnScope(const TurnScope&) = delete;
  TurnScope& operator=(const TurnScope&) = delete;

  static bool is_in_turn_of(const NodeCore& core) noexcept {
    for (const TurnScope* scope = innermost_; scope != nullptr; scope = scope->outer_) {
      if (scope->core_ == &core) return true;
    }
    return false;
  }
  /// True inside a turn of any node.
  static bool is_in_any_turn() noexcept { return innermost_ != nullptr; }
  /// The node whose turn it is; null outside of turns.
  static const NodeCore* innermost() noexcept {
    return innermost_ != nullptr ? innermost_->core_ : nullptr;
  }
  /// How many turns this thread is in.
  static int depth() noexcept { return innermost_ != nullptr ? innermost_->depth_ : 0; }

 private:
  // initial-exec: the library is there from the start of the program, and each call looks here.
  [[gnu::tls_model("initial-exec")]] inline static thread_local const TurnScope* innermost_ =
      nullptr;

  const NodeCore* core_;
  const TurnScope* outer_;
  int depth_;
};

}  // namespace trestle
