#!/usr/bin/env bash
# Checks two rules of the plugin ABI: structs grow only at their end, and a plugin exports one symbol.
#   abi_test.sh layout PROGRAM FOLDER    compares what PROGRAM prints (layout.c) with every table FOLDER/*.layout
#   abi_test.sh symbols FOLDER           each FOLDER/*.assay.so defines assay_plugin_v1 and nothing else
set -euo pipefail

layout() {
  local now frozen status=0
  now=$("$1")
  for frozen in "$2"/*.layout; do
    # Each line of the old table must be in the new output unchanged; only the size of a struct may have grown.
    while read -r what place bytes; do
      if [[ $place == size ]]; then
        local size
        size=$(awk -v s="$what" '$1 == s && $2 == "size" { print $3 }' <<<"$now")
        if [[ -z $size || $size -lt $bytes ]]; then
          echo "$(basename "$frozen"): $what had $bytes bytes, now ${size:-none}"
          status=1
        fi
      elif ! grep -qxF "$what $place $bytes" <<<"$now"; then
        echo "$(basename "$frozen"): $what was at $place with $bytes bytes; now $(grep -F "$what " <<<"$now" || echo gone)"
        status=1
      fi
    done <"$frozen"
  done
  # The last member must end where the struct ends. A new member that fits into tail padding would leave sizeof unchanged,
  # so that the host could not see from struct_size whether the plugin has it.
  awk '$2 == "size" { if (s != "" && end != size) { print s ": " size - end " bytes of tail padding"; bad = 1 }
                      s = $1; size = $3; next }
       { end = $2 + $3 }
       END { exit bad }' <<<"$now" || status=1
  return $status
}

symbols() {
  local file status=0 count=0
  for file in "$1"/*.assay.so; do
    count=$((count + 1))
    local defined
    defined=$(nm -D --defined-only "$file" | awk '{ print $NF }')
    if [[ $defined != assay_plugin_v1 ]]; then
      echo "$file defines: $defined"
      status=1
    fi
  done
  echo "$count plugins"
  [[ $count -gt 0 ]] && return $status
}

"$@"
