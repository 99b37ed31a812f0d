// How the outcome of a handler finds its way back.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include <trestle/context.hpp>
#include <trestle/encoded.hpp>
#include <trestle/error.hpp>

namespace trestle::peers {
class Connection;
}

namespace trestle::detail {

/// Takes the one outcome of one message. Threads: any, one at a time.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void reply(Encoded&& value) = 0;
  virtual void ack() = 0;
  virtual void fail(Error error) = 0;
  /// Stopped when nobody needs the outcome any more; see Context::stop_token().
  virtual std::stop_token stop_token() = 0;
  /// The handler is about to run: what it was given is what it takes.
  virtual void started() = 0;
  /// Where the message came from, for the node's own handlers; null: nowhere.
  virtual const peers::Connection* origin() const noexcept { return nullptr; }
  /// A responder that outlives the handler's run; this one is spent.
  virtual std::unique_ptr<Responder> detach() = 0;
};

/// A handler with its types erased. The payload may be moved from.
using HandlerFunction = std::function<void(Context&, Payload&, Responder&)>;
/// Whether a payload is what a handler takes. Empty: it takes any.
using PayloadCheck = Result<void> (*)(Codec codec, BytesView payload);

}  // namespace trestle::detail
