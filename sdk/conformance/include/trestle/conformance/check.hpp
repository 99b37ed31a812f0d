// The behaviours that every transport must show, as a list of checks that anybody can run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace trestle::conformance {

/// The plugin to check, and how to reach it.
struct Subject {
  std::string plugin_path;  ///< the .so
  std::string scheme;       ///< one of the plugin's schemes
  std::string listen_uri;   ///< gives a fresh address each time: "inproc://*", "tcp://127.0.0.1:0"
  std::vector<std::string> bad_uris = {};  ///< malformed in the scheme's own way
  /// Bytes that one connection may take beyond tx_hwm_bytes before TT_E_AGAIN: buffers of the
  /// operating system or of the transport's library.
  std::uint64_t library_buffer_bytes_max = 64ull << 20;
  std::uint64_t seed = 1;  ///< of the random pauses
};

enum class Verdict { pass, fail, skip };

/// `text` says what was expected and what came, or why the check does not apply.
struct Outcome {
  Verdict verdict = Verdict::pass;
  std::string text;
};

class Bench;

/// One behaviour.
struct Check {
  const char* name;             ///< a sentence in PascalCase
  std::uint64_t required_caps;  ///< TT_CAP_*; without them the check is skipped
  void (*body)(Bench&);
};

/// All checks, in the order of docs/writing_a_transport.md.
std::span<const Check> all_checks();

/// Runs one check on a fresh set of transports. Besides what the check itself looks at, every
/// event is held against the contract, a warning in the plugin's log fails the check, and so does
/// a transport that cannot be shut down and destroyed afterwards.
/// Threads: one check at a time per process.
Outcome run(const Check& check, const Subject& subject);

}  // namespace trestle::conformance
