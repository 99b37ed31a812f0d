// A callable that is owned, moved and called: std::function without copies.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace trestle::detail {

template <class Signature>
class UniqueFunction;

/// Holds any callable, also a move-only one; up to `room_bytes` without an allocation.
/// Calling an empty one is a programming error.
template <class R, class... Arguments>
class UniqueFunction<R(Arguments...)> {
 public:
  static constexpr std::size_t room_bytes = 6 * sizeof(void*);

  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Arguments...>) UniqueFunction(F&& function) {
    using Held = std::decay_t<F>;
    if constexpr (fits<Held>) {
      ::new (static_cast<void*>(room_)) Held(std::forward<F>(function));
      operations_ = &in_place<Held>;
    } else {
      ::new (static_cast<void*>(room_)) Held*(new Held(std::forward<F>(function)));
      operations_ = &on_heap<Held>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  R operator()(Arguments... arguments) {
    return operations_->call(room_, std::forward<Arguments>(arguments)...);
  }
  explicit operator bool() const noexcept { return operations_ != nullptr; }

 private:
  struct Operations {
    R (*call)(void* room, Arguments&&... arguments);
    void (*move)(void* from, void* to) noexcept;  ///< leaves nothing behind
    void (*destroy)(void* room) noexcept;
  };

  template <class Held>
  static constexpr bool fits =
      sizeof(Held) <= room_bytes &&
      alignof(Held) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<Held>;

  template <class Held>
  static constexpr Operations in_place{
      .call = [](void* room, Arguments&&... arguments) -> R {
        return (*static_cast<Held*>(room))(std::forward<Arguments>(arguments)...);
      },
      .move =
          [](void* from, void* to) noexcept {
            ::new (to) Held(std::move(*static_cast<Held*>(from)));
            static_cast<Held*>(from)->~Held();
          },
      .destroy = [](void* room) noexcept { static_cast<Held*>(room)->~Held(); },
  };

  template <class Held>
  static constexpr Operations on_heap{
      .call = [](void* room, Arguments&&... arguments) -> R {
        return (**static_cast<Held**>(room))(std::forward<Arguments>(arguments)...);
      },
      .move = [](void* from, void* to) noexcept { ::new (to) Held*(*static_cast<Held**>(from)); },
      .destroy = [](void* room) noexcept { delete *static_cast<Held**>(room); },
  };

  void take(UniqueFunction& other) noexcept {
    if (other.operations_ == nullptr) return;
    other.operations_->move(other.room_, room_);
    operations_ = std::exchange(other.operations_, nullptr);
  }
  void reset() noexcept {
    if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(room_);
  }

  const Operations* operations_ = nullptr;
  alignas(std::max_align_t) std::byte room_[room_bytes];
};

}  // namespace trestle::detail
