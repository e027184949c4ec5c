# Tests that a new file in scripts/assay/study/stages is a new kind of stage (step of a study): it is planned, run, killed and
# resumed like the others, and does not change their results.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
plain=$assay

# A copy of the program with a copy of the scripts, to which the new file is added.
bin=$(dirname "$assay")
mkdir -p "$work/lab/build/bin"
cp "$bin"/assay "$bin"/assay-* "$work/lab/build/bin"
ln -s "$(cd "$bin/../plugins" && pwd)" "$work/lab/build/plugins"
cp -r "${ASSAY_SOURCE_DIR:?}/scripts" "$work/lab/scripts"
cat >"$work/lab/scripts/assay/study/stages/letters.lua" <<'END'
-- The stage "letters" counts the letters of a variant's answer. If --set wait=FILE is given, the stage of a quantized
-- variant waits as long as FILE exists.
local models = require "assay.study.models"
local native = require "assay.native"

local letters = { order = 45, per = "variant" }

function letters.key(context, variant) return { stage = "letters", model = models.hash(context, variant) } end

function letters.estimate() return { seconds = 1000, disk = 5e9 } end

function letters.run(context, variant)
   return context.store:stage(letters.key(context, variant), function()
      local wait = native.sys.settings().values.wait
      while not variant.none and wait and native.fs.kind(wait) do native.sys.update(0, 1, "waiting") end
      return { letters = #context.models:of_variant(context, variant):generate("a", { max_tokens = 4 }).text }
   end)
end

function letters.label(variant) return variant.id .. ": letters" end

return letters
END

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 100); do echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."; done >"$work/text.txt"
cat >"$work/study.lua" <<'END'
local assay = require "assay"
local model, text = ...
return assay.study {
   name = "letters", subjects = { base = model }, recipes = { assay.method.rtn { bits = 4, group = 16 } },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = text }, window = 64, limit = 4 } },
}
END
study=("$work/study.lua" "$work/model" "$work/text.txt")
# Prints a report without times, command and revision. (The copy lies outside the git checkout, so it does not know the revision.)
without_times() { sed '/^ "times": {/,$d' "$1" | grep -v '"command":\|"revision":'; }
# events KIND MORE FILE: in the log FILE, counts the events KIND (begin, end) of stages
# "letters" whose next fields match MORE.
events() { grep -c "\"event\":\"$1\",\"stage\":\"[^\"]*: letters\"$2" "$3"; }

expect 0 run "${study[@]}" --out "$work/plain" --quiet
assay=$work/lab/build/bin/assay

expect 0 plan "${study[@]}"
contains "$out" "10.0 GB on disk"
expect 0 plan "${study[@]}" --json
contains "$out" '"base/none: letters"'
contains "$out" '"base/rtn-w4-g16: letters"'

# A run that is killed during its second stage "letters" has stored the first one.
: >"$work/wait" >"$work/log"
"$assay" run "${study[@]}" --out "$work/one" --quiet --json --set wait="$work/wait" >"$work/log" 2>&1 </dev/null &
child=$!
while kill -0 $child 2>/dev/null && [ "$(events begin '' "$work/log")" -lt 2 ]; do sleep 0.01; done
kill -9 $child || fail "the run ended before it was killed: $(cat "$work/log")"
wait $child 2>/dev/null
rm "$work/wait"
[ "$(grep -l '"stage": "letters"' "$work/one/store"/*/stage.json | wc -l)" = 1 ] || fail "not exactly one stage is stored"

# When the run is resumed, it does not repeat the first stage "letters", but it runs the second.
expect 0 run "${study[@]}" --out "$work/one" --quiet --json
printf '%s\n' "$out" >"$work/log"
[ "$(events end ',"seconds":[^,]*,"stored":true' "$work/log")" = 1 ] || fail "the stored stage was run again: $out"
[ "$(events end ',"seconds":[^,]*,"stored":false' "$work/log")" = 1 ] || fail "the killed stage was not run again: $out"
expect 0 run "${study[@]}" --out "$work/one" --quiet
contains "$out" "11 stages were there already"

# The other stages have the same keys and results as without the new kind of stage.
for path in "$work/plain/store"/*/; do
  [ -e "$work/one/store/$(basename "$path")/stage.json" ] || fail "a stage has another key once the new kind exists"
done
cmp <(without_times "$work/plain/report.json") <(without_times "$work/one/report.json") || fail "the new kind changes the report"
finish
