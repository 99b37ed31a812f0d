// Who may connect where: asked by libzmq during every handshake, through ZAP.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "curve_keys.hpp"

namespace trestle::zeromq {

/// The ZAP status that tells a client that nobody listens any more. Clients see it in a monitor
/// event.
inline constexpr const char* gate_closed_code = "500";
inline constexpr std::uint32_t gate_closed_status = 500;

/// Rules by ZAP domain; each router has a domain of its own. What is not known is not let in.
/// Threads: any.
class Gate {
 public:
  /// `allowed`: only clients with these keys, which CURVE has proved they have.
  void open(const std::string& domain, std::optional<PublicKeys> allowed);
  void close(const std::string& domain);

  /// Answers requests at `socket`, which is bound as ZAP wants, until its context ends.
  /// Source: rfc.zeromq.org/spec/27
  void serve(zmq::socket_t& socket);

 private:
  enum class Verdict { welcome, closed, forbidden };

  Verdict judge(const std::string& domain, const std::string& mechanism,
                const std::string& credentials) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::optional<PublicKeys>> open_;
};

}  // namespace trestle::zeromq
