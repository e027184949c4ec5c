# Tests a full disk: one message, exit code 1, no half-written files, and a study that goes on once there is room.
# The disk is a tmpfs of 64 kB in a mount namespace (which needs no root). Skipped where namespaces are not allowed.
if [ "${2:-}" != inside ]; then
  unshare -rm true 2>/dev/null || { echo "skipped: this system allows no mount namespaces"; exit 77; }
  exec unshare -rm bash "$0" "$1" inside
fi
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=64k none "$disk" || { echo "skipped: tmpfs cannot be mounted here"; exit 77; }

expect 0 run "$here/make_tiny.lua" "$work/model"
size=$(stat -c %s "$work/model/model.safetensors")
[ "$size" -gt 65536 ] || fail "the tiny model ($size bytes) would fit the full disk"

# Saving a checkpoint fails: neither the folder with its final name nor a temporary folder is left.
expect 1 quantize --model "$work/model" --method rtn --bits 8 --group 16 --out "$disk/q" --quiet
contains "$err" "No space left on device"
contains "$err" "Free some space"
[ -z "$(ls -A "$disk")" ] || fail "a save on a full disk left $(ls -A "$disk")"
expect 1 quantize --model "$work/model" --method none --format gguf --out "$disk/g" --quiet
contains "$err" "No space left on device"
[ -z "$(ls -A "$disk")" ] || fail "a GGUF file on a full disk left $(ls -A "$disk")"

# The packed formats are small enough for the disk, so another file takes most of it first: the disk fills up in the middle of an export.
head -c 40960 /dev/zero >"$disk/other"
for format in compressed-tensors gptq awq gguf; do
  keep= group=16
  [ $format = gguf ] && keep="--keep mlp.down" group=32
  expect 1 quantize --model "$work/model" --bits 4 --group-size $group $keep --format $format --out "$disk/q" --quiet
  contains "$err" "No space left on device"
  [ "$(ls -A "$disk")" = other ] || fail "$format on a disk that filled up left $(ls -A "$disk")"
done
expect 0 quantize --model "$work/model" --bits 4 --group-size 32 --keep mlp.down --format compressed-tensors --out "$work/w4" --quiet
for format in awq gptq gguf compressed-tensors; do
  keep= # awq and gptq hold no linears in float, so that they get a model without
  [ $format = gguf ] || [ $format = compressed-tensors ] || keep=16
  from=$work/w4$keep
  [ -e "$from" ] || expect 0 quantize --model "$work/model" --bits 4 --group-size 16 --format compressed-tensors --out "$from" --quiet
  expect 1 export "$from" --format $format --out "$disk/q"
  contains "$err" "No space left on device"
  [ "$(ls -A "$disk")" = other ] || fail "export as $format to a disk that filled up left $(ls -A "$disk")"
done
rm "$disk/other"

# A study ends with the same message and keeps the stages that it finished. When there is room, a second run finishes it.
for i in $(seq 200); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."
done >"$work/text.txt"
printf '%s\n' '{"id":"a","prompt":"Say hello."}' >"$work/prompts.jsonl"
study=("$here/tiny_study.lua" "$work/model" "$work/text.txt" "$work/prompts.jsonl" --out "$disk/study" --quiet)
expect 1 run "${study[@]}"
contains "$err" "No space left on device"
contains "$err" "Free some space"
[ ! -e "$disk/study/report.json" ] || fail "a study that found no room wrote a report"
[ -z "$(find "$disk" -name '*.tmp-*')" ] || fail "temporary files stayed: $(find "$disk" -name '*.tmp-*')"
finished=$(find "$disk/study/store" -name stage.json -size +0 2>/dev/null | wc -l)
mount -o remount,size=64m "$disk"
expect 0 run "${study[@]}"
contains "$out" "$disk/study/report.html"
[ "$finished" = 0 ] || contains "$out" "$finished stages were there already"
umount "$disk"
finish
