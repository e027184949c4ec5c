# Tests the interactive prompt `assay repl` with input from a pipe: it prints results but no prompts, and goes on after errors.
. "$(dirname "$0")/lib.sh"

session() { "$assay" repl >"$work/out" 2>"$work/err"; }

session <<'LUA'
1 + 1
x = { b = 2, a = { 1, 2 } }
x
for i = 1, 2 do
  print(i)
end
_
"text"
assay.method.rtn { bits = 3, group = 64 }
LUA
code=$?
[ "$code" = 0 ] || fail "exit code $code; $(cat "$work/err")"
wanted='2
{ a = { 1, 2 }, b = 2 }
1
2
{ a = { 1, 2 }, b = 2 }
text
recipe rtn W3 g64'
[ "$(cat "$work/out")" = "$wanted" ] || fail "transcript:
$(cat "$work/out")"

session <<'LUA'
error("no")
assay.method.rtm
1 +
LUA
code=$?
[ "$code" = 1 ] || fail "exit code $code after errors"
contains "$(cat "$work/err")" "no"
contains "$(cat "$work/err")" "Did you mean 'rtn'?"

session <<'LUA'
help(assay.method.rtn)
:help assay.grid
LUA
contains "$(cat "$work/out")" "columns that share a scale"
contains "$(cat "$work/out")" "Recipes of every combination"
finish
