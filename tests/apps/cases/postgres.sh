. /cases/lib.sh
export PATH=/usr/lib/postgresql/17/bin:$PATH PGDATA=/tmp/data PGHOST=/tmp PGPORT=8481
as() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
as initdb -E UTF8 --locale=C.UTF-8 -A trust >/tmp/initdb.log 2>&1 || { cat /tmp/initdb.log; exit 1; }
{ echo "unix_socket_directories = '/tmp'"; echo "port = 8481"; echo "listen_addresses = '127.0.0.1'"; } >>$PGDATA/postgresql.conf
up() { as pg_ctl -w -t 60 -l /tmp/pg.log start >/tmp/ctl 2>&1 || { cat /tmp/ctl /tmp/pg.log; exit 1; }; }
q() { as psql -qAtX -d "${2:-postgres}" -c "$1"; }
up
is "a query" "42" "$(q 'select 6 * 7')"
as createdb bench
as pgbench -i -q -s 1 bench >/tmp/pgbench.log 2>&1
is "pgbench's tables" "100000" "$(q 'select count(*) from pgbench_accounts' bench)"
is "200 transactions" "200" "$(as pgbench -c 4 -j 2 -t 50 bench 2>/dev/null | sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p')"
is "the books balance" "t" "$(q 'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)' bench)"
is "over TCP" "1" "$(PGHOST=127.0.0.1 q 'select 1')"
is "a parallel query" "5000050000" "$(q "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2; select sum(aid::bigint) from pgbench_accounts" bench)"
is "a lock is waited for, and times out" "timed out" "$( (q 'begin; lock table pgbench_branches; select pg_sleep(3); commit' bench >/dev/null) & sleep 1; q "set lock_timeout = '300ms'; lock table pgbench_branches" bench 2>&1 | grep -q 'lock timeout' && echo 'timed out'; wait)"
as pg_ctl -w -m fast restart -l /tmp/pg.log >/tmp/ctl 2>&1 || { cat /tmp/ctl /tmp/pg.log; exit 1; }
is "after a restart" "200" "$(q 'select count(*) from pgbench_history' bench)"
as pg_ctl -w -m immediate stop >/dev/null
up
is "after a crash" "200" "$(q 'select count(*) from pgbench_history' bench)"
is "a dump" "1" "$(as pg_dump -t pgbench_branches bench | grep -c 'COPY public.pgbench_branches')"
as pg_ctl -w -m fast stop >/dev/null
is "the data directory is clean" "shut down" "$(as pg_controldata | sed -n 's/^Database cluster state: *//p')"
complete
