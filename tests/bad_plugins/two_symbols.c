/* Exports a helper, which could take the place of somebody else's. */
#include "minimal.h"
ASSAY_EXPORT int helper(void);
ASSAY_EXPORT int helper(void) {
  return 111;
}
MINIMAL_PLUGIN("two_symbols");
