/* A schema outside the subset. */
#define SCHEMA "{\"type\": \"object\", \"properties\": {\"a\": {\"oneOf\": []}}}"
#include "minimal.h"
MINIMAL_PLUGIN("bad_schema");
