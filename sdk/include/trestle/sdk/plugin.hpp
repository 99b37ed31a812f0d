// Turns a class that models sdk::Transport into a plugin: every slot noexcept, nothing escapes.
#pragma once

#include <trestle/sdk/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>

namespace trestle::sdk {

/// Copies what fits of `source` into a table whose maker may know fewer members than we do.
/// The `size` member keeps what the maker said.
template <class Table>
void fill_table(Table* target, Table source) noexcept {
  const std::uint32_t known = target->size;
  source.size = known;
  std::memcpy(target, &source, std::min<std::size_t>(known, sizeof(Table)));
}

/// Writes `error` into the host's table; the text is cut to fit. `target` may be null.
inline void fill_error(tt_error* target, const Error& error) noexcept {
  if (target == nullptr) return;
  tt_error full{};
  full.code = error.code;
  full.os_errno = error.os_errno;
  full.native = error.native;
  const std::size_t length = std::min(error.text.size(), sizeof(full.text) - 1);
  std::memcpy(full.text, error.text.data(), length);
  const std::uint32_t size = target->size;
  fill_table(target, full);
  // A shorter table may have cut the terminator off.
  if (size > offsetof(tt_error, text) && size < sizeof(tt_error)) {
    reinterpret_cast<char*>(target)[size - 1] = '\0';
  }
}

/// The slots of tt_ops for transport class `T`.
template <Transport T>
class PluginSlots {
 public:
  /// All slots, those for what T does not have set to null.
  static constexpr tt_ops table() noexcept {
    tt_ops ops{};
    ops.size = sizeof(tt_ops);
    ops.open = &open;
    ops.query = &query;
    ops.shutdown = &shutdown;
    ops.destroy = &destroy;
    ops.listen = &listen;
    ops.listener_uri = &listener_uri;
    ops.unlisten = &unlisten;
    ops.connect = &connect;
    ops.conn_set_user = &conn_set_user;
    ops.conn_info = &conn_info;
    ops.conn_close = &conn_close;
    ops.conn_free = &conn_free;
    ops.send = &send;
    ops.progress = &progress;
    ops.arm = &arm;
    if constexpr (requires(T t) { t.flush(); }) ops.flush = &flush;
    if constexpr (requires(T t, tt_rx & rx) { t.release(rx); }) ops.rx_release = &rx_release;
    if constexpr (requires(T t, Connection & c) { t.pause(c, Reading::pause); }) {
      ops.conn_pause = &conn_pause;
    }
    if constexpr (requires(T t, const char* id) { t.extension(id); }) ops.extension = &extension;
    return ops;
  }

 private:
  using Connection = typename T::Connection;
  using Listener = typename T::Listener;

  /// What the opaque tt_transport really is.
  struct Instance {
    Host host;
    std::unique_ptr<T> transport;
  };

  static Instance& self(tt_transport* t) noexcept { return *reinterpret_cast<Instance*>(t); }
  static T& get(tt_transport* t) noexcept { return *self(t).transport; }
  static Connection& as_conn(tt_conn* c) noexcept { return *reinterpret_cast<Connection*>(c); }
  static Listener& as_listener(tt_listener* l) noexcept { return *reinterpret_cast<Listener*>(l); }

  /// Runs `body`; an exception becomes `failed`, a line in the host's log, and the text of `error`
  /// in a cold call.
  template <class Result, class Body>
  static Result guarded(Host host, const char* slot, Result failed, Body body,
                        tt_error* error = nullptr) noexcept {
    try {
      return body();
    } catch (const std::exception& e) {
      report(host, slot, e.what(), error);
    } catch (...) {
      report(host, slot, "an exception of unknown type", error);
    }
    return failed;
  }

  /// A host before 0.12 knows no such limit.
  static std::uint64_t first_packet_bytes_max(const tt_open_params& params) noexcept {
    if (!TT_HAS(tt_open_params, &params, rx_first_msg_max) || params.rx_first_msg_max == 0) {
      return params.rx_max_msg;
    }
    return std::min(params.rx_first_msg_max, params.rx_max_msg);
  }

