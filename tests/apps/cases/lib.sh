# What every case begins with. A case ends at the first thing that is not as it should be.
set -eu
checks=0

is() { # is WHAT EXPECTED ACTUAL
    if [ "$2" != "$3" ]; then
        printf 'not ok: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
        exit 1
    fi
    checks=$((checks + 1))
    echo "ok: $1"
}

has() { # has WHAT PATTERN TEXT: as of `case`
    # shellcheck disable=SC2254
    case $3 in
    $2) ;;
    *)
        printf 'not ok: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
        exit 1
        ;;
    esac
    checks=$((checks + 1))
    echo "ok: $1"
}

refused() { # refused STATUS WHAT COMMAND ...
    expected=$1 what=$2 status=0
    shift 2
    "$@" >/tmp/refused 2>&1 || status=$?
    is "$what" "$expected" "$status"
}

within() { # within SECONDS COMMAND ...: until the command succeeds
    end=$(($(date +%s) + $1))
    shift
    until "$@" >/tmp/within 2>&1; do
        if [ "$(date +%s)" -gt "$end" ]; then
            printf 'not ok: in time: %s\n' "$*"
            cat /tmp/within
            exit 1
        fi
        sleep 0.1
    done
}

complete() {
    [ "$checks" -gt 0 ]
    echo "complete"
}
