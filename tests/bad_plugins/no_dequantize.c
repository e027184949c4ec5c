/* A quantizer without dequantize: nobody can compute weights from its codes. */
#define DEQUANTIZE 0
#include "minimal.h"
MINIMAL_PLUGIN("no_dequantize");
