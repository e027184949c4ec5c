// Tests include the test framework Catch2 through this header, which works with version 2 (Debian 12, Ubuntu
// 22.04) and version 3 (Ubuntu 24.04).
// It does not wrap the assertions, since they are the same in both versions.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

namespace assay_test {

// A matcher for REQUIRE_THAT: the text contains `part`. The two versions of Catch2 have different names for this matcher.
inline auto contains(const std::string &part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

}  // namespace assay_test
