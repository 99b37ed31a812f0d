// Transports on top of one another, as a node takes and refuses them.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

namespace trestle {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Stacking : public ::testing::Test {
 protected:
  static NodeOptions with_wrapper() {
    NodeOptions options;
    options.workers = 1;
    options.plugins = {TRESTLE_PASS_PLUGIN};
    return options;
  }

  Node node_{with_wrapper()};
};

TEST_F(Stacking, KeepsTheWrappersSchemeInUris) {
  const auto uri = node_.listen("pass+tcp://127.0.0.1:0");

  ASSERT_TRUE(uri.has_value()) << uri.error().text;
  EXPECT_THAT(*uri, StartsWith("pass+tcp://127.0.0.1:"));
}

TEST_F(Stacking, NamesTheWrapperAndWhatIsMissing) {
  const auto refused = node_.connect("pass+pigeon://coop");

  EXPECT_TRUE(refused.error().is(Errc::unknown_scheme)) << refused.error().text;
  EXPECT_THAT(refused.error().text,
              AllOf(HasSubstr("'pass+pigeon' wraps 'pigeon'"), HasSubstr("trestle_pigeon.so")));
}

TEST_F(Stacking, EndsAtFourTransports) {
  EXPECT_TRUE(node_.listen("pass+pass+pass+inproc://*").has_value());

  const auto refused = node_.listen("pass+pass+pass+pass+inproc://*");

  EXPECT_TRUE(refused.error().is(Errc::bad_endpoint)) << refused.error().text;
  EXPECT_THAT(refused.error().text, HasSubstr("at most 4 transports"));
}

TEST_F(Stacking, ReachesAsFarAsTheInnermost) {
  const auto exposed = node_.listen("pass+pass+tcp://0.0.0.0:0");
  EXPECT_TRUE(exposed.error().is(Errc::insecure_listener)) << exposed.error().text;

  EXPECT_TRUE(node_.listen("pass+pass+unix://*").has_value()) << "this host alone";
  EXPECT_TRUE(node_.listen("pass+tcp://0.0.0.0:0?insecure=1").has_value());
}

TEST_F(Stacking, TellsARefusalInTheWordsOfTheInner) {
  const std::string uri = node_.listen("pass+unix://*").value();
  ASSERT_TRUE(node_.close().has_value());
  Node other(with_wrapper());

  const auto refused = other.connect(uri);

  EXPECT_TRUE(refused.error().is(Errc::connect_refused)) << refused.error().text;
  EXPECT_THAT(refused.error().text, HasSubstr(uri));
}

TEST_F(Stacking, TakesNoOtherSchemesMoreThanOnePlus) {
  const auto refused = node_.listen("tcp+x+y://127.0.0.1:0");

  EXPECT_TRUE(refused.error().is(Errc::plugin_rejected)) << refused.error().text;
}

}  // namespace
}  // namespace trestle
