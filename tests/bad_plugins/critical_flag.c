/* Sets a flag of the upper half (0x10000 and above). A host must know such a flag to use the component; this host does not. */
#define FLAGS 0x10000u
#include "minimal.h"
MINIMAL_PLUGIN("critical_flag");
