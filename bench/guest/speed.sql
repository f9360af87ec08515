-- The kinds of statement of SQLite's own speedtest1, in memory.
PRAGMA temp_store = memory;
CREATE TABLE t1 (a INTEGER, b INTEGER, c TEXT);
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7000)
INSERT INTO t1 SELECT i, i * 7919 % 100003, printf('%d thousand %d', i * 31 % 997, i * 7919 % 100003) FROM n;
COMMIT;
SELECT count(*), sum(b), sum(length(c)) FROM t1;
SELECT count(*), avg(b) FROM t1 WHERE c LIKE '%nd 12%';
CREATE TABLE t2 (a INTEGER PRIMARY KEY, b INTEGER UNIQUE, c TEXT);
BEGIN;
INSERT INTO t2 SELECT a, b, c FROM t1 ORDER BY b;
COMMIT;
CREATE INDEX t2c ON t2 (c);
SELECT count(*), sum(x.b) FROM t2 AS x JOIN t1 AS y ON x.b = y.a WHERE y.b < 30000;
SELECT sum(n) FROM (SELECT substr(c, 1, 3) AS k, count(*) AS n FROM t2 GROUP BY k HAVING n > 20);
BEGIN;
UPDATE t2 SET c = c || ' more' WHERE b % 3 = 0;
DELETE FROM t2 WHERE b % 5 = 1;
INSERT OR REPLACE INTO t2 SELECT a + 4000, b + 200000, c FROM t1 WHERE a < 4000;
COMMIT;
SELECT count(*), sum(length(c)), min(c), max(c) FROM t2;
WITH RECURSIVE n (i, f) AS (SELECT 1, 1 UNION ALL SELECT i + 1, f * (i + 1) % 1000003 FROM n WHERE i < 20000)
SELECT sum(f) FROM n;
SELECT group_concat(b) FROM (SELECT b FROM t2 ORDER BY c DESC, b LIMIT 10);
PRAGMA integrity_check;
