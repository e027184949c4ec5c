/* Prints while it is loaded: no sin, but it must not mix with the scanner's answer. */
#include <stdio.h>

#include "minimal.h"
__attribute__((constructor)) static void at_load(void) {
  puts("{\"ok\": false}"), fflush(stdout);
}
MINIMAL_PLUGIN("prints_at_load");
