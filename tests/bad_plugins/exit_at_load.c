/* Ends the process while the library is loaded, in a static constructor, with the exit code of success. */
#include "minimal.h"
__attribute__((constructor)) static void sin_at_load(void) {
  exit(0);
}
MINIMAL_PLUGIN("exit_at_load");
