// One thread per side on one connected endpoint of libfabric: blocking, or polled by both sides.
#include "arguments.hpp"
#include "loads.hpp"

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using bare::Waiting;

/// The first byte of a message: whether whoever gets it shall answer.
constexpr std::byte echo{'e'};
constexpr std::byte silent{'s'};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

void check(long answer, const std::string& what) {
  if (answer >= 0) return;
  give_up("cannot " + what + ": " + fi_strerror(static_cast<int>(-answer)));
}

/// What of "PROVIDER://ADDRESS:PORT" libfabric wants by itself.
struct Place {
  std::string provider, address, port;

  explicit Place(const std::string& uri) {
    const std::size_t slashes = uri.find("://");
    const std::size_t colon = uri.rfind(':');
    if (slashes == std::string::npos || colon <= slashes) {
      give_up(uri + ": expected PROVIDER://ADDRESS:PORT");
    }
    provider = uri.substr(0, slashes);
    address = uri.substr(slashes + 3, colon - slashes - 3);
    port = uri.substr(colon + 1);
  }
};

/// Gives back what libfabric opened.
struct Close {
  template <class Object>
  void operator()(Object* object) const {
    fi_close(&object->fid);
  }
  void operator()(fi_info* info) const { fi_freeinfo(info); }
};
template <class Object>
using Owned = std::unique_ptr<Object, Close>;

/// What `open(Object**)` opens.
template <class Object, class Open>
Owned<Object> opened(const Open& open, const std::string& what) {
  Object* object = nullptr;
  check(open(&object), "open the " + what);
  return Owned<Object>(object);
}

Owned<fi_info> find(const Place& place, std::uint64_t flags) {
  const Owned<fi_info> hints(fi_allocinfo());
  hints->ep_attr->type = FI_EP_MSG;
  hints->caps = FI_MSG;
  hints->addr_format = FI_SOCKADDR_IN;
  hints->fabric_attr->prov_name = ::strdup(place.provider.c_str());
  fi_info* found = nullptr;
  check(fi_getinfo(FI_VERSION(1, 17), place.address.c_str(), place.port.c_str(), flags, hints.get(),
                   &found),
        "find the provider " + place.provider);
  return Owned<fi_info>(found);
}

/// A fabric with its event queue.
struct Fabric {
  Owned<fi_info> info;
  Owned<fid_fabric> fabric;
  Owned<fid_eq> events;

  explicit Fabric(Owned<fi_info> found) : info(std::move(found)) {
    fabric = opened<fid_fabric>(
        [&](fid_fabric** out) { return fi_fabric(info->fabric_attr, out, nullptr); }, "fabric");
    fi_eq_attr attr{};
    attr.wait_obj = FI_WAIT_UNSPEC;
    events = opened<fid_eq>(
        [&](fid_eq** out) { return fi_eq_open(fabric.get(), &attr, out, nullptr); }, "event queue");
  }

  /// Waits for the event, and returns what came with it.
  Owned<fi_info> await(std::uint32_t wanted) {
    fi_eq_cm_entry entry{};
    std::uint32_t event = 0;
    check(fi_eq_sread(events.get(), &event, &entry, sizeof(entry), -1, 0), "connect");
    if (event != wanted) give_up("another event than a connection");
    return Owned<fi_info>(entry.info);
  }
};

/// A message in a posted buffer.
struct Arrival {
  std::size_t slot = 0;
  std::size_t bytes = 0;
};

/// An endpoint with one completion queue and a ring of posted buffers.
class Endpoint {
 public:
  Endpoint(Fabric& fabric, fi_info& info, const bare::Arguments& arguments)
      : waiting_(arguments.waiting),
        slot_bytes_(std::max<std::size_t>(arguments.size, 64)),
        inject_bytes_(info.tx_attr->inject_size) {
    domain_ = opened<fid_domain>(
        [&](fid_domain** out) { return fi_domain(fabric.fabric.get(), &info, out, nullptr); },
        "domain");
    fi_cq_attr attr{};
    attr.format = FI_CQ_FORMAT_MSG;
    attr.wait_obj = FI_WAIT_FD;
    attr.size = ring_size;
    completions_ =
        opened<fid_cq>([&](fid_cq** out) { return fi_cq_open(domain_.get(), &attr, out, nullptr); },
                       "completion queue");
    endpoint_ = opened<fid_ep>(
        [&](fid_ep** out) { return fi_endpoint(domain_.get(), &info, out, nullptr); }, "endpoint");
    check(fi_ep_bind(get(), &fabric.events->fid, 0), "bind the event queue");
    check(fi_ep_bind(get(), &completions_->fid, FI_TRANSMIT | FI_RECV), "bind the queue");
    check(fi_enable(get()), "enable the endpoint");
    const std::size_t slots = slot_bytes_ < (1u << 20) ? 256 : 4;
    buffers_.resize(slots * slot_bytes_);
    for (std::size_t slot = 0; slot < slots; ++slot) post(slot);
  }

  fid_ep* get() const { return endpoint_.get(); }

  /// The next message, whose slot its reader posts again.
  Arrival receive() {
    while (taken_ == arrived_) read(waiting_);
    return ring_[taken_++ % ring_size];
  }
  std::byte* bytes(std::size_t slot) { return buffers_.data() + slot * slot_bytes_; }
  void post(std::size_t slot) {
    void* const context = reinterpret_cast<void*>(slot + 1);
    check(fi_recv(get(), bytes(slot), slot_bytes_, nullptr, FI_ADDR_UNSPEC, context),
          "post a buffer");
  }

