# Bash at a terminal: `script` makes one, and types what a person would.
. /cases/lib.sh
export PS1='> ' TERM=dumb
type_slowly() {
    for line in "$@"; do
        sleep 1
        printf '%b' "$line"
    done
    sleep 1
}
type_slowly 'sleep 100\n' '\003' 'echo after=$?\n' 'sleep 200\n' '\032' 'jobs\n' 'bg\n' 'jobs -r | wc -l\n' \
    'fg\n' '\003' 'echo fg=$?\n' 'cat | rev\n' 'olleh\n' '\004' 'stty -a | grep -o "intr = ^C"\n' 'tty\n' \
    'trap "echo winched" WINCH; stty rows 40; kill -WINCH $$\n' 'exit 9\n' |
    script -q -e -c 'bash --norc --noediting -i' /dev/null >/tmp/screen 2>&1 && status=0 || status=$?
tr -d '\r' </tmp/screen >/tmp/lines
is "exit status through the terminal" 9 "$status"
has "^C ends the foreground program" '*after=130*' "$(cat /tmp/lines)"
has "^Z stops it" '*[[]1]+*Stopped*sleep 200*' "$(cat /tmp/lines)"
has "bg lets it go on" '*[[]1]+*sleep 200 &*' "$(cat /tmp/lines)"
has "fg takes it back, and ^C ends it" '*fg=130*' "$(cat /tmp/lines)"
has "^D is the end of input" '*hello*' "$(cat /tmp/lines)"
has "stty" '*intr = ^C*' "$(cat /tmp/lines)"
has "tty" '*/dev/pts/[0-9]*' "$(cat /tmp/lines)"
has "SIGWINCH" '*winched*' "$(cat /tmp/lines)"
complete
