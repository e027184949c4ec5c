/* Calls abort() while the library is loaded, in a static constructor. */
#include "minimal.h"
__attribute__((constructor)) static void sin_at_load(void) {
  abort();
}
MINIMAL_PLUGIN("abort_at_load");
