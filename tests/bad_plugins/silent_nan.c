/* Quantizes NaN as if it were a weight: this is the minimal quantizer itself. */
#include "minimal.h"
MINIMAL_PLUGIN("silent_nan");
