/* Waits forever while the library is loaded, in a static constructor. */
#include <unistd.h>

#include "minimal.h"
__attribute__((constructor)) static void sin_at_load(void) {
  for (;;) pause();
}
MINIMAL_PLUGIN("hang_at_load");
