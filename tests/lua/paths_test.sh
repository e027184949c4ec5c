# Tests unusual paths: names that are not UTF-8, `--model .`, and folders of the Hugging Face cache.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
assay=$(cd "$(dirname "$assay")" && pwd)/$(basename "$assay")

expect 0 run "$here/make_tiny.lua" "$work/tiny"
for i in $(seq 60); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs, and not one of them wakes up."
done >"$work/text.txt"

# A model folder whose name is not UTF-8 works; JSON shows the byte 0xE9 as \xE9.
odd=$(printf 'caf\351')
cp -r "$work/tiny" "$work/$odd"
expect 0 model "$work/$odd"
expect 0 model "$work/$odd" --json
contains "$out" 'caf\\xE9"'
expect 0 quantize --model "$work/$odd" --out "$work/$odd-q" --group 16 --quiet --json
contains "$out" 'caf\\xE9-q"'
contains "$(cat "$work/$odd-q/quantization_metadata.json")" '"name": "caf\\xE9"'
expect 0 eval "$work/$odd-q" "$work/text.txt" --window 8 --limit 2 --quiet
# A data file with such a name is refused: a plugin opens it, and plugins get names as JSON, which must be UTF-8.
cp "$work/text.txt" "$work/$odd.txt"
expect 2 quantize --method gptq --model "$work/tiny" --out "$work/never" --group 16 --quiet --calib "$work/$odd.txt"
contains "$err" "'$work/caf\\xE9.txt' is not UTF-8"
contains "$err" "Rename it, or make a link with a UTF-8 name"
expect 0 plugins --json --plugin-dir "$work/$odd"
contains "$out" 'caf\\xE9'
case "$out$err" in *json.exception*) fail "an exception of a library is shown: $out$err" ;; esac

# Without --out, the output folder is named after the model's real name, and is never made inside the model's folder.
mkdir "$work/here"
cp -r "$work/tiny" "$work/here/mine"
(cd "$work/here/mine" && "$assay" quantize --model . --bits 4 --group 16 --quiet >/dev/null) || fail "quantize --model ."
[ -e "$work/here/mine_RTN_w4_g16/config.json" ] || fail "--model . made $(ls -A "$work/here" "$work/here/mine")"
[ "$(ls -A "$work/here/mine")" = "$(ls -A "$work/tiny")" ] || fail "the model folder holds $(ls -A "$work/here/mine")"
contains "$(cat "$work/here/mine_RTN_w4_g16/README.md")" "# mine, rtn"
snapshot=$work/hub/models--org--Tiny-1B/snapshots/abc123
mkdir -p "$snapshot"
cp "$work/tiny"/* "$snapshot"
(cd "$work/here" && "$assay" quantize --model "$snapshot" --bits 4 --group 16 --quiet >/dev/null) || fail "quantize of a snapshot"
[ -e "$work/here/Tiny-1B_RTN_w4_g16/config.json" ] || fail "a snapshot made $(ls -A "$work/here")"
cd "$snapshot" || exit 1
expect 2 quantize --model . --bits 4 --group 16
says "assay: the working folder is a model in the Hugging Face cache, and a new checkpoint must not be put there
  Say where the checkpoint goes with --out DIR"
[ "$(ls -A)" = "$(ls -A "$work/tiny")" ] || fail "the snapshot holds $(ls -A)"
finish
