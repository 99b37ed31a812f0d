// The functions behind a transport's host table.
#include "engine/host_table.hpp"

#include <trestle/sdk/plugin.hpp>

#include <new>

namespace trestle::engine {
namespace {

void* allocate(const tt_host*, std::size_t size, std::size_t align) {
  return ::operator new(size, std::align_val_t(align), std::nothrow);
}

void deallocate(const tt_host*, void* p, std::size_t, std::size_t align) {
  ::operator delete(p, std::align_val_t(align));
}

}  // namespace

HostTable::HostTable(const HostServices& services, std::string_view scheme, std::uint32_t depth)
    : services_(services), scheme_(scheme), depth_(depth), table_{} {
  table_.size = sizeof(tt_host);
  table_.abi_major = TT_ABI_MAJOR;
  table_.abi_minor = TT_ABI_MINOR;
  table_.ctx = this;
  table_.wake = [](const tt_host* h) { self(h).services_.wake(); };
  table_.now = [](const tt_host* h) {
    return static_cast<std::uint64_t>(self(h).services_.now().count());
  };
  table_.log = [](const tt_host* h, std::int32_t level, const char* text) {
    self(h).services_.log(level, text);
  };
  table_.alloc = &allocate;
  table_.dealloc = &deallocate;
  table_.extension = [](const tt_host*, const char* id) -> const void* {
    static constexpr tt_stack stack{
        sizeof(tt_stack), depth_max,
        [](const tt_host* h, const tt_open_params* params, tt_inner* out, tt_error* error) {
          return self(h).open_inner(*params, *out, error);
        }};
    return std::string_view(id) == TT_STACK_ID ? &stack : nullptr;
  };
}

Result<FoundPlugin> HostTable::find_inner(std::string_view scheme) const {
  if (depth_ == depth_max) {
    return Error(Errc::bad_endpoint, "at most " + std::to_string(depth_max) +
                                         " transports may lie on top of one another");
  }
  if (!services_.find_plugin) return Error(Errc::unknown_scheme, "nothing can be wrapped here");
  return services_.find_plugin(scheme);
}

tt_status HostTable::open_inner(const tt_open_params& params, tt_inner& out, tt_error* error) {
  const auto plugin = find_inner(params.scheme);
  if (plugin.has_error()) {
    const std::string text =
        "'" + scheme_ + "' cannot wrap '" + params.scheme + "': " + plugin.error().text;
    sdk::fill_error(error, sdk::Error(TT_E_ADDR, text));
    return TT_E_ADDR;
  }
  // Lives as long as the wrapper's own, even if the transport does not open: they are few.
  inner_.emplace_back(new HostTable(services_, params.scheme, depth_ + 1));
  const tt_host* const table = inner_.back()->get();
  tt_inner inner{sizeof(tt_inner), plugin->reach, plugin->descriptor.ops, nullptr};
  const tt_status status = inner.ops->open(table, &params, &inner.transport, error);
  if (status >= 0) sdk::fill_table(&out, inner);
  return status;
}

}  // namespace trestle::engine
