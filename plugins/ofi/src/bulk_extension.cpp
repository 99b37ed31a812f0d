// The table behind tt.bulk: C on the outside, connections inside.
#include <trestle/sdk/plugin.hpp>

#include <exception>
#include <string_view>

#include "ofi_transport.hpp"

namespace trestle::ofi {
namespace {

constexpr std::uint64_t bytes_worth_it = 1024 * 1024;

Connection& as_connection(tt_conn* conn) noexcept {
  return *reinterpret_cast<Connection*>(conn);
}

/// Runs `body`; nothing is thrown here but for want of memory.
template <class Body>
tt_status guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::exception&) {
    return TT_E_NOMEM;
  }
}

tt_status limits(tt_transport*, tt_conn* conn, tt_bulk_limits* out) noexcept {
  const Connection& connection = as_connection(conn);
  if (!connection.has_bulk()) return TT_E_UNSUPPORTED;
  tt_bulk_limits full{};
  full.operations_max = BulkTransfers::operations_max;
  full.bytes_max = connection.bulk_bytes_max();
  full.bytes_min = bytes_worth_it;
  sdk::fill_table(out, full);
  return TT_OK;
}

tt_status offer(tt_transport*, tt_conn* conn, void* bytes, std::size_t len, std::uint32_t access,
                tt_bulk_range* range, tt_bulk_region** out, tt_error* error) noexcept {
  return guarded([&]() -> tt_status {
    Connection& connection = as_connection(conn);
    if (!connection.has_bulk()) return TT_E_UNSUPPORTED;
    const auto region = connection.offer({static_cast<std::byte*>(bytes), len}, access, *range);
    if (region.has_error()) {
      sdk::fill_error(error, region.error());
      return region.error().code;
    }
    *out = *region;
    return TT_OK;
  });
}

void withdraw(tt_transport*, tt_conn* conn, tt_bulk_region* region) noexcept {
  as_connection(conn).withdraw(region);
}

tt_status get(tt_transport*, tt_conn* conn, const tt_bulk_range* range, std::uint64_t op) noexcept {
  return guarded([&]() -> tt_status {
    Connection& connection = as_connection(conn);
    return connection.has_bulk() ? connection.get(*range, op) : TT_E_UNSUPPORTED;
  });
}

tt_status put(tt_transport*, tt_conn* conn, const void* bytes, std::size_t len,
              const tt_bulk_range* range, std::uint64_t op) noexcept {
  return guarded([&]() -> tt_status {
    Connection& connection = as_connection(conn);
    if (!connection.has_bulk()) return TT_E_UNSUPPORTED;
    return connection.put({static_cast<const std::byte*>(bytes), len}, *range, op);
  });
}

tt_status retire(tt_transport*, tt_conn* conn, tt_bulk_region* region, std::uint64_t op) noexcept {
  return guarded([&] { return as_connection(conn).retire(region, op); });
}

constexpr tt_bulk table{sizeof(tt_bulk), 0, &limits, &offer, &withdraw, &get, &put, &retire};

}  // namespace

const void* OfiTransport::extension(const char* id) noexcept {
  return std::string_view(id) == TT_BULK_ID ? &table : nullptr;
}

}  // namespace trestle::ofi
