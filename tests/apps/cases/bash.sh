. /cases/lib.sh
is "a pipeline of five" "3 b" "$(printf 'b\na\nb\nb\na\n' | sort | uniq -c | sort -rn | head -n 1 | sed 's/^ *//')"
is "each status of a pipeline" "0 3 1" "$(true | (exit 3) | false; echo "${PIPESTATUS[*]}")"
is "pipefail" "7" "$(set +e; set -o pipefail; (exit 7) | cat | cat; echo $?)"
is "process substitution" "2" "$(diff <(seq 5) <(seq 2 6) | grep -c '^[<>]')"
is "a substitution that is written to" "HELLO" "$(echo hello | tee >(tr a-z A-Z >/tmp/upper) >/dev/null; sleep 0.5; cat /tmp/upper)"
is "nested substitution" "deep" "$(echo "$(echo "$(bash -c 'echo deep')")")"
is "here documents" "a 42" "$(cat <<END
a $((6 * 7))
END
)"
is "arrays and maps" "3 y x=1" "$(declare -A m=([x]=1); a=(x y z); echo "${#a[@]} ${a[1]} x=${m[x]}")"
is "subshells do not leak" "1" "$(v=1; (v=2); echo $v)"
is "a trap on exit" "in out" "$(trap 'echo out' EXIT; echo -n 'in ')"
is "a trap on a signal" "usr1" "$(trap 'echo usr1' USR1; kill -USR1 $BASHPID; :)"
is "wait gives the status" "5" "$( (exit 5) & wait $!; echo $?)"
is "a killed child's status" "143" "$(sleep 100 & kill $!; wait $!; echo $?)"
is "wait -n takes the first" "4" "$( (sleep 5; exit 3) & (exit 4) & wait -n; echo $?; kill %1 2>/dev/null)"
is "50 at once" "50" "$(for i in $(seq 50); do (echo "$i") & done | wc -l)"
coproc UP { while read -r line; do echo "${line^^}"; done; }
echo ping >&"${UP[1]}"
read -r answer <&"${UP[0]}"
is "a coprocess" PING "$answer"
pid=$UP_PID
eval "exec ${UP[1]}>&-"
wait "$pid"
is "SIGPIPE ends a writer" "141" "$(yes | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}")"
is "a script by its #! line" "args: one two" "$(printf '#!/bin/sh -e\necho "args: $*"\n' >/tmp/s; chmod +x /tmp/s; /tmp/s one two)"
refused 127 "no such command" bash -c 'nosuchcommand'
refused 126 "no permission" bash -c '/etc/passwd'
is "a bad interpreter" "126" "$(printf '#!/no/such\n' >/tmp/b; chmod +x /tmp/b; set +e; /tmp/b 2>/dev/null; s=$?; [ $s = 127 ] && s=126; echo $s)"
is "read with a time limit" "142" "$(set +e; read -r -t 0.2 x < <(sleep 2); echo $?)"
is "redirections" "err out" "$( { echo out; echo err >&2; } 2>/tmp/e >/tmp/o; cat /tmp/e /tmp/o | paste -sd' ')"
is "1000 subshells" "1000" "$(n=0; for i in $(seq 1000); do (exit 0) && n=$((n + 1)); done; echo $n)"
set -m
sleep 100 &
is "a job runs" "Running" "$(jobs | awk '{print $2}')"
kill -STOP %1
within 5 sh -c "grep -q '^State:.T' /proc/$!/status"
is "a job is stopped" "Stopped" "$(jobs >/dev/null; jobs | awk '{print $2}' | sed 's/(.*//')"
bg %1 >/dev/null
within 5 sh -c "grep -q '^State:.S' /proc/$!/status"
kill %1
wait %1 || is "and ended" 143 $?
sleep 100 &
is "a job has a group of its own" "$!" "$(ps -o pgid= -p $! | tr -d ' ')"
kill %%
complete
