/* It has no function dequantize, so the host cannot compute weights from its codes. */
#define DEQUANTIZE 0
#include "minimal.h"
MINIMAL_PLUGIN("no_dequantize");
