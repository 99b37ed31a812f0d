// Making, printing and parsing 128-bit ids.
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <trestle/ids.hpp>

#include <algorithm>

namespace trestle {
namespace {

boost::uuids::uuid as_uuid(const std::array<std::uint8_t, 16>& bytes) {
  boost::uuids::uuid uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.begin());
  return uuid;
}

template <class Id>
std::optional<Id> parse_as(std::string_view text) {
  // Boost also takes braces and missing dashes; one printed form is enough.
  if (text.size() != 36 || text[8] != '-') return std::nullopt;
  try {
    const auto uuid = boost::uuids::string_generator()(text.begin(), text.end());
    typename Id::Bytes bytes;
    std::copy(uuid.begin(), uuid.end(), bytes.begin());
    return Id(bytes);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

}  // namespace

InstanceId random_instance_id() {
  boost::uuids::random_generator_pure generator;  // straight from the kernel
  const boost::uuids::uuid uuid = generator();
  InstanceId::Bytes bytes;
  std::copy(uuid.begin(), uuid.end(), bytes.begin());
  return InstanceId(bytes);
}

std::string to_string(const InstanceId& id) {
  return boost::uuids::to_string(as_uuid(id.bytes()));
}
std::string to_string(const MessageId& id) {
  return boost::uuids::to_string(as_uuid(id.bytes()));
}
std::string to_string(const HostId& id) {
  return boost::uuids::to_string(as_uuid(id.bytes()));
}

std::optional<InstanceId> parse_instance_id(std::string_view text) {
  return parse_as<InstanceId>(text);
}

std::optional<HostId> parse_host_id(std::string_view text) {
  return parse_as<HostId>(text);
}

}  // namespace trestle
