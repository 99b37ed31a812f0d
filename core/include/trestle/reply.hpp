// An answer that a unary handler gives later.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
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
  /// Made by the node for handlers that take one.
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

  /// As Context::stop_token(); of no use once the message was answered: never stopped then.
  std::stop_token stop_token() const { return state_->stop_token(); }

 private:
  struct State {
    State(std::unique_ptr<detail::Responder> r, Codec c) : responder(std::move(r)), codec(c) {}
    ~State() {
      if (auto unanswered = take()) {
        unanswered->fail(Error(Errc::no_reply, "the handler dropped its reply", Ran::yes));
      }
    }
    /// Null if the message was answered: of two racing answers one wins.
    std::unique_ptr<detail::Responder> take() {
      const std::lock_guard lock(mutex);
      return std::move(responder);
    }
    std::stop_token stop_token() {
      const std::lock_guard lock(mutex);
      return responder != nullptr ? responder->stop_token() : std::stop_token();
    }
    std::mutex mutex;
    std::unique_ptr<detail::Responder> responder;
    Codec codec;
  };

  std::shared_ptr<State> state_;
};

}  // namespace trestle
