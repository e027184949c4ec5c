// Tests the upper limit for the number of threads.
#include "catch.hpp"

#include <cstdlib>

#include "core/error.hpp"
#include "core/resources.hpp"

TEST_CASE(
    "more than sixteen threads for each processor are refused, and the message names the source of "
    "the number") {
  const int most = assay::most_threads();
  const std::string bound =
      ": at most " + std::to_string(most) + " threads on this machine of " +
      std::to_string(most / 16) +
      " processors. More threads than processors only take turns; if you give no "
      "number, each processor gets one thread";
  CHECK_NOTHROW(assay::require_threads(most, "--threads"));
  CHECK_THROWS_WITH(assay::require_threads(most + 1, "--threads 9"), "--threads 9" + bound);
  ::setenv("OMP_NUM_THREADS", "1000000", 1);
  CHECK_THROWS_WITH(assay::require_environment_threads(), "OMP_NUM_THREADS=1000000" + bound);
  for (const char *fine : {"1", "0", "abc", "", "1,1000000"}) {
    ::setenv("OMP_NUM_THREADS", fine, 1);
    CHECK_NOTHROW(assay::require_environment_threads());
  }
  ::unsetenv("OMP_NUM_THREADS");
}
