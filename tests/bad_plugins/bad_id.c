/* Its component id, "Bad Id", has characters that ids may not have (capitals, a space): an id must be fit for a file name. */
#include "minimal.h"
MINIMAL_PLUGIN("Bad Id");
