// What a lost connection leaves to the one after it: requests that never left, senders that wait.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "peers/connection.hpp"

namespace trestle::peers {

void Connection::succeed(Connection& lost) {
  // Of one that never was up: another way to the same peer, and it is not lost by now.
  is_successor_ = lost.was_up();
  std::swap(calls_, lost.calls_);
  calls_->tell(*this);
  lost.calls_->tell(lost);
  calls_->for_each([&](calls::PendingCall& call) { call.sink->moved_to(*this); });
  messages_sent_ = std::max(messages_sent_, lost.messages_sent_);
  if (lost.was_open_) take_unsent(lost);
  lost.expand_runs(lost.names_sent_);
  // Iterators stay good: those of the calls still find their requests.
  deferred_.splice(deferred_.end(), lost.deferred_);
  deferred_calls_.merge(std::exchange(lost.deferred_calls_, {}));
  deferred_bytes_ += std::exchange(lost.deferred_bytes_, 0);
  deferred_pings_ = std::exchange(lost.deferred_pings_, {});
  for (BlockedSend* send : std::exchange(lost.blocked_, {})) {
    send->at = shared_from_this();
    if (send->sink != nullptr) send->sink->moved_to(*this);
    blocked_.push_back(send);
  }
}

void Connection::replace(Connection& waiting) {
  succeed(waiting);
  send_waiting();
}

void Connection::take_unsent(Connection& lost) {
  const auto names = lost.names_sent_.in_order();
  DeferredRequests unsent;
  std::set<std::uint64_t> cancelled;
  const auto take = [&](wire::Request& request, Payload&& payload) {
    if (request.handler != 0) request.handler_name = names[request.handler - 1];
    unsent.push_back(unpack(request, std::move(payload)));
    if (!request.call.expects_outcome()) lost.forget_latest_message();
  };
  lost.outbox_.take_unsent([&](wire::Frame& frame, Payload&& lent) {
    if (const auto* cancel = std::get_if<wire::Cancel>(&frame)) {
      cancelled.insert(cancel->call.value);
    }
    if (auto* const request = std::get_if<wire::Request>(&frame)) {
      take(*request, std::move(lent));
    } else if (const auto* pull = std::get_if<wire::Pull>(&frame)) {
      lost.take_announced(*pull, take);
    } else {
      dispose_of(lent);
    }
  });
  for (auto next = unsent.begin(); next != unsent.end();) {
    if (cancelled.contains(next->call.value)) {
      dispose_of(next->request.argument.payload);
      next = unsent.erase(next);
      continue;
    }
    deferred_bytes_ += next->bytes;
    if (calls::PendingCall* call = calls_->find(next->call); call != nullptr) {
      call->frame = 0;
      call->may_withdraw = false;
      deferred_calls_.emplace(next->call.value, next);
    }
    ++next;
  }
  deferred_.splice(deferred_.end(), unsent);
}

void Connection::take_announced(const wire::Pull& pull,
                                const std::function<void(wire::Request&, Payload&&)>& take) {
  auto lease = bulk_ != nullptr ? bulk_->leases.take(pull.lease) : std::nullopt;
  if (!lease) return;  // it was withdrawn
  if (conn_ != nullptr) transport_->withdraw(conn_, lease->region);
  wire::Buffer start;
  wire::begin_packet(start);
  std::string head(reinterpret_cast<const char*>(start.data()), start.size());
  head += as_text(pull.frame);
  const std::array pieces{lease->payload.view()};
  wire::PacketReader reader({as_bytes(head), pieces}, SIZE_MAX);
  auto frame = reader.next().value();  // this node wrote it
  auto* const request = std::get_if<wire::Request>(&*frame);
  if (request == nullptr) return dispose_of(lease->payload);
  take(*request, std::move(lease->payload));
}

DeferredRequest Connection::unpack(wire::Request& request, Payload&& lent) {
  DeferredRequest unpacked;
  unpacked.handler = request.handler_name;
  unpacked.call = request.call;
  unpacked.bytes = wire::encoded_bytes(request);
  OutgoingRequest& again = unpacked.request;
  again.mode = request.mode;
  again.argument.codec = request.codec;
  again.argument.payload = lent.empty() ? Payload::copy(request.payload) : std::move(lent);
  again.argument.headers = std::move(request.headers);
  again.wants_accepted = request.wants_accepted;
  if (request.expected_response) {
    again.expectation = std::make_unique<Expectation>(
        Expectation{*request.expected_response, std::string(request.expected_type)});
  }
  const calls::PendingCall* call = calls_->find(request.call);
  // Somebody who does not wait any more wanted it to be sent.
  unpacked.is_forgotten = request.call.expects_outcome() && call == nullptr;
  if (call != nullptr && call->is_armed()) {
    again.deadline = call->due();
  } else if (request.deadline_ms != 0) {
    again.deadline = engine_.time_after(std::chrono::milliseconds(request.deadline_ms));
  }
  return unpacked;
}

void Connection::forget_latest_message() {
  if (in_doubt_ != 0) --in_doubt_;
  if (!notes_.empty()) notes_.pop_back();
}

}  // namespace trestle::peers
