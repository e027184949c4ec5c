/* Its plugin descriptor has struct_size 13. No version of the struct has this size. */
#define PLUGIN_SIZE 13
#include "minimal.h"
MINIMAL_PLUGIN("wrong_size");
