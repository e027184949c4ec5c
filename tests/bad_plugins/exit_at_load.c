/* Ends the process in a static constructor, with the code of success. */
#include "minimal.h"
__attribute__((constructor)) static void sin_at_load(void) {
  exit(0);
}
MINIMAL_PLUGIN("exit_at_load");
