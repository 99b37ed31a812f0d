// A node's counters in one snapshot.
#include <trestle/statistics.hpp>

#include <map>

#include "node/node_core.hpp"

namespace trestle {
namespace {

std::vector<ReasonCount> rows_of(const RefusalCounts& refused) {
  std::vector<ReasonCount> rows;
  const auto add = [&](const char* reason, std::uint64_t count) {
    if (count != 0) rows.push_back({reason, count});
  };
  add("unknown_handler", refused.unknown_handler);
  add("kind_mismatch", refused.kind_mismatch);
  add("undecodable", refused.undecodable);
  add("invalid", refused.invalid);
  add("overloaded", refused.overloaded);
  add("draining", refused.draining);
  add("deadline_passed", refused.deadline_passed);
  add("cancelled", refused.cancelled);
  add("not_permitted", refused.not_permitted);
  return rows;
}

std::vector<ReasonCount> rows_of(const CallCounts& calls) {
  std::vector<ReasonCount> rows;
  for (std::size_t code = 0; code < calls.failed.size(); ++code) {
    if (calls.failed[code] == 0) continue;
    const auto reason = to_string(static_cast<Errc>(code));
    rows.push_back({std::string(reason), calls.failed[code]});
  }
  return rows;
}

HandlerStatistics row_of(const registry::Entry& entry) {
  return {.handler = entry.handler.name,
          .admitted = entry.admitted,
          .under_way = entry.under_way.load(std::memory_order_relaxed),
          .failed = entry.tally.failures(),
          .refused = rows_of(entry.tally.refusals()),
          .latency = entry.latency.counts()};
}

using TransportRows = std::map<const engine::Transport*, TransportStatistics>;

TransportRows rows_of(const engine::Engine& engine) {
  TransportRows rows;
  engine.for_each_transport([&](const engine::Transport& transport) {
    const engine::Transport::Traffic& traffic = transport.traffic();
    rows[&transport] = {.scheme = transport.scheme(),
                        .packets_sent = traffic.packets_sent,
                        .bytes_sent = traffic.bytes_sent,
                        .packets_received = traffic.packets_received,
                        .bytes_received = traffic.bytes_received};
  });
  return rows;
}

}  // namespace

NodeCounters NodeCore::counters() {
  const std::lock_guard lock(engine_.mutex());
  NodeCounters counters;
  counters.messages_received = dispatcher_.received();
  counters.messages_refused = dispatcher_.tally().refusals().total();
  counters.handler_errors = dispatcher_.tally().failures();
  counters.stray_outcomes = stray_outcomes_;
  counters.protocol_errors = protocol_errors_;
  counters.packets_damaged = packets_damaged_;
  counters.messages_lost = lost_messages_.all();
  counters.strangers_closed = strangers_closed_;
  counters.stale_refused = stale_refused_;
  for (const auto& entry : connections_) {
    if (entry.second->is_open() && entry.second->transport() != nullptr) ++counters.connections;
    counters.calls_pending += entry.second->calls_pending();
  }
  return counters;
}

DispatchCounts NodeCore::dispatch_counts() {
  return {.refused = dispatcher_.tally().refusals(),
          .failed = dispatcher_.tally().failures(),
          .lanes = dispatcher_.lanes(),
          .handlers = handlers_.counts()};
}

NodeStatistics NodeCore::statistics() {
  NodeStatistics all;
  all.instance_id = to_string(instance_);
  const auto entries = handlers_.entries();
  const std::lock_guard lock(engine_.mutex());
  const CallCounts& calls = calls_.counts();
  all.messages_sent = calls.messages_sent;
  all.calls_started = calls.started;
  all.calls_succeeded = calls.succeeded;
  all.calls_failed = rows_of(calls);
  for (const LostMessages& lost : lost_messages_.all()) {
    all.messages_lost.push_back({std::string(to_string(lost.reason)), lost.unsent, lost.in_doubt});
  }
  all.messages_received = dispatcher_.received();
  all.messages_refused = rows_of(dispatcher_.tally().refusals());
  all.handler_errors = dispatcher_.tally().failures();
  all.messages_waiting = dispatcher_.waiting();
  all.messages_under_way = dispatcher_.running();
  all.stray_outcomes = stray_outcomes_;
  all.protocol_errors = protocol_errors_;
  all.packets_damaged = packets_damaged_;
  all.strangers_closed = strangers_closed_;
  all.stale_refused = stale_refused_;
  TransportRows transports = rows_of(engine_);
  for (const auto& entry : connections_) {
    all.calls_pending += entry.second->calls_pending();
    const auto row = transports.find(entry.second->transport());
    if (row == transports.end()) continue;  // a loopback's
    if (entry.second->is_open()) ++row->second.connections;
    row->second.bytes_unsent += entry.second->unsent_bytes();
  }
  for (auto& row : transports) all.transports.push_back(std::move(row.second));
  for (const auto& entry : entries) all.handlers.push_back(row_of(*entry));
  return all;
}

}  // namespace trestle
