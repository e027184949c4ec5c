/* Quantizes a NaN weight without an error, as the minimal quantizer does. */
#include "minimal.h"
MINIMAL_PLUGIN("silent_nan");
