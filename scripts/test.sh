#!/bin/bash
# Sets everything up, then runs every test: C units first, then pytest. The last line counts both.
set -uo pipefail
cd "$(dirname "$0")/.."

scripts/ensure-packages.sh build images registry test || exit 1
scripts/setup-venv.sh || exit 1
.venv/bin/python scripts/images.py || exit 1

passed=0
failed=0
skipped=0
build=$PWD/build/release

echo "C units"
make -s -C csrc -j"$(nproc)" O="$build" PYTHON="$PWD/.venv/bin/python" units || exit 1
for unit in "$build"/unit/test_*; do
    case $unit in *.d) continue ;; esac
    [ -e "tests/unit/c/$(basename "$unit").c" ] || continue
    if timeout 300 "$unit"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $(basename "$unit")"
        failed=$((failed + 1))
    fi
done

echo "pytest"
report=$build/pytest.xml
rm -f "$report"
.venv/bin/python -m pytest --junitxml="$report" "$@"
status=$?
counts=$(.venv/bin/python - "$report" <<'PY'
import sys
import xml.etree.ElementTree as tree

try:
    suites = tree.parse(sys.argv[1]).getroot().iter("testsuite")
except (OSError, tree.ParseError):
    print("0 1 0")  # pytest itself died
    sys.exit()
total = failed = skipped = 0
for suite in suites:
    total += int(suite.get("tests", 0))
    failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped += int(suite.get("skipped", 0))
print(total - failed - skipped, failed, skipped)
PY
)
read -r ok bad skip <<<"$counts"
# An interrupted run, or one that collected nothing, is no success either.
[ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
passed=$((passed + ok))
failed=$((failed + bad))
skipped=$((skipped + skip))

if [ "$skipped" = 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
