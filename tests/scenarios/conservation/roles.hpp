// The parts of the play: one driver, and the processes that it starts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ledger.hpp"

namespace trestle::scenarios {

/// What the command line says; all roles get the same.
struct Play {
  std::string address;
  std::vector<std::filesystem::path> plugins;
  std::chrono::duration<double> duration{6.0};  ///< of sending, at least
  std::size_t messages_min = 0;                 ///< likewise
  std::size_t kills_per_second = 4;
  std::size_t threads = 3;       ///< of each client
  std::size_t outstanding = 32;  ///< messages under way of each thread
  std::size_t large_bytes = 256u << 10;
  std::uint64_t seed = 1;  ///< of the times of death
  Ledger::Size size;
};

/// Starts server and clients, kills servers, and audits. The exit status of the program.
int drive(const Play& play);

/// Listens at the play's address, says so on standard output, and serves until it is killed or its
/// standard input ends; then it checks that nothing is left.
int serve(const Play& play, const Ledger& ledger, std::uint64_t incarnation);

/// Sends until the ledger says that it is over, then checks that nothing is left.
int send(const Play& play, const Ledger& ledger, std::size_t client);

}  // namespace trestle::scenarios
