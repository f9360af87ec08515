. /cases/lib.sh
cd /tmp
is "a program" "[1, 4, 9]" "$(ruby -e 'p [1, 2, 3].map { |x| x * x }')"
is "fork and wait" "7" "$(ruby -e 'pid = fork { exit 7 }; Process.wait(pid); puts $?.exitstatus')"
is "spawn and Open3" "OUT err 3" "$(ruby -ropen3 -e 'o, e, s = Open3.capture3("tr a-z A-Z; echo err >&2; exit 3", stdin_data: "out"); puts "#{o} #{e.chomp} #{s.exitstatus}"')"
is "threads and a queue" "4950" "$(ruby -e 'q = Queue.new; 100.times.map { |i| Thread.new { q << i } }.each(&:join); s = 0; s += q.pop until q.empty?; puts s')"
is "a server and its client" "pong" "$(ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 0); t = Thread.new { c = s.accept; c.puts(c.gets.sub("i", "o")); c.close }; c = TCPSocket.new("127.0.0.1", s.addr[1]); c.puts "ping"; puts c.gets; t.join')"
is "JSON, digests, zlib" "900150983cd24fb0 true" "$(ruby -rjson -rdigest -rzlib -e 's = JSON.generate({"a" => [1, nil, 2.5]}); puts Digest::MD5.hexdigest("abc")[0, 16] + " " + (Zlib.inflate(Zlib.deflate(s)) == s).to_s')"
is "fibers" "0 1 1 2 3 5 8" "$(ruby -e 'f = Fiber.new { a, b = 0, 1; loop { Fiber.yield a; a, b = b, a + b } }; puts 7.times.map { f.resume }.join(" ")')"
is "a trap" "got TERM" "$(ruby -e 'trap("TERM") { puts "got TERM"; exit }; Process.kill("TERM", Process.pid); sleep 5')"
is "a time limit" "Timeout::Error" "$(ruby -rtimeout -e 'begin; Timeout.timeout(0.3) { sleep 10 }; rescue Timeout::Error => e; puts e.class; end')"
is "garbage is collected" "true" "$(ruby -e '200000.times { "x" * 1000 }; GC.start; puts GC.count > 1')"
is "yjit, if built in, or not" "832040" "$(ruby -e 'def f(n) = n < 2 ? n : f(n - 1) + f(n - 2); puts f(30)')"
complete
