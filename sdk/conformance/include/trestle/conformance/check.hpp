// The behaviours that every transport must show, as a list of checks that anybody can run.
#pragma once

#include <chrono>
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
  /// Modules of transports that a wrapper such as "pass+tcp" may ask for. Besides these, the plugin
  /// itself, and trestle_NAME.so in its folder.
  std::vector<std::string> inner_plugins = {};
  /// Another plugin, to be loaded into the same process. Empty: a copy of the first.
  std::string neighbour_plugin = {};
  /// Bytes that one connection may take beyond tx_hwm_bytes before TT_E_AGAIN: buffers of the
  /// operating system or of the transport's library.
  std::uint64_t library_buffer_bytes_max = 64ull << 20;
  std::uint64_t seed = 1;             ///< of all that is random
  std::chrono::seconds patience{20};  ///< nothing that must happen takes longer than this
};

/// How a check ended.
enum class Verdict { pass, fail, skip };

/// What came of a check. The last three are set if it failed.
struct Outcome {
  Verdict verdict = Verdict::pass;  ///< how it ended
  std::string text;                 ///< all that there is to say, or why the check does not apply
  std::string expected;             ///< what the contract asks for
  std::string happened;             ///< what the transport did instead
  std::string reference;  ///< where the contract says so: "docs/writing_a_transport.md#flow"
};

class Bench;

/// Whether other checks may run at the same time; those that look at time want to be alone.
enum class Company { any, alone };

/// Who loads the plugin: run(), before the body, or the body itself.
enum class Loading { before_the_check, by_the_check };

/// Whether a warning in the plugin's log fails the check, or is what the check provokes.
enum class Warnings { fail, provoked };

/// Whether the transport has to listen and to connect; without the capabilities it is skipped.
enum class Traffic { connections, none };

/// What a check asks of those who run it.
struct Needs {
  unsigned peer_processes = 0;                  ///< forked before the plugin is loaded
  Company company = Company::any;               ///< who else may run
  Loading loading = Loading::before_the_check;  ///< by whom
  Warnings warnings = Warnings::fail;           ///< what they mean
  Traffic traffic = Traffic::connections;       ///< and whether the transport must carry any
};

/// One behaviour.
struct Check {
  const char* name;             ///< a sentence in PascalCase
  const char* rule;             ///< the section of docs/writing_a_transport.md that asks for it
  std::uint64_t required_caps;  ///< TT_CAP_*; without them the check is skipped
  void (*body)(Bench&);         ///< what it does; run() calls it
  Needs needs = {};             ///< of those who run it
};

/// All checks, in the order of docs/writing_a_transport.md.
std::span<const Check> all_checks();

/// Fails if the transport cannot listen at the subject's listen_uri, although it says that it
/// listens. Leaves a transport behind: for a process that ends then.
Outcome try_to_listen(const Subject& subject);

/// Where the contract asks for what the check looks at.
std::string reference_of(const Check& check);

/// Runs one check on a fresh set of transports. Besides what the check itself looks at, every
/// event is held against the contract, a warning in the plugin's log fails the check, and so does
/// a transport that cannot be shut down and destroyed afterwards.
/// Some checks fork: run them before this process has started threads or loaded the plugin.
/// Threads: one check at a time per process.
Outcome run(const Check& check, const Subject& subject);

}  // namespace trestle::conformance
