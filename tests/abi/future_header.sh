#!/usr/bin/env bash
# Makes the header of an imagined later release 1.x: every struct that may grow gets two more members at its end.
#   future_header.sh PLUGIN_API OUT    reads assay.h and assay/*.h of the folder PLUGIN_API, writes them to the folder OUT
set -euo pipefail
mkdir -p "$2/assay"
cp "$1/assay.h" "$2/assay.h"
for page in "$1"/assay/*.h; do
  # The structs of tensors are those of DLPack (a standard for passing tensors), which never grow.
  if [[ $(basename "$page") == tensor.h ]]; then
    cp "$page" "$2/assay/"
  else # the lines ASSAY_SIZE(...), which check the size of a struct, are deleted, since the sizes change
    sed -E -e 's/^\}( assay_[a-z_]+)?;$/  const void *future_pointer;\n  uint64_t future_number;\n&/' \
      -e '/^ASSAY_SIZE\(/d' -e 's/ASSAY_ABI_MINOR 0/ASSAY_ABI_MINOR 9/' "$page" >"$2/assay/$(basename "$page")"
  fi
done
grep -q future_number "$2/assay/quantizer.h"
