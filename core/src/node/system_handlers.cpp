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

/// How long an answer may be put off: what was asked for, and less than the caller waits.
std::chrono::nanoseconds patience(const HandlerQuery& query, const Context& context,
                                  TimePoint now) {
  std::chrono::nanoseconds patience = default_wait;
  if (query.timeout_ms) {
    const auto most =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds::max());
    patience =
        std::chrono::milliseconds(std::clamp<std::int64_t>(*query.timeout_ms, 0, most.count()));
  }
  if (context.deadline) patience = std::min(patience, (*context.deadline - now) / 10 * 9);
  return std::max(patience, std::chrono::nanoseconds::zero());
}

}  // namespace

Result<void> SystemHandlers::add_all(NodeFacts facts) {
  facts_ = std::move(facts);
  handlers_.on_added([this](const std::string& name) { tell_waiters(name); });
  const HandlerOptions at_once{Execution::inline_};
  const auto health = [this] {
    return Health{facts_.is_draining() ? "draining" : "ok", seconds_since_1970()};
  };
  const auto discover = [this] {
    return Discovery{to_string(facts_.instance), facts_.endpoints()};
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
           unary("_contract", contract, at_once), unary("_wait_for_handler", wait, at_once)}) {
    auto added = handlers_.add(std::move(handler), registry::Owner::system);
    if (added.has_error()) return added;
  }
  return {};
}

void SystemHandlers::wait_for_handler(const HandlerQuery& query, const Context& context,
                                      Answer answer) {
  const auto shared = std::make_shared<Answer>(std::move(answer));
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) waits_[query.handler_name].push_back(shared);
  }
  // Only now, so that one that is added meanwhile is not missed.
  if (handlers_.find(query.handler_name) != nullptr) return tell_waiters(query.handler_name);
  const auto wait = patience(query, context, facts_.now());
  facts_.after(wait, [this, name = query.handler_name, waiting = std::weak_ptr(shared)] {
    if (const auto still = waiting.lock()) give_up(name, still);
  });
}

void SystemHandlers::tell_waiters(const std::string& name) {
  Waits::mapped_type waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(name);
    if (found == waits_.end()) return;
    waiting = std::move(found->second);
    waits_.erase(found);
  }
  for (const auto& answer : waiting) (*answer)({name, true});
}

void SystemHandlers::give_up(const std::string& name, const std::shared_ptr<Answer>& answer) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(name);
    if (found == waits_.end() || found->second.remove(answer) == 0) return;
    if (found->second.empty()) waits_.erase(found);
  }
  (*answer)({name, false});
}

void SystemHandlers::end_waits() {
  Waits waiting;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting.swap(waits_);
  }
  for (const auto& [name, answers] : waiting) {
    for (const auto& answer : answers) (*answer)({name, false});
  }
}

}  // namespace trestle::system
