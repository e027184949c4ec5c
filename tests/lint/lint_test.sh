#!/usr/bin/env bash
# Tests that each rule of lint.sh finds what it forbids and accepts what it allows, in a small tree of files in a temporary folder.
# The other lint tests run lint.sh on the repository itself.
set -u
lint=$(dirname "${BASH_SOURCE[0]}")/lint.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{host/{core,plug,model,lua,cmd},plugins/quantizers/rtn,plugin_api,tests,scripts,reports}
failed=0

write() { printf '%s\n' "${@:2}" >"$tree/$1"; }
# expect RULE FINDINGS: the rule must print FINDINGS lines, and exit with 1 if there are any, else with 0.
expect() {
  local out code=0 lines
  out=$(bash "$lint" "$1" "$tree") || code=$?
  lines=$(printf '%s' "$out" | grep -c .)
  if ((lines != $2 || code != ($2 > 0))); then
    printf 'rule %s: expected %d findings, got %d (exit code %d):\n%s\n' "$1" "$2" "$lines" "$code" "$out"
    failed=1
  fi
}

touch "$tree/plugins/quantizers/rtn/CMakeLists.txt"
write host/model/good.cpp '// Fine.' '#include "core/error.hpp"' '#include "aten.hpp"' '#include <vector>'
write host/plug/loader.cpp '// Fine.' '#include <boost/dll.hpp>' '#include "core/error.hpp"'
write host/lua/good.cpp '// Fine.' '#include <lua.h>' '#include "model/decoder.hpp"'
write plugins/quantizers/rtn/good.c '/* Fine. */' '#include "assay.h"' '#include "rtn.h"' '#include <math.h>'
write plugins/quantizers/rtn/rtn.h '/* Fine. */'
write plugins/quantizers/rtn/good.cpp '// Fine.' '#include <assay.hpp>' '#include <vector>' '#include <cuda_runtime.h>'
write scripts/good.lua '-- Fine.' 'local function f(a)' '   if a and' '      b then' '      return {' '         a, "end", -- if' \
  '      }' '   end' '   return g(a,' '            function() return 1 end, function()' '      local text = [[' ' as it is' ']]' \
  '      return text' '   end)' 'end'
for rule in layers tensors lua dll plugins catch length rooms duty indent orphans references words; do expect "$rule" 0; done

write host/core/bad.cpp '// Sins.' '#include "lua/state.hpp"' '#include <ATen/ATen.h>' '#include <lua.h>' \
  '#include <boost/dll.hpp>' "// TO""DO later" "auto p = \"/wo""rk/x\";" 'auto n = find(kind::quantizer, "rtn");'
write host/model/sibling.cpp '// Text and model are neighbours.' '#include "text/tokenizer.hpp"' '#include <torch/torch.h>' '#include <ATen/ATen.h>'
write plugins/quantizers/rtn/bad.c '/* Sins. */' '#include "core/error.hpp"' '#include "../other/other.h"'
yes '// line' | head -n 401 >"$tree/host/core/long.hpp"
write host/lua/bad.cpp '// The C linkage of lua.hpp is wrong on some systems.' '#include <lua.hpp>'
write tests/bad.cpp '// Only one version of Catch2.' '#include <catch2/catch.hpp>' 'CHECK_THROWS_WITH(f(), Contains("x"));'
write host/core/mute.cpp '#include <vector>'
expect layers 2
expect tensors 4
expect lua 2
expect dll 1
expect plugins 3
expect catch 2
expect length 1
expect duty 1
yes word | head -n 401 >"$tree/host/model/README.md"
yes word | head -n 400 >"$tree/host/lua/README.md"
mkdir "$tree/host/full"
for i in $(seq 41); do touch "$tree/host/full/$i.txt"; done
expect rooms 2
rm -r "$tree/host/full" "$tree/host/model/README.md" "$tree/host/lua/README.md"
write scripts/two.lua '-- Two spaces.' 'local function f(a)' '  local b = a' '  return b' 'end'
write scripts/mixed.lua '-- A line of a block, an end, and the inside of a table off their columns.' 'while true do' '   local a = {' '     1 }' \
  '    break' '  end' ' local late'
expect indent 5
rm "$tree/host/core/long.hpp"
write host/core/orphan.hpp '// This comment goes on for a line and leaves its last word to the line that comes after' '// it' 'int a;'
expect orphans 1
write README.md '# Title' '## 2. Rules' 'Start at `good.cpp`, then `gone.cpp`; README.md 2 is there, README.md 3 is not. Copy NAME.lua.'
expect references 2
expect words 2
exit "$failed"
