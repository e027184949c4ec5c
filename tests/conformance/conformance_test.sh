#!/usr/bin/env bash
# Tests the commands `assay check`, `assay new`, `assay plugins` and `assay describe` by their output and exit codes.
#   conformance_test.sh CASE ASSAY BUILD    CASE: in_tree, sins, new_plugin or verbs; ASSAY: the program; BUILD: the build folder
set -uo pipefail
assay=$(realpath "$2")
build=$(realpath "$3")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
status=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=$scratch/cache

complain() {
  echo "FAILED: $*"
  status=1
}

# expect NAME PART TEXT: TEXT must contain PART, which is plain text and not a pattern. NAME is printed if it does not.
expect() { grep -qF -- "$2" <<<"$3" || complain "$1: expected '$2' in:"$'\n'"$3"; }

in_tree() {
  printf 'a text of some words\n\nand another one\n' >"$scratch/data.txt"
  echo '{"text": "one"}' >"$scratch/data.jsonl"
  echo '[{"text": "one"}]' >"$scratch/data.json"
  printf 'text\none\n' >"$scratch/data.csv"
  for file in "$build"/plugins/*.assay.so; do
    only=.
    data=$scratch/data.txt
    if [[ $file == */text.assay.so ]]; then # four components, each for one kind of file: each gets a file of its kind
      for form in jsonl json csv; do
        "$assay" check "$file" --only "^dataset/$form/" --set "path=$scratch/data.$form" >"$scratch/out" ||
          complain "$file: $form" "$(grep -A1 '^fail' "$scratch/out")"
      done
      only='^(library|dataset/text)/'
    fi
    if [[ $file == */parquet.assay.so ]]; then # its files are binary, so an existing one is used
      data=$(find "${ASSAY_SHARED:-$here/../../../shared}/data" -name '*.parquet' -size -200k 2>/dev/null | sort | head -1)
      [[ -z $data ]] && echo "no parquet file in shared/data: only the library cases run" && only='^library/'
    fi
    "$assay" check "$file" --only "$only" --set "path=$data" >"$scratch/out" || complain "$file"
    grep -E '^(fail|warn)' -A1 "$scratch/out"
    tail -1 "$scratch/out" | sed "s|^|$(basename "$file"): |"
  done
}

# Each line below: a bad plugin, the case of `assay check` that must fail, and a part of its message.
sins() {
  while IFS='|' read -r name case text; do
    out=$("$assay" check "$build/bad_plugins/$name.assay.so" --only "/$case\$")
    code=$?
    [[ $code == 3 ]] || complain "$name ends with $code, not 3"
    expect "$name" "fail  quantizer/$name/$case" "$out"
    expect "$name" "$text" "$out"
  done <<'SINS'
writes_weights|input_is_left_alone|quantize writes to the weight or to the statistics
segfault_in_quantize|round_trip|the process ended: signal 11 (SIGSEGV)
leaks|gives_memory_back|it took tensors from the host and did not give back 1
depends_on_history|same_bytes|two runs with the same input differ
depends_on_history|order_of_layers|a layer's result depends on the layers before it
ignores_cancel|stops_when_asked|asked to stop, it works on for 2.0
silent_nan|strange_weights|NaN in the weight is quantized without an error
changes_locale|process_is_left_alone|quantize changed the locale
changes_rounding|process_is_left_alone|quantize changed the floating-point rounding mode
SINS
  out=$("$assay" check "$build/bad_plugins/abort_at_load.assay.so" 2>&1)
  [[ $? == 3 ]] || complain "a plugin that crashes at load does not end with 3"
  expect abort_at_load "crashed while it was loaded: signal 6 (SIGABRT)" "$out"
}

new_plugin() {
  cd "$scratch" || exit 1
  "$assay" new quantizer mymethod >out || complain "assay new"
  expect new "assay check mymethod/mymethod.assay.so" "$(cat out)"
  CC=${CC:-cc} sh mymethod/build.sh >out 2>&1 || complain "the template does not build: $(cat out)"
  grep -i warning out && complain "the template compiles with warnings"
  "$assay" check mymethod/mymethod.assay.so >out || complain "the template does not pass: $(grep -A1 ^fail out)"
  tail -1 out
  out=$("$assay" --plugin-dir mymethod describe mymethod)
  expect describe "bits: integer 2..8 bits, default 4" "$out"
  out=$("$assay" new quantizer mymethod 2>&1)
  [[ $? != 0 ]] || complain "an existing folder is overwritten"
  out=$("$assay" new quantizr x 2>&1)
  [[ $? == 2 ]] || complain "an unknown kind does not end with 2"
  expect kind "Did you mean 'quantizer'?" "$out"
  out=$("$assay" new quantizer 'My Method' 2>&1)
  expect name "'My Method' is no name for a plugin" "$out"
}

verbs() {
  mkdir "$scratch/folder"
  cp "$build/bad_plugins/abort_at_load.assay.so" "$build/bad_plugins/unknown_kind.assay.so" "$scratch/folder"
  out=$("$assay" --plugin-dir "$scratch/folder" plugins)
  expect plugins "quantizer  rtn " "$(tr -s ' ' <<<"$out" | sed 's/^quantizer /quantizer  /')"
  expect broken "broken: $scratch/folder/abort_at_load.assay.so" "$out"
  expect broken "  crashed while it was loaded: signal 6 (SIGABRT)" "$out"
  expect unsupported "  component 'unknown_kind': kind 99 is unknown to this host" "$out"
  out=$("$assay" --plugin-dir "$scratch/folder" plugins --json)
  expect json '"from_cache": true' "$out"
  out=$("$assay" --plugin-dir "$scratch/folder" plugins --json --rescan)
  grep -q '"from_cache": true' <<<"$out" && complain "--rescan takes its answer from the cache"
  out=$("$assay" describe rtm 2>&1)
  [[ $? == 2 ]] || complain "an unknown id does not end with 2"
  expect describe "Did you mean 'rtn'?" "$out"
  expect describe '"maximum": 8' "$("$assay" describe rtn --json)"
  out=$("$assay" check "$build/plugins/rtn.assay.so" --only 'nothing_like_it' 2>&1)
  [[ $? == 2 ]] || complain "--only without a match does not end with 2"
}

"$1"
exit $status
