// A connection that comes up while its maker goes on.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <trestle/detail/open_call.hpp>
#include <trestle/detail/unique_function.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>

namespace trestle::detail {

class PendingConnect;

/// Takes the peer that nobody blocks for.
using ConnectCompletion = UniqueFunction<void(Result<Peer>)>;

/// Ends one connect before its time; a connection that comes up is kept for the next. Copyable;
/// empty does nothing. Threads: any.
class TRESTLE_EXPORT ConnectCanceller {
 public:
  ConnectCanceller() noexcept = default;
  explicit ConnectCanceller(std::shared_ptr<PendingConnect> connect) noexcept
      : connect_(std::move(connect)) {}

  /// False: it was over. There is no message, so the scope says nothing.
  bool cancel(CallCanceller::Scope scope = CallCanceller::Scope::any) const;

 private:
  std::shared_ptr<PendingConnect> connect_;
};

/// `done` is called once, on whichever thread drives the node; `canceller`, if any, is filled in
/// before that.
TRESTLE_EXPORT void start_connect(const std::shared_ptr<NodeCore>& core, std::string_view uri,
                                  const ConnectOptions& options, ConnectCompletion done,
                                  ConnectCanceller* canceller);

}  // namespace trestle::detail
