/* The schema of its configuration is not JSON. */
#define SCHEMA "{\"type\": "
#include "minimal.h"
MINIMAL_PLUGIN("broken_schema");
