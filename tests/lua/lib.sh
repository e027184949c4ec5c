# Shared by the *_test.sh drivers: expect CODE COMMAND..., then look at $out and $err. Not a test.
set -u
assay=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# expect CODE WORDS...: runs assay, keeps its output.
expect() {
  local wanted=$1 code
  shift
  "$assay" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
  [ "$code" = "$wanted" ] || fail "assay $*: exit code $code instead of $wanted; stderr: $err"
}

# says TEXT: stderr must be exactly this (trailing newlines aside).
says() { [ "$err" = "$1" ] || fail "stderr is
  $err
instead of
  $1"; }

contains() { case "$1" in *"$2"*) ;; *) fail "'$1' does not contain '$2'" ;; esac; }

finish() {
  [ "$failures" = 0 ] && echo "all promises kept"
  exit $((failures > 0))
}
