// The addresses of nodes that applications pass on.
#include <trestle/peer_info.hpp>

#include <algorithm>
#include <utility>

#include "peers/sealed_address.hpp"

namespace trestle {

WorkerAddress::WorkerAddress(std::vector<std::string> endpoints) {
  for (std::string& endpoint : endpoints) {
    const bool is_known =
        std::find(endpoints_.begin(), endpoints_.end(), endpoint) != endpoints_.end();
    if (!is_known) endpoints_.push_back(std::move(endpoint));
  }
}

std::string WorkerAddress::bytes() const {
  peers::SealedWriter writer(peers::address_seal);
  writer.put(endpoints_);
  return std::move(writer).finish();
}

std::string WorkerAddress::text() const {
  return peers::sealed_text(peers::address_seal, bytes());
}

Result<WorkerAddress> WorkerAddress::parse(std::string_view text) {
  const auto bytes = peers::sealed_bytes(peers::address_seal, text);
  if (bytes.has_error()) return bytes.error();
  return from_bytes(as_bytes(*bytes));
}

Result<WorkerAddress> WorkerAddress::from_bytes(BytesView bytes) {
  auto reader = peers::SealedReader::open(peers::address_seal, bytes);
  if (reader.has_error()) return reader.error();
  auto endpoints = reader->take_texts();
  if (endpoints.has_error()) return endpoints.error();
  if (auto ended = reader->finish(); ended.has_error()) return ended.error();
  return WorkerAddress(std::move(*endpoints));
}

std::string PeerInfo::bytes() const {
  peers::SealedWriter writer(peers::peer_seal);
  writer.put(instance_id.bytes());
  writer.put(host.bytes());
  writer.put(address.endpoints());
  return std::move(writer).finish();
}

std::string PeerInfo::text() const {
  return peers::sealed_text(peers::peer_seal, bytes());
}

Result<PeerInfo> PeerInfo::parse(std::string_view text) {
  const auto bytes = peers::sealed_bytes(peers::peer_seal, text);
  if (bytes.has_error()) return bytes.error();
  return from_bytes(as_bytes(*bytes));
}

Result<PeerInfo> PeerInfo::from_bytes(BytesView bytes) {
  auto reader = peers::SealedReader::open(peers::peer_seal, bytes);
  if (reader.has_error()) return reader.error();
  const auto instance = reader->take_id();
  if (instance.has_error()) return instance.error();
  const auto host = reader->take_id();
  if (host.has_error()) return host.error();
  auto endpoints = reader->take_texts();
  if (endpoints.has_error()) return endpoints.error();
  if (auto ended = reader->finish(); ended.has_error()) return ended.error();
  return PeerInfo{InstanceId(*instance), WorkerAddress(std::move(*endpoints)), HostId(*host)};
}

}  // namespace trestle
