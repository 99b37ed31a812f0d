// The loops over the members of a described struct.
#include <trestle/detail/described_members.hpp>

#include <bitset>

namespace trestle::detail {
namespace {

/// The index of the member called `key`, or the size of the table. Most senders write members in
/// the order of their declaration, so `likely` is tried first.
std::size_t find_member(std::span<const MemberReader> members, std::string_view key,
                        std::size_t likely) {
  if (likely < members.size() && members[likely].name == key) return likely;
  std::size_t index = 0;
  while (index < members.size() && members[index].name != key) ++index;
  return index;
}

}  // namespace

bool write_members(Writer& writer, const void* object, std::span<const MemberWriter> members) {
  if (!writer.begin_map(members.size())) return false;
  for (const MemberWriter& member : members) {
    if (!writer.key(member.name) || !member.write(writer, object)) {
      return writer.failure().in_member(member.name);
    }
  }
  return writer.end_map();
}

bool read_members(Reader& reader, void* object, std::span<const MemberReader> members) {
  const auto count = reader.begin_map();
  if (!count) return false;
  std::bitset<members_max> seen;
  std::size_t likely = 0;
  for (std::size_t pair = 0; pair < *count; ++pair) {
    const auto key = reader.read_key();
    if (!key) return false;
    const std::size_t index = find_member(members, *key, likely);
    if (index == members.size()) {
      reader.skip();
      continue;
    }
    const MemberReader& member = members[index];
    if (seen.test(index)) {
      reader.failure().because("appears twice");
      return reader.failure().in_member(member.name);
    }
    if (!member.read(reader, object)) return reader.failure().in_member(member.name);
    seen.set(index);
    likely = index + 1;
  }
  for (std::size_t index = 0; index < members.size(); ++index) {
    if (seen.test(index) || members[index].presence == Presence::optional) continue;
    reader.failure().because("missing");
    return reader.failure().in_member(members[index].name);
  }
  return true;
}

bool fail_with_names(CodecFailure& failure, std::string_view found,
                     std::span<const std::string_view> names) {
  std::string text = "expected one of ";
  for (const std::string_view name : names) {
    if (name.data() != names.front().data()) text += ", ";
    text += name;
  }
  return failure.because(text + "; got " + detail::quoted(found));
}

}  // namespace trestle::detail
