#!/usr/bin/env bash
# Runs well-known checkers on the repository: clang-format, luacheck, clang-tidy, and the compiler on each header alone.
# Our own rules are in lint.sh. usage: tools.sh format|luacheck|tidy|headers BUILD_DIR
# Exit code 77: the tool is not installed; ctest shows the test as skipped.
set -u
tool=${1:-} build=${2:-build}
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
root=$PWD

skip() { echo "skipped: $*"; exit 77; }
files() {
  { git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" -type f; } | while IFS= read -r file; do
    [[ -f $file ]] && printf '%s\n' "$file"
  done
}
cxx_files() { files host plugins plugin_api tests | grep -E '\.(cpp|hpp|c|h)$' | grep -vE '^tests/(golden|abi/frozen)/'; }

case $tool in
  format) # only version 14, since other versions of clang-format break lines at other places
    version=$(clang-format --version 2>/dev/null | grep -oE 'version [0-9]+') || skip "clang-format is not installed"
    [[ $version == 'version 14' ]] || skip "clang-format 14 decides, this is $version"
    cxx_files | xargs -r -P 2 -n 20 clang-format --dry-run -Werror --ferror-limit=3
    ;;
  luacheck)
    command -v luacheck >/dev/null || skip "luacheck is not installed (Debian package lua-check)"
    files scripts tests reports plugins | grep -E '\.lua$' | xargs -r luacheck --quiet --no-color --codes
    ;;
  tidy) # needs a build folder of its own, since clang cannot read g++'s precompiled headers
    command -v clang-tidy >/dev/null || skip "clang-tidy is not installed"
    # Up to 8 files are read as one, because most of the time goes into LibTorch's headers. Such a file includes sources by design.
    cmake -S "$root" -B "$build/tidy" -G Ninja -DASSAY_PCH=OFF -DASSAY_TESTS=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
      -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8 >/dev/null || exit 1
    grep -oE '"file": "[^"]+' "$build/tidy/compile_commands.json" | cut -c10- | grep -v _pch | grep -v "\.c$" | sort -u |
      xargs -r -P 2 -n 1 clang-tidy --quiet --checks=-bugprone-suspicious-include -p "$build/tidy" 2>/dev/null
    ;;
  headers) # each header compiles alone
    cmake --build "$build" --target assay_headers
    ;;
  *)
    echo "tools.sh: unknown tool '$tool'" >&2
    exit 2
    ;;
esac
