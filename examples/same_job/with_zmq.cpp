// The job over plain libzmq: a ROUTER and a DEALER before threads that work, numbers that match
// replies to calls, and a monitor, since a socket does not say that its peer has gone.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "job.hpp"

namespace same_job {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What travels: a number of the call, then the handler's name, or what came of it.
struct Message {
  std::uint64_t id = 0;
  std::int32_t number = 0;
  std::string word;
};

constexpr std::size_t header_bytes = sizeof(std::uint64_t) + sizeof(std::int32_t);

zmq::message_t encode(const Message& message) {
  zmq::message_t frame(header_bytes + message.word.size());
  char* to = frame.data<char>();
  std::memcpy(to, &message.id, sizeof(message.id));
  std::memcpy(to + sizeof(message.id), &message.number, sizeof(message.number));
  std::memcpy(to + header_bytes, message.word.data(), message.word.size());
  return frame;
}

/// False: not one of ours. Anybody may send anything.
bool decode(const zmq::message_t& frame, Message& message) {
  if (frame.size() < header_bytes) return false;
  const char* from = frame.data<char>();
  std::memcpy(&message.id, from, sizeof(message.id));
  std::memcpy(&message.number, from + sizeof(message.id), sizeof(message.number));
  message.word.assign(from + header_bytes, frame.size() - header_bytes);
  return true;
}

int sleep_for(int n) {
  std::this_thread::sleep_for(std::chrono::milliseconds(n));
  return n;
}

const std::map<std::string, int (*)(int)> handlers{
    {"double", [](int n) { return 2 * n; }},
    {"sleep", &sleep_for},
    {"die", [](int) -> int { std::_Exit(1); }},
};

void work(zmq::context_t& context) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.connect("inproc://workers");
  for (;;) {
    zmq::message_t from, frame;
    if (!socket.recv(from) || !from.more() || !socket.recv(frame)) continue;
    Message message;
    if (!decode(frame, message)) continue;
    const auto handler = handlers.find(message.word);
    message.word = handler == handlers.end() ? "no such handler" : "";
    if (handler != handlers.end()) message.number = handler->second(message.number);
    socket.send(from, zmq::send_flags::sndmore);
    socket.send(encode(message), zmq::send_flags::none);
  }
}

}  // namespace

void serve(const std::function<void(const std::string& uri)>& tell) {
  zmq::context_t context;
  zmq::socket_t clients(context, zmq::socket_type::router);
  zmq::socket_t workers(context, zmq::socket_type::dealer);
  clients.bind("tcp://127.0.0.1:*");
  workers.bind("inproc://workers");
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { work(context); });
  tell(clients.get(zmq::sockopt::last_endpoint));
  zmq::proxy(clients, workers);
}

namespace {

class ZmqClient final : public Client {
 public:
  explicit ZmqClient(const std::string& uri) : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    zmq_socket_monitor(socket_.handle(), "inproc://events", ZMQ_EVENT_DISCONNECTED);
    events_.connect("inproc://events");
    socket_.connect(uri);
  }
  ~ZmqClient() override { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

  std::string call(const std::string& handler, int number,
                   std::chrono::milliseconds deadline) override {
    const auto until = SteadyClock::now() + deadline;
    const std::uint64_t id = next_id_++;
    // With a full queue the call would wait here beyond its deadline.
    if (!socket_.send(encode({id, number, handler}), zmq::send_flags::dontwait)) return "deadline";
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now());
      if (left.count() <= 0) return "deadline";
      std::vector<zmq::pollitem_t> items{{socket_.handle(), 0, ZMQ_POLLIN, 0},
                                         {events_.handle(), 0, ZMQ_POLLIN, 0}};
      zmq::poll(items, left);
      if (std::string text; take_reply(id, text)) return text;
      if (items[1].revents != 0 && take_event()) return "server lost";
    }
  }

 private:
  /// True if the reply to that call is there; replies to earlier ones are late.
  bool take_reply(std::uint64_t id, std::string& text) {
    zmq::message_t frame;
    Message message;
    while (socket_.recv(frame, zmq::recv_flags::dontwait)) {
      if (!decode(frame, message) || message.id != id) continue;
      text = message.word.empty() ? std::to_string(message.number) : message.word;
      return true;
    }
    return false;
  }
  /// An event has two frames; only one kind was asked for.
  bool take_event() {
    zmq::message_t kind, endpoint;
    return events_.recv(kind) && events_.recv(endpoint);
  }

  zmq::context_t context_;
  zmq::socket_t socket_;
  zmq::socket_t events_{context_, zmq::socket_type::pair};
  std::uint64_t next_id_ = 1;
};

}  // namespace

std::unique_ptr<Client> connect(const std::string& uri) {
  return std::make_unique<ZmqClient>(uri);
}

}  // namespace same_job
