/* Its component has a kind that this host does not know. The host lists the component as unsupported;
 * this is not an error. */
#define KIND 99u
#include "minimal.h"
MINIMAL_PLUGIN("unknown_kind");
