# Functions for the *_test.sh files, which source this file; $1 is the path of the program. A test calls
# `expect CODE WORDS...`, and then checks $out and $err. $work is a temporary folder, removed at the end.
set -u
assay=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# expect CODE WORDS...: runs `assay WORDS...` and checks its exit code. Leaves stdout in $out and stderr in $err.
expect() {
  local wanted=$1 code
  shift
  "$assay" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
  [ "$code" = "$wanted" ] || fail "assay $*: exit code $code instead of $wanted; stderr: $err"
}

# says TEXT: stderr of the last command must be exactly TEXT, apart from newlines at the end.
says() { [ "$err" = "$1" ] || fail "stderr is
  $err
instead of
  $1"; }

contains() { case "$1" in *"$2"*) ;; *) fail "'$1' does not contain '$2'" ;; esac; }

finish() {
  [ "$failures" = 0 ] && echo "all checks passed"
  exit $((failures > 0))
}
