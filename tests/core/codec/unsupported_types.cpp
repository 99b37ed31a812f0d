// Compiled by ctest, once for each kind of type: UNSUPPORTED says which, and 0 must compile.
#include <map>
#include <string_view>

#include <trestle/codec.hpp>

namespace {

struct Undescribed {
  int x = 0;
};

[[maybe_unused]] void use() {
#if UNSUPPORTED == 0
  (void)trestle::encode(trestle::Codec::json, 5);
#elif UNSUPPORTED == 1
  (void)trestle::encode(trestle::Codec::json, Undescribed{});
#elif UNSUPPORTED == 2
  (void)trestle::decode<Undescribed>(trestle::Codec::json, {});
#elif UNSUPPORTED == 3
  (void)trestle::encode(trestle::Codec::json, std::map<int, int>{});
#elif UNSUPPORTED == 4
  (void)trestle::decode<std::string_view>(trestle::Codec::json, {});
#endif
}

}  // namespace
