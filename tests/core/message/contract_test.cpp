// Whether a handler is what a sender expects, case by case.
#include <gtest/gtest.h>
#include <trestle/contract.hpp>

#include <string>

namespace trestle {
namespace {

using Response = Expectation::Response;

struct Case {
  Expectation expected;
  HandlerContract contract;
  std::string text;  // of the error; empty: it fits
};

const std::string wants_none =
    "Response expectation mismatch: client expects response=false, handler provides response=true";
const std::string wants_one =
    "Response expectation mismatch: client expects response=true, handler provides response=false";

TEST(Expectation, FitsOrNamesBothSides) {
  const HandlerContract note{HandlerKind::am, "int32", ""};
  const HandlerContract store{HandlerKind::ack, "int32", ""};
  const HandlerContract sum{HandlerKind::unary, "int32", "float64"};
  const HandlerContract raw{HandlerKind::unary, "bytes", "bytes"};
  const HandlerContract nothing{HandlerKind::unary, "int32", ""};
  const Case cases[] = {
      {{Response::none, ""}, note, ""},
      {{Response::none, ""}, store, ""},
      {{Response::none, ""}, sum, wants_none},
      {{Response::none, "ignored"}, store, ""},
      {{Response::bytes, ""}, note, wants_one},
      {{Response::bytes, ""}, store, wants_one},
      {{Response::bytes, ""}, sum, ""},
      {{Response::bytes, "ignored"}, sum, ""},
      {{Response::bytes, ""}, nothing, ""},
      {{Response::typed, "float64"}, note, wants_one},
      {{Response::typed, "float64"}, sum, ""},
      {{Response::typed, "bytes"}, raw, ""},
      {{Response::typed, ""}, nothing, ""},
      {{Response::typed, "string"},
       sum,
       "Response type mismatch: client expects 'string', handler provides 'float64'"},
      {{Response::typed, "float64"},
       nothing,
       "Response type mismatch: client expects 'float64', handler provides ''"},
      {{Response::typed, "Float64"},
       sum,
       "Response type mismatch: client expects 'Float64', handler provides 'float64'"},
  };

  for (const Case& one : cases) {
    SCOPED_TRACE(to_string(one.contract) + ", expected " + one.expected.response_type);
    const auto checked = check_expectation(one.expected, one.contract);
    EXPECT_EQ(checked.has_error() ? checked.error().text : "", one.text);
    EXPECT_TRUE(!checked.has_error() || checked.error().is(Errc::kind_mismatch));
  }
}

}  // namespace
}  // namespace trestle
