/* Prints the layout of every struct that crosses: the table that a release freezes. C11.
 * What is printed is compared with the committed tables, each of which must be a prefix struct by struct. */
#include "layout.h"

int main(void) {
  print_base();
  print_layer();
  print_kinds();
  print_extensions();
  return 0;
}
