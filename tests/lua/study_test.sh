# Tests a whole study on a tiny model: its plan, equal results of two runs, going on after a
# kill, its files and its messages.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 200); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' '{"id":"b","category":"math","prompt":"1 + 1?"}' >"$work/prompts.jsonl"
study=("$here/tiny_study.lua" "$work/model" "$work/text.txt" "$work/prompts.jsonl")

# Prints a report without times and command, the only parts that may differ between two runs.
without_times() { sed '/^ "times": {/,$d' "$1" | grep -v '"command":'; }

expect 0 plan "${study[@]}"
contains "$out" "base/rtn-w4-g16"
contains "$out" "Nothing was run."
contains "$out" "if none of 2 answers is broken, the true share of broken ones is at most 77.6 %"
[ ! -e runs/tiny ] || fail "plan made a folder"

expect 0 run "${study[@]}" --out "$work/one" --quiet
contains "$out" "base/none"
contains "$out" "$work/one/report.html"
for file in report.json report.html report.md report.csv ledger.jsonl; do
  [ -e "$work/one/$file" ] || fail "there is no $file"
done
expect 0 run "${study[@]}" --out "$work/two" --quiet
cmp <(without_times "$work/one/report.json") <(without_times "$work/two/report.json") ||
  fail "two runs differ in more than times"

# A second run in the same folder computes nothing.
expect 0 run "${study[@]}" --out "$work/one" --quiet
contains "$out" "22 stages were there already"
contains "$(cat "$work/one/report.json")" '"resumed": true'

# Start the study again and again, and kill -9 each run after its first new stage, until a run finishes before it is killed.
killed=0
for _ in $(seq 30); do
  done_before=$(ls "$work/three/store"/*/stage.json 2>/dev/null | wc -l)
  : >"$work/log"
  "$assay" run "${study[@]}" --out "$work/three" --quiet --json >"$work/log" 2>&1 </dev/null &
  child=$!
  while kill -0 $child 2>/dev/null && ! grep -q '"stored":false' "$work/log"; do sleep 0.01; done
  kill -9 $child 2>/dev/null && killed=$((killed + 1))
  wait $child 2>/dev/null && break
  done_after=$(ls "$work/three/store"/*/stage.json 2>/dev/null | wc -l)
  [ "$done_after" -gt "$done_before" ] || fail "a killed run lost a finished stage"
done
[ "$killed" -gt 0 ] || fail "no run was killed"
expect 0 run "${study[@]}" --out "$work/three" --quiet
cmp <(without_times "$work/one/report.json") <(without_times "$work/three/report.json") ||
  fail "a killed and resumed study differs from an undisturbed one"

# Ctrl-C (SIGINT) ends the study with code 4 and keeps the finished stages. Code 0: the study ended before the signal came.
set -m
: >"$work/log"
"$assay" run "${study[@]}" --out "$work/four" --quiet --json >"$work/log" 2>"$work/err" </dev/null &
child=$!
while kill -0 $child 2>/dev/null && ! grep -q '"event":"end"' "$work/log"; do sleep 0.01; done
kill -INT $child
wait $child
code=$?
[ "$code" = 4 ] || [ "$code" = 0 ] || fail "Ctrl-C in a study: exit code $code"
[ "$(ls "$work/four/store"/*/stage.json | wc -l)" -gt 0 ] || fail "Ctrl-C lost the finished stage"

# Results of another version of assay are kept but not used, and a message says so.
cp -r "$work/one" "$work/six"
echo 0.0.1 >"$work/six/store/version"
expect 0 run "${study[@]}" --out "$work/six" --quiet
contains "$err" "$work/six/store holds results of assay 0.0.1; they stay there, and this version"

# With --strict, a failed check of validity (gate) gives exit code 6, after the report is written.
expect 6 run "${study[@]}" --out "$work/one" --quiet --strict
contains "$err" "gate G03 failed"

# The folder has the raw answers (samples/) and the list of failures, with the columns that users of these files need.
[ "$(wc -l <"$work/one/samples/generations.base.rtn-w2-g16.jsonl")" = 2 ] || fail "answers are missing in samples/"
for key in run_id protocol_id doc_hash prompt_hash text finish mean_logprob flags; do
  contains "$(head -1 "$work/one/samples/generations.base.rtn-w2-g16.jsonl")" "\"$key\":"
done
for key in first_divergence_token base_margin_at_divergence mean_kld_prompt recurrence repro_cmd; do
  contains "$(head -1 "$work/one/failures.jsonl")" "\"$key\":"
done
grep -q '"mean_kld_prompt":[0-9]' "$work/one/failures.jsonl" || fail "no divergence along the answers in failures.jsonl"
contains "$(cat "$work/one/failures.md")" "| prompt_id | category | baseline_ok | quant_issue | symptom | notes |"
contains "$(head -1 "$work/one/failures.jsonl")" '"prompt_id"'

# The command in a report is quoted, so that it can be pasted into a shell.
expect 0 run "${study[@]}" --out "$work/a b" --quiet
contains "$(cat "$work/a b/report.json")" "--out '$work/a b' --quiet"

# Format yaml writes the files that the Hugging Face Hub reads, for each variant.
expect 0 report "$work/one" --format yaml
contains "$(cat "$work/one/hub/base.rtn-w4-g16/model-index.yaml")" 'base_model_relation: "quantized"'
contains "$(head -1 "$work/one/hub/base.rtn-w4-g16/.eval_results/assay.yaml")" "- dataset:"

# An optional recipe or task that is not available is listed in plan and report. Primary metrics that the study declares are too.
cat >"$work/absent.lua" <<'END'
local assay = require "assay"
local model, text = ...
return assay.study {
   name = "absent", subjects = { base = model }, noise = 0,
   recipes = { assay.method.rtn { bits = 4, group = 16 },
               assay.if_available("quip W2", function() return assay.method.quip { bits = 2 } end) },
   primary = { { task = "perplexity", metric = "ppl", margin = 1.05 } },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64 },
             assay.if_available("MMLU", function() return assay.task.mmlu {} end) },
}
END
expect 0 plan "$work/absent.lua" "$work/model" "$work/text.txt"
contains "$out" "not available: recipe quip W2: unknown method 'quip'"
contains "$out" "not available: task MMLU: "
expect 0 run "$work/absent.lua" "$work/model" "$work/text.txt" --out "$work/seven" --quiet
contains "$out" "not available"
contains "$(cat "$work/seven/report.md")" "Not available: quip W2"
contains "$(cat "$work/seven/report.md")" "Declared in the study file before the run"

# If writes fail (here because the size of files is limited; a full disk has the same effect), the run ends with an
# error and leaves no half-written report.
(ulimit -f 64 && "$assay" run "${study[@]}" --out "$work/five" --quiet) >"$work/out" 2>"$work/err" </dev/null
code=$?
[ "$code" = 1 ] || fail "full disk: exit code $code"
[ ! -e "$work/five/report.json" ] || [ -s "$work/five/report.json" ] || fail "an empty report.json is left"
ls "$work"/five/*.tmp-* 2>/dev/null && fail "temporary files are left"
finish
