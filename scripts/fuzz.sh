#!/bin/bash
# libFuzzer on each target of tests/fuzz, for SECONDS each; what it learns stays in .cache/fuzz. Without libFuzzer:
# as many new mutations as the time allows, under the sanitizers of the C compiler.
#   fuzz.sh [SECONDS [TARGET ...]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# = 0 ] || shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c)

# Not every clang comes with the library.
have_libfuzzer() {
    local probe
    probe=$(mktemp -d)
    echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' >"$probe/t.c"
    clang -fsanitize=fuzzer,address -o "$probe/t" "$probe/t.c" 2>/dev/null
    local status=$?
    rm -rf "$probe"
    return $status
}

# A replay program writes the seeds, and stands in for libFuzzer.
replay=$PWD/build/replay
make -s -C csrc -j"$(nproc)" O="$replay" MODE=asan "${targets[@]/#/$replay/fuzz/}"
if have_libfuzzer; then
    build=$PWD/build/libfuzzer
    make -s -C csrc -j"$(nproc)" O="$build" MODE=libfuzzer CC=clang "${targets[@]/#/$build/fuzz/}"
fi
for target in "${targets[@]}"; do
    if [ -n "${build:-}" ]; then
        corpus=.cache/fuzz/$target
        mkdir -p "$corpus"
        "$replay/fuzz/$target" --seeds "$corpus"
        python3 tests/fuzz/corpus.py unpack "$target" "$corpus"
        "$build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
            -artifact_prefix="$corpus/../" "$corpus"
    else
        first=$(date +%s)
        echo "$target: no libFuzzer (libclang-rt-dev); mutations from number ${first}000000 on"
        end=$((first + seconds))
        first=${first}000000
        while [ "$(date +%s)" -lt "$end" ]; do
            "$replay/fuzz/$target" 2000 "$first" >/dev/null
            first=$((first + 2000))
        done
        echo "$target: nothing found up to $first"
    fi
done
