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

fi_info* find(const Place& place, std::uint64_t flags) {
  fi_info* const hints = fi_allocinfo();
  hints->ep_attr->type = FI_EP_MSG;
  hints->caps = FI_MSG;
  hints->addr_format = FI_SOCKADDR_IN;
  hints->fabric_attr->prov_name = ::strdup(place.provider.c_str());
  fi_info* found = nullptr;
  check(fi_getinfo(FI_VERSION(1, 17), place.address.c_str(), place.port.c_str(), flags, hints,
                   &found),
        "find the provider " + place.provider);
  fi_freeinfo(hints);
  return found;
}

/// A fabric with its event queue. Nothing here is closed before the process ends.
struct Fabric {
  fi_info* info;
  fid_fabric* fabric = nullptr;
  fid_eq* events = nullptr;

  explicit Fabric(fi_info* found) : info(found) {
    check(fi_fabric(info->fabric_attr, &fabric, nullptr), "open the fabric");
    fi_eq_attr attr{};
    attr.wait_obj = FI_WAIT_UNSPEC;
    check(fi_eq_open(fabric, &attr, &events, nullptr), "open the event queue");
  }

  /// Waits for the event, and returns what came with it.
  fi_info* await(std::uint32_t wanted) {
    fi_eq_cm_entry entry{};
    std::uint32_t event = 0;
    check(fi_eq_sread(events, &event, &entry, sizeof(entry), -1, 0), "connect");
    if (event != wanted) give_up("another event than a connection");
    return entry.info;
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
    fid_domain* domain = nullptr;
    check(fi_domain(fabric.fabric, &info, &domain, nullptr), "open the domain");
    fi_cq_attr attr{};
    attr.format = FI_CQ_FORMAT_MSG;
    attr.wait_obj = FI_WAIT_FD;
    attr.size = ring_size;
    check(fi_cq_open(domain, &attr, &completions_, nullptr), "open the completion queue");
    check(fi_endpoint(domain, &info, &endpoint_, nullptr), "open the endpoint");
    check(fi_ep_bind(endpoint_, &fabric.events->fid, 0), "bind the event queue");
    check(fi_ep_bind(endpoint_, &completions_->fid, FI_TRANSMIT | FI_RECV), "bind the queue");
    check(fi_enable(endpoint_), "enable the endpoint");
    const std::size_t slots = slot_bytes_ < (1u << 20) ? 256 : 4;
    buffers_.resize(slots * slot_bytes_);
    for (std::size_t slot = 0; slot < slots; ++slot) post(slot);
  }

  fid_ep* get() const { return endpoint_; }

  /// The next message, whose slot its reader posts again.
  Arrival receive() {
    while (taken_ == arrived_) read(waiting_);
    return ring_[taken_++ % ring_size];
  }
  std::byte* bytes(std::size_t slot) { return buffers_.data() + slot * slot_bytes_; }
  void post(std::size_t slot) {
    void* const context = reinterpret_cast<void*>(slot + 1);
    check(fi_recv(endpoint_, bytes(slot), slot_bytes_, nullptr, FI_ADDR_UNSPEC, context),
          "post a buffer");
  }

  /// Within the call. False: it is too large for that, or the provider is full.
  bool inject(const std::byte* start, std::size_t size) {
    if (size > inject_bytes_) return false;
    const long answer = fi_inject(endpoint_, start, size, FI_ADDR_UNSPEC);
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
    while ((answer = fi_send(endpoint_, start, size, nullptr, FI_ADDR_UNSPEC, context)) ==
           -FI_EAGAIN) {
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
    const long count = waiting == Waiting::spin
                           ? fi_cq_read(completions_, batch.data(), batch.size())
                           : fi_cq_sread(completions_, batch.data(), batch.size(), nullptr, -1);
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
  fid_cq* completions_ = nullptr;
  fid_ep* endpoint_ = nullptr;
  std::vector<std::byte> buffers_;
  std::array<Arrival, ring_size> ring_{};
  std::size_t arrived_ = 0;
  std::size_t taken_ = 0;
  std::size_t in_flight_ = 0;  ///< sent, and not completed
};

[[noreturn]] void serve(const bare::Arguments& arguments) {
  Place place(arguments.endpoint);
  Fabric fabric(find(place, FI_SOURCE));
  fid_pep* listener = nullptr;
  check(fi_passive_ep(fabric.fabric, fabric.info, &listener, nullptr), "open a listener");
  check(fi_pep_bind(listener, &fabric.events->fid, 0), "bind the listener");
  check(fi_listen(listener), "listen");
  sockaddr_in name{};
  std::size_t size = sizeof(name);
  check(fi_getname(&listener->fid, &name, &size), "ask for the port");
  std::printf("listening %s://%s:%d\n", place.provider.c_str(), place.address.c_str(),
              ntohs(name.sin_port));
  std::fflush(stdout);
  Endpoint endpoint(fabric, *fabric.await(FI_CONNREQ), arguments);
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
