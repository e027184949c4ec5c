/* A component without its functions. */
#define VTABLE 0
#include "minimal.h"
MINIMAL_PLUGIN("null_vtable");
