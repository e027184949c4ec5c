/* The minimal quantizer without a change. Its mistake: it quantizes a NaN weight without an error. */
#include "minimal.h"
MINIMAL_PLUGIN("silent_nan");
