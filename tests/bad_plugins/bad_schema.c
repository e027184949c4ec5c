/* Its schema uses oneOf, which is outside the subset of JSON Schema that ABI.md allows. */
#define SCHEMA "{\"type\": \"object\", \"properties\": {\"a\": {\"oneOf\": []}}}"
#include "minimal.h"
MINIMAL_PLUGIN("bad_schema");
