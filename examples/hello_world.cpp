// A server and a client. Start it twice, "hello_world serve" and "hello_world call URI", or once
// without arguments: then both are in this process.
#include <trestle/trestle.hpp>

#include <iostream>
#include <string>

using trestle::Node;

// What travels: any described struct, as a map by member name.
struct Greeting {
  std::string text;
  int length = 0;
};
BOOST_DESCRIBE_STRUCT(Greeting, (), (text, length))

std::string serve(Node& node) {
  node.add(trestle::unary("greet",
                          [](const std::string& name) {
                            const std::string text = "Hello, " + name + "!";
                            return Greeting{text, static_cast<int>(text.size())};
                          }))
      .value();
  return node.listen("tcp://127.0.0.1:0").value();  // port 0: any free one; the real URI comes back
}

int call(const std::string& uri) {
  Node node;
  const auto greeting = node.connect(uri).value().call<Greeting>("greet", "world");
  if (greeting.has_error()) {  // a refusal, the deadline, a lost connection: never an exception
    std::cerr << greeting.error().text << '\n';
    return 1;
  }
  std::cout << greeting->text << " (" << greeting->length << " characters)\n";
  return 0;
}

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "call" && argc > 2) return call(argv[2]);
  Node node;
  const std::string uri = serve(node);
  if (role != "serve") return call(uri);
  std::cout << "listening " << uri << ", until Enter is pressed" << std::endl;
  std::cin.get();
  return 0;
}
