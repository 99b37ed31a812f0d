// Writing results and errors.
#include "output.hpp"

#include <boost/describe/class.hpp>

#include <iostream>

namespace trestle::tools {
namespace {

struct ErrorReport {
  std::string code;
  std::string text;
  std::string ran;
};
BOOST_DESCRIBE_STRUCT(ErrorReport, (), (code, text, ran))

/// One word, for programs.
std::string word_of(Ran ran) {
  if (ran == Ran::no) return "no";
  return ran == Ran::yes ? "yes" : "maybe";
}

}  // namespace

void print_line(std::string_view line) {
  std::cout << line << std::endl;  // flushed: whoever started the tool may wait for this line
}

ExitCode report(const Error& error, OutputFormat format) {
  const bool own = error.code.category() == error_category();
  const std::string code(own ? to_string(static_cast<Errc>(error.code.value()))
                             : std::string_view(error.code.category().name()));
  if (format == OutputFormat::json) {
    const ErrorReport described{code, error.text, word_of(error.ran)};
    std::cerr << to_json(described) << std::endl;
  } else {
    // Of others the code says as much.
    const std::string_view doubt = error.ran == Ran::maybe ? "; the handler may have run" : "";
    std::cerr << "trestle: " << error.text << doubt << " [" << code << ']' << std::endl;
  }
  return exit_code_of(error);
}

}  // namespace trestle::tools
