// What applications need. Not in it: coroutine handlers (coroutine.hpp), completion tokens for the
// waits of messages (async_status.hpp), the list of plugins (plugins.hpp).
#pragma once

#include <trestle/async.hpp>
#include <trestle/handler.hpp>
#include <trestle/health.hpp>
#include <trestle/message_builder.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>
#include <trestle/reply.hpp>
#include <trestle/spin.hpp>
#include <trestle/statistics.hpp>
