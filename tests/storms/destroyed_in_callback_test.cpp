// Nodes, peers and statuses that end within the very code that they called.
#include <gtest/gtest.h>
#include <trestle/async.hpp>
#include <trestle/async_status.hpp>
#include <trestle/manual_driver.hpp>
#include <trestle/message_builder.hpp>
#include <trestle/trestle.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>

namespace trestle {
namespace {

using namespace std::chrono_literals;

/// Far beyond what any of these takes.
constexpr auto long_time = 20s;

/// Tells when the last copy is gone, and with it whatever held it.
class Trace {
 public:
  Trace() : end_(std::make_shared<std::promise<void>>()), gone_(end_->get_future()) {
    held_ = std::shared_ptr<int>(new int(0), [end = end_](const int* number) {
      delete number;
      end->set_value();
    });
  }
  /// For one that is to hold it.
  std::shared_ptr<int> take() { return std::move(held_); }
  bool is_gone() { return gone_.wait_for(long_time) == std::future_status::ready; }

 private:
  std::shared_ptr<std::promise<void>> end_;
  std::future<void> gone_;
  std::shared_ptr<int> held_;
};

NodeOptions quiet() {
  NodeOptions options;
  options.workers = 2;
  options.close_timeout = 200ms;
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

class DestroyedInCallback : public ::testing::TestWithParam<const char*> {
 protected:
  DestroyedInCallback() {
    server_.add(unary("echo", [](int value) { return value; }, {Execution::inline_})).value();
    server_
        .add(unary("hold", [this](int, Reply<int> reply) { held_.push_back(std::move(reply)); },
                   {Execution::inline_}))
        .value();
    uri_ = server_.listen(GetParam()).value();
    // Whoever closes drops its handlers: the trace shows that the node came to its end.
    mine_->add(am("trace", [kept = trace_.take()] {})).value();
    mine_uri_ = mine_->listen(GetParam()).value();
  }
  void expect_end() {
    EXPECT_TRUE(trace_.is_gone());
    EXPECT_EQ(other_.connect(uri_).value().call<int>("echo", 7).value(), 7);
  }
  std::future<void> ended() { return done_.get_future(); }
  static void wait(std::future<void> event) {
    ASSERT_EQ(event.wait_for(long_time), std::future_status::ready);
  }

  std::vector<Reply<int>> held_;
  Node server_{quiet()};
  Node other_{quiet()};
  std::string uri_;
  std::string mine_uri_;
  Trace trace_;
  std::promise<void> done_;
  std::unique_ptr<Node> mine_ = std::make_unique<Node>(quiet());
};

INSTANTIATE_TEST_SUITE_P(Uris, DestroyedInCallback,
                         ::testing::Values("inproc://*", "tcp://127.0.0.1:0"),
                         [](const auto& parameter) {
                           const std::string uri(parameter.param);
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(DestroyedInCallback, ANodeOfACompletion) {
  auto done = ended();
  Peer peer = mine_->connect(uri_).value();
  peer.async_call<int>("echo", 1, [this](Result<int> result) {
    EXPECT_EQ(result.value(), 1);
    mine_.reset();
    done_.set_value();
  });

  wait(std::move(done));
  expect_end();
  EXPECT_TRUE(peer.call<int>("echo", 1).has_error());
}

TEST_P(DestroyedInCallback, ANodeThatOnlyItsCompletionHolds) {
  auto done = ended();
  std::shared_ptr<Node> held = std::move(mine_);
  Peer peer = held->connect(uri_).value();
  peer.async_call<int>("echo", 1,
                       [this, held = std::move(held)](Result<int>) { done_.set_value(); });

  wait(std::move(done));
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeOfAnInlineHandler) {
  mine_
      ->add(unary("end",
                  [this](Context& context) {
                    const std::string id = to_string(context.node.instance_id());
                    mine_.reset();
                    return id;
                  },
                  {Execution::inline_}))
      .value();
  const std::string id = to_string(mine_->instance_id());
  const Peer peer = other_.connect(mine_uri_).value();

  EXPECT_EQ(peer.call<std::string>("end").value(), id) << "the reply leaves all the same";
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeOfAHandlerOnAWorker) {
  mine_
      ->add(unary("end",
                  [this](Context& context) {
                    const std::string id = to_string(context.node.instance_id());
                    mine_.reset();
                    return id;
                  }))
      .value();
  const std::string id = to_string(mine_->instance_id());
  const Peer peer = other_.connect(mine_uri_).value();

  EXPECT_EQ(peer.call<std::string>("end").value(), id);
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeOfATimer) {
  auto done = ended();
  mine_->after(1ms, [this] {
    mine_.reset();
    done_.set_value();
  });

  wait(std::move(done));
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeOfAnotherNodesCompletion) {
  auto done = ended();
  Peer peer = other_.connect(mine_uri_).value();
  Peer to_server = other_.connect(uri_).value();
  to_server.async_call<int>("echo", 1, [this](Result<int>) {
    mine_.reset();
    done_.set_value();
  });

  wait(std::move(done));
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeWhoseCallsStillWait) {
  auto done = ended();
  std::promise<Errc> outcome;
  Peer peer = mine_->connect(uri_).value();
  peer.async_call<int>("hold", 1, [&outcome](Result<int> result) {
    outcome.set_value(static_cast<Errc>(result.error().code.value()));
  });
  peer.async_call<int>("echo", 1, [this](Result<int>) {
    mine_.reset();
    done_.set_value();
  });

  wait(std::move(done));
  auto ended_with = outcome.get_future();
  ASSERT_EQ(ended_with.wait_for(long_time), std::future_status::ready);
  EXPECT_EQ(ended_with.get(), Errc::connection_lost);
  expect_end();
}

TEST_P(DestroyedInCallback, ANodeOfItsStopCallback) {
  auto done = ended();
  const std::stop_token stop = mine_->stop_token();
  const std::stop_callback destroy(stop, [this] {
    mine_.reset();
    done_.set_value();
  });
  Node& node = *mine_;

  EXPECT_TRUE(node.close().has_value());

  wait(std::move(done));
  expect_end();
}

TEST_P(DestroyedInCallback, APeerOfItsCompletion) {
  auto done = ended();
  auto peer = std::make_unique<Peer>(mine_->connect(uri_).value());
  Peer& same = *peer;
  same.async_call<int>("echo", 1, [this, held = std::move(peer)](Result<int>) mutable {
    held->disconnect();
    held.reset();
    done_.set_value();
  });

  wait(std::move(done));
  EXPECT_EQ(mine_->connect(uri_).value().call<int>("echo", 2).value(), 2);
}

TEST_P(DestroyedInCallback, AStatusOfItsCompletion) {
  auto done = ended();
  const Peer peer = mine_->connect(uri_).value();
  using Status = MessageStatus<DetachedResponse<int>>;
  auto status = std::make_unique<Status>(
      mine_->message("echo").payload(4).expect_response<int>().send_detached(peer).value());
  Status& same = *status;
  async_await_accepted(same, [this, held = std::move(status)](Result<void>) mutable {
    held.reset();
    done_.set_value();
  });

  wait(std::move(done));
  EXPECT_EQ(peer.call<int>("echo", 2).value(), 2);
}

TEST(DestroyedByHand, ANodeOfItsOwnHandlerEndsInALaterTurn) {
  for (const Execution execution : {Execution::inline_, Execution::spawn}) {
    ManualDriver driver;
    Trace trace;
    Node other({.driver = &driver});
    auto mine = std::make_unique<Node>(NodeOptions{.driver = &driver});
    mine->add(am("trace", [kept = trace.take()] {})).value();
    mine->add(unary("end", [&] { return mine.reset(), 5; }, {execution})).value();
    const Peer peer = other.connect(mine->listen("inproc://*").value()).value();

    EXPECT_EQ(peer.call<int>("end").value(), 5);
    driver.settle();

    EXPECT_EQ(driver.clock().now(), TimePoint(0)) << "nothing was waited for";
    EXPECT_TRUE(trace.is_gone());
    EXPECT_TRUE(peer.call<int>("end").has_error());
  }
}

}  // namespace
}  // namespace trestle
