#!/usr/bin/env bash
# Builds and runs the fuzzers, programs that feed mutated input to a parser.
#   fuzz_test.sh build SOURCE BUILD NAME...   builds these fuzzers, with sanitizers, in the folder BUILD
#   fuzz_test.sh run SOURCE BUILD NAME        fuzzes for ASSAY_FUZZ_SECONDS (60), starting from the corpus; fails on the first crash
set -euo pipefail
task=$1 source=$2 build=$3
shift 3

command -v clang++ >/dev/null || { echo "skipped: the fuzzers need clang"; exit 77; }

if [[ $task == build ]]; then
  cmake -S "$source" -B "$build" -G Ninja -DASSAY_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >"$build.log" 2>&1 ||
    { tail -20 "$build.log"; exit 1; }
  ninja -C "$build" -j "$(nproc)" "${@/#/fuzz_}" >"$build.log" 2>&1 || { tail -40 "$build.log"; exit 1; }
  exit 0
fi

# New inputs go to the build folder, never into the source tree.
found=$build/found/$1
mkdir -p "$found"
cd "$build"
"$build/bin/fuzz_$1" -max_total_time="${ASSAY_FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=3000 -max_len=4096 \
  -print_final_stats=1 -artifact_prefix="$build/crash-$1-" "$found" "$source/tests/fuzz/corpus/$1" 2>&1 | tail -30
