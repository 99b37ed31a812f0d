// Stands between two nodes on tcp, and changes packets on their way.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trestle::test_support {

/// Passes packets on whole, each after `change` had it in its hands; lengths stay as they are.
/// Threads: any; `change` is called by one at a time.
class DamagingProxy {
 public:
  enum class Way : std::uint8_t { to_server, to_client };
  /// `number`: of the packet among those of its connection and way, from 0, which is the hello.
  using Change = std::function<void(Way way, std::size_t number, std::string& packet)>;

  /// `server`: the URI of a listener on this host.
  DamagingProxy(const std::string& server, Change change);
  ~DamagingProxy();
  DamagingProxy(const DamagingProxy&) = delete;
  DamagingProxy& operator=(const DamagingProxy&) = delete;

  /// Where a client connects instead.
  std::string uri() const;

 private:
  void accept_all();
  void relay(Way way, int from, int to);

  const std::uint16_t server_port_;
  const Change change_;
  std::mutex mutex_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  bool is_over_ = false;
  std::vector<int> sockets_;
  std::list<std::thread> relays_;
  std::thread acceptor_;
};

}  // namespace trestle::test_support
