/* Its component id, "Bad Id", has letters that ids may not have: an id must be fit for a file name. */
#include "minimal.h"
MINIMAL_PLUGIN("Bad Id");
