. /cases/lib.sh
mkdir /tmp/r && cd /tmp/r
start() { redis-server --port 0 --unixsocket /tmp/r/s --dir /tmp/r --appendonly yes --save '' --daemonize yes --pidfile /tmp/r/pid --logfile /tmp/r/log --ignore-warnings ARM64-COW-BUG; within 20 sh -c 'redis-cli -s /tmp/r/s ping | grep -q PONG'; }
cli() { redis-cli -s /tmp/r/s "$@"; }
start
is "set and get" "v" "$(cli set k v >/dev/null; cli get k)"
is "a script" "20" "$(cli eval 'for i = 1, 10 do redis.call("incrby", "n", 2) end return redis.call("get", "n")' 0)"
is "a pipeline of 5000" "5000" "$(for i in $(seq 5000); do echo "set mine:$i $i"; done | cli --pipe >/dev/null; cli --scan --pattern 'mine:*' | wc -l)"
is "a stream, a hash, a sorted set" "1 x b" "$(cli xadd st '*' f 1 >/dev/null; cli hset h f x >/dev/null; cli zadd z 1 a 2 b >/dev/null; echo "$(cli xlen st) $(cli hget h f) $(cli zrange z -1 -1)")"
cli bgrewriteaof >/dev/null
within 20 sh -c 'redis-cli -s /tmp/r/s info persistence | grep -q aof_rewrite_in_progress:0'
is "the fork of BGREWRITEAOF did well" "ok" "$(cli info persistence | tr -d '\r' | sed -n 's/aof_last_bgrewrite_status://p')"
cli bgsave >/dev/null
within 20 sh -c 'redis-cli -s /tmp/r/s info persistence | grep -q rdb_bgsave_in_progress:0'
is "and that of BGSAVE" "ok" "$(cli info persistence | tr -d '\r' | sed -n 's/rdb_last_bgsave_status://p')"
redis-benchmark -s /tmp/r/s -n 2000 -c 20 -q -t set,get,lpush >/tmp/r/bench
is "redis-benchmark" "3" "$(tr '\r' '\n' </tmp/r/bench | grep -c 'requests per second, p50')"
(timeout 20 redis-cli -s /tmp/r/s subscribe news >/tmp/r/sub) &
within 10 sh -c 'grep -q subscribe /tmp/r/sub'
cli publish news hello >/dev/null
within 10 grep -q hello /tmp/r/sub
cli shutdown nosave || true
within 10 sh -c '! [ -e /tmp/r/pid ]'
start
is "after a restart all is there" "5000 20" "$(cli --scan --pattern 'mine:*' | wc -l) $(cli get n)"
cli shutdown nosave || true
is "the append-only file is whole" "0" "$(redis-check-aof appendonlydir/appendonly.aof.manifest >/tmp/r/check 2>&1; echo $?)"
complete
