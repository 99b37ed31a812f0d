// Every code: a name, a sentence, a number of its own.
#include <gtest/gtest.h>
#include <trestle/error.hpp>

#include <array>
#include <set>
#include <string>

namespace trestle {
namespace {

constexpr std::array all{
    Errc::invalid_argument,  Errc::no_target,
    Errc::unknown_peer,      Errc::reserved_name,
    Errc::name_too_long,     Errc::handler_exists,
    Errc::payload_too_large, Errc::would_block_for_ever,
    Errc::encode_failed,     Errc::unknown_scheme,
    Errc::plugin_rejected,   Errc::bad_endpoint,
    Errc::insecure_listener, Errc::address_in_use,
    Errc::connect_refused,   Errc::unreachable,
    Errc::transport_failed,  Errc::handler_not_found,
    Errc::kind_mismatch,     Errc::undecodable,
    Errc::overloaded,        Errc::draining,
    Errc::not_permitted,     Errc::handler_failed,
    Errc::no_reply,          Errc::bad_reply,
    Errc::deadline_exceeded, Errc::cancelled,
    Errc::connection_lost,   Errc::shut_down,
    Errc::too_many_calls,    Errc::queue_full,
    Errc::handshake_failed,  Errc::version_mismatch,
    Errc::identity_mismatch, Errc::stale_incarnation,
    Errc::protocol_error,    Errc::duplicate_connection,
};

bool is_listed(Errc code) {
  for (const Errc known : all) {
    if (known == code) return true;
  }
  return false;
}

TEST(Errc, GivesEachCodeANameAndASentenceOfItsOwn) {
  std::set<std::string> names;
  std::set<std::string> sentences;
  for (const Errc code : all) {
    names.emplace(to_string(code));
    sentences.insert(make_error_code(code).message());
  }

  EXPECT_EQ(names.size(), all.size());
  EXPECT_EQ(sentences.size(), all.size());
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Errc, HasNoCodeThatTheListAboveLacks) {
  for (int value = 0; value < 1000; ++value) {
    const auto code = static_cast<Errc>(value);
    EXPECT_EQ(to_string(code) != "unknown", is_listed(code)) << value;
  }
}

TEST(Errc, NamesTheNumberOfAnUnknownCode) {
  EXPECT_EQ(error_category().message(9999), "unknown error 9999");
  EXPECT_EQ(to_string(static_cast<Errc>(9999)), "unknown");
}

TEST(ErrorCategory, EqualsACopyOfItselfInAnotherModule) {
  struct Copy final : boost::system::error_category {
    Copy() : error_category(0x7472657374'6C6501u) {}
    const char* name() const noexcept override { return "trestle"; }
    std::string message(int) const override { return {}; }
  } copy;

  EXPECT_EQ(error_category(), copy);
  EXPECT_NE(error_category(), boost::system::generic_category());
}

}  // namespace
}  // namespace trestle
