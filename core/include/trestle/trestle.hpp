// All that an application needs.
#pragma once

#include <trestle/async.hpp>
#include <trestle/handler.hpp>
#include <trestle/message_builder.hpp>
#include <trestle/node.hpp>
#include <trestle/peer.hpp>
#include <trestle/reply.hpp>
#include <trestle/spin.hpp>
