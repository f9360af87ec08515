#!/bin/bash
# Sets everything up, then runs every test: C units, then pytest, those of the guest with each engine. The last line
# counts all.
set -uo pipefail
cd "$(dirname "$0")/.."

scripts/ensure-packages.sh build images registry test || exit 1
scripts/setup-venv.sh || exit 1
.venv/bin/python scripts/images.py || exit 1

passed=0
failed=0
skipped=0
build=$PWD/build/release

make -s -C csrc -j"$(nproc)" O="$build" PYTHON="$PWD/.venv/bin/python" units || exit 1
for engine in jit interp; do
    echo "C units, $engine engine"
    for unit in "$build"/unit/test_*; do
        case $unit in *.d) continue ;; esac
        [ -e "tests/unit/c/$(basename "$unit").c" ] || continue
        if ELFUSE_ENGINE=$engine timeout 300 "$unit"; then
            passed=$((passed + 1))
        else
            echo "FAILED: $(basename "$unit") ($engine)"
            failed=$((failed + 1))
        fi
    done
done

# pytest with arguments; its counts are added to ours.
run_pytest() {
    local report=$build/pytest.xml status counts ok bad skip
    rm -f "$report"
    .venv/bin/python -m pytest --junitxml="$report" "$@"
    status=$?
    counts=$(.venv/bin/python scripts/count_tests.py "$report")
    read -r ok bad skip <<<"$counts"
    # An interrupted run, or one that collected nothing, is no success either.
    [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
}

echo "pytest"
run_pytest "$@"
# Once more with the other engine, what is of the guest.
if [ $# = 0 ]; then
    echo "pytest, interp engine"
    ELFUSE_ENGINE=interp run_pytest tests/guest
fi

if [ "$skipped" = 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
