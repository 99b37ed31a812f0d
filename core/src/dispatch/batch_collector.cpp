// Filling, closing and leaving batches.
#include "dispatch/batch_collector.hpp"

#include <algorithm>
#include <utility>

namespace trestle::dispatch {

BatchCollector::Joined BatchCollector::join(const MessagePtr& message, TimePoint closes_at) {
  Joined result;
  const std::size_t bytes = message->payload.size();
  const std::lock_guard lock(mutex_);
  if (open_ != nullptr &&
      bytes > options_.bytes_max - std::min(open_->bytes_, options_.bytes_max)) {
    result.filled = std::exchange(open_, nullptr);
  }
  if (open_ == nullptr) {
    open_ = std::make_shared<KeptBatch>(message->entry_owner, closes_at);
    result.is_first = true;
  }
  result.batch = open_;
  open_->messages_.push_back(message);
  open_->bytes_ += bytes;
  message->batch = open_;
  ++waiting_;
  if (open_->messages_.size() >= options_.messages_max || open_->bytes_ >= options_.bytes_max) {
    open_ = nullptr;
    result.is_complete = true;
  }
  return result;
}

bool BatchCollector::close(const KeptBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (open_.get() != &batch) return false;
  open_ = nullptr;
  return true;
}

std::vector<BatchCollector::MessagePtr> BatchCollector::take(KeptBatch& batch) {
  const std::lock_guard lock(mutex_);
  waiting_ -= batch.messages_.size();
  return std::exchange(batch.messages_, {});
}

BatchCollector::BatchPtr BatchCollector::leave(KeptMessage& message) {
  const std::lock_guard lock(mutex_);
  const BatchPtr batch = message.batch.lock();
  if (batch == nullptr) return nullptr;
  auto& messages = batch->messages_;
  const auto found = std::find_if(messages.begin(), messages.end(),
                                  [&](const MessagePtr& one) { return one.get() == &message; });
  if (found == messages.end()) return nullptr;  // it was taken to run
  messages.erase(found);
  batch->bytes_ -= message.payload.size();
  --waiting_;
  if (!messages.empty() || open_ != batch) return nullptr;
  return std::exchange(open_, nullptr);
}

std::size_t BatchCollector::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

}  // namespace trestle::dispatch
