// Messages as builders gather them, on their way to a peer.
#include <trestle/detail/message_draft.hpp>

#include <utility>

#include "node/node_core.hpp"

namespace trestle::detail {

void MessageDraft::set_payload(Codec codec, Payload payload) {
  fault_.reset();
  payload_codec_ = codec;
  payload_ = std::make_shared<const Payload>(std::move(payload));
}

void MessageDraft::set_codec(Codec codec) {
  if (payload_ != nullptr && payload_codec_ != codec) {
    set_fault(Error(Errc::invalid_argument, "codec() must be set before payload(), which encodes"));
  }
  codec_ = codec;
}

Codec MessageDraft::codec() const {
  if (codec_) return *codec_;
  return target_ ? target_->options_.codec : CallOptions().codec;
}

Result<Peer> MessageDraft::addressee(const Peer* to, std::string_view action) const {
  if (fault_) return *fault_;
  if (to == nullptr && !target_) {
    return Error(Errc::no_target, "target must be set before " + std::string(action));
  }
  const Peer& peer = to != nullptr ? *to : *target_;
  return peer.with(options(peer.options_));
}

CallOptions MessageDraft::options(const CallOptions& of_peer) const {
  CallOptions options = of_peer;
  if (codec_) options.codec = *codec_;
  if (timeout_) options.timeout = timeout_;
  if (deadline_) options.deadline = deadline_;
  if (stop_) options.stop = *stop_;
  if (retry_) options.retry = *retry_;
  for (const auto& [name, value] : headers_) options.headers.set(name, value);
  return options;
}

Result<Encoded> MessageDraft::argument(const Peer& to) const {
  if (payload_ == nullptr) return to.empty_argument();
  return Encoded{payload_codec_, SharedPayload::lend(payload_), {}};
}

Result<MessageId> MessageDraft::admit(std::string_view action) const {
  auto peer = addressee(nullptr, action);
  if (peer.has_error()) return std::move(peer).error();
  return peer->admit(handler_, *argument(*peer));
}

Result<OpenCall> MessageDraft::open(const Peer* to, std::string_view action, DeliveryMode mode,
                                    CallDemand demand) const {
  auto peer = addressee(to, action);
  if (peer.has_error()) return std::move(peer).error();
  return peer->open(handler_, mode, argument(*peer), std::move(demand));
}

template <class Attempt>
Result<void> MessageDraft::attempt(const Peer& peer, Attempt once) const {
  if (peer.link_ == nullptr || peer.options_.retry.attempts_max <= 1) return once(peer);
  return peer.link_->node->retries().repeat(
      peer.link_, peer.options_,
      [&](const CallOptions& options) { return once(peer.with(options)); });
}

Result<MessageId> MessageDraft::confirm(const Peer* to, std::string_view action) const {
  const auto peer = addressee(to, action);
  if (peer.has_error()) return peer.error();
  MessageId id;
  auto ended = attempt(*peer, [&](const Peer& target) -> Result<void> {
    auto call = target.open(handler_, DeliveryMode::confirmed, argument(target), {});
    if (call.has_error()) return std::move(call).error();
    id = call->message_id();
    auto outcome = call->wait_outcome();
    if (outcome.has_error()) return std::move(outcome).error();
    return {};
  });
  if (ended.has_error()) return std::move(ended).error();
  return id;
}

Result<OpenCall> MessageDraft::open_accepted(const Peer* to, std::string_view action) const {
  const auto peer = addressee(to, action);
  if (peer.has_error()) return peer.error();
  OpenCall call;
  auto started = attempt(*peer, [&](const Peer& target) -> Result<void> {
    auto opened =
        target.open(handler_, DeliveryMode::with_response, argument(target), {.acceptance = true});
    if (opened.has_error()) return std::move(opened).error();
    call = std::move(*opened);
    auto accepted = call.wait_accepted();
    if (accepted.has_error()) return std::move(accepted).error();
    return {};
  });
  if (started.has_error()) return std::move(started).error();
  return call;
}

}  // namespace trestle::detail
