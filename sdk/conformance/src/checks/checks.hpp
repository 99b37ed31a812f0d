// The groups of checks; all_checks() lists them in this order.
#pragma once

#include <trestle/conformance/check.hpp>

#include <span>

namespace trestle::conformance {

std::span<const Check> loading_checks();
std::span<const Check> table_checks();
std::span<const Check> failure_checks();
std::span<const Check> manner_checks();
std::span<const Check> address_checks();
std::span<const Check> connection_checks();
std::span<const Check> process_checks();
std::span<const Check> packet_checks();
std::span<const Check> borrowing_checks();
std::span<const Check> bulk_checks();
std::span<const Check> flow_checks();
std::span<const Check> waking_checks();
std::span<const Check> driving_checks();
std::span<const Check> shutdown_checks();

}  // namespace trestle::conformance
