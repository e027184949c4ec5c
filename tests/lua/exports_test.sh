# Tests the formats that `assay quantize` writes: each folder or file is then a model for eval, bench, chat and a study. What a format cannot
# hold is refused before anything is quantized, and `assay formats` says which programs load what.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other

expect 0 run "$here/make_tiny.lua" "$work/tiny"
for i in $(seq 40); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"

subjects=
for format in compressed-tensors gptq awq gguf; do
  keep= group=16
  [ $format = gguf ] && keep="--keep mlp.down" group=32 # its rows of 48 are no multiple of 32
  expect 0 quantize --model "$work/tiny" --bits 4 --group-size $group $keep --format $format --out "$work/$format" --quiet
  contains "$out" "loads in "
  contains "$(cat "$work/$format/README.md")" "## Loading"
  expect 0 eval "$work/$format" "$work/text.txt" --window 64 --quiet
  contains "$out" "perplexity "
  expect 0 bench decode "$work/$format" --packed --tokens 4 --rounds 1
  contains "$out" "$format"
  echo "Say hello." | "$assay" chat "$work/$format" --packed --max-tokens 8 >"$work/out" 2>"$work/err" || fail "chat $format: $(cat "$work/err")"
  [ "$(wc -l <"$work/out")" -ge 1 ] || fail "chat $format gave no answer"
  subjects="$subjects ['$format'] = { path = '$work/$format', runtime = 'packed' },"
done
expect 0 eval "$work/gguf/model.gguf" "$work/text.txt" --window 64 --quiet

cat >"$work/study.lua" <<END
local assay = require "assay"
return assay.study {
   name = "exports", noise = 0, subjects = { $subjects }, recipes = {},
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = "$work/text.txt" }, window = 64 } },
}
END
expect 0 run "$work/study.lua" --out "$work/run" --quiet
[ "$(grep -c '"forward": "packed"' "$work/run/report.json")" = 4 ] || fail "not every exported model ran packed"

# Refused at plan time: by quantize before the model is loaded, and by the plan of a study with the reason.
expect 2 quantize --model "$work/tiny" --bits 3 --group-size 16 --format gguf --out "$work/no" --quiet
contains "$err" "gguf: "
expect 2 quantize --model "$work/tiny" --bits 3 --group-size 16 --format awq --out "$work/no" --quiet
contains "$err" "awq: "
expect 2 quantize --model "$work/tiny" --bits 4 --format ggfu --out "$work/no" --quiet
contains "$err" "ggfu"
[ ! -e "$work/no" ] && [ ! -e "$work/no.resume" ] || fail "something was written for a format that cannot hold it"

expect 0 formats
contains "$out" "llama.cpp"
contains "$out" "ggml-org/llama.cpp"
expect 0 formats --json
contains "$out" '"answer": "yes"'
finish
