// Promises of hashes and seeds.
#include "catch.hpp"

#include "core/hash.hpp"

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

TEST_CASE("a labelled seed depends on every part, and parts do not run together") {
  const auto seed = assay::labelled_seed(1, "rtn", "layer.0", "shuffle");
  CHECK(seed == assay::labelled_seed(1, "rtn", "layer.0", "shuffle"));
  CHECK(seed != assay::labelled_seed(2, "rtn", "layer.0", "shuffle"));
  CHECK(seed != assay::labelled_seed(1, "rtnlayer.0", "", "shuffle"));
}
