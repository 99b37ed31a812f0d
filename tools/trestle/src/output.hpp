// What the tool writes: results to standard output, errors to standard error.
#pragma once

#include "exit_code.hpp"

#include <trestle/codec.hpp>
#include <trestle/error.hpp>

#include <string>
#include <string_view>

namespace trestle::tools {

enum class OutputFormat { text, json };

/// Writes one line to standard output, at once.
void print_line(std::string_view line);

/// `value` as JSON text. Described structs, strings, numbers and containers of them.
template <class T>
std::string to_json(const T& value) {
  const auto encoded = encode(Codec::json, value);
  return encoded.has_value() ? std::string(encoded->text()) : "null";
}

/// Tells what went wrong on standard error, and gives the exit code that stands for it. As text:
/// "trestle: TEXT [CODE]"; as JSON: one object with code, text and ran (no, maybe, yes).
ExitCode report(const Error& error, OutputFormat format);

}  // namespace trestle::tools
