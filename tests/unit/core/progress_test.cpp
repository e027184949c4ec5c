// Tests of core/progress (texts for durations and sizes, and the estimate of the time left) and of
// the memory figures of core/resources.
#include "catch.hpp"

#include <vector>

#include "core/progress.hpp"
#include "core/resources.hpp"

TEST_CASE("durations read as people say them") {
  CHECK(assay::duration_text(0.04) == "0.0 s");
  CHECK(assay::duration_text(59.9) == "59.9 s");
  CHECK(assay::duration_text(59.96) == "1 min 00 s");
  CHECK(assay::duration_text(185) == "3 min 05 s");
  CHECK(assay::duration_text(7620) == "2 h 07 min");
}

TEST_CASE("bytes use powers of ten and three digits") {
  CHECK(assay::bytes_text(0) == "0 B");
  CHECK(assay::bytes_text(999) == "999 B");
  CHECK(assay::bytes_text(93100000) == "93.1 MB");
  CHECK(assay::bytes_text(1199999999) == "1.20 GB");
  CHECK(assay::bytes_text(999600) == "1.00 MB");
}

// pace(time when the work began) and left(parts done, all parts, time now), in seconds.
TEST_CASE("the time left follows the pace of the present piece of work") {
  assay::pace pace(100);
  CHECK(!pace.left(0, 10, 101));
  CHECK(pace.left(5, 10, 110) == 10.0);
  CHECK(pace.left(9, 10, 190) == 10.0);
  CHECK(!pace.left(10, 10, 200));
  CHECK(!pace.left(0, 4, 200));  // a new piece begins; its time counts from here
  CHECK(pace.left(1, 4, 201) == 3.0);
  CHECK(!pace.left(3, 0, 202));  // the total is unknown
}

TEST_CASE("an allocation counts as resident memory, and the peak does not fall") {
  const uint64_t before = assay::peak_resident_bytes();
  std::vector<char> block(64 << 20, 1);
  CHECK(assay::peak_resident_bytes() >= before);
  CHECK(assay::resident_bytes() > (uint64_t{64} << 20) / 2);
  CHECK(block.back() == 1);
}
