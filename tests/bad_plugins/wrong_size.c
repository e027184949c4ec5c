/* Its plugin descriptor has struct_size 13, which is no possible size. */
#define PLUGIN_SIZE 13
#include "minimal.h"
MINIMAL_PLUGIN("wrong_size");