  static void report(Host host, const char* slot, const char* what, tt_error* error) noexcept {
    try {
      const std::string text = std::string(slot) + " threw: " + what;
      host.log(TT_LOG_ERROR, text);
      fill_error(error, Error{TT_E_FAILED, text});
    } catch (const std::bad_alloc&) {
      // No memory for the message either; the status still says that the call failed.
    }
  }

  template <class Value>
  static tt_status hand_out(Result<Value> result, Value* out, tt_error* error) {
    if (result.has_error()) {
      fill_error(error, result.error());
      return result.error().code;
    }
    *out = *result;
    return TT_OK;
  }

  static tt_status open(const tt_host* table, const tt_open_params* params, tt_transport** out,
                        tt_error* error) noexcept {
    const Host host(table);
    const auto body = [&]() -> tt_status {
      const OpenOptions options{
          .scheme = params->scheme,
          .defaults = {params->kv, params->nkv},
          .packet_bytes_max = params->rx_max_msg,
          .queue_bytes_max = params->tx_hwm_bytes,
          .linger = std::chrono::nanoseconds(static_cast<std::int64_t>(params->linger_ns)),
          .threads_allowed = (params->flags & TT_OPEN_NO_THREADS) == 0,
          .first_packet_bytes_max = first_packet_bytes_max(*params),
      };
      auto opened = T::open(host, options);
      if (opened.has_error()) {
        fill_error(error, opened.error());
        return opened.error().code;
      }
      auto instance = std::make_unique<Instance>(Instance{host, std::move(*opened)});
      *out = reinterpret_cast<tt_transport*>(instance.release());
      return TT_OK;
    };
    return guarded(host, "open", tt_status{TT_E_FAILED}, body, error);
  }

  static tt_status query(tt_transport* t, tt_attr* attr) noexcept {
    return guarded(self(t).host, "query", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      fill_table(attr, get(t).attributes());
      return TT_OK;
    });
  }

  static void shutdown(tt_transport* t, std::uint32_t) noexcept {
    guarded(self(t).host, "shutdown", 0, [&] { return get(t).shutdown(), 0; });
  }

