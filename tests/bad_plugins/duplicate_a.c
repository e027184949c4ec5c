/* The first of two files that provide the same quantizer. */
#include "minimal.h"
MINIMAL_PLUGIN("duplicate");
