/* A kind that this host does not know: listed, not an error. */
#define KIND 99u
#include "minimal.h"
MINIMAL_PLUGIN("unknown_kind");
