. /cases/lib.sh
cd /tmp
is "a program" "1,4,9" "$(php -r 'echo implode(",", array_map(fn($x) => $x * $x, [1, 2, 3]));')"
is "JSON and hashes" "ba7816bf8f01cfea" "$(php -r 'echo substr(hash("sha256", json_decode("[\"abc\"]")[0]), 0, 16);')"
is "proc_open" "UP 3" "$(php -r '$p = proc_open(["sh", "-c", "tr a-z A-Z; exit 3"], [["pipe", "r"], ["pipe", "w"]], $io); fwrite($io[0], "up"); fclose($io[0]); echo stream_get_contents($io[1]), " ", proc_close($p);')"
is "pcntl_fork" "5" "$(php -r '$p = pcntl_fork(); if (!$p) exit(5); pcntl_waitpid($p, $s); echo pcntl_wexitstatus($s);')"
is "sockets" "hello" "$(php -r '$s = stream_socket_server("tcp://127.0.0.1:0"); $c = stream_socket_client("tcp://" . stream_socket_get_name($s, false)); $a = stream_socket_accept($s); fwrite($c, "hello\n"); echo trim(fgets($a));')"
is "the regular expressions' compiler" "4" "$(php -r 'echo preg_match_all("/[aeiou]{2}/", "queue aeon oasis");')"
mkdir www; echo '<?php echo "from ", $_SERVER["REQUEST_METHOD"], " ", $_GET["n"] * 2;' >www/index.php
php -S 127.0.0.1:8421 -t www >/tmp/php.log 2>&1 &
server=$!
fetch() { php -r 'echo @file_get_contents($argv[1]);' "$1"; }
within 20 sh -c 'php -r "exit(@file_get_contents(\"http://127.0.0.1:8421/?n=1\") ? 0 : 1);"'
is "its web server" "from GET 42" "$(fetch 'http://127.0.0.1:8421/?n=21')"
kill $server
wait $server || true
complete
