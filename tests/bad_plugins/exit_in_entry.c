/* Ends the process in the entry function, assay_plugin_v1. */
#define ENTRY_BODY exit(7)
#include "minimal.h"
MINIMAL_PLUGIN("exit_in_entry");
