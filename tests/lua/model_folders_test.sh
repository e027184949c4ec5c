# Tests model folders that are not complete: `assay model` names the missing tensors and ends with exit code 1. A
# named pipe in place of a file is refused at once. A command that fails leaves no output. The last test is a
# folder of the Hugging Face cache.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
expect 0 model "$work/model"
contains "$out" "head             its own"

# A config with one more layer than the weights: 9 of 39 tensors are missing.
cp -r "$work/model" "$work/half"
sed -i 's/"num_hidden_layers": 3/"num_hidden_layers": 4/' "$work/half/config.json"
expect 1 model "$work/half"
contains "$out" "missing          9 of the 39 tensors that config.json asks for: model.layers.3.input_layernorm.weight, "
contains "$out" " and 6 more"
expect 1 model "$work/half" --json
contains "$out" '"model.layers.3.mlp.down_proj.weight"'
expect 1 quantize --model "$work/half" --out "$work/q" --bits 4 --group 16
contains "$err" "the weights lack the tensor 'model.layers.3.input_layernorm.weight'"
contains "$err" "9 of 39 that config.json asks for are missing"
[ ! -e "$work/q" ] || fail "half a model was written"

# A named pipe can be read only once, and reading may wait forever, so it is refused at once.
for name in config.json model.safetensors tokenizer.json; do
  cp -r "$work/model" "$work/pipe" && rm "$work/pipe/$name" && mkfifo "$work/pipe/$name"
  expect 1 quantize --model "$work/pipe" --out "$work/q" --bits 4 --group 16
  contains "$err" "$name: not a regular file but a named pipe"
  [ ! -e "$work/q" ] || fail "a folder was written from a pipe"
  rm -r "$work/pipe"
done
mkfifo "$work/m.gguf"
expect 1 import "$work/m.gguf" "$work/imported"
contains "$err" "not a regular file but a named pipe"
[ ! -e "$work/imported" ] || fail "a folder was written from a pipe"

# A model folder of the Hugging Face cache stands for the snapshot that refs/main names.
mkdir -p "$work/models--o--m/refs" "$work/models--o--m/snapshots"
cp -r "$work/model" "$work/models--o--m/snapshots/0a1b"
printf 0a1b >"$work/models--o--m/refs/main"
expect 0 model "$work/models--o--m"
contains "$out" "snapshots/0a1b"
finish
