// Loads the plugin, and plays the host.
#include "driven_transport.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace trestle::inproc::testing {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "inproc did not do what it must: %s\n", what);
  std::abort();
}

const tt_plugin& plugin() {
  static const tt_plugin* const loaded = [] {
    void* const module = dlopen(INPROC_PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL);
    require(module != nullptr, "load");
    return static_cast<const tt_plugin*>(dlsym(module, "tt_plugin_v1"));
  }();
  return *loaded;
}

}  // namespace

DrivenTransport::DrivenTransport(std::uint64_t queue_bytes_max) {
  host_.size = sizeof(host_);
  host_.abi_major = TT_ABI_MAJOR;
  host_.abi_minor = TT_ABI_MINOR;
  host_.ctx = this;
  host_.wake = [](const tt_host* host) { static_cast<DrivenTransport*>(host->ctx)->wake(); };
  host_.now = [](const tt_host*) -> std::uint64_t { return 1; };
  host_.log = [](const tt_host*, std::int32_t, const char* text) { std::fputs(text, stderr); };
  host_.alloc = [](const tt_host*, std::size_t size, std::size_t align) {
    return ::operator new(size, std::align_val_t(align), std::nothrow);
  };
  host_.dealloc = [](const tt_host*, void* memory, std::size_t, std::size_t align) {
    ::operator delete(memory, std::align_val_t(align));
  };
  host_.extension = [](const tt_host*, const char*) -> const void* { return nullptr; };
  tt_open_params params{};
  params.size = sizeof(params);
  params.scheme = "inproc";
  params.rx_max_msg = 64 << 20;
  params.tx_hwm_bytes = queue_bytes_max;
  require(ops().open(&host_, &params, &handle_, nullptr) == TT_OK, "open");
}

DrivenTransport::~DrivenTransport() {
  if (handle_ == nullptr) return;
  shutdown();
  for (bool down = false; !down;) {
    for (const tt_event& event : progress()) {
      if (event.kind == TT_EV_PACKET && event.rx != nullptr) release(event.rx);
      if (event.kind == TT_EV_CLOSED) free(event.conn);
      if (event.kind == TT_EV_DOWN) down = true;
    }
  }
  require(destroy() == TT_OK, "destroy after DOWN");
}

const tt_ops& DrivenTransport::ops() const {
  return *plugin().ops;
}

std::string DrivenTransport::listen() {
  tt_listener* listener = nullptr;
  require(ops().listen(handle_, "inproc://*", nullptr, &listener, nullptr) == TT_OK, "listen");
  std::array<char, 256> uri{};
  std::size_t length = uri.size();
  require(ops().listener_uri(handle_, listener, uri.data(), &length) == TT_OK, "listener_uri");
  return uri.data();
}

tt_conn* DrivenTransport::connect(const std::string& uri) {
  tt_conn* conn = nullptr;
  require(ops().connect(handle_, uri.c_str(), nullptr, &conn, nullptr) == TT_OK, "connect");
  return conn;
}

tt_status DrivenTransport::send(tt_conn* conn, std::string_view bytes, std::uint32_t flags,
                                std::uint64_t op) {
  const tt_iov segment{bytes.data(), bytes.size()};
  return ops().send(handle_, conn, &segment, 1, flags, op);
}

tt_status DrivenTransport::destroy() {
  const tt_status status = ops().destroy(handle_);
  if (status == TT_OK) handle_ = nullptr;
  return status;
}

std::span<const tt_event> DrivenTransport::progress() {
  const std::int32_t count =
      ops().progress(handle_, events_.data(), static_cast<std::uint32_t>(events_.size()));
  require(count >= 0, "progress");
  return {events_.data(), static_cast<std::size_t>(count)};
}

tt_status DrivenTransport::arm() {
  std::uint64_t deadline = 0;
  return ops().arm(handle_, &deadline);
}

void DrivenTransport::sleep() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = false;
  }
  if (arm() != TT_OK) return;
  std::unique_lock lock(mutex_);
  woken_.wait(lock, [this] { return awake_; });
}

void DrivenTransport::wake() {
  const std::lock_guard lock(mutex_);
  awake_ = true;
  woken_.notify_one();
}

Pair::Pair(std::uint64_t queue_bytes_max) : sender(queue_bytes_max), receiver(queue_bytes_max) {
  out = sender.connect(receiver.listen());
  require(sender.progress().size() == 1, "CONNECTED");
  const auto accepted = receiver.progress();
  require(accepted.size() == 1 && accepted.front().kind == TT_EV_ACCEPTED, "ACCEPTED");
  in = accepted.front().conn;
}

}  // namespace trestle::inproc::testing
