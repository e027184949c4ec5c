/* Includes only assay.h: that header compiles alone as C11 and C17 with -pedantic -Werror. */
#include <assay.h>

int main(void) {
  return 0;
}
