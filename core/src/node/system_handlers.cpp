// Health, discovery, and what is known of handlers.
#include "node/system_handlers.hpp"

#include <trestle/handler.hpp>
#include <trestle/health.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace trestle::system {
namespace {

constexpr std::chrono::milliseconds default_wait = std::chrono::seconds(30);

std::int64_t seconds_since_1970() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

/// How long an answer may be put off: what was asked for, and less than the caller waits, or than
/// `most` if it waits for ever.
std::chrono::nanoseconds patience(const HandlerQuery& query, const Context& context, TimePoint now,
                                  std::chrono::nanoseconds most) {
  if (context.deadline) most = (*context.deadline - now) / 10 * 9;
  std::chrono::nanoseconds patience = default_wait;
  if (query.timeout_ms) {
    const auto longest =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds::max());
    patience =
        std::chrono::milliseconds(std::clamp<std::int64_t>(*query.timeout_ms, 0, longest.count()));
  }
  return std::max(std::min(patience, most), std::chrono::nanoseconds::zero());
}

}  // namespace

Result<void> SystemHandlers::add_all(NodeFacts facts) {
  facts_ = std::move(facts);
  handlers_.on_added([this](const std::string& name) { tell_waiters(name); });
  const HandlerOptions at_once{Execution::inline_};
  const auto health = [] { return Health{"ok", seconds_since_1970()}; };
  const auto discover = [this] {
    std::optional<std::string> host;
    if (!facts_.host.is_nil()) host = to_string(facts_.host);
    return Discovery{to_string(facts_.instance), facts_.endpoints(), std::move(host)};
  };
  const auto contract = [this](const std::string& name) -> Result<ContractText> {
    const auto entry = handlers_.find(name);
    if (entry == nullptr) return refuse("No handler for '" + name + "'");
    const Handler& handler = entry->handler;
    return ContractText{std::string(to_string(handler.kind)), handler.request_type,
                        handler.response_type};
  };
  const auto wait = [this](const HandlerQuery& query, Context& context, Answer answer) {
    wait_for_handler(query, context, std::move(answer));
  };
  for (Handler& handler : std::array{
           unary("_health_check", health, at_once), unary("_discover", discover, at_once),
           unary(
               "_list_handlers", [this] { return handlers_.names(); }, at_once),
           unary(
               "_statistics", [this] { return facts_.statistics(); }, at_once),
           unary("_contract", contract, at_once), unary("_wait_for_handler", wait, at_once)}) {
    auto added = handlers_.add(std::move(handler), registry::Owner::system);
    if (added.has_error()) return added;
  }
  return {};
}

void SystemHandlers::wait_for_handler(const HandlerQuery& query, const Context& context,
                                      Answer answer) {
  const TimePoint until = facts_.time_after(
      patience(query, context, facts_.time_after(std::chrono::nanoseconds(0)), facts_.wait_max));
  const auto wait = std::make_shared<Wait>(query.handler_name, std::move(answer), until);
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    waits_[wait->name].insert(wait);
    by_time_.emplace(until, wait);
    ended = ended_;
  }
  if (ended) return give_up(wait);
  // Only now, so that one that is added meanwhile is not missed.
  if (handlers_.find(wait->name) != nullptr) return tell_waiters(wait->name);
  wait->on_stop.emplace(wait->answer.stop_token(), GiveUp{this, wait});
  facts_.wake_at(until);
}

void SystemHandlers::tell_waiters(const std::string& name) {
  std::set<WaitPtr> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(name);
    if (found == waits_.end()) return;
    waiting = std::move(found->second);
    waits_.erase(found);
    for (const WaitPtr& wait : waiting) by_time_.erase({wait->until, wait});
  }
  for (const WaitPtr& wait : waiting) wait->answer({name, true});
}

void SystemHandlers::give_up(const WaitPtr& wait) {
  {
    const std::lock_guard lock(mutex_);
    if (by_time_.erase({wait->until, wait}) == 0) return;
    const auto found = waits_.find(wait->name);
    found->second.erase(wait);
    if (found->second.empty()) waits_.erase(found);
  }
  wait->answer({wait->name, false});
}

void SystemHandlers::on_time() {
  const TimePoint now = facts_.time_after(std::chrono::nanoseconds(0));
  while (true) {
    WaitPtr next;
    {
      const std::lock_guard lock(mutex_);
      if (by_time_.empty()) return;
      next = by_time_.begin()->second;
    }
    if (next->until > now) return facts_.wake_at(next->until);
    give_up(next);
  }
}

void SystemHandlers::end_waits() {
  std::set<std::pair<TimePoint, WaitPtr>> waiting;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting.swap(by_time_);
    waits_.clear();
  }
  for (const auto& [until, wait] : waiting) wait->answer({wait->name, false});
}

}  // namespace trestle::system
