// Failures of libzmq as errors of the SDK.
#pragma once

#include <trestle/sdk/result.hpp>

#include <string>

namespace trestle::zeromq {

/// "what: reason", with the status that fits libzmq's error number.
sdk::Error zmq_failure(const std::string& what, int number);

}  // namespace trestle::zeromq
