// Several processes at a time, with a time limit for each.
#include "runner.hpp"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "check_process.hpp"

namespace trestle::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class Runner {
 public:
  Runner(const std::vector<const Check*>& checks, const RunOptions& options,
         const std::function<void(const Report&)>& on_report)
      : checks_(checks), options_(options), on_report_(on_report), reports_(checks.size()) {}

  std::vector<Report> run() {
    run_those(Company::any, options_.jobs);
    run_those(Company::alone, 1);
    std::vector<Report> reports;
    for (auto& report : reports_) reports.push_back(std::move(*report));
    return reports;
  }

 private:
  struct Running {
    std::size_t number;
    std::unique_ptr<CheckProcess> process;
  };

  void run_those(Company company, unsigned jobs) {
    for (std::size_t next = 0; next < checks_.size(); ++next) {
      if (checks_[next]->needs.company != company) continue;
      while (running_.size() >= jobs) take_one();
      const auto body = [&] { return trestle::conformance::run(*checks_[next], options_.subject); };
      running_.push_back({next, std::make_unique<CheckProcess>(body)});
    }
    while (!running_.empty()) take_one();
  }

  /// Waits until one of the processes has ended, or has to.
  void take_one() {
    std::vector<pollfd> fds;
    auto first_limit = Clock::time_point::max();
    for (const Running& one : running_) {
      fds.push_back({one.process->ended_fd(), POLLIN, 0});
      first_limit = std::min(first_limit, one.process->started() + options_.timeout);
    }
    const auto left =
        std::max(std::chrono::ceil<std::chrono::milliseconds>(first_limit - Clock::now()),
                 std::chrono::milliseconds(0));
    ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    for (std::size_t i = running_.size(); i-- > 0;) {
      CheckProcess& process = *running_[i].process;
      if (fds[i].revents != 0) {
        finish(i, process.take_outcome());
      } else if (Clock::now() >= process.started() + options_.timeout) {
        finish(i, process.time_out(options_.timeout));
      }
    }
  }

  void finish(std::size_t at, Outcome outcome) {
    const Running& one = running_[at];
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() -
                                                                            one.process->started());
    if (outcome.reference.empty()) outcome.reference = reference_of(*checks_[one.number]);
    reports_[one.number] = Report{checks_[one.number], std::move(outcome), took};
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    while (told_ < reports_.size() && reports_[told_]) on_report_(*reports_[told_++]);
  }

  const std::vector<const Check*>& checks_;
  const RunOptions& options_;
  const std::function<void(const Report&)>& on_report_;
  std::vector<std::optional<Report>> reports_;
  std::vector<Running> running_;
  std::size_t told_ = 0;
};

}  // namespace

std::vector<Report> run_all(const std::vector<const Check*>& checks, const RunOptions& options,
                            const std::function<void(const Report&)>& on_report) {
  return Runner(checks, options, on_report).run();
}

}  // namespace trestle::conformance
