// The job over Trestle.
#include <trestle/trestle.hpp>

#include <cstdlib>
#include <thread>

#include "job.hpp"

namespace same_job {

using trestle::Errc;

void serve(const std::function<void(const std::string& uri)>& tell) {
  trestle::Node node;
  node.add(trestle::unary("double", [](int n) { return 2 * n; })).value();
  node.add(trestle::unary("sleep",
                          [](int n) {
                            std::this_thread::sleep_for(std::chrono::milliseconds(n));
                            return n;
                          }))
      .value();
  node.add(trestle::unary("die", [](int) -> int { std::_Exit(1); })).value();
  tell(node.listen("tcp://127.0.0.1:0").value());
  std::this_thread::sleep_for(std::chrono::hours(1));
}

class TrestleClient final : public Client {
 public:
  explicit TrestleClient(const std::string& uri) : peer_(node_.connect(uri).value()) {}

  std::string call(const std::string& handler, int number,
                   std::chrono::milliseconds deadline) override {
    const auto reply = peer_.with_timeout(deadline).call<int>(handler, number);
    if (reply.has_value()) return std::to_string(*reply);
    if (reply.error().is(Errc::handler_not_found)) return "no such handler";
    return reply.error().is(Errc::deadline_exceeded) ? "deadline" : "server lost";
  }

 private:
  trestle::Node node_;
  trestle::Peer peer_;
};

std::unique_ptr<Client> connect(const std::string& uri) {
  return std::make_unique<TrestleClient>(uri);
}

}  // namespace same_job
