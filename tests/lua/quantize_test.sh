# Tests the command `quantize`: output names, metadata about the origin, forms of calibration text, and going on after a kill.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

name=Tiny-novel_SFT_NoPeft_AWQ_w4_g16_headfp16
model="$work/$name"
expect 0 run "$here/make_tiny.lua" "$model"
printf '{"base_model": "org/Tiny", "dataset": "novel"}\n' >"$model/training_metadata.json"
for i in $(seq 60); do
  echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs, and not one of them wakes up."
done >"$work/calib.txt"

expect 0 quantize run --method awq --src "$model" --dst "$work/${name}_quantized" \
  --bits 4 --group-size 16 --keep-lm-head-fp16 --calib "$work/calib.txt" --seed 13 --quiet
meta=$(cat "$work/${name}_quantized/quantization_metadata.json")
for key in '"schema": "assay.quantization/1"' '"method": "awq"' '"seed": 13' '"versions"' '"libtorch"' '"sha256"' \
  '"hash"' '"counted_tokens"' '"bits_per_weight"' '"relative_error"' '"ledger"' '"group_size": 16' '"keep"'; do
  contains "$meta" "$key"
done
cmp "$model/training_metadata.json" "$work/${name}_quantized/training_metadata.json" ||
  fail "the training record was not carried over"

# Without --out, the name is made from training_metadata.json of the model.
mkdir "$work/here" && cp -r "$model" "$work/here/plain"
(cd "$work/here" && "$assay" quantize --method rtn --model plain --bits 8 --group-size 16 --keep-lm-head --quiet >/dev/null) ||
  fail "quantize without --out failed"
[ -e "$work/here/Tiny-novel_SFT_NoPeft_RTN_w8_g16_headfp16_quantized/config.json" ] ||
  fail "the folder is called otherwise: $(ls "$work/here")"

# `assay model` takes the method from the folder's metadata, even if the folder's name says another method.
cp -r "$work/${name}_quantized" "$work/GPTQ_w2"
expect 0 model "$work/GPTQ_w2"
contains "$out" "awq"

# A result that no exporter can store is refused before anything is calibrated.
expect 2 quantize --method gptq --bits 3 --model "$model" --out "$work/odd" --calib "$work/calib.txt" --group 16
contains "$err" "no exporter can hold this model"
if [ -e "$work/odd.resume" ]; then fail "it was quantized before it was refused"; fi

# The ledger lists every fallback and skip of a run. With --strict, a ledger with entries gives exit code 6 (the folder is written
# all the same), and an empty one gives 0.
(for i in 1 2 3; do echo '{"text": ""}'; done
 sed 's/.*/{"text": "&"}/' "$work/calib.txt") >"$work/records.jsonl"
strict="--group 16 --samples 60 --length 512 --set layout=samples --strict --quiet"
expect 6 quantize --method gptq --model "$model" --out "$work/dropped" --calib "$work/records.jsonl" $strict
contains "$err" "the ledger has"
contains "$(cat "$work/dropped/quantization_metadata.json")" '"dropped_sample"'
sed -i 1,3d "$work/records.jsonl"
expect 0 quantize --method gptq --model "$model" --out "$work/clean" --calib "$work/records.jsonl" $strict

expect 2 quantize --method gptq --group 16 --model "$model" --out "$work/q" --calib gsm9k
contains "$err" "there is no calibration text 'gsm9k'"
expect 2 quantize --method q4_k_m --set method.search=reverence --model "$model" --out "$work/q" --format gguf
contains "$err" "Did you mean 'reference'?"
expect 2 quantize --method gptq --group 16 --model "$model" --out "$work/q"
contains "$err" "needs calibration text"

