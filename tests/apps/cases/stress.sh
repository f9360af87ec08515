# stress-ng checks what each of its workers computed and saw (--verify), and fails where that was wrong.
. /cases/lib.sh
cd /tmp
for class in cpu:200 vm:200 pipe:20000 fork:200 signal:5000 futex:5000 mutex:5000 epoll:500 eventfd:5000 timer:500 fifo:5000; do
    name=${class%:*}
    status=0
    timeout 60 stress-ng --"$name" 2 --"$name"-ops "${class#*:}" --verify --timeout 8 --metrics-brief --vm-bytes 32M --temp-path /tmp >/tmp/log 2>&1 || status=$?
    [ $status = 0 ] || tail -n 15 /tmp/log
    is "$name" 0 "$status"
done
# POSIX message queues: either they work, or they are refused as by a kernel without them.
status=0
timeout 60 stress-ng --mq 1 --mq-ops 1000 --verify --timeout 8 >/tmp/log 2>&1 || status=$?
case $status in 0 | 3 | 4) status=answered ;; *) cat /tmp/log ;; esac
is "mq" answered "$status"
complete
