// A server of a test network and a raw peer that calls it frame by frame.
#pragma once

#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {

/// A refusal as text: "kind_mismatch, not run: why".
inline std::string describe(const wire::Nack& nack) {
  return std::string(to_string(nack.code)) + (nack.ran == Ran::no ? ", not run: " : ", ran: ") +
         std::string(nack.text);
}

class RawCalls : public ::testing::Test {
 protected:
  explicit RawCalls(NodeOptions options = {})
      : server(network.add_node(quiet(std::move(options)))) {
    raw.emplace(network.driver(), server.listen("inproc://*").value());
    raw->greet();
  }

  static NodeOptions quiet(NodeOptions options) {
    options.log = [](LogLevel, std::string_view) {};
    return options;
  }
  static wire::CallId call(std::uint32_t slot) { return wire::CallId::make(slot, 1); }

  /// The first request to a handler; names are numbered in order of use. `json`: its payload.
  wire::Request request(std::uint32_t slot, std::uint32_t number, std::string_view name,
                        DeliveryMode mode = DeliveryMode::with_response,
                        std::string_view json = "1") {
    wire::Request request{.call = call(slot), .handler = number, .mode = mode};
    request.codec = Codec::json;
    if (number > names_) {
      request.handler_name = name;
      names_ = number;
    }
    request.payload = as_bytes(json);
    return request;
  }

  /// Sends them in one packet, in this order; as a tuple in braces they are made in it, too.
  template <class... Frames>
  void send_together(const std::tuple<Frames...>& frames) {
    std::apply([this](const Frames&... frame) { raw->send(frame...); }, frames);
  }

  /// The one nack that came.
  std::string nack() {
    const auto nacks = raw->take<wire::Nack>();
    return nacks.size() == 1 ? describe(nacks[0]) : std::to_string(nacks.size()) + " nacks";
  }
  std::string reply() {
    const auto replies = raw->take<wire::Reply>();
    if (replies.size() != 1) return std::to_string(replies.size()) + " replies";
    return std::string(as_text(replies[0].payload));
  }
  std::size_t acks() { return raw->take<wire::Ack>().size(); }
  std::size_t accepted() { return raw->take<wire::Accepted>().size(); }

  testing::TestNetwork network;
  Node& server;
  std::optional<test_support::RawPeer> raw;

 private:
  std::uint32_t names_ = 0;
};

}  // namespace trestle
