// The descriptor, the choice of the bug, and the bugs of loading and unloading.
#include "mutant.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

namespace mutant {
namespace {

constexpr std::string_view outer_scheme = "mutant:";
constexpr std::string_view inner_scheme = "unix:";

const tt_plugin* inner_plugin = nullptr;

struct NamedBug {
  std::string_view name;
  Bug bug;
};

constexpr NamedBug named_bugs[] = {
#define MUTANT(name, check, text) {#name, Bug::name},
#include "mutants.def"
#undef MUTANT
};

Bug read_environment() {
  const char* const wanted = std::getenv("TRESTLE_MUTANT");
  if (wanted == nullptr || std::string_view(wanted) == "none") return Bug::none;
  for (const NamedBug& known : named_bugs) {
    if (known.name == wanted) return known.bug;
  }
  std::fprintf(stderr, "TRESTLE_MUTANT=%s: no such mutant\n", wanted);
  std::abort();
}

std::string exchange_scheme(const std::string& uri, std::string_view from, std::string_view to) {
  if (!uri.starts_with(from)) return uri;
  return std::string(to) + uri.substr(from.size());
}

/// What a careless plugin does when it is loaded, and when the process ends.
struct AtLoad {
  AtLoad() {
    if (has(Bug::load_starts_thread)) start_thread();
    if (has(Bug::load_opens_descriptor)) open_descriptor(O_CLOEXEC);
    if (has(Bug::load_takes_long)) burn_processor_time();
  }
  ~AtLoad() {
    if (has(Bug::aborts_at_exit)) std::abort();
  }
};
const AtLoad at_load;

const void* extension(const char*) {
  static const int table = 0;
  return has(Bug::extension_for_everything) ? &table : nullptr;
}

constexpr tt_ops operations{
    sizeof(tt_ops), 0,         &open,       &query,         &shutdown,  &destroy,    &listen,
    &listener_uri,  &unlisten, &connect,    &conn_set_user, &conn_info, &conn_close, &conn_free,
    &send,          &flush,    &rx_release, &conn_pause,    &progress,  &arm,        nullptr};

constexpr tt_scheme schemes[] = {{"mutant", TT_REACH_HOST, 0}};

}  // namespace

Bug chosen_bug() {
  static const Bug bug = read_environment();
  return bug;
}

std::uint64_t chosen_largest() {
  constexpr std::uint64_t largest_of_the_bug = 64 * 1024;
  if (has(Bug::largest_packet_ignored)) return largest_of_the_bug;
  const char* const wanted = std::getenv("TRESTLE_MUTANT_LARGEST");
  return wanted == nullptr ? 0 : std::strtoull(wanted, nullptr, 10);
}

const tt_ops& inner() {
  return *inner_plugin->ops;
}

tt_status load_inner(tt_error* error) {
  void* const module = ::dlopen(INNER_PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module != nullptr) {
    inner_plugin = static_cast<const tt_plugin*>(::dlsym(module, "tt_plugin_v1"));
  }
  if (inner_plugin == nullptr) {
    std::snprintf(error->text, sizeof(error->text), "%s", ::dlerror());
    return TT_E_FAILED;
  }
  return inner_plugin->init == nullptr ? TT_OK : inner_plugin->init(error);
}

std::string inward(const std::string& uri) {
  // The inner scheme is no address of this transport.
  if (uri.starts_with(inner_scheme)) return "no-such-scheme" + uri.substr(inner_scheme.size() - 1);
  const std::string inner_uri = exchange_scheme(uri, outer_scheme, inner_scheme);
  return has(Bug::options_ignored) ? inner_uri.substr(0, inner_uri.find('?')) : inner_uri;
}

std::string outward(const std::string& uri) {
  return exchange_scheme(uri, inner_scheme, outer_scheme);
}

Bytes gather(std::span<const tt_iov> segments) {
  Bytes bytes;
  for (const tt_iov& segment : segments) {
    const auto* const start = static_cast<const std::byte*>(segment.base);
    bytes.insert(bytes.end(), start, start + segment.len);
  }
  return bytes;
}

Transport& self(tt_transport* transport) {
  return *reinterpret_cast<Transport*>(transport);
}

Conn& self(tt_conn* conn) {
  return *reinterpret_cast<Conn*>(conn);
}

tt_conn* handle(Conn& conn) {
  return reinterpret_cast<tt_conn*>(&conn);
}

void add_event(Transport& transport, const tt_event& event) {
  transport.extra.push_back(event);
  transport.outer->wake(transport.outer);
}

void close_every_epoll() {
  for (int number = 3; number < 1000; ++number) {
    char target[64]{};
    const std::string link = "/proc/self/fd/" + std::to_string(number);
    const auto length = ::readlink(link.c_str(), target, sizeof(target) - 1);
    if (length > 0 && std::string_view(target) == "anon_inode:[eventpoll]") ::close(number);
  }
}

void burn_processor_time() {
  const clock_t end = ::clock() + CLOCKS_PER_SEC / 4;
  while (::clock() < end) {
  }
}

void start_thread() {
  std::thread([] {
    while (true) ::pause();
  }).detach();
}

int open_descriptor(int flags) {
  return ::open("/dev/null", O_RDONLY | flags);
}

}  // namespace mutant

TT_PLUGIN_DEFINE = {TT_MAGIC, TT_ABI_MAJOR, TT_ABI_MINOR, sizeof(tt_plugin), TT_LAYOUT, 0, 0, 0,
                    "mutant", "1.0",
                    // Known only when the module is loaded, after the environment was read.
                    mutant::has(mutant::Bug::vendor_missing) ? "" : "Trestle", mutant::schemes, 1,
                    0, &mutant::load_inner, &mutant::operations, &mutant::extension};
