/* A quantizer from whose codes nobody can come back. */
#define DEQUANTIZE 0
#include "minimal.h"
MINIMAL_PLUGIN("no_dequantize");
