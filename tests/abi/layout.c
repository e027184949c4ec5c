/* Prints the layout of every struct that crosses the border between host and plugin, in C11. A
 * release freezes this table. The test abi.layout compares the output with the committed tables: the
 * printed struct must begin with all members that a committed table has, and may have more after them. */
#include "layout.h"

int main(void) {
  print_base();
  print_layer();
  print_kinds();
  print_extensions();
  return 0;
}
