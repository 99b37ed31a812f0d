// Names and sentences of every Errc.
#include <trestle/error.hpp>

#include <array>
#include <ostream>

namespace trestle {
namespace {

struct Entry {
  Errc code;
  std::string_view name;
  const char* sentence;
};

constexpr std::array entries{
    Entry{Errc::invalid_argument, "invalid_argument", "an argument makes no sense"},
    Entry{Errc::no_target, "no_target", "the call has no peer to go to"},
    Entry{Errc::unknown_peer, "unknown_peer", "nothing is known of that peer"},
    Entry{Errc::reserved_name, "reserved_name", "names that start with '_' are the system's"},
    Entry{Errc::name_too_long, "name_too_long", "the handler name is too long"},
    Entry{Errc::handler_exists, "handler_exists", "a handler of that name is registered already"},
    Entry{Errc::payload_too_large, "payload_too_large", "the payload is above the limit"},
    Entry{Errc::would_block_for_ever, "would_block_for_ever", "nothing can end this wait"},
    Entry{Errc::encode_failed, "encode_failed", "the value cannot be encoded"},
    Entry{Errc::unknown_scheme, "unknown_scheme", "no transport plugin for that URI scheme"},
    Entry{Errc::plugin_rejected, "plugin_rejected", "the transport plugin cannot be used"},
    Entry{Errc::bad_endpoint, "bad_endpoint", "the endpoint URI is not valid"},
    Entry{Errc::insecure_listener, "insecure_listener",
          "the listener would be open to strangers on the network"},
    Entry{Errc::address_in_use, "address_in_use", "the address is in use"},
    Entry{Errc::connect_refused, "connect_refused", "nobody listens at that endpoint"},
    Entry{Errc::unreachable, "unreachable", "the endpoint cannot be reached"},
    Entry{Errc::transport_failed, "transport_failed", "the transport failed"},
    Entry{Errc::handler_not_found, "handler_not_found", "the peer has no such handler"},
    Entry{Errc::kind_mismatch, "kind_mismatch", "the call's mode does not fit the handler"},
    Entry{Errc::undecodable, "undecodable", "the handler cannot decode the payload"},
    Entry{Errc::overloaded, "overloaded", "the peer has no room for the message"},
    Entry{Errc::draining, "draining", "the peer is shutting down"},
    Entry{Errc::not_permitted, "not_permitted", "the sender may not administer the peer"},
    Entry{Errc::handler_failed, "handler_failed", "the handler reported an error"},
    Entry{Errc::no_reply, "no_reply", "the handler ended without a reply"},
    Entry{Errc::bad_reply, "bad_reply", "the reply cannot be decoded"},
    Entry{Errc::deadline_exceeded, "deadline_exceeded", "no outcome before the deadline"},
    Entry{Errc::cancelled, "cancelled", "the call was cancelled"},
    Entry{Errc::connection_lost, "connection_lost", "the connection was lost"},
    Entry{Errc::shut_down, "shut_down", "this node is closed"},
    Entry{Errc::too_many_calls, "too_many_calls", "too many calls are outstanding"},
    Entry{Errc::queue_full, "queue_full", "the send queue is full"},
    Entry{Errc::handshake_failed, "handshake_failed", "the handshake did not complete"},
    Entry{Errc::version_mismatch, "version_mismatch", "no common protocol version"},
    Entry{Errc::identity_mismatch, "identity_mismatch", "another node answered than expected"},
    Entry{Errc::stale_incarnation, "stale_incarnation", "the peer is an earlier start of a node"},
    Entry{Errc::protocol_error, "protocol_error", "the peer broke the protocol"},
    Entry{Errc::duplicate_connection, "duplicate_connection",
          "another connection to the same peer is used instead"},
};

const Entry* find(int value) noexcept {
  for (const Entry& entry : entries) {
    if (static_cast<int>(entry.code) == value) return &entry;
  }
  return nullptr;
}

class Category final : public boost::system::error_category {
 public:
  // The number makes the category equal to itself when a second copy is loaded.
  constexpr Category() noexcept : error_category(0x7472657374'6C6501u) {}
  const char* name() const noexcept override { return "trestle"; }
  std::string message(int value) const override {
    const Entry* entry = find(value);
    return entry != nullptr ? entry->sentence : "unknown error " + std::to_string(value);
  }
};

constexpr Category category;

}  // namespace

const boost::system::error_category& error_category() noexcept {
  return category;
}

std::string_view to_string(Errc code) noexcept {
  const Entry* entry = find(static_cast<int>(code));
  return entry != nullptr ? entry->name : "unknown";
}

std::string_view to_string(Ran ran) noexcept {
  switch (ran) {
    case Ran::no:
      return "did not run";
    case Ran::maybe:
      return "may have run";
    case Ran::yes:
      return "ran";
  }
  return "unknown";
}

std::string to_string(const Error& error) {
  const bool ours = error.code.category() == category;
  const std::string name =
      ours ? std::string(to_string(static_cast<Errc>(error.code.value()))) : error.code.to_string();
  return error.text + " [" + name + ", the handler " + std::string(to_string(error.ran)) + "]";
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << to_string(error);
}

}  // namespace trestle
