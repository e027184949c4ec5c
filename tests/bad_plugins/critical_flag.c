/* A flag that a host must understand, and does not. */
#define FLAGS 0x10000u
#include "minimal.h"
MINIMAL_PLUGIN("critical_flag");
