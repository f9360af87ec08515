. /cases/lib.sh
mkdir -p /tmp/n/www /tmp/n/logs && cd /tmp/n
seq 1 50000 >www/numbers; echo hello >www/index.html
cat >c <<'END'
worker_processes 2;
pid /tmp/n/pid;
error_log /tmp/n/error.log;
user www-data;
events { worker_connections 128; }
http {
    access_log /tmp/n/access.log;
    sendfile on; gzip on; gzip_types text/plain; default_type text/plain;
    server { listen 127.0.0.1:8431; root /tmp/n/www; autoindex on; }
    server { listen unix:/tmp/n/sock; location / { return 200 "unix\n"; } }
}
END
nginx -t -c /tmp/n/c
nginx -c /tmp/n/c
within 20 curl -sf http://127.0.0.1:8431/
is "a page" "hello" "$(curl -s http://127.0.0.1:8431/)"
is "a file, by sendfile" "$(cksum <www/numbers)" "$(curl -s http://127.0.0.1:8431/numbers | cksum)"
is "the same, compressed" "$(cksum <www/numbers)" "$(curl -s --compressed http://127.0.0.1:8431/numbers | cksum)"
is "a range" "1" "$(curl -s -r 0-0 http://127.0.0.1:8431/numbers)"
is "100 requests" "100" "$(seq 100 | xargs -P 8 -I{} curl -s -o /dev/null -w '%{http_code}\n' 'http://127.0.0.1:8431/numbers?{}' | grep -c 200)"
is "not found" "404" "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8431/nothing)"
is "by a UNIX socket" "unix" "$(curl -s --unix-socket sock http://x/)"
is "workers are www-data's" "2" "$(ps -o user:20= -C nginx | grep -c www-data)"
kill -HUP "$(cat pid)"
sleep 1
is "after a reload" "hello" "$(curl -s http://127.0.0.1:8431/)"
within 10 sh -c '[ "$(grep -c numbers /tmp/n/access.log)" -ge 100 ]'
nginx -c /tmp/n/c -s quit
within 20 sh -c '! [ -e /tmp/n/pid ]'
is "no error was logged" "0" "$(grep -cE '\[(emerg|alert|crit)\]' error.log || true)"
complete
