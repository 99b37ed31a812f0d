// What a thread does between two looks at something that another one changes.
#pragma once

namespace trestle::platform {

/// Tells the CPU that this is a waiting loop.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();  // _mm_pause() without its header, which costs each source half a second
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace trestle::platform
