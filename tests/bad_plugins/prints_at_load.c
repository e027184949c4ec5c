/* Prints while it is loaded. This is allowed. The host scans a plugin in a child process that answers in JSON, and what the
 * plugin prints must not mix with that answer. */
#include <stdio.h>

#include "minimal.h"
__attribute__((constructor)) static void at_load(void) {
  puts("{\"ok\": false}"), fflush(stdout);
}
MINIMAL_PLUGIN("prints_at_load");
