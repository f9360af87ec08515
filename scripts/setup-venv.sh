#!/bin/sh
# Makes .venv with the project installed in it, editable, and rebuilds the native parts that changed.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-}
if [ -z "$python" ]; then
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    done
fi
stamp=$({ "$python" -VV; cat pyproject.toml; pwd; } | sha256sum)

if [ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ]; then
    echo "Making .venv"
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/pip install -q --disable-pip-version-check 'setuptools>=68' 'Cython>=3.0' wheel
    # Without isolation: the same Cython and setuptools build and rebuild.
    .venv/bin/pip install -q --disable-pip-version-check --no-build-isolation -e '.[dev]'
    echo "$stamp" >.venv/stamp
else
    log=$(mktemp)
    .venv/bin/python setup.py -q build_ext --inplace >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
    rm -f "$log"
    install -m 755 elfuse/bin/elfuse .venv/bin/elfuse
fi
