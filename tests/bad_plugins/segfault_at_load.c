/* Raises SIGSEGV while the library is loaded, in a static constructor. */
#include <signal.h>

#include "minimal.h"
__attribute__((constructor)) static void sin_at_load(void) {
  raise(SIGSEGV);
}
MINIMAL_PLUGIN("segfault_at_load");
