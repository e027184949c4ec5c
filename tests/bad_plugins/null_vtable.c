/* Its component has no table of functions: vtable is NULL. */
#define VTABLE 0
#include "minimal.h"
MINIMAL_PLUGIN("null_vtable");
