#!/usr/bin/env bash
# Checks rules that the compiler cannot: which room may include which, file length, indentation of Lua, forbidden words and so on.
# usage: lint.sh RULE [ROOT]; prints "FILE:LINE: what is wrong"; exit code 1 if it finds anything. tools.sh runs clang-format.
set -u
rule=${1:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# Tracked and new files, or (outside git) everything; one per line.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" -type f 2>/dev/null
}
sources() { files host plugins plugin_api tests scripts reports | grep -E '\.(cpp|hpp|c|h|cu|cuh|lua)$' | existing; }
existing() { while IFS= read -r file; do [[ -f $file ]] && printf '%s\n' "$file"; done; }
none() { awk '{ print } END { exit NR > 0 }'; }              # prints its input; fails if there is any

# Prints the includes of the files named on stdin, as FILE:LINE:NAME.
includes() {
  xargs -r grep -HnE '^ *# *include' | sed -E 's/^([^:]+:[0-9]+): *# *include *[<"]([^>"]+)[>"].*/\1:\2/'
}

case $rule in
  layers) # a room of host/ includes only rooms of a lower level, as host/README.md says
    files host | grep -E '\.(cpp|hpp|c|h|cu)$' | existing | includes | awk -F: '
      BEGIN { split("core plug unicode kernels signals jinja checkpoint packed text model calibration engine serve quant insight stats lua cmd", name, " ")
              split("1 2 2 2 2 3 3 3.5 4 4 5 5 5.5 6 7 7 8 9", level, " ")
              for (i in name) rank[name[i]] = level[i] }
      { split($1, from, "/"); split($3, to, "/") }
      (from[2] in rank) && (to[1] in rank) && from[2] != to[1] && rank[to[1]] >= rank[from[2]] {
        print $1 ":" $2 ": layer " from[2] " must not include " $3 }' | none
    ;;
  tensors) # only rooms that compute with tensors include ATen and torch; nobody includes the headers that declare everything (slow)
    {
      files host plugins tests | grep -E '\.(cpp|hpp|c|h|cu)$' | existing | includes | grep -E ':((ATen|torch|c10|caffe2)/|aten\.hpp)' |
        grep -vE '^(host/aten\.hpp|host/(kernels|checkpoint|packed|model|calibration|quant|insight|engine|lua)/|host/plug/(bridge|linalg)|host/cmd/lab_|host/cmd/doctor|host/cmake/|tests/)' |
        sed 's/$/: ATen is for kernels, checkpoint, packed, model, calibration, quant, insight, engine, plug\/bridge and lua/'
      files host plugins tests | grep -E '\.(cpp|hpp|cu)$' | existing | includes | grep -E ':(torch/(torch|extension|all)|ATen/(ATen|Functions))\.h$' |
        sed 's/$/: takes many seconds to compile; include aten.hpp, and add the header of a missing function there/'
    } | none
    ;;
  lua) # only host/lua includes lua.h; nobody includes lua.hpp
    {
      files host plugins tests | grep -E '\.(cpp|hpp|c|h)$' | existing | includes | grep -E ':(lua5\.4/)?(lua|lualib|lauxlib)\.(h|hpp)$' |
        grep -vE '^(host/lua/|tests/(unit/)?lua/|host/cmake/)' | sed 's/$/: the Lua C API is for host\/lua/'
      files host tests | grep -E '\.(cpp|hpp)$' | existing | includes | grep -E ':lua\.hpp$' |
        sed 's/$/: include "lua\/lua_headers.hpp", since lua.hpp has the wrong linkage on Ubuntu 24.04/'
    } | none
    ;;
  dll) # only plug/loader includes Boost.DLL
    files host plugins tests | grep -E '\.(cpp|hpp)$' | existing | includes | grep -E ':boost/dll' |
      grep -v '^host/plug/loader' | sed 's/$/: Boost.DLL is for plug\/loader/' | none
    ;;
  plugins) # a plugin includes only plugin_api, its own folder, the standard library, CUDA and Arrow; host/ names no plugin
    {
      files plugins | grep -E '\.(cpp|hpp|c|h|cu)$' | existing | includes | awk -F: '
        { own = $1; sub(/\/[^\/]*$/, "", own) }
        $3 == "assay.h" || $3 == "assay.hpp" || $3 == "assay_values.hpp" || $3 == "assay_grid.hpp" || $3 == "assay_json.hpp" || $3 == "assay_records.hpp" || $3 !~ /[\/]/ && $3 !~ /\.h(pp)?$/ { next }
        $3 ~ /^(assert|complex|ctype|errno|fenv|float|inttypes|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|tgmath|threads|time|wchar|cuda[a-z0-9_]*|mma)\.h$/ { next }
        $3 ~ /^(c10\/cuda|arrow|parquet)\// { next }
        system("test -e \"" own "/" $3 "\"") == 0 { next }
        { print $1 ":" $2 ": a plugin must not include " $3 }'
      files plugins | grep -oE '^plugins/[a-z_]+/[a-z0-9_]+/CMakeLists.txt' | cut -d/ -f2,3 | while IFS=/ read -r kind name; do
        case $name in text | perplexity) continue ;; esac # these names are also plain words in host/: a JSON key, a task
        files host | grep -E '\.(cpp|hpp)$' | existing | xargs -r grep -HnE "\b$name\.assay\.so|find\([^)]*\"$name\"|plugins/$kind/$name" |
          grep -vE ':[0-9]+: *//' |
          sed "s/\$/  <- the host names the plugin $kind\/$name/"
      done
    } | none
    ;;
  catch) # tests compile with Catch2 2 and 3
    files tests | grep -E '\.(cpp|hpp)$' | grep -v '^tests/support/' | existing | xargs -r grep -HnE '<catch2/|[^_a-z]Contains\(|Catch::(Equals|StartsWith|EndsWith|Matches|Predicate)\(' |
      sed 's/$/  <- include "catch.hpp" and say assay_test::contains, or Catch::Matchers::..., which both versions of Catch2 know/' | none
    ;;
  length) # at most 400 lines; goldens, frozen headers and generated annotations may be longer
    sources | grep -vE '^tests/(golden|abi/frozen)/|^scripts/meta/' | xargs -r awk '
      FNR == 1 && file != "" && lines > 400 { print file ":" lines ": longer than 400 lines" }
      { file = FILENAME; lines = FNR }
      END { if (lines > 400) print file ":" lines ": longer than 400 lines" }' | none
    ;;
  rooms) # a room's README has at most 400 words; a folder of host has at most 40 files, one of scripts at most 15
    {
      files host scripts/assay plugins | grep -E '/README\.md$' | existing | while IFS= read -r file; do
        words=$(grep -oE "[A-Za-z][A-Za-z_'0-9./-]*" "$file" | grep -c .)
        ((words <= 400)) || echo "$file: $words words, at most 400"
      done
      files host scripts | existing | awk '
        { folder = $0; sub(/\/[^\/]*$/, "", folder); ++count[folder] }
        END { for (f in count) { most = f ~ /^scripts/ ? 15 : 40; if (count[f] > most) print f ": " count[f] " files, at most " most } }'
    } | none
    ;;
  duty) # the first line of a source is a comment: what the file is for
    sources | grep -vE '^tests/(golden|abi/frozen)/|^scripts/meta/' | xargs -r awk '
      FNR == 1 && !/^(\/\/|\/\*|--|#!)/ { print FILENAME ":1: the first line must say what this file is for" }' | none
    ;;
  indent) # Lua is indented by 3 spaces for each block
    files scripts tests reports plugins | grep -E '\.lua$' | grep -vE '^tests/golden/|^scripts/meta/' | existing |
      xargs -r awk -f "$here/indent.awk" | none
    ;;
  orphans) # the last line of a comment is not just one or two words left over from the line above
    sources | grep -vE '^tests/(golden|abi/frozen)/|^scripts/meta/' | xargs -r awk '
      function comment(line) { return match(line, /^ *(\/\/|--) [^ ]/) ? substr(line, RLENGTH) : "" }
      { text = comment($0); indent = match($0, /[^ ]/)
        if (FNR > 1 && text != "" && above != "" && indent == indent_above && split(text, words, " ") <= 2 && length(text) < 25 &&
            above !~ /[.:;!?]$/ && above !~ /  |[─│►]/ && text !~ /  |[─│►]/ && !(indent > 9 && before == ""))
          print FILENAME ":" FNR ": one or two words end a sentence: " text
        before = FNR > 1 ? above : ""; above = text; indent_above = indent }' | none
    ;;
  references) # every file that is named in a comment or a README exists, and so does every section that is cited there
    # foreign_files.txt lists names that are allowed though no such file exists: files of other projects and of examples.
    {
      names=$(mktemp)
      { files . | existing | awk -F/ '{ print $NF "\t" $0 }'; cat "$here/foreign_files.txt"; } >"$names"
      files . | existing | grep -E '\.(md|cpp|hpp|c|h|cu|cuh|lua|sh|py|cmake)$|CMakeLists\.txt$' |
        grep -vE '^tests/(golden/.*\.(txt|md)|abi/frozen/|lint/|fuzz/corpus)|^LICENSE' |
        xargs -r awk -v names="$names" -f "$here/references.awk" "$names"
      rm -f "$names"
    } | none
    ;;
  words) # no marks of unfinished work, no paths of one machine, no addresses of package registries
    todo='TO''DO|FIX''ME|XX''X:'
    place='/wo''rk/|/ho''me/[a-z]|/Us''ers/'
    host='py''pi\.org|pythonhos''ted|deb\.deb''ian|archive\.ubu''ntu|crates\.i''o|npmjs\.o''rg|download\.pyt''orch'
    files . | existing | grep -vE '^(LICENSE|tests/golden/.*\.(json|jsonl|txt)|tests/lint/lint\.sh)$' |
      xargs -r grep -HnIE "$todo|$host|(^|[^a-zA-Z0-9_.}/])($place)" | cut -c 1-200 | none
    ;;
  *)
    echo "lint.sh: unknown rule '$rule'" >&2
    exit 2
    ;;
esac
