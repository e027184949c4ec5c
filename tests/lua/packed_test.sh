# Tests variants of a study that are evaluated packed (from their codes as they are stored): what the report says about each, going on
# after a finished run, and the reason where a variant cannot run packed.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 40); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' >"$work/prompts.jsonl"
study=("$here/packed_study.lua" "$work/model" "$work/text.txt" "$work/prompts.jsonl")

expect 0 plan "${study[@]}"
contains "$out" "runtime: packed for 3 of 4 variants"
expect 0 run "${study[@]}" --out "$work/one" --quiet
page=$(cat "$work/one/report.md")
contains "$page" "| none | packed |"
contains "$page" "| rtn W4 g16 | packed |"
contains "$page" "| rtn W4 g16 dequantized | dequantized |"
contains "$page" "| hqq W4 g16 | packed |"
contains "$(cat "$work/one/report.html")" "How the tasks ran each variant"
[ "$(grep -c '"forward": "packed"' "$work/one/report.json")" = 3 ] || fail "not three variants ran packed"
if grep -q '"not_packed"' "$work/one/report.json"; then fail "a variant did not run packed"; fi
grep '"id": "P9"' -A 5 "$work/one/report.json" | grep -q '"status": "fail"' && fail "packed logits differ"

# A second run computes nothing. With another dtype nothing runs packed, and the plan says why.
touch "$work/before"
expect 0 run "${study[@]}" --out "$work/one" --quiet
[ -z "$(find "$work/one/store" -name stage.json -newer "$work/before")" ] || fail "a stage was computed again"
expect 0 plan "${study[@]}" --dtype bfloat16
contains "$out" "runtime: dequantized, although packed is asked for: packed weights compute in float32 on the CPU"

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
