// inproc://: packets between nodes of one process, without threads, sockets or system calls.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/sdk/uri.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "link.hpp"
#include "listener.hpp"
#include "mailbox.hpp"

namespace trestle::inproc {

/// Models sdk::Transport. Threads: TT_THREAD_MULTI. The order of events depends only on the order
/// of calls.
class InprocTransport {
 public:
  using Connection = inproc::Connection;
  using Listener = inproc::Listener;

  static sdk::Result<std::unique_ptr<InprocTransport>> open(sdk::Host host,
                                                            const sdk::OpenOptions& options);
  InprocTransport(sdk::Host host, Mailbox::Limits limits);

  tt_attr attributes() const;
  void shutdown();
  bool can_destroy() const { return down_seen_ && mailbox_->is_empty(); }

  sdk::Result<Listener*> listen(std::string_view uri, void* user);
  std::string listener_uri(const Listener& listener) const;
  void unlisten(Listener& listener);

  sdk::Result<Connection*> connect(std::string_view uri, void* user);
  void set_user(Connection& conn, void* user) { conn.link->set_user(conn.side, user); }
  sdk::ConnectionInfo describe(const Connection& conn) const;
  void close(Connection& conn, sdk::CloseMode mode) { conn.link->close(conn.side, mode); }
  void free(Connection& conn) { conn.link->free(conn.side); }

  tt_status send(Connection& conn, std::span<const tt_iov> segments, std::uint32_t flags,
                 std::uint64_t op) {
    return conn.link->send(conn.side, segments, flags, op);
  }
  void release(tt_rx& rx);

  std::int32_t progress(std::span<tt_event> events);
  sdk::Arming arm() { return {.may_sleep = mailbox_->arm(), .deadline = std::nullopt}; }

 private:
  bool ends_batch(const Record& record) const;
  bool deliver(const Record& record, tt_event& event, Mailbox::Lock& lock);

  const std::shared_ptr<Mailbox> mailbox_;
  // The leader's.
  std::vector<LinkEnd> just_accepted_;  ///< in this batch
  bool down_seen_ = false;
};

}  // namespace trestle::inproc
