/* The second of two files that provide the same quantizer. */
#define FLAGS 2
#include "minimal.h"
MINIMAL_PLUGIN("duplicate");
