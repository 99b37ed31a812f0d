// Answering ZAP requests.
#include "gate.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace trestle::zeromq {
namespace {

/// Frames of a request, in this order.
enum Field { version, request_id, domain, address, identity, mechanism, credentials };

/// Empty: the context has ended.
std::vector<std::string> receive(zmq::socket_t& socket) {
  std::vector<std::string> frames;
  zmq::message_t frame;
  do {
    if (zmq_msg_recv(frame.handle(), socket.handle(), 0) < 0) {
      if (zmq_errno() == EINTR) continue;
      return {};
    }
    frames.push_back(frame.to_string());
  } while (frames.empty() || frame.more());
  return frames;
}

void answer(zmq::socket_t& socket, const std::string& request, const char* code) {
  const std::array<std::string_view, 6> frames{"1.0", request, code, "", "", ""};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    if (zmq_send(socket.handle(), frames[i].data(), frames[i].size(), more) < 0) return;
  }
}

std::string as_z85(const std::string& key) {
  std::array<char, 41> text{};
  if (key.size() != key_bytes) return {};
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  return text.data();
}

}  // namespace

void Gate::open(const std::string& domain, std::optional<PublicKeys> allowed) {
  const std::lock_guard lock(mutex_);
  open_[domain] = std::move(allowed);
}

void Gate::close(const std::string& domain) {
  const std::lock_guard lock(mutex_);
  open_.erase(domain);
}

Gate::Verdict Gate::judge(const std::string& domain, const std::string& mechanism,
                          const std::string& credentials) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(domain);
  if (found == open_.end()) return Verdict::closed;
  if (!found->second) return Verdict::welcome;
  const bool known = mechanism == "CURVE" && found->second->contains(as_z85(credentials));
  return known ? Verdict::welcome : Verdict::forbidden;
}

void Gate::serve(zmq::socket_t& socket) {
  while (true) {
    const auto request = receive(socket);
    if (request.empty()) return;
    if (request.size() < Field::credentials) {
      answer(socket, request.size() > request_id ? request[request_id] : "", "500");
      continue;
    }
    const std::string& key = request.size() > Field::credentials ? request[credentials] : "";
    switch (judge(request[domain], request[mechanism], key)) {
      case Verdict::welcome:
        answer(socket, request[request_id], "200");
        break;
      case Verdict::closed:
        // Not ZAP's 300 for "later": libzmq would leave the client waiting for the handshake's end.
        answer(socket, request[request_id], gate_closed_code);
        break;
      case Verdict::forbidden:
        answer(socket, request[request_id], "400");
        break;
    }
  }
}

}  // namespace trestle::zeromq
