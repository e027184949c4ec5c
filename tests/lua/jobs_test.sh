# Tests several commands that write the same result at once, and places where nothing can be written. A command that comes too late
# says at once which process works on the result. It deletes no files of the other process, and leaves none of its own.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 60); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs, and not one of them wakes up."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' >"$work/prompts.jsonl"
mkdir "$work/results"
quantize="quantize --model $work/model --group 16 --quiet"
study="run $here/tiny_study.lua $work/model $work/text.txt $work/prompts.jsonl --quiet"

# hold PATH FUNCTION: starts a process that claims PATH (takes its lock) with fs.claim or fs.claim_inside, and keeps it until
# `release`. $holder is its process id.
hold() {
  printf 'local fs = require("assay.native").fs\nlocal held = fs.%s(...)\nio.write("held\\n") io.flush()\nio.read()\n' "$2" >"$work/hold.lua"
  mkfifo "$work/go"
  "$assay" run "$work/hold.lua" "$1" <"$work/go" >"$work/held" 2>&1 &
  holder=$!
  exec 5>"$work/go"
  for _ in $(seq 200); do
    [ -s "$work/held" ] && break
    sleep 0.05
  done
  [ "$(cat "$work/held")" = held ] || fail "the claim was not granted: $(cat "$work/held")"
}
release() {
  exec 5>&-
  wait "$holder"
  rm "$work/go" "$work/held"
}
# told PATH: stderr must say that the process $holder works on PATH.
told() {
  says "$1: process $holder on $(uname -n) is at work on it
  Wait until it has ended, or choose another name"
}

hold "$work/results/q" claim
expect 1 $quantize --out "$work/results/q"
told "$work/results/q"
expect 1 $quantize --out "$work/results/q" --method gptq --calib "$work/text.txt"
told "$work/results/q"
printf 'local assay = require "assay"\nlocal m = assay.load(...)\nm:quantize(assay.method.rtn { group = 16 }):save "%s"\n' "$work/results/q" >"$work/save.lua"
expect 1 run "$work/save.lua" "$work/model"
contains "$err" "$work/results/q: process $holder on"
[ "$(ls "$work/results")" = q.lock ] || fail "a refused job left $(ls "$work/results")"
release
[ -z "$(ls -A "$work/results")" ] || fail "the claim left $(ls -A "$work/results")"

hold "$work/results/study" claim_inside
expect 1 $study --out "$work/results/study"
told "$work/results/study"
release
expect 0 $study --out "$work/results/study"
hold "$work/results/study" claim_inside
expect 1 report "$work/results/study"
told "$work/results/study"
release
[ ! -e "$work/results/study/.lock" ] || fail "the claim on the study stayed"

# Three commands at once: exactly one succeeds, its file equals that of a command alone, and nothing else is left.
expect 0 $quantize --out "$work/alone" --method gptq --calib "$work/text.txt"
for i in 1 2 3; do
  "$assay" $quantize --out "$work/results/same" --method gptq --calib "$work/text.txt" >/dev/null 2>"$work/err$i" &
  pids[$i]=$!
done
won=0
for i in 1 2 3; do
  wait "${pids[$i]}"
  code=$?
  case "$code $(cat "$work/err$i")" in
    0*) won=$((won + 1)) ;;
    "1 $work/results/same: process "*" is at work on it"*) ;;
    "2 assay: '$work/results/same' exists already"*) ;; # this command started after the winner had ended
    *) fail "one of three said: $code $(cat "$work/err$i")" ;;
  esac
done
[ $won = 1 ] || fail "$won of three won"
cmp "$work/alone/model.safetensors" "$work/results/same/model.safetensors" || fail "three at once gave other bytes"
[ "$(cd "$work/results" && echo same*)" = same ] || fail "left beside the folder: $(cd "$work/results" && echo same*)"

# Temporary files that a killed command left are deleted by the next `report`.
echo half >"$work/results/study/report.md.tmp-7"
echo half >"$work/results/study/report.html.tmp-4194000"
expect 0 report "$work/results/study"
[ -z "$(find "$work/results/study" -name '*.tmp-*')" ] || fail "left: $(find "$work/results/study" -name '*.tmp-*')"

# The output path is a dangling link, or lies below a file: both are refused before any work.
ln -s nowhere "$work/results/link"
for words in "$quantize" "$study"; do
  expect 1 $words --out "$work/results/link"
  says "$work/results/link: the link leads to nothing
  cause: it names nowhere
  Remove the link, or make what it names"
done
expect 1 $quantize --out "$work/text.txt/q" --method gptq --calib "$work/text.txt"
says "$work/text.txt/q: cannot create the folder
  cause: Not a directory"

# A folder without write permission is refused too. Root may write everywhere, so then this part runs as another user.
as_user=
[ "$(id -u)" = 0 ] && as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
mkdir "$work/shut" && chmod 555 "$work/shut" && chmod 755 "$work"
if [ -n "$as_user" ] && ! $as_user "$assay" api >/dev/null 2>&1; then
  echo "not tried: root cannot become another user here, or that user may not run what lies below $(dirname "$assay")"
else
  for words in "$quantize --out $work/shut/q" "$quantize --out $work/shut/q --method gptq --calib $work/text.txt"; do
    $as_user "$assay" $words >/dev/null 2>"$work/err"
    [ $? = 1 ] || fail "without permission: another exit code"
    err=$(cat "$work/err")
    says "$work/shut/q: cannot write here
  cause: Permission denied"
  done
  $as_user "$assay" $study --out "$work/shut/study" >/dev/null 2>"$work/err"
  err=$(cat "$work/err")
  says "$work/shut/study: cannot create the folder
  cause: Permission denied"
fi
[ -z "$(ls -A "$work/shut")" ] || fail "left without permission: $(ls -A "$work/shut")"
chmod 755 "$work/shut"
finish
