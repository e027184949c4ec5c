# Tests a study of a base model and its tuned copy. The report gives their interaction: how much more the tuned
# model loses by quantization than the base. The test recomputes the interaction item by item, and checks that the
# Markdown and HTML reports show it.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/base"
expect 0 run "$here/make_tuned.lua" "$work/base" "$work/tuned" 0.05
cmp -s "$work/base/model.safetensors" "$work/tuned/model.safetensors" && fail "the tuned model equals its base"
for i in $(seq 200); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
for i in $(seq 30); do
  printf '{"id":"q%d","question":"What is %d?","answerKey":"%s","choices":{"text":["one%d","two","six"],"label":["A","B","C"]}}\n' \
    "$i" "$i" "$(echo A B C | cut -d' ' -f$((i % 3 + 1)))" "$i"
done >"$work/questions.jsonl"

expect 0 plan "$here/tuned_study.lua" "$work/base" "$work/tuned" "$work/text.txt" "$work/questions.jsonl"
contains "$out" "30 items show differences of 16.2 pp or more, margin 2 pp, which needs 2627 items"
expect 0 run "$here/tuned_study.lua" "$work/base" "$work/tuned" "$work/text.txt" "$work/questions.jsonl" --out "$work/run" --quiet
contains "$out" "tuned/rtn-w2-g16"
for line in ": ppl" ": acc" "over all of these"; do contains "$out" "$line"; done # a table for each primary metric
expect 0 run "$here/check_interaction.lua" "$work/run" rtn-w4-g16 rtn-w2-g16
contains "$out" "again from 24 items"
contains "$out" "again from 30 items"
contains "$(cat "$work/run/report.md")" "## Base and tuned"
contains "$(cat "$work/run/report.html")" "Base and tuned"
finish
