// The smallest program that needs the installed library: its headers, its symbols, its plugins.
#include <trestle/error.hpp>
#include <trestle/ids.hpp>

#include <iostream>

int main() {
  const trestle::InstanceId id = trestle::random_instance_id();
  std::cout << trestle::to_string(id) << '\n';

  if (trestle::parse_instance_id(trestle::to_string(id)) != id) {
    std::cerr << "an id did not survive being printed and parsed\n";
    return 1;
  }
  return 0;
}
