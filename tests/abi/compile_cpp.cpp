// Includes only assay.h and assay.hpp: both compile alone as C++17 and C++20 with -pedantic -Werror.
#include <assay.h>

#include <assay.hpp>

int main() {
  return 0;
}
