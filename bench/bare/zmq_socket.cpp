// One thread per side on one libzmq socket: DEALER to ROUTER, REQ to REP, PUSH to PULL.
#include "arguments.hpp"
#include "loads.hpp"

#include <cstdio>
#include <string>
#include <zmq.hpp>

namespace {

using bare::Mode;
using bare::Pattern;

/// The first byte of a message: whether whoever gets it shall answer.
constexpr char echo = 'e';
constexpr char silent = 's';

zmq::socket_t make_socket(zmq::context_t& context, zmq::socket_type type, int hwm) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::sndhwm, hwm);
  socket.set(zmq::sockopt::rcvhwm, hwm);
  return socket;
}

zmq::message_t receive(zmq::socket_t& socket) {
  zmq::message_t message;
  if (!socket.recv(message)) throw zmq::error_t();
  return message;
}

void send(zmq::socket_t& socket, zmq::message_t& message, zmq::send_flags flags) {
  if (!socket.send(message, flags)) throw zmq::error_t();
}

/// Copies, as Trestle does with a payload that its caller goes on to use.
void send(zmq::socket_t& socket, const std::string& bytes) {
  if (!socket.send(zmq::buffer(bytes))) throw zmq::error_t();
}

bool wants_echo(const zmq::message_t& message) {
  return message.size() > 0 && *message.data<char>() == echo;
}

// ---- Servers ------------------------------------------------------------------------------------

zmq::socket_type server_type(Pattern pattern) {
  if (pattern == Pattern::req) return zmq::socket_type::rep;
  return pattern == Pattern::push ? zmq::socket_type::pull : zmq::socket_type::router;
}

void answer_dealer(zmq::socket_t& socket) {
  zmq::message_t from = receive(socket);
  zmq::message_t message = receive(socket);
  if (!wants_echo(message)) return;
  send(socket, from, zmq::send_flags::sndmore);
  send(socket, message, zmq::send_flags::none);
}

void answer_req(zmq::socket_t& socket) {
  zmq::message_t message = receive(socket);
  send(socket, message, zmq::send_flags::none);
}

/// Nobody can answer a PUSH: it says where it waits for the end.
void answer_push(zmq::context_t& context, zmq::socket_t& socket) {
  const zmq::message_t message = receive(socket);
  if (!wants_echo(message)) return;
  zmq::socket_t back(context, zmq::socket_type::push);
  back.connect(message.to_string().substr(1));
  send(back, std::string(1, silent));
}

[[noreturn]] void serve(zmq::context_t& context, const bare::Arguments& arguments) {
  zmq::socket_t socket = make_socket(context, server_type(arguments.pattern), arguments.hwm);
  socket.bind(arguments.endpoint);
  std::printf("listening %s\n", socket.get(zmq::sockopt::last_endpoint).c_str());
  std::fflush(stdout);
  for (;;) {
    if (arguments.pattern == Pattern::dealer) answer_dealer(socket);
    if (arguments.pattern == Pattern::req) answer_req(socket);
    if (arguments.pattern == Pattern::push) answer_push(context, socket);
  }
}

// ---- Client -------------------------------------------------------------------------------------

zmq::socket_type client_type(Pattern pattern) {
  if (pattern == Pattern::req) return zmq::socket_type::req;
  return pattern == Pattern::push ? zmq::socket_type::push : zmq::socket_type::dealer;
}

/// Models bare::Client.
class Client {
 public:
  Client(zmq::context_t& context, const bare::Arguments& arguments)
      : context_(context),
        socket_(make_socket(context, client_type(arguments.pattern), arguments.hwm)),
        arguments_(arguments),
        request_(arguments.size, echo),
        message_(arguments.size, silent) {
    socket_.connect(arguments.endpoint);
  }

  void send_request() { send(socket_, request_); }
  void send_message() { send(socket_, message_); }
  void await_reply() { receive(socket_); }
  void flush() {
    if (arguments_.pattern != Pattern::push) {
      send(socket_, std::string(1, echo));
      return await_reply();
    }
    zmq::socket_t end(context_, zmq::socket_type::pull);
    // Not ipc://*: libzmq would leave its folder behind, wherever this runs.
    end.bind(arguments_.endpoint.starts_with("ipc://") ? arguments_.endpoint + "-end"
                                                       : "tcp://127.0.0.1:*");
    send(socket_, echo + end.get(zmq::sockopt::last_endpoint));
    receive(end);
  }

 private:
  zmq::context_t& context_;
  zmq::socket_t socket_;
  const bare::Arguments& arguments_;
  const std::string request_;
  const std::string message_;
};

bool can_do(Pattern pattern, Mode mode) {
  if (pattern == Pattern::req) return mode == Mode::rtt;
  return pattern == Pattern::dealer || mode == Mode::oneway;
}

int run(const bare::Arguments& arguments) {
  if (arguments.role == bare::Role::measure &&
      (!can_do(arguments.pattern, arguments.mode) || arguments.size == 0)) {
    std::fprintf(stderr, "req can only do rtt, push only oneway; --size is at least 1\n");
    return 2;
  }
  zmq::context_t context;
  if (arguments.role == bare::Role::serve) serve(context, arguments);
  Client client(context, arguments);
  bare::measure(client, arguments);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bare::Arguments arguments = bare::parse_arguments(argc, argv);
  try {
    return run(arguments);
  } catch (const zmq::error_t& failed) {
    std::fprintf(stderr, "%s: %s\n", arguments.endpoint.c_str(), failed.what());
    return 1;
  }
}
