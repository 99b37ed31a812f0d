// Whether this build looks for errors in the use of memory.
#pragma once

#ifndef __has_feature
#define __has_feature(feature) 0  // clang asks so, g++ defines __SANITIZE_ADDRESS__ and its like
#endif

namespace trestle::platform {

/// Recycled memory would hide from a sanitizer who uses it too late.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace trestle::platform
