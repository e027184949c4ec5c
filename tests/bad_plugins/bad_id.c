/* An id that cannot name a folder of results. */
#include "minimal.h"
MINIMAL_PLUGIN("Bad Id");
