// What a node says when it is asked how it is.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>

namespace trestle {

/// How a node is, as Peer::health_check() gets it.
struct Health {
  std::string status;          ///< "ok"; a node that drains refuses to answer
  std::int64_t timestamp = 0;  ///< seconds since 1970 on the clock of the peer's host
};
BOOST_DESCRIBE_STRUCT(Health, (), (status, timestamp))

}  // namespace trestle
