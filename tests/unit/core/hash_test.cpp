// Tests hashes, and seeds that are derived from labels.
#include "catch.hpp"

#include "core/hash.hpp"

#include "core/error.hpp"

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4") {
  CHECK(assay::sha256_hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(assay::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("hashing in pieces equals hashing at once") {
  assay::sha256 h;
  h.update("a");
  h.update("bc");
  CHECK(h.hex() == assay::sha256_hex("abc"));
}

TEST_CASE("a labelled seed depends on every part and on where a part ends") {
  const auto seed = assay::labelled_seed(1, "rtn", "layer.0", "shuffle");
  CHECK(seed == assay::labelled_seed(1, "rtn", "layer.0", "shuffle"));
  CHECK(seed != assay::labelled_seed(2, "rtn", "layer.0", "shuffle"));
  CHECK(seed != assay::labelled_seed(1, "rtnlayer.0", "", "shuffle"));
}

TEST_CASE(
    "the hash of a file is that of its bytes, and none is made of a file that cannot be read") {
  CHECK(assay::sha256_file_hex("/dev/null") == assay::sha256_hex(""));
  CHECK_THROWS_WITH(assay::sha256_file_hex("/nonexistent/f"),
                    "/nonexistent/f: cannot open the file: No such file or directory");
  CHECK_THROWS_WITH(assay::sha256_file_hex("/tmp"), "/tmp: cannot read the file: Is a directory");
  CHECK_THROWS_WITH(assay::sha256_file_hex("/proc/self/mem"),
                    "/proc/self/mem: cannot read the file: Input/output error");
}
