#!/bin/bash
# From a fresh Debian machine to a line printed by the Python of a real arm64 image, with nothing simulated.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" != --serving ]; then
    scripts/ensure-packages.sh build images registry
    scripts/setup-venv.sh
    .venv/bin/python scripts/images.py
    exec .venv/bin/python scripts/registry.py bash scripts/demo.sh --serving
fi

# shown: prints a command as a user would type it, then runs it.
shown() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=@-]+$ ]] || word=${word@Q}
        line+=" $word"
    done
    printf '\n$%s\n' "$line"
    "$@"
}

export ELFUSE_STORE=$PWD/.cache/demo-store
PATH=$PWD/.venv/bin:$PATH
image=$REGISTRY/python

echo "A registry at $REGISTRY, with the image in it:"
skopeo copy -q --all --dest-tls-verify=false "oci:.cache/images:python" "docker://$image"
shown elfuse oci pull --tls-verify=false "$image"
shown elfuse oci inspect "$image"
shown elfuse oci run "$image" python3 -c 'print("hello from elfuse", 1+2)'
