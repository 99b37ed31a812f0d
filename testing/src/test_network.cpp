// Making the nodes of a test network.
#include <trestle/testing/test_network.hpp>

namespace trestle::testing {

Node& TestNetwork::add_node(NodeOptions options) {
  const std::uint64_t number = nodes_.size() + 1;
  options.driver = &driver_;
  if (!options.instance_id) options.instance_id = InstanceId::from_halves(0, number);
  if (!options.incarnation) options.incarnation = number;
  return *nodes_.emplace_back(std::make_unique<Node>(std::move(options)));
}

}  // namespace trestle::testing
