# Tests the command line: exit codes, and messages for wrong words, options, values and scripts.
. "$(dirname "$0")/lib.sh"

expect 0 version
[ "${out#assay }" != "$out" ] || fail "version prints '$out'"
expect 0 --help
contains "$out" "exit codes: 0 ok, 1 the work failed, 2 usage"
expect 0 quantize --help
contains "$out" "--group-size"
expect 0 version --json
contains "$out" '"version"'

expect 2 runn
says "assay: unknown verb 'runn'
  Did you mean 'run'?"
expect 2 run
says "assay: run: something is missing
  Usage: assay run STUDY.lua"
expect 2 version --jsn
says "assay: unknown option '--jsn' of 'assay version'
  Did you mean '--json'?"
expect 2 plan x.lua --set limit
says "assay: --set limit: expected key=value
  Example: --set limit=4"
expect 2 quantize --model x --bits 77
contains "$err" "--bits: Value 77 not in range" # CLI11 2.3 continues with "1 to 16", CLI11 2.4 with "[1 - 16]"
cores=$(nproc) most=$((16 * $(nproc)))
bound="at most $most threads on this machine of $cores processors
  More threads than processors only take turns; if you give no number, each processor gets one thread"
expect 2 version --threads 100000
says "assay: --threads 100000: $bound"
expect 0 version --threads $most
echo 'local x = 1' >"$work/nothing.lua"
export OMP_NUM_THREADS=100000
expect 2 run "$work/nothing.lua"
says "assay: OMP_NUM_THREADS=100000: $bound"
expect 0 run "$work/nothing.lua" --threads 2
unset OMP_NUM_THREADS
expect 2 report --format htm x
contains "$err" "htm not in"
expect 2
contains "$err" "Usage: assay"

expect 2 run "$work/none.lua"
says "$work/none.lua: there is no such script
  Start with scripts/studies/quickstart.lua"

echo 'return 1 +' >"$work/syntax.lua"
expect 2 run "$work/syntax.lua"
says "$work/syntax.lua:2: unexpected symbol near <eof>"

printf 'local x = 1\nerror("went wrong")\n' >"$work/error.lua"
expect 1 run "$work/error.lua"
says "$work/error.lua:2: went wrong"

printf 'local t = nil\nreturn t.x\n' >"$work/nil.lua"
expect 1 run "$work/nil.lua"
says "$work/nil.lua:2: attempt to index a nil value (local 't')"

printf 'local assay = require "assay"\nreturn assay.study {\n  name = "x", taks = {} }\n' >"$work/typo.lua"
expect 2 run "$work/typo.lua"
says "$work/typo.lua:2: assay.study: unknown option 'taks'
  Did you mean 'tasks'?"

printf 'return 3\n' >"$work/plain.lua"
expect 0 run "$work/plain.lua"
expect 2 plan "$work/plain.lua"
contains "$err" "this script returns no study"

printf 'local a, b = ...\nprint(a, b, require("assay").setting("k", 7) + 1)\n' >"$work/arguments.lua"
expect 0 run "$work/arguments.lua" one two --set k=41
[ "$out" = "one	two	42" ] || fail "arguments: '$out'"
expect 2 run "$work/arguments.lua" one two --set k=many
contains "$err" "--set k=many: a number is needed"

expect 2 report "$work"
contains "$err" "there is no report.json in '$work'"
finish
