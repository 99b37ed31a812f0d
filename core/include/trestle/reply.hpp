// An answer that a unary handler gives later.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include <trestle/codec.hpp>
#include <trestle/detail/responder.hpp>
#include <trestle/detail/write_reply.hpp>

namespace trestle {

/// Answers one message, once; later answers do nothing. If every copy is dropped unanswered, the
/// caller is told so (Errc::no_reply). Threads: any.
template <class R>
class Reply {
 public:
  Reply(std::unique_ptr<detail::Responder> responder, Codec codec)
      : state_(std::make_shared<State>(std::move(responder), codec)) {}

  /// Sends `value`. A value that cannot be encoded becomes a refusal that says so.
  void operator()(R value) const {
    auto responder = state_->take();
    if (responder == nullptr) return;
    auto encoded = detail::write_reply(state_->codec, std::move(value));
    if (encoded.has_error()) {
      responder->fail(Error(Errc::handler_failed, encoded.error().text, Ran::yes));
    } else {
      responder->reply(std::move(*encoded));
    }
  }

  /// Refuses with `text`.
  void fail(std::string text) const {
    if (auto responder = state_->take()) {
      responder->fail(Error(Errc::handler_failed, std::move(text), Ran::yes));
    }
  }

 private:
  struct State {
    State(std::unique_ptr<detail::Responder> r, Codec c) : responder(std::move(r)), codec(c) {}
    ~State() {
      if (auto unanswered = take()) {
        unanswered->fail(Error(Errc::no_reply, "the handler dropped its reply", Ran::yes));
      }
    }
    std::unique_ptr<detail::Responder> take() {
      if (answered.exchange(true, std::memory_order_acq_rel)) return nullptr;
      return std::move(responder);
    }
    std::unique_ptr<detail::Responder> responder;
    Codec codec;
    std::atomic<bool> answered{false};  // decides which of two racing answers wins
  };

  std::shared_ptr<State> state_;
};

}  // namespace trestle
