#!/bin/bash
# The C units, the layer tests, the fuzz targets' replay and the guest programs, with the library and elfuse-vm built
# under AddressSanitizer and UBSan. The guest's 2^45 bytes lie above the sanitizer's shadow: no smaller range needed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
build=$PWD/build/asan

make -s -C csrc -j"$(nproc)" O="$build" MODE=asan PYTHON="$python" all units
for unit in "$build"/unit/test_*; do
    case $unit in *.d) continue ;; esac
    "$unit"
done

# An extension beside a copy of the package: the one in the tree stays the release build's.
rm -rf "$build/lib"
ELFUSE_BUILD_MODE=asan ELFUSE_BUILD_DIR=$build "$python" setup.py -q build --build-lib "$build/lib" \
    --build-temp "$build/temp"
# The interpreter itself is not instrumented: its own leaks are not ours to report.
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PYTHONPATH=$build/lib \
    .venv/bin/pytest -q -p no:cacheprovider --import-mode=append tests/unit/test_layer_*.py

# The guest programs, the hostile ones too, under an elfuse-vm of that build. It ends without freeing what the
# process had, as the release does, so that leaks are not looked for. `ulimit -v` leaves no room for the shadow.
export ELFUSE_VM=$build/elfuse-vm ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
.venv/bin/pytest -q -p no:cacheprovider tests/fuzz/test_replay.py tests/guest -k "not reference" \
    --deselect tests/guest/test_launch.py::test_little_address_space
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for seed in 2 3 4 5; do
    for program in "hostile_calls $seed 5000 3" "hostile_code $seed 20000"; do
        # shellcheck disable=SC2086
        "$python" tests/guest/run.py build/guest/$program 2>"$log" || { cat "$log" >&2; exit 1; }
    done
done
