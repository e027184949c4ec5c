# Tests how a study runs each variant: from its codes as they are stored (packed) where a kernel runs all of them, else from floats
# (dequantized), with the reason in the plan and in the report; and that a finished run goes on without computing anything again.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 40); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' >"$work/prompts.jsonl"
data=("$work/text.txt" "$work/prompts.jsonl")
study=("$here/packed_study.lua" "$work/model" "${data[@]}")

# An untouched model of floats runs from floats. Groups of 8 have no kernel.
expect 0 plan "${study[@]}"
contains "$out" "runtime: packed for 2 of 5 variants"
contains "$out" "base/rtn-w4-g16-dequantized dequantized: asked for"
contains "$out" "base/rtn-w4-g8 dequantized: model.layers.0."
contains "$out" "groups of 8 in rows of"
expect 0 run "${study[@]}" --out "$work/one" --quiet
page=$(cat "$work/one/report.md")
contains "$page" "| none | floats |"
contains "$page" "| rtn W4 g16 | packed: a kernel runs all its codes |"
contains "$page" "| rtn W4 g16 dequantized | dequantized: asked for |"
contains "$page" "| rtn W4 g8 | dequantized: model.layers.0.self\\_attn.q\\_proj: groups of 8 in rows of 32 have no kernel (16, multiples of 32 and whole rows have); and 20 more |"
contains "$page" "| hqq W4 g16 | packed: a kernel runs all its codes |"
contains "$(cat "$work/one/report.html")" "How the tasks ran each variant"
[ "$(grep -c '"forward": "packed"' "$work/one/report.json")" = 2 ] || fail "not two variants ran packed"
grep '"id": "P9"' -A 5 "$work/one/report.json" | grep -q '"status": "fail"' && fail "packed logits differ"

# A second run computes nothing. With another dtype nothing runs packed, and the plan says why.
touch "$work/before"
expect 0 run "${study[@]}" --out "$work/one" --quiet
[ -z "$(find "$work/one/store" -name stage.json -newer "$work/before")" ] || fail "a stage was computed again"
expect 0 plan "${study[@]}" --dtype bfloat16
contains "$out" "runtime: packed for 0 of 5 variants"
contains "$out" "base/rtn-w4-g16 dequantized: packed weights compute in float32 on the CPU, and this run computes in bfloat16"

# A runtime that the study asks for is taken for all variants but those with one of their own. Weights without a kernel then run as
# floats beside the codes, and the report says so.
expect 0 run "${study[@]}" packed --out "$work/two" --quiet
page=$(cat "$work/two/report.md")
contains "$page" "| none | packed: asked for |"
contains "$page" "| rtn W4 g16 dequantized | dequantized: asked for |"
contains "$page" "| rtn W4 g8 | packed, but 21 weights as floats: "
expect 0 plan "${study[@]}" dequantized
contains "$out" "runtime: packed for 0 of 5 variants"

# An untouched model that is stored as codes runs packed too.
expect 0 quantize --model "$work/model" --bits 4 --group-size 16 --out "$work/w4" --quiet
expect 0 plan "$here/packed_study.lua" "$work/w4" "${data[@]}"
contains "$out" "runtime: packed for 3 of 5 variants"
expect 0 run "$here/packed_study.lua" "$work/w4" "${data[@]}" --out "$work/three" --quiet
contains "$(cat "$work/three/report.md")" "| none | packed: a kernel runs all its codes |"

# A wrong runtime is an error of the script's line.
cat >"$work/wrong.lua" <<'END'
local assay = require "assay"
return assay.method.rtn { bits = 4, runtime = "fast" }
END
expect 2 run "$work/wrong.lua"
contains "$err" "wrong.lua:2: assay.method.rtn: 'runtime' must be one of packed, dequantized, not 'fast'"
cat >"$work/wrong.lua" <<'END'
local assay = require "assay"
return assay.study { name = "x", subjects = { a = { path = "m", runtme = "packed" } }, recipes = {}, tasks = {} }
END
expect 2 run "$work/wrong.lua"
contains "$err" "assay.study: subject 'a': unknown option 'runtme'"
finish
