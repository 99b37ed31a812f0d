// The transports that scenarios run over.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace trestle::scenarios {

/// One line of the list in CMakeLists.txt.
struct TransportUnderTest {
  std::string name;     ///< as in names of tests
  std::string address;  ///< to listen at; {name} and {file} stand for new ones
  std::string missing;  ///< what the build lacks for it; empty: nothing
};

/// What GoogleTest prints of it.
inline void PrintTo(const TransportUnderTest& transport, std::ostream* out) {
  *out << transport.address;
}

/// All of the list, with those that this build lacks.
std::vector<TransportUnderTest> transports_under_test();

/// For the instantiation of each suite: Over/SUITE.SCENARIO/TRANSPORT.
inline std::string name_of(const ::testing::TestParamInfo<TransportUnderTest>& transport) {
  return transport.param.name;
}

}  // namespace trestle::scenarios

/// Runs the scenarios of that suite over every transport.
#define TRESTLE_OVER_EVERY_TRANSPORT(suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(Over, suite,                                                        \
                           ::testing::ValuesIn(::trestle::scenarios::transports_under_test()), \
                           ::trestle::scenarios::name_of)
