/* Exports a second symbol, `helper`, which could replace a function of that name elsewhere in the process. */
#include "minimal.h"
ASSAY_EXPORT int helper(void);
ASSAY_EXPORT int helper(void) {
  return 111;
}
MINIMAL_PLUGIN("two_symbols");
