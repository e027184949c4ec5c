# Tests damaged quantized models and kernels that do not exist: each is refused or reported by name, in both runtimes, and nothing is written.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other

expect 0 run "$here/make_tiny.lua" "$work/tiny"
for i in $(seq 60); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
expect 0 quantize --model "$work/tiny" --bits 4 --group-size 16 --out "$work/good" --quiet

# Writes bytes, given as hexadecimal digits, over the first ones of a tensor in model.safetensors.
cat >"$work/patch.lua" <<'END'
local native = require "assay.native"
local folder, tensor, hex = ...
local path = folder .. "/model.safetensors"
local bytes = assert(native.fs.read(path))
local length = string.unpack("<I8", bytes)
local entry = assert(native.json.decode(bytes:sub(9, 8 + length))[tensor], "no tensor " .. tensor)
local at = 9 + length + entry.data_offsets[1]
local new = hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)
native.fs.write(path, bytes:sub(1, at - 1) .. new .. bytes:sub(at + #new))
END
linear=model.layers.1.mlp.up_proj

# A copy of the good folder with other bytes at the beginning of a tensor.
damaged() {
  rm -rf "$work/bad" && cp -r "$work/good" "$work/bad"
  (cd "$work" && "$assay" run patch.lua bad "$1" "$2" >/dev/null) || fail "could not write over $1"
}

for value in 807f c07f; do # infinity and NaN, for a float32 scale in its high half or a bfloat16 one
  damaged $linear.weight_scale "$value$value"
  for runtime in "" --packed; do
    expect 1 eval "$work/bad" "$work/text.txt" --window 32 --quiet $runtime
    contains "$err" "a scale is infinite or not a number"
    contains "$err" "$linear"
    [ -z "$out" ] || fail "a number was printed for a damaged model: $out"
  done
  expect 1 model "$work/bad"
  contains "$err" "a scale is infinite or not a number"
done
damaged $linear.weight_scale 00000000
expect 0 model "$work/bad"
contains "$out" "in $linear: all weights of these groups are zero"
damaged $linear.weight_shape ffff
expect 1 eval "$work/bad" "$work/text.txt" --window 32 --quiet --packed
contains "$err" "$linear"

# A file that is cut short.
rm -rf "$work/bad" && cp -r "$work/good" "$work/bad"
head -c 20000 "$work/good/model.safetensors" >"$work/bad/model.safetensors"
for runtime in "" --packed; do
  expect 1 eval "$work/bad" "$work/text.txt" --window 32 --quiet $runtime
  contains "$err" "model.safetensors"
done
expect 1 chat "$work/bad" --packed
contains "$err" "model.safetensors"

# Kernels: a name that no kernel of this processor has.
export ASSAY_KERNEL=avx1024
expect 2 eval "$work/good" "$work/text.txt" --window 32 --quiet --packed
contains "$err" "ASSAY_KERNEL=avx1024 does not run on this processor"
contains "$err" "base"
expect 2 run "$here/packed_study.lua" "$work/tiny" "$work/text.txt" "$work/text.txt" --out "$work/run" --quiet
contains "$err" "ASSAY_KERNEL=avx1024"
[ ! -e "$work/run/report.json" ] && [ -z "$(ls "$work/run/store"/*/stage.json 2>/dev/null)" ] || fail "a study ran with a kernel that is not there"
expect 1 doctor
contains "$out" "ASSAY_KERNEL=avx1024 does not run on this processor"
export ASSAY_KERNEL=base
expect 0 eval "$work/good" "$work/text.txt" --window 32 --quiet --packed
base=$out
unset ASSAY_KERNEL
expect 0 eval "$work/good" "$work/text.txt" --window 32 --quiet --packed
[ "${base%% over*}" = "${out%% over*}" ] || fail "the kernel base gives another perplexity: $base, not $out"
expect 0 doctor --json
contains "$out" '"kernel": "base"'
contains "$out" '"chosen": true'
finish
