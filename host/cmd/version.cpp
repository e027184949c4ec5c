// `assay version` prints the version; with --json also the compiler that built it.
#include <cstdio>

#include "cmd/grammar.hpp"
#include "core/json.hpp"

namespace assay::cmd {

int verb_version(const options &given) {
  if (given.json) {
    const json facts = {{"name", "assay"}, {"version", ASSAY_VERSION}, {"compiler", __VERSION__}};
    std::printf("%s\n", facts.dump(2).c_str());
  } else {
    std::printf("%s\n", version_text().c_str());
  }
  return 0;
}

}  // namespace assay::cmd
