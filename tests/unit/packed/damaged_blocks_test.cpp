// Tests that packing refuses GGUF blocks with factors that are infinite or no numbers, which would make every logit meaningless.
#include "catch.hpp"

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"
#include "packed/pack_weight.hpp"

using namespace assay::model;

TEST_CASE("a GGUF block with an infinite factor is not packed") {
  struct place {
    const char *type;
    std::vector<int> high_bytes;  // of its float16 factors in a block
  };
  for (const place &one :
       {place{"Q4_0", {1}}, place{"Q4_1", {1, 3}}, place{"Q5_0", {1}}, place{"Q5_1", {1, 3}},
        place{"Q8_0", {1}}, place{"Q4_K", {1, 3}}, place{"Q5_K", {1, 3}}, place{"Q6_K", {209}}}) {
    INFO(one.type);
    const ggml_format *format = find_ggml_format(std::string(one.type));
    std::vector<uint8_t> bytes(static_cast<size_t>(format->block_bytes));
    const stored_blocks blocks{format, bytes.data(), 1, format->block_elements, 0};
    CHECK_NOTHROW(pack_blocks(blocks));
    for (const int at : one.high_bytes)
      for (const int high : {0x7c, 0xfc, 0x7e}) {
        bytes[static_cast<size_t>(at)] = static_cast<uint8_t>(high);
        CHECK_THROWS_WITH(pack_blocks(blocks),
                          assay_test::contains("a scale is infinite or not a number"));
        bytes[static_cast<size_t>(at)] = 0;
      }
  }
}
