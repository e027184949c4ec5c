# Tests bad input on the command line: the message names what is wrong, the exit code is right, and no partial output is left.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
expect 0 run "$here/make_tiny.lua" "$work/mute" no-tokenizer
printf 'plain text, long enough for one window of eight tokens\n' >"$work/text.txt"

expect 0 eval "$work/model" "$work/text.txt" --window 8 --quiet
contains "$out" "perplexity "
expect 0 model "$work/model"
contains "$out" "LlamaForCausalLM"

expect 2 eval "$work/nowhere" "$work/text.txt"
contains "$err" "there is no model '$work/nowhere'"
expect 1 eval "$work/model" "$work/nowhere.txt"
contains "$err" "$work/nowhere.txt"
expect 1 eval "$work/mute" "$work/text.txt" --window 8
contains "$err" "tokenizer"
printf 'caf\xe9 and more text\n' >"$work/latin1.txt"
expect 1 eval "$work/model" "$work/latin1.txt" --window 8
contains "$err" "UTF-8"
expect 2 eval "$work/model" "$work/text.txt" --window 4096
contains "$err" "window"

if [ ! -e /dev/nvidia0 ]; then
  expect 1 eval "$work/model" "$work/text.txt" --device cuda
  contains "$err" "CUDA"
fi
expect 2 eval "$work/model" "$work/text.txt" --device quantum
contains "$err" "quantum"

expect 2 quantize --model "$work/model" --method rtm --out "$work/q"
contains "$err" "Did you mean 'rtn'?"
expect 2 quantize walk --model "$work/model"
contains "$err" "unexpected 'walk'"
expect 2 quantize --model "$work/model" --out "$work/model"
contains "$err" "exists already"
[ ! -e "$work/q" ] || fail "a failed quantize left a folder"
expect 0 quantize --model "$work/model" --out "$work/q" --bits 4 --group 16 --quiet
contains "$out" "bits per weight"
[ -e "$work/q/config.json" ] || fail "quantize wrote no checkpoint"
expect 0 eval "$work/q" "$work/text.txt" --window 8 --quiet
expect 0 quantize run --method rtn --src "$work/model" --dst "$work/q2" --bits 8 --group-size -1 --quiet
[ -e "$work/q2/config.json" ] || fail "quantize run wrote no checkpoint"

printf 'local assay = require "assay"\nlocal d = assay.dataset.texd { path = "x" }\n' >"$work/plugin.lua"
expect 2 run "$work/plugin.lua"
contains "$err" "$work/plugin.lua:2: unknown dataset 'texd'"
printf 'local assay = require "assay"\nlocal d = assay.dataset.text { pth = "x" }\n' >"$work/key.lua"
expect 2 run "$work/key.lua"
contains "$err" "pth"
contains "$err" "path"

head -c 300 "$work/model/model.safetensors" >"$work/cut.safetensors"
cp -r "$work/model" "$work/cut" && cp "$work/cut.safetensors" "$work/cut/model.safetensors"
expect 1 model "$work/cut"
contains "$err" "model.safetensors"
sed 's/"llama"/"mamba"/; s/LlamaForCausalLM/MambaForCausalLM/' "$work/model/config.json" >"$work/cut/config.json"
cp "$work/model/model.safetensors" "$work/cut/"
expect 1 eval "$work/cut" "$work/text.txt"
contains "$err" "mamba"
finish
