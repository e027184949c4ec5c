# Tests patterns in recipes (`keep`, `overrides`) that fit no linear (weight matrix) of the model: they are refused when the
# study is planned, before anything is computed.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
printf 'plain text, long enough for one window of eight tokens\n' >"$work/text.txt"

# study RECIPES: writes study.lua with these recipes.
study() {
  cat >"$work/study.lua" <<LUA
local assay = require "assay"
return assay.study {
   name = "patterns", subjects = { base = "$work/model" },
   recipes = { $1 },
   tasks = { assay.task.perplexity { dataset = assay.dataset.text { path = "$work/text.txt" }, window = 8 } },
}
LUA
}

study 'assay.method.rtn { group = 16 }, assay.method.rtn { bits = 3, group = 16, keep = { "lm_head", "down_proj" } }'
for verb in plan run; do
  expect 2 $verb "$work/study.lua" --out "$work/results" --quiet
  says "recipe 'rtn W3 g16'.keep[2]: 'down_proj' names no linear of this model
  Did you mean 'mlp.down'?"
  [ -z "$(find "$work/results" -name stage.json 2>/dev/null)" ] || fail "$verb computed something before it refused"
done
study 'assay.method.rtn { group = 16, overrides = { { match = "re:.*experts.*", config = { bits = 8 } } } }'
expect 2 plan "$work/study.lua"
contains "$err" "recipe 'rtn W4 g16 mixed'.overrides[1].match: 're:.*experts.*' names no linear of this model"
contains "$err" "Roles: 'attn.q', 'attn.k'"

# Patterns that fit give no message.
study 'assay.method.rtn { group = 16, keep = { "lm_head", "mlp.down" }, overrides = { { match = "attn.k", config = { bits = 8 } } } }'
expect 0 plan "$work/study.lua"
[ -z "$err" ] || fail "patterns that fit gave the message $err"
expect 0 run "$work/study.lua" --out "$work/results" --quiet

# model:quantize() in a script gives the same messages.
printf 'local assay = require "assay"\nlocal m = assay.load("%s")\nm:quantize(assay.method.rtn { group = 16, keep = { "mlp.dwon" } })\n' "$work/model" >"$work/quantize.lua"
expect 2 run "$work/quantize.lua"
contains "$err" "recipe.keep[1]: 'mlp.dwon' names no linear of this model"
contains "$err" "Did you mean 'mlp.down'?"
finish
