# Tests calibration in a study and on the command line. Text that is both calibrated on and evaluated is found and refused;
# with a reason it is allowed, and the report repeats the reason.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 60); do echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."; done >"$work/text.txt"
for i in $(seq 60); do echo "Row $i: a slow green turtle walks under $((i * 3)) busy bees."; done >"$work/other.txt"
study=("$here/calibration_study.lua" "$work/model" "$work/text.txt")

# Another text: nothing is shared, and the report describes the calibration.
expect 0 run "${study[@]}" "$work/other.txt" --out "$work/apart" --quiet
report=$(cat "$work/apart/report.json")
contains "$report" '"sequences": 4'
contains "$report" '"tokens": 256'
contains "$report" '"shortest": 64'
contains "$report" '"license": "CC0-1.0"'
contains "$report" '"overlap_with_eval": 0'
contains "$report" '"shared_records": 0'
contains "$(cat "$work/apart/report.md")" "13-word passages in: no record of the 1 task"
hash=$(grep -o '"sha256": "[0-9a-f]*"' <<<"$(sed -n '/"calibrations"/,/"variants"/p' "$work/apart/report.json")" | head -1 | cut -d'"' -f4)
grep -q "$hash" "$work"/apart/store/*/tokens.json || fail "the token ids are not stored under their hash"

# Calibration on the evaluated text itself: an error before anything is quantized.
expect 2 run "${study[@]}" "$work/text.txt" --out "$work/same" --quiet
contains "$err" "calibration and the task 'perplexity' share 1 of 1 records: a calibration must not use records that are evaluated"
contains "$err" 'Calibrate on another split, or say why with allow_overlap = "..."'
[ ! -e "$work/same/report.json" ] || fail "a report was written all the same"

# With a reason the study runs, and the report repeats the reason.
expect 0 run "${study[@]}" "$work/text.txt" "leakage is the question" --out "$work/same" --quiet
contains "$(cat "$work/same/report.json")" '"overlap_with_eval": 1'
contains "$(cat "$work/same/report.md")" "leakage is the question"
contains "$(cat "$work/same/report.html")" "leakage is the question"

# A calibration that belongs to a recipe is treated the same: compared with every task, stored, refused, or reported with its reason.
brought=(--set of=recipe --quiet)
expect 0 run "${study[@]}" "$work/other.txt" "${brought[@]}" --out "$work/brought"
report=$(sed -n '/"calibrations"/,/"variants"/p' "$work/brought/report.json")
contains "$report" '"id": "r1"'
contains "$report" '"overlap_with_eval": 0'
contains "$report" '"records_with_passage": 0'
contains "$(cat "$work/brought/report.md")" "13-word passages in: no record of the 1 task"
same=$(grep -o '"sha256": "[0-9a-f]*"' <<<"$report" | head -1 | cut -d'"' -f4)
[ "$same" = "$hash" ] || fail "the same tokens have another hash"
contains "$(cat "$work/brought/report.json")" '"calibration": "r1"'
contains "$(cat "$work/brought/report.json")" "4 sequences, 256 tokens, the shortest of 64"
expect 2 run "${study[@]}" "$work/text.txt" "${brought[@]}" --out "$work/brought_same"
contains "$err" "calibration and the task 'perplexity' share 1 of 1 records: a calibration must not use records that are evaluated"
[ ! -e "$work/brought_same/report.json" ] || fail "a report was written all the same"
expect 0 run "${study[@]}" "$work/text.txt" "leakage is the question" "${brought[@]}" --out "$work/brought_same"
contains "$(cat "$work/brought_same/report.json")" '"overlap_with_eval": 1'
contains "$(cat "$work/brought_same/report.md")" "leakage is the question"

# On the command line, --calib takes a file or a known dataset; anything else is an error.
quantize=(quantize --method gptq --model "$work/model" --bits 4 --group-size 16 --samples 4 --length 64 --quiet)
expect 0 "${quantize[@]}" --out "$work/q" --calib "$work/other.txt"
contains "$out" "calibration: 4 sequences, 256 tokens (256 counted), shortest 64, longest 64"
expect 2 "${quantize[@]}" --out "$work/q2" --calib "$work/none.txt"
contains "$err" "there is no calibration text '$work/none.txt'"
expect 2 "${quantize[@]}" --out "$work/q2" --calib gsm8k --data "$work"
contains "$err" "dataset gsm8k: the split 'train' is not here"
mkdir -p "$work/gsm8k"
for i in $(seq 8); do
  echo "{\"question\": \"What is $i plus $i, if nobody takes any of them away?\", \"answer\": \"#### $((2 * i))\"}"
done >"$work/gsm8k/train.jsonl"
expect 1 "${quantize[@]}" --out "$work/q2" --calib gsm8k --data "$work"
contains "$err" "dataset gsm8k, split train: 8 rows, not 7473"
expect 2 "${quantize[@]}" --out "$work/q2" --calib gsm8k:test --data "$work"
contains "$err" "dataset gsm8k, split test is kept for evaluation"
finish