# The same texts as JSON lines, JSON or CSV give the same result. A gzip file is refused, and the message names the command to unpack it.
sed 's/.*/{"text": "&"}/' "$work/calib.txt" >"$work/forms.jsonl"
cp "$work/forms.jsonl" "$work/forms.JSONL"
(sed '1s/^/[/; $!s/$/,/; $s/$/]/' "$work/forms.jsonl") >"$work/forms.json"
(echo ',text'; sed 's/.*/1,"&"/' "$work/calib.txt") >"$work/forms.csv"
for form in jsonl JSONL json csv; do
  expect 0 quantize --method gptq --model "$model" --out "$work/forms-$form" --group 16 --calib "$work/forms.$form" --quiet
done
for form in JSONL json csv; do
  cmp "$work/forms-jsonl/model.safetensors" "$work/forms-$form/model.safetensors" || fail "$form is calibrated otherwise than jsonl"
done
gzip -k "$work/forms.json"
expect 1 quantize --method gptq --model "$model" --out "$work/q" --group 16 --calib "$work/forms.json.gz" --quiet
contains "$err" "forms.json.gz: this is gzip, which is not read here"
contains "$err" "gunzip -k $work/forms.json.gz"
expect 0 eval "$model" "$work/forms.jsonl" --window 32 --json
same=$out
expect 0 eval "$model" "$work/forms.json" --window 32 --json
[ "${out%%seconds*}" = "${same%%seconds*}" ] || fail "eval of json and jsonl differ: $out"
expect 1 eval "$model" "$work/forms.json.gz"
contains "$err" "this is gzip"

# Too little calibration text is refused with the number of its tokens, and nothing is written.
head -c 40 "$work/calib.txt" >"$work/short.txt"
expect 2 quantize --method gptq --model "$model" --out "$work/q" --group 16 --calib "$work/short.txt" --quiet
contains "$err" "counted tokens for inputs of width"
[ ! -e "$work/q" ] || fail "a refused quantize left a folder"

# Finished blocks are stored, so a killed command goes on where it stopped; the result has the same bytes as without a kill.
expect 0 quantize --method gptq --model "$model" --out "$work/whole" --group 16 --calib "$work/calib.txt" --quiet
contains "$(cat "$work/whole/quantization_metadata.json")" '"output_error"'
for seconds in 0.3 0.5 0.8; do
  timeout -s KILL "$seconds" "$assay" quantize --method gptq --model "$model" --out "$work/parts" --group 16 \
    --calib "$work/calib.txt" --quiet >/dev/null 2>&1 </dev/null
done 2>/dev/null
code=0
[ ! -e "$work/parts" ] || code=2 # the last kill came late: the folder is complete, only its temporary files may be left
expect $code quantize --method gptq --model "$model" --out "$work/parts" --group 16 --calib "$work/calib.txt" --quiet
cmp "$work/whole/model.safetensors" "$work/parts/model.safetensors" || fail "going on after a kill changed the bytes"
only_parts() { [ "$(cd "$work" && echo parts*)" = parts ] || fail "left beside the folder: $(cd "$work" && echo parts*)"; }
only_parts

# Here a command was killed after its last step, before its temporary files were removed. The next command removes them
# and says that the folder is complete.
mkdir "$work/parts.resume" && echo '{}' >"$work/parts.resume/block-0.json"
expect 2 quantize --method gptq --model "$model" --out "$work/parts" --group 16 --calib "$work/calib.txt" --quiet
contains "$err" "exists already and is complete"
only_parts

# For a GGUF file, --set gives the options of the exporter, and the ledger lists what the exporter rounds.
expect 0 quantize --method none --model "$model" --format gguf --out "$work/gguf" --quiet
expect 0 quantize --method none --model "$model" --format gguf --out "$work/gguf16" --set export.float_type=F16 --quiet
contains "$out" "ledger: 1 rounded_floats"
expect 0 model "$work/gguf16/model.gguf"
expect 2 quantize --method none --model "$model" --format gguf --out "$work/no" --set export.float_typ=F16 --quiet
contains "$err" "Did you mean 'float_type'?"
expect 2 quantize --method rtn --bits 3 --model "$model" --format gguf --out "$work/no" --quiet
contains "$err" "set fit = \"wider\" to store it in Q4_0"
[ ! -e "$work/no" ] || fail "a refused GGUF file left a folder"

finish