  static tt_status destroy(tt_transport* t) noexcept {
    return guarded(self(t).host, "destroy", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      if (!get(t).can_destroy()) return TT_E_BUSY;
      delete &self(t);
      return TT_OK;
    });
  }

  static tt_status listen(tt_transport* t, const char* uri, void* user, tt_listener** out,
                          tt_error* error) noexcept {
    const auto body = [&] {
      return hand_out(get(t).listen(uri, user), reinterpret_cast<Listener**>(out), error);
    };
    return guarded(self(t).host, "listen", tt_status{TT_E_FAILED}, body, error);
  }

  static tt_status listener_uri(tt_transport* t, tt_listener* l, char* buf,
                                std::size_t* len) noexcept {
    return guarded(self(t).host, "listener_uri", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      const std::string uri = get(t).listener_uri(as_listener(l));
      const std::size_t room = *len;
      *len = uri.size() + 1;
      if (room < *len) return TT_E_TOOBIG;
      std::memcpy(buf, uri.c_str(), *len);
      return TT_OK;
    });
  }

  static void unlisten(tt_transport* t, tt_listener* l) noexcept {
    guarded(self(t).host, "unlisten", 0, [&] { return get(t).unlisten(as_listener(l)), 0; });
  }

  static tt_status connect(tt_transport* t, const char* uri, void* user, tt_conn** out,
                           tt_error* error) noexcept {
    const auto body = [&] {
      return hand_out(get(t).connect(uri, user), reinterpret_cast<Connection**>(out), error);
    };
    return guarded(self(t).host, "connect", tt_status{TT_E_FAILED}, body, error);
  }

  static void conn_set_user(tt_transport* t, tt_conn* c, void* user) noexcept {
    guarded(self(t).host, "conn_set_user", 0, [&] { return get(t).set_user(as_conn(c), user), 0; });
  }

  static tt_status conn_info(tt_transport* t, tt_conn* c, tt_conn_info* out) noexcept {
    return guarded(self(t).host, "conn_info", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      const ConnectionInfo info = get(t).describe(as_conn(c));
      tt_conn_info full{};
      full.peer_pid = info.peer_pid;
      full.peer_uid = info.peer_uid;
      info.local_uri.copy(full.local_uri, sizeof(full.local_uri) - 1);
      info.peer_uri.copy(full.peer_uri, sizeof(full.peer_uri) - 1);
      fill_table(out, full);
      return TT_OK;
    });
  }

  static void conn_close(tt_transport* t, tt_conn* c, std::uint32_t flags) noexcept {
    const auto mode = (flags & TT_CLOSE_ABORT) != 0 ? CloseMode::abort : CloseMode::orderly;
    guarded(self(t).host, "conn_close", 0, [&] { return get(t).close(as_conn(c), mode), 0; });
  }

  static void conn_free(tt_transport* t, tt_conn* c) noexcept {
    guarded(self(t).host, "conn_free", 0, [&] { return get(t).free(as_conn(c)), 0; });
  }

  static tt_status send(tt_transport* t, tt_conn* c, const tt_iov* iov, std::uint32_t n,
                        std::uint32_t flags, std::uint64_t op) noexcept {
    return guarded(self(t).host, "send", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      return get(t).send(as_conn(c), {iov, n}, flags, op);
    });
  }

  static tt_status flush(tt_transport* t) noexcept {
    return guarded(self(t).host, "flush", tt_status{TT_E_FAILED},
                   [&]() -> tt_status { return get(t).flush(); });
  }

  static void rx_release(tt_transport* t, tt_rx* rx) noexcept {
    guarded(self(t).host, "rx_release", 0, [&] { return get(t).release(*rx), 0; });
  }

  static void conn_pause(tt_transport* t, tt_conn* c, std::int32_t on) noexcept {
    const auto reading = on != 0 ? Reading::pause : Reading::resume;
    guarded(self(t).host, "conn_pause", 0, [&] { return get(t).pause(as_conn(c), reading), 0; });
  }

  static std::int32_t progress(tt_transport* t, tt_event* events, std::uint32_t cap) noexcept {
    return guarded(self(t).host, "progress", std::int32_t{TT_E_FAILED}, [&]() -> std::int32_t {
      return get(t).progress({events, cap});
    });
  }

  static tt_status arm(tt_transport* t, std::uint64_t* deadline_ns) noexcept {
    return guarded(self(t).host, "arm", tt_status{TT_E_FAILED}, [&]() -> tt_status {
      const Arming arming = get(t).arm();
      *deadline_ns = arming.deadline ? static_cast<std::uint64_t>(arming.deadline->count()) : 0;
      return arming.may_sleep ? TT_OK : TT_E_BUSY;
    });
  }

  static const void* extension(tt_transport* t, const char* id) noexcept {
    return guarded<const void*>(self(t).host, "extension", nullptr,
                                [&]() -> const void* { return get(t).extension(id); });
  }
};

/// The table of slots, in the plugin's read-only data.
template <Transport T>
inline constexpr tt_ops plugin_ops = PluginSlots<T>::table();

/// The oldest minor version of a host whose tables are enough for what is in these headers.
inline constexpr std::uint16_t oldest_host_minor = 9;

/// What a plugin says of itself before any of its code runs.
struct PluginIdentity {
  const char* name;                                  ///< such as "tcp"
  const char* version;                               ///< of the plugin
  const char* vendor;                                ///< who made it
  std::uint16_t min_host_minor = oldest_host_minor;  ///< more, if you read newer members unasked
};

/// The plugin descriptor, for `TT_PLUGIN_DEFINE = describe_plugin<MyTransport>(…);`
/// Source: docs/writing_a_transport.md.
template <Transport T, std::size_t N>
constexpr tt_plugin describe_plugin(PluginIdentity identity, const tt_scheme (&schemes)[N]) {
  tt_plugin plugin{};
  plugin.magic = TT_MAGIC;
  plugin.abi_major = TT_ABI_MAJOR;
  plugin.abi_minor = TT_ABI_MINOR;
  plugin.size = sizeof(tt_plugin);
  plugin.layout = TT_LAYOUT;
  plugin.min_host_minor = identity.min_host_minor;
  plugin.name = identity.name;
  plugin.version = identity.version;
  plugin.vendor = identity.vendor;
  plugin.schemes = schemes;
  plugin.nschemes = static_cast<std::uint32_t>(N);
  plugin.ops = &plugin_ops<T>;
  return plugin;
}

}  // namespace trestle::sdk
