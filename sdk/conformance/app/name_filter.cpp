// regcomp and regexec.
#include "name_filter.hpp"

#include <array>
#include <stdexcept>

namespace trestle::conformance {

NameFilter::NameFilter(const std::string& expression) {
  auto fresh = std::make_unique<regex_t>();
  const int failed = ::regcomp(fresh.get(), expression.c_str(), REG_EXTENDED | REG_NOSUB);
  if (failed != 0) {
    std::array<char, 200> why{};
    ::regerror(failed, fresh.get(), why.data(), why.size());
    throw std::invalid_argument(why.data());
  }
  compiled_ = {fresh.release(), [](regex_t* compiled) {
                 ::regfree(compiled);
                 delete compiled;
               }};
}

bool NameFilter::fits(const char* name) const {
  return ::regexec(compiled_.get(), name, 0, nullptr, 0) == 0;
}

}  // namespace trestle::conformance
