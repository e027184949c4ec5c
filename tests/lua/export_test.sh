# Tests `assay export`: codes move from each format to each other one that can hold them, so that the model computes the same; a GGUF
# file comes back with the same bytes of every tensor; and what a format cannot hold is refused by name, with nothing written.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other

expect 0 run "$here/make_tiny.lua" "$work/tiny"
# equal ONE OTHER: both models compute the same logits, bit for bit, and ONE is quantized.
equal() {
  expect 0 run "$here/equal_models.lua" "$1" "$2"
  contains "$out" "equal"
}
tiny() { expect 0 quantize --model "$work/tiny" --quiet "$@"; }

# Symmetric groups of 16: all three folder formats, each from each.
tiny --bits 4 --group-size 16 --format compressed-tensors --out "$work/ct"
for format in gptq awq compressed-tensors; do
  expect 0 export "$work/ct" --format $format --out "$work/ct-$format"
  contains "$out" "$work/ct-$format: "
  contains "$out" "loads in "
  equal "$work/ct" "$work/ct-$format"
  contains "$(cat "$work/ct-$format/README.md")" "## Loading"
  expect 0 export "$work/ct-$format" --format compressed-tensors --out "$work/back-$format"
  equal "$work/ct" "$work/back-$format"
done
cmp -s "$work/ct/model.safetensors" "$work/back-gptq/model.safetensors" || fail "weights changed on the way through gptq"
cmp -s "$work/ct/model.safetensors" "$work/back-awq/model.safetensors" || fail "weights changed on the way through awq"

# Zero points: gptq version 2 and awq hold them.
tiny --bits 4 --group-size 16 --asymmetric --format gptq --out "$work/asym"
expect 0 export "$work/asym" --format awq --out "$work/asym-awq"
equal "$work/asym" "$work/asym-awq"
expect 0 export "$work/asym-awq" --format compressed-tensors --out "$work/asym-ct"
equal "$work/asym" "$work/asym-ct"

# A GGUF file has groups of 32 and float16 scales. Its embedding has codes too, where a mixture says so.
tiny --bits 4 --group-size 32 --keep mlp.down --format compressed-tensors --out "$work/g32"
expect 0 export "$work/g32" --format gguf --out "$work/g32-gguf"
equal "$work/g32" "$work/g32-gguf"
expect 0 export "$work/g32-gguf" --format compressed-tensors --set export.allow_unfused=true --out "$work/g32-ct"
equal "$work/g32" "$work/g32-ct"
expect 0 export "$work/g32-gguf" --format gguf --out "$work/g32-again"
expect 0 run "$here/equal_models.lua" "$work/g32-gguf" "$work/g32-again"
contains "$out" "equal"

# Refused by name before anything is written.
refused() { # refused TEXT WORDS...
  local text=$1
  shift
  expect 2 export "$@" --out "$work/no"
  contains "$err" "$text"
  [ ! -e "$work/no" ] || fail "something was written"
}
refused "groups of 16 are no multiple of 32" "$work/ct" --format gguf
tiny --bits 4 --group-size 32 --asymmetric --keep mlp.down --format compressed-tensors --out "$work/asym32"
refused "no block has just this grid of 4 bits, asymmetric" "$work/asym32" --format gguf
refused "ggfu" "$work/ct" --format ggfu
tiny --bits 3 --group-size 16 --set export.dense_packing=true --format compressed-tensors --out "$work/w3"
refused "awq holds 4 bits, not 3" "$work/w3" --format awq
refused "gptq holds 2, 4 and 8 bits, not 3" "$work/w3" --format gptq
tiny --method fp8 --format compressed-tensors --out "$work/fp8"
refused "gptq holds integer grids only, not float/1" "$work/fp8" --format gptq
refused "mlp.dwn" "$work/ct" --format awq --keep mlp.dwn
expect 2 export "$work/ct" --out "$work/no"
contains "$err" "--format is missing"
expect 2 export "$work/ct" --format awq --out "$work/asym"
contains "$err" "exists already"

# Weights that the format does not hold become floats if the user says so; everything does with re:.*
expect 0 export "$work/fp8" --format safetensors --keep 're:.*' --out "$work/floats"
equal "$work/fp8" "$work/floats"
finish
