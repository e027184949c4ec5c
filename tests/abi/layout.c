/* Prints the layout of every struct that crosses the border between host and plugin, in C11. A
 * release freezes this table. The test abi.layout compares the output with the committed tables: in
 * each of them, the members of a struct must be the first members of the struct that is printed. */
#include "layout.h"

int main(void) {
  print_base();
  print_layer();
  print_kinds();
  print_extensions();
  return 0;
}
