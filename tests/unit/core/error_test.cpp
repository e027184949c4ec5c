// Tests the host's error type: the order of the parts of its text, and the exit codes.
#include "catch.hpp"

#include "core/error.hpp"

using assay::error;
using assay::error_kind;

TEST_CASE("the text of an error has the order: place, message, plugin and layer, cause, hint") {
  const auto e = error(error_kind::plugin, "the plugin emitted no codes")
                     .at("study.lua:7")
                     .plugin("org.assay.rtn")
                     .layer("model.layers.0.mlp.up_proj")
                     .cause("status -7")
                     .hint("Run assay check on it");
  CHECK(std::string(e.what()) ==
        "study.lua:7: the plugin emitted no codes (plugin org.assay.rtn, layer "
        "model.layers.0.mlp.up_proj): status -7. Run assay check on it");
}

TEST_CASE("a plain error is its message alone") {
  CHECK(std::string(error(error_kind::failed, "no such file").what()) == "no such file");
}

TEST_CASE("kinds decide the exit codes 1 to 6") {
  CHECK(exit_code(error_kind::failed) == 1);
  CHECK(exit_code(error_kind::usage) == 2);
  CHECK(exit_code(error_kind::plugin) == 3);
  CHECK(exit_code(error_kind::cancelled) == 4);
  CHECK(exit_code(error_kind::timeout) == 5);
  CHECK(exit_code(error_kind::gate) == 6);
}
