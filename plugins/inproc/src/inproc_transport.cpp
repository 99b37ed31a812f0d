// Addresses, driving and shutdown of inproc://; connections live in link.cpp.
#include "inproc_transport.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace trestle::inproc {
namespace {

/// The name in "inproc://name".
sdk::Result<std::string> parse_name(std::string_view text) {
  auto uri = sdk::Uri::parse(text);
  if (uri.has_error()) return uri.error();
  const auto refuse = [&](const std::string& why) {
    return sdk::Error{TT_E_ADDR, '"' + std::string(text) + "\": " + why};
  };
  if (uri->scheme != "inproc") return refuse("the scheme is not inproc");
  if (!uri->options.empty()) {
    return refuse("unknown option \"" + uri->options.begin()->first + "\"; inproc has none");
  }
  if (uri->address.empty()) return refuse("the name after inproc:// is empty");
  return std::move(uri->address);
}

std::string uri_of(const std::string& name) {
  return sdk::Uri{.scheme = "inproc", .address = name, .options = {}}.str();
}

}  // namespace

sdk::Result<std::unique_ptr<InprocTransport>> InprocTransport::open(
    sdk::Host host, const sdk::OpenOptions& options) {
  if (!options.defaults.empty()) {
    return sdk::Error{TT_E_ADDR, "opening inproc: unknown option \"" +
                                     std::string(options.defaults.front().key) +
                                     "\"; inproc has none"};
  }
  return std::make_unique<InprocTransport>(
      host, Mailbox::Limits{.packet_bytes_max = options.packet_bytes_max,
                            .queue_bytes_max = options.queue_bytes_max});
}

InprocTransport::InprocTransport(sdk::Host host, Mailbox::Limits limits)
    : mailbox_(std::make_shared<Mailbox>(host, limits)) {}

tt_attr InprocTransport::attributes() const {
  tt_attr attr{};
  attr.thread_level = TT_THREAD_MULTI;
  attr.caps = TT_CAP_LISTEN | TT_CAP_CONNECT | TT_CAP_LOSS_NOTICE | TT_CAP_TX_BORROW |
              TT_CAP_RX_HOLD | TT_CAP_INTEGRITY;
  attr.wait_fd = -1;
  attr.wait_flags = TT_WAIT_WAKE;
  attr.max_iov = segments_max;
  attr.copy_max = copy_bytes_max;
  attr.borrow_min = copy_bytes_max + 1;
  return attr;
}

void InprocTransport::shutdown() {
  std::vector<std::shared_ptr<Listener>> listeners;
  const auto open = mailbox_->begin_shutdown(listeners);
  for (const auto& listener : listeners) unlisten(*listener);
  for (const auto& [link, side] : open) link->close(side, sdk::CloseMode::orderly);
  mailbox_->finish_shutdown();
}

sdk::Result<Listener*> InprocTransport::listen(std::string_view uri, void* user) {
  auto name = parse_name(uri);
  if (name.has_error()) return name.error();
  if (*name == "*") *name = NameTable::of_process().make_unique_name();
  const auto listener = std::make_shared<Listener>(*name, mailbox_, user);
  if (!NameTable::of_process().claim(listener)) {
    return sdk::Error{TT_E_ADDRINUSE, "listening on \"" + std::string(uri) +
                                          "\": somebody in this process listens under that name"};
  }
  mailbox_->add_listener(listener);
  return listener.get();
}

std::string InprocTransport::listener_uri(const Listener& listener) const {
  return uri_of(listener.name);
}

void InprocTransport::unlisten(Listener& listener) {
  NameTable::of_process().drop(listener);
  mailbox_->stop(listener);
}

sdk::Result<Connection*> InprocTransport::connect(std::string_view uri, void* user) {
  const auto name = parse_name(uri);
  if (name.has_error()) return name.error();
  if (*name == "*") {
    return sdk::Error{TT_E_ADDR, "\"inproc://*\": only a listener may use it"};
  }
  const auto link = std::make_shared<Link>(uri_of(*name));
  Connection* const conn = link->connect(mailbox_, user, NameTable::of_process().find(*name));
  if (conn == nullptr) {
    return sdk::Error{TT_E_CLOSED,
                      "connecting to \"" + link->uri() + "\": this transport shuts down"};
  }
  return conn;
}

sdk::ConnectionInfo InprocTransport::describe(const Connection& conn) const {
  sdk::ConnectionInfo info;
  // Only the listening end has an address.
  (conn.side == Side::connector ? info.peer_uri : info.local_uri) = conn.link->uri();
  info.peer_pid = ::getpid();
  info.peer_uid = ::getuid();
  return info;
}

void InprocTransport::release(tt_rx& rx) {
  std::unique_ptr<Packet> packet(reinterpret_cast<Packet*>(&rx));
  if (packet->is_lent()) {
    const Packet::Lender& lender = packet->lender();
    lender.link->lent_packet_returned(lender.side, lender.op);
  }
  mailbox_->release_held(std::move(packet));
}

std::int32_t InprocTransport::progress(std::span<tt_event> events) {
  RecordQueue& queue = mailbox_->queue();
  queue.recycle();  // what the last batch referred to
  just_accepted_.clear();
  // Only large packets need it: the first of them takes it for the rest of the batch.
  Mailbox::Lock lock(*mailbox_, std::defer_lock);
  std::size_t written = 0;
  while (written < events.size()) {
    const Record* const record = queue.front();
    if (record == nullptr || (!just_accepted_.empty() && ends_batch(*record))) break;
    if (deliver(*record, events[written], lock)) ++written;
    queue.pop();
  }
  if (lock.owns_lock()) lock.unlock();
  mailbox_->pay_debts();
  return static_cast<std::int32_t>(written);
}

// An end that was accepted in this batch ends it: the host has to set the cookie first.
bool InprocTransport::ends_batch(const Record& record) const {
  const LinkEnd end{record.link, record.side};
  return std::find(just_accepted_.begin(), just_accepted_.end(), end) != just_accepted_.end();
}

bool InprocTransport::deliver(const Record& record, tt_event& event, Mailbox::Lock& lock) {
  event = tt_event{};
  event.kind = record.kind;
  event.status = record.status;
  event.op = record.op;
  if (record.kind == TT_EV_ACCEPTED) just_accepted_.push_back({record.link, record.side});
  if (record.kind == TT_EV_DOWN) down_seen_ = true;
  if (record.kind == TT_EV_UNLISTENED) {
    event.user = record.listener->user;
    if (!lock.owns_lock()) lock.lock();
    mailbox_->forget(*record.listener);
  }
  return record.link == nullptr || record.link->deliver(record, event, lock);
}

}  // namespace trestle::inproc
