// Messages as builders gather them, on their way to a peer.
#include <trestle/detail/message_draft.hpp>

#include <utility>

namespace trestle::detail {
namespace {

// Smaller ones are copied into their packet anyway, and a recycled block is cheaper than a share.
constexpr std::size_t share_bytes_min = 4096;

/// Every target gets the same bytes.
Payload share(const std::shared_ptr<const Payload>& payload) {
  if (payload == nullptr) return {};
  if (payload->size() < share_bytes_min) return Payload::copy(payload->view());
  using Share = std::shared_ptr<const Payload>;
  return Payload::lend(
      payload->view(), [](void* owner) noexcept { delete static_cast<Share*>(owner); },
      new Share(payload));
}

}  // namespace

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
  return Encoded{payload_codec_, share(payload_), {}};
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

}  // namespace trestle::detail
