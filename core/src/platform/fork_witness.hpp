// Who has to know that the process forks.
#pragma once

namespace trestle::platform {

/// Told around each fork() of the process, on the thread that forks. fork() takes along memory and
/// descriptors but only one thread: locks that others hold would stay locked in the child for ever.
class ForkWitness {
 public:
  /// Takes the locks that its other calls, and the child, need.
  virtual void before_fork() = 0;
  /// Gives them back, in the process that goes on.
  virtual void after_fork() = 0;
  /// Gives them back in the child, where nothing of it but memory is left.
  virtual void after_fork_in_child() = 0;

 protected:
  ~ForkWitness() = default;
};

/// As long as it lives, its witness is told. Threads: any.
class ForkWatch {
 public:
  explicit ForkWatch(ForkWitness& witness);
  ~ForkWatch();
  ForkWatch(const ForkWatch&) = delete;
  ForkWatch& operator=(const ForkWatch&) = delete;

 private:
  ForkWitness& witness_;
};

}  // namespace trestle::platform
