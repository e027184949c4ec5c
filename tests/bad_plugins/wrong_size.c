/* A descriptor whose size is none. */
#define PLUGIN_SIZE 13
#include "minimal.h"
MINIMAL_PLUGIN("wrong_size");
