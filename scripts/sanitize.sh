#!/bin/bash
# The C units and the layer tests with the library built under AddressSanitizer and UBSan.
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