  /// Within the call. False: it is too large for that, or the provider is full.
  bool inject(const std::byte* start, std::size_t size) {
    if (size > inject_bytes_) return false;
    const long answer = fi_inject(get(), start, size, FI_ADDR_UNSPEC);
    if (answer != -FI_EAGAIN) check(answer, "send");
    return answer == 0;
  }
  /// A slot that is echoed is posted again when it was sent.
  void send_slot(const Arrival& arrival) {
    send(bytes(arrival.slot), arrival.bytes, reinterpret_cast<void*>(arrival.slot + 1));
  }
  /// The bytes stay as they are for good.
  void send(const std::byte* start, std::size_t size, void* context = nullptr) {
    while (in_flight_ == in_flight_max) read(waiting_);
    long answer = -FI_EAGAIN;
    while ((answer = fi_send(get(), start, size, nullptr, FI_ADDR_UNSPEC, context)) == -FI_EAGAIN) {
      read(Waiting::spin);
    }
    check(answer, "send");
    ++in_flight_;
  }

 private:
  static constexpr std::size_t ring_size = 1024;
  static constexpr std::size_t in_flight_max = 64;

  /// Takes in what has completed; to read is also what makes the provider go on.
  void read(Waiting waiting) {
    std::array<fi_cq_msg_entry, 64> batch;
    const long count =
        waiting == Waiting::spin
            ? fi_cq_read(completions_.get(), batch.data(), batch.size())
            : fi_cq_sread(completions_.get(), batch.data(), batch.size(), nullptr, -1);
    if (count == -FI_EAGAIN || count == -FI_EINTR) return;
    check(count, "go on: the other side has gone");
    for (long i = 0; i < count; ++i) take(batch[static_cast<std::size_t>(i)]);
  }
  void take(const fi_cq_msg_entry& entry) {
    const std::size_t slot = reinterpret_cast<std::uintptr_t>(entry.op_context) - 1;
    if ((entry.flags & FI_SEND) == 0) {
      ring_[arrived_++ % ring_size] = {slot, entry.len};
      return;
    }
    --in_flight_;
    if (entry.op_context != nullptr) post(slot);
  }

  const Waiting waiting_;
  const std::size_t slot_bytes_;
  const std::size_t inject_bytes_;
  std::vector<std::byte> buffers_;  ///< posted, so they outlive the endpoint
  Owned<fid_domain> domain_;
  Owned<fid_cq> completions_;
  Owned<fid_ep> endpoint_;
  std::array<Arrival, ring_size> ring_{};
  std::size_t arrived_ = 0;
  std::size_t taken_ = 0;
  std::size_t in_flight_ = 0;  ///< sent, and not completed
};

[[noreturn]] void serve(const bare::Arguments& arguments) {
  Place place(arguments.endpoint);
  Fabric fabric(find(place, FI_SOURCE));
  const auto listener = opened<fid_pep>(
      [&](fid_pep** out) {
        return fi_passive_ep(fabric.fabric.get(), fabric.info.get(), out, nullptr);
      },
      "listener");
  check(fi_pep_bind(listener.get(), &fabric.events->fid, 0), "bind the listener");
  check(fi_listen(listener.get()), "listen");
  sockaddr_in name{};
  std::size_t size = sizeof(name);
  check(fi_getname(&listener->fid, &name, &size), "ask for the port");
  std::printf("listening %s://%s:%d\n", place.provider.c_str(), place.address.c_str(),
              ntohs(name.sin_port));
  std::fflush(stdout);
  const Owned<fi_info> caller = fabric.await(FI_CONNREQ);
  Endpoint endpoint(fabric, *caller, arguments);
  check(fi_accept(endpoint.get(), nullptr, 0), "accept");
  fabric.await(FI_CONNECTED);
  for (;;) {
    const Arrival arrival = endpoint.receive();
    const std::byte* const start = endpoint.bytes(arrival.slot);
    if (*start != echo || endpoint.inject(start, arrival.bytes)) {
      endpoint.post(arrival.slot);
    } else {
      endpoint.send_slot(arrival);
    }
  }
}

/// Models bare::Client.
class Client {
 public:
  explicit Client(const bare::Arguments& arguments)
      : fabric_(find(Place(arguments.endpoint), 0)),
        endpoint_(fabric_, *fabric_.info, arguments),
        request_(arguments.size, echo),
        message_(arguments.size, silent) {
    check(fi_connect(endpoint_.get(), fabric_.info->dest_addr, nullptr, 0), "connect");
    fabric_.await(FI_CONNECTED);
  }

  void send_request() {
    if (endpoint_.inject(request_.data(), request_.size())) return;
    endpoint_.send(request_.data(), request_.size());
  }
  void send_message() { endpoint_.send(message_.data(), message_.size()); }
  void await_reply() { endpoint_.post(endpoint_.receive().slot); }
  void flush() {
    send_request();
    await_reply();
  }

 private:
  Fabric fabric_;
  Endpoint endpoint_;
  const std::vector<std::byte> request_;
  const std::vector<std::byte> message_;
};

}  // namespace

int main(int argc, char** argv) {
  const bare::Arguments arguments = bare::parse_arguments(argc, argv);
  if (arguments.size == 0) give_up("--size is at least 1");
  if (arguments.role == bare::Role::serve) serve(arguments);
  Client client(arguments);
  bare::measure(client, arguments);
  return 0;
}
