#!/bin/sh
# Builds @NAME@.assay.so. Needs a C compiler and the folder of assay.h, nothing else.
set -e
api=${ASSAY_PLUGIN_API:-@PLUGIN_API@}
cd "$(dirname "$0")"
${CC:-cc} -std=c11 -O2 -Wall -Wextra -fPIC -fvisibility=hidden -I"$api" -shared \
  -Wl,--version-script="$api/assay.map" -Wl,-z,defs -Wl,-z,now -o @NAME@.assay.so plugin.c -lm
echo "built @NAME@.assay.so; now: assay check @NAME@.assay.so"
