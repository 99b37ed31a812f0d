// The ways on which a peer can be dialled, and which of them were tried.
#pragma once

#include <trestle/route.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trestle::peers {

/// URIs, nearest first; empty where the application gave one only.
class Routes {
 public:
  /// `unusable`: what else the peer gave, and why nobody tries it.
  void set(std::vector<std::string> uris, std::vector<RouteFailure> unusable) {
    uris_ = std::move(uris);
    unusable_ = std::move(unusable);
    failures_.clear();
    tried_ = 0;
  }
  bool empty() const noexcept { return uris_.empty(); }
  bool has(std::string_view uri) const {
    return std::find(uris_.begin(), uris_.end(), uri) != uris_.end();
  }

  /// Makes `uri` the nearest one, if there is one; the others count as not tried.
  void restart(std::string& uri) {
    if (uris_.empty()) return;
    tried_ = 1;
    uri = uris_.front();
    failures_ = unusable_;
  }
  /// Makes `uri` the next that was not tried since. False: there is none.
  bool go_on(std::string& uri) {
    if (tried_ == 0 || tried_ >= uris_.size()) return false;
    uri = uris_[tried_++];
    return true;
  }

  /// That one did not serve; forgotten where the application gave no others.
  void failed(const std::string& uri, const Error& why) {
    if (tried_ != 0 && failures_.size() < uris_.size() + unusable_.size()) {
      failures_.push_back({uri, why});
    }
  }
  /// Of all that was tried since restart(), and of what cannot be.
  const std::vector<RouteFailure>& failures() const noexcept { return failures_; }

 private:
  std::vector<std::string> uris_;
  std::vector<RouteFailure> unusable_;
  std::vector<RouteFailure> failures_;
  std::size_t tried_ = 0;
};

}  // namespace trestle::peers
