# Tests `assay chat` from a pipe: one answer for each question, commands, JSON, Ctrl-C, and models that cannot hold a conversation.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other
expect 0 run "$here/make_tiny.lua" "$work/model"

# says_to CODE TEXT WORDS...: gives TEXT to `assay chat MODEL WORDS...`.
says_to() {
  local wanted=$1 text=$2
  shift 2
  printf "$text" | "$assay" chat "$@" >"$work/out" 2>"$work/err"
  code=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
  [ "$code" = "$wanted" ] || fail "chat $*: exit code $code instead of $wanted; stderr: $err"
}

says_to 0 'Hello\nAnd you?\n' "$work/model" --max-tokens 8 --json
[ "$(wc -l <"$work/out")" = 2 ] || fail "two questions have not two answers: $out"
contains "$out" '"finish":"max_tokens"'
first=$(sed -n 1p "$work/out") second=$(sed -n 2p "$work/out")
contains "$first" '"computed":6'    # "Hello" and the line's end, which the template adds
[ "${second##*\"computed\":}" != "${first##*\"computed\":}" ] || fail "the second turn computed as much as the first: $second"
one=$(echo "$first" | sed 's/,"prefill.*//')
says_to 0 'Hello\n' "$work/model" --max-tokens 8 --json --packed
contains "$out" "$(echo "$one" | sed 's/.*"answer"/"answer"/; s/,"finish.*//')"
says_to 0 'Hello\n/reset\nHello\n' "$work/model" --max-tokens 8 --json
[ "$(sed 's/,"finish.*//' "$work/out" | sort -u | wc -l)" = 1 ] || fail "after /reset the answer is another one: $out"

says_to 0 '/help\n/stats\n/system Be brief.\n/system\nHi\n/stats\n/quit\nnever read\n' "$work/model" --max-tokens 4
contains "$out" "forgets the conversation"
contains "$out" "nothing was answered yet"
contains "$out" "Be brief."
contains "$out" "wrote 4 at"
says_to 1 '/rset\n' "$work/model"
contains "$err" "unknown command '/rset'. /help lists the commands"
says_to 0 '//help\n' "$work/model" --max-tokens 2
case "$out" in *"forgets the conversation"*) fail "//help is a command" ;; esac

# Too long for the model: the message, and the conversation goes on.
long=$(printf 'fox %.0s' $(seq 2000))
says_to 1 "$long\nHi\n" "$work/model" --max-tokens 2
contains "$err" "tokens, and the model takes"
[ "$(wc -l <"$work/out")" -ge 1 ] || fail "after a question that was too long there is no answer"

# A base model without a template: what to do.
cp -r "$work/model" "$work/base" && echo '{}' >"$work/base/tokenizer_config.json"
says_to 1 'Hi\n' "$work/base"
contains "$err" "the model has no chat template, so it cannot hold a conversation"
contains "$err" "chat_template.jinja"
expect 2 chat "$work/nowhere"
contains "$err" "there is no model"
expect 2 chat "$work/model" --temperature -1
contains "$err" "--temperature"

# Ctrl-C while an answer is written from a pipe ends the program with exit code 4; what was written stays.
set -m
(echo "Hello"; sleep 20) | "$assay" chat "$work/model" --max-tokens 100000 --system "$(printf 'x%.0s' $(seq 100))" >"$work/out" 2>"$work/err" &
for _ in $(seq 100); do [ -s "$work/out" ] && break; sleep 0.1; done
kill -INT %1 2>/dev/null
wait %1
code=$?
[ "$code" = 4 ] || [ "$code" = 0 ] || fail "Ctrl-C: exit code $code"
finish
