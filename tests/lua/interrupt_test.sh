# Tests Ctrl-C and --timeout: a script cannot catch them with pcall, and each has its own exit code (4 and 5).
. "$(dirname "$0")/lib.sh"

# interrupted NAME: starts the script NAME.lua; SIGINT (what Ctrl-C sends) must end it with exit code 4 within 3 seconds.
interrupted() {
  local started code took
  "$assay" run "$work/$1.lua" >"$work/out" 2>"$work/err" </dev/null &
  local child=$!
  for _ in $(seq 100); do
    grep -q ready "$work/out" 2>/dev/null && break
    sleep 0.05
  done
  started=$(date +%s%N)
  kill -INT $child
  wait $child
  code=$?
  took=$((($(date +%s%N) - started) / 1000000))
  [ "$code" = 4 ] || fail "$1: exit code $code instead of 4; stderr: $(cat "$work/err")"
  [ "$took" -lt 3000 ] || fail "$1: took $took ms to stop"
  contains "$(cat "$work/err")" "stopped by the user"
}
set -m # without job control, bash makes background processes ignore SIGINT

head='io.write "ready\n" io.flush()'
echo "$head while true do end" >"$work/loop.lua"
echo "$head while true do pcall(function() while true do end end) end" >"$work/pcall.lua"
echo "$head local f = coroutine.wrap(function() while true do end end) while true do pcall(f) end" >"$work/coroutine.lua"
interrupted loop
interrupted pcall
interrupted coroutine

expect 5 run "$work/loop.lua" --timeout 0.5
contains "$err" "time limit of"
# A pattern match runs in C, where the script cannot be interrupted; then the parent process kills it.
echo 'local s = ("a"):rep(30) return s:find(("a?"):rep(30) .. ("a"):rep(30))' >"$work/pattern.lua"
expect 5 run "$work/pattern.lua" --timeout 0.5
echo 'return 0' >"$work/quick.lua"
expect 0 run "$work/quick.lua" --timeout 60
finish
