. /cases/lib.sh
cd /tmp
sqlite3 a.db "pragma journal_mode = wal; create table t(id integer primary key, n int, s text);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000) insert into t(n, s) select x, 'row ' || x from c;
create index i on t(n);" >/tmp/mode
is "WAL" "wal" "$(cat /tmp/mode)"
is "what was inserted" "20000|200010000" "$(sqlite3 a.db 'select count(*), sum(n) from t')"
for i in 1 2 3 4; do
    (for j in $(seq 10); do sqlite3 -cmd '.timeout 20000' a.db "insert into t(n, s) values ($i, 'writer $j')"; done) &
done
wait
is "four writers at once" "40" "$(sqlite3 a.db "select count(*) from t where s like 'writer%'")"
is "integrity" "ok" "$(sqlite3 a.db 'pragma integrity_check')"
is "a transaction that is undone" "20040" "$(sqlite3 a.db 'begin; delete from t; rollback; select count(*) from t')"
refused 5 "busy" sh -c 'sqlite3 a.db "begin exclusive" ".shell touch /tmp/held; sleep 3" & until [ -e /tmp/held ]; do sleep 0.1; done; sqlite3 a.db "begin immediate"'
wait
is "a dump and back" "20040" "$(sqlite3 a.db .dump | sqlite3 b.db; sqlite3 b.db 'select count(*) from t')"
is "full text" "row 777" "$(sqlite3 b.db "create virtual table f using fts5(s); insert into f select s from t; select s from f where f match '777'")"
is "vacuum into" "ok" "$(sqlite3 a.db "vacuum into 'c.db'"; sqlite3 c.db 'pragma quick_check')"
is "rollback journal, synchronous" "100" "$(sqlite3 d.db 'pragma synchronous = extra; create table t(x)'; for i in $(seq 100); do echo "insert into t values ($i);"; done | sqlite3 d.db; sqlite3 d.db 'select count(*) from t')"
is "mapped" "20040" "$(sqlite3 c.db 'pragma mmap_size = 100000000; select count(*) from t' | tail -n 1)"
complete
