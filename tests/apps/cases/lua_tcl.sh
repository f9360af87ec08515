. /cases/lib.sh
cd /tmp
is "lua" "5050" "$(lua5.4 -e 'local s = 0 for i = 1, 100 do s = s + i end print(s)')"
is "lua, io.popen and os.execute" "aarch64 exit 3" "$(lua5.4 -e 'local p = io.popen("uname -m"); local m = p:read("l"); p:close(); local _, how, n = os.execute("exit 3"); print(m, how, n)' | tr '\t' ' ')"
is "lua, patterns" "k=v" "$(lua5.4 -e 'print((("v k"):gsub("(%w+) (%w+)", "%2=%1")))')"
is "lua, closures and sorting" "a b c" "$(lua5.4 -e 't = {"c", "a", "b"}; table.sort(t); print(table.concat(t, " "))')"
cat >t.tcl <<'END'
proc fib {n} { expr {$n < 2 ? $n : [fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]} }
puts [fib 15]
puts [exec echo a b | tr a-z A-Z]
catch {exec sh -c "exit 4"} _ options
puts [lindex [dict get $options -errorcode] 2]
proc accept {channel address port} { puts $channel "served"; close $channel }
set server [socket -server accept -myaddr 127.0.0.1 0]
set client [socket -async 127.0.0.1 [lindex [fconfigure $server -sockname] 2]]
fileevent $client readable { puts [gets $client]; set done 1 }
after 5000 { set done timeout }
vwait done
set p [open "|cat" r+]
fconfigure $p -buffering line
puts $p "through cat"
puts [gets $p]
close $p
puts [expr {2 ** 100}]
END
is "tclsh" "610;A B;4;served;through cat;1267650600228229401496703205376" "$(tclsh t.tcl | paste -sd';')"
complete
