// What a node does while its maker goes on: connecting, finding others, telling all, closing.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <trestle/detail/open_call.hpp>
#include <trestle/detail/unique_function.hpp>
#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>

namespace trestle::detail {

// Each calls `done` once, on whichever thread drives the node; at a closed node at once. If there
// is a `canceller`, it is filled in before that. A connection that comes up late is kept.

using ConnectCompletion = UniqueFunction<void(Result<Peer>)>;
using DiscoveryCompletion = UniqueFunction<void(Result<PeerInfo>)>;
using BroadcastCompletion = UniqueFunction<void(std::vector<PeerOutcome>)>;
using CloseCompletion = UniqueFunction<void(Result<void>)>;

TRESTLE_EXPORT void start_connect(const std::shared_ptr<NodeCore>& core, std::string_view uri,
                                  const ConnectOptions& options, ConnectCompletion done,
                                  CallCanceller* canceller);
/// Loads transports first.
TRESTLE_EXPORT void start_connect(const std::shared_ptr<NodeCore>& core, const PeerInfo& peer,
                                  const ConnectOptions& options, ConnectCompletion done,
                                  CallCanceller* canceller);
TRESTLE_EXPORT void start_discovery(const std::shared_ptr<NodeCore>& core, std::string_view uri,
                                    const ConnectOptions& options, DiscoveryCompletion done,
                                    CallCanceller* canceller);
TRESTLE_EXPORT void start_discovery(const std::shared_ptr<NodeCore>& core,
                                    const WorkerAddress& address, const ConnectOptions& options,
                                    DiscoveryCompletion done, CallCanceller* canceller);
TRESTLE_EXPORT void start_broadcast(const std::shared_ptr<NodeCore>& core, std::string_view handler,
                                    std::shared_ptr<const Result<Encoded>> argument,
                                    const CallOptions& options, BroadcastCompletion done,
                                    CallCanceller* canceller);
/// Nobody can cancel it.
TRESTLE_EXPORT void start_close(const std::shared_ptr<NodeCore>& core, CloseCompletion done);

}  // namespace trestle::detail
