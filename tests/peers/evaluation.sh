#!/usr/bin/env bash
# Compares our WikiText detokeniser with lm-evaluation-harness's, and checks the golden reports with jsonschema.
# usage: evaluation.sh PYTHON ASSAY_LAB SOURCE_DIR
set -eu
python=$1 lab=$2 source=$3
"$python" -c 'import lm_eval, jsonschema' 2>/dev/null || { echo "skipped: no lm_eval with jsonschema"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=${ASSAY_SHARED:-$source/../shared}/data
detokenised=none
if [ -d "$data" ]; then
  detokenised=$work/documents.jsonl
  "$lab" run "$source/tests/peers/detokenise.lua" "$detokenised" --data "$data"
fi
"$python" "$source/tests/peers/evaluation.py" "$source" "$detokenised" "$source"/tests/golden/report/*.json
