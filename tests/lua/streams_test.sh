# Tests standard output that cannot be written, readers that close a pipe early, and input that can be read only once.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
[ -c /dev/full ] || { echo "skipped: there is no /dev/full here"; exit 77; }

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 60); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs, and not one of them wakes up."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' >"$work/prompts.jsonl"
printf 'print("a line")\nio.write("another\\n")\n' >"$work/says.lua"
printf 'for i = 1, 20000 do print(i) end\n' >"$work/long.lua"
printf 'print("before") error("went wrong")\n' >"$work/fails.lua"
printf 'local x = 1\n' >"$work/silent.lua"
study="run $here/tiny_study.lua $work/model $work/text.txt $work/prompts.jsonl --quiet --out $work/study"

# full WORDS...: runs `assay WORDS...` with stdout to /dev/full, where every write fails. It must end with exit
# code 1 and one line on stderr.
full() {
  "$assay" "$@" >/dev/full 2>"$work/err" </dev/null
  code=$? err=$(cat "$work/err")
  [ "$code" = 1 ] || fail "assay $* > /dev/full: exit code $code"
  says "assay: write error: No space left on device"
}
full --help
full version
full version --json
full plugins
full plugins --json
full describe rtn
full new quantizer mine "$work/mine"
full check "$(dirname "$assay")/../plugins/rtn.assay.so" --only entry_is_pure
full api
full api --json
full model "$work/model"
full model "$work/model" --json
full eval "$work/model" "$work/text.txt" --window 8 --limit 1 --quiet
full eval "$work/model" "$work/text.txt" --window 8 --limit 1 --quiet --json
full quantize --model "$work/model" --out "$work/q" --bits 4 --group 16 --quiet
[ -e "$work/q/config.json" ] || fail "the checkpoint is missing, although only its printed summary was lost"
full plan $(echo "$study" | sed 's/^run//')
full $study --json
full $study
full report "$work/study"
full run "$work/says.lua"
full run "$work/long.lua"
full repl "$work/says.lua"

# If the command itself fails, its own exit code counts.
"$assay" run "$work/fails.lua" >/dev/full 2>"$work/err"
[ $? = 1 ] || fail "a failing script on a full disk: another exit code"
contains "$(cat "$work/err")" "went wrong"
"$assay" plan "$work/silent.lua" >/dev/full 2>"$work/err"
[ $? = 2 ] || fail "a usage error on a full disk: another exit code"

# A script that prints nothing succeeds. With a closed stdout (>&-), printing fails, and no file that the program opens may get the
# free descriptor 1, else printed text would go into that file.
"$assay" run "$work/silent.lua" >/dev/full 2>"$work/err" || fail "a silent script: $(cat "$work/err")"
"$assay" run "$work/silent.lua" >&- || fail "a silent script without stdout"
"$assay" run "$work/says.lua" >&- 2>"$work/err"
[ $? = 1 ] || fail "a script that prints without stdout: another exit code"
[ "$(cat "$work/err")" = "assay: write error: Bad file descriptor" ] || fail "without stdout: $(cat "$work/err")"
"$assay" quantize --model "$work/model" --out "$work/closed" --bits 4 --group 16 --quiet >&- 2>/dev/null <&-
cmp "$work/q/model.safetensors" "$work/closed/model.safetensors" || fail "without stdout other bytes were written"

# A reader that stops after one line, such as `head -n 1`, causes no message on stderr.
for words in "api" "run $work/long.lua" "model $work/model"; do
  [ "$("$assay" $words 2>"$work/err" | head -n 1 | wc -l)" = 1 ] || fail "assay $words | head: no line"
  [ -z "$(cat "$work/err")" ] || fail "assay $words | head: $(cat "$work/err")"
done

# Calibration text is read more than once, so a pipe is refused, without waiting for input. `eval` reads its text
# only once, so it takes a pipe.
quantize="quantize --method gptq --model $work/model --out $work/piped --group 16 --quiet"
mkfifo "$work/pipe"
cat "$work/text.txt" >"$work/pipe" &
expect 2 $quantize --calib "$work/pipe"
says "$work/pipe: this is a pipe, and the data is read more than once
  Write it to a file first, and give that file"
kill $! 2>/dev/null
wait 2>/dev/null
cat "$work/text.txt" | "$assay" $quantize --calib /dev/stdin >/dev/null 2>"$work/err"
[ $? = 2 ] || fail "--calib /dev/stdin: another exit code"
contains "$(cat "$work/err")" "/dev/stdin: this is a pipe"
"$assay" $quantize --calib <(cat "$work/text.txt") >/dev/null 2>"$work/err" </dev/null
[ $? = 2 ] || fail "--calib <(...): another exit code"
contains "$(cat "$work/err")" "this is a pipe"
expect 2 $quantize --calib /dev/null
contains "$err" "/dev/null: this is a device"
"$assay" $quantize --calib /dev/stdin <"$work/text.txt" >/dev/null || fail "--calib /dev/stdin < file"
expect 0 eval "$work/model" "$work/text.txt" --window 8 --limit 4 --quiet
once=$out
piped=$("$assay" eval "$work/model" <(cat "$work/text.txt") --window 8 --limit 4 --quiet)
[ "${piped% (*}" = "${once% (*}" ] || fail "eval of a pipe says '$piped', of the file '$once'"
mkfifo "$work/prompts.pipe"
cat "$work/prompts.jsonl" >"$work/prompts.pipe" &
expect 2 run "$here/tiny_study.lua" "$work/model" "$work/text.txt" "$work/prompts.pipe" --quiet --out "$work/study2"
contains "$err" "this is a pipe"
kill $! 2>/dev/null
finish
