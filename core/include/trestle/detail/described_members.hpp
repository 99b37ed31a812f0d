// Writes and reads described structs through tables of members, so that the loop is compiled once.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <trestle/detail/reader.hpp>
#include <trestle/detail/writer.hpp>
#include <trestle/export.hpp>

namespace trestle::detail {

/// How many members a described struct may have.
inline constexpr std::size_t members_max = 256;

/// Whether a document may lack a member.
enum class Presence : std::uint8_t { required, optional };

struct MemberWriter {
  std::string_view name;
  bool (*write)(Writer& writer, const void* object);
};

struct MemberReader {
  std::string_view name;
  Presence presence;
  bool (*read)(Reader& reader, void* object);
};

TRESTLE_EXPORT bool write_members(Writer& writer, const void* object,
                                  std::span<const MemberWriter> members);
/// Unknown members are passed over; a known one twice, or a required one missing, is a failure.
TRESTLE_EXPORT bool read_members(Reader& reader, void* object,
                                 std::span<const MemberReader> members);

/// The index of `name` in `names`; a failure lists them.
TRESTLE_EXPORT bool fail_with_names(CodecFailure& failure, std::string_view found,
                                    std::span<const std::string_view> names);

}  // namespace trestle::detail
