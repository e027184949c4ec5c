// The one way in which tests include Catch2, version 2 or 3 (Ubuntu 24.04 has 3, the others 2).
// Not a wrapper of the assertions: those are the same in both.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

namespace assay_test {

// For REQUIRE_THAT: the text holds `part`. (The two versions call this matcher by different names.)
inline auto contains(const std::string &part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

}  // namespace assay_test
