/* A plugin whose component has a kind that this host does not know. The host lists it as
 * unsupported, and that is not an error. */
#define KIND 99u
#include "minimal.h"
MINIMAL_PLUGIN("unknown_kind");
