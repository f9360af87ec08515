. /cases/lib.sh
cd /tmp
seq 1 200000 >n
is "grep -c" "81902" "$(grep -c 7 n)"
is "grep -E" "22" "$(grep -cE '^(1|22)[0-9]?$' n)"
is "grep by hand" "$(awk '/99$/' n | wc -l)" "$(grep -c '99$' n)"
is "grep -r" "1" "$(mkdir -p r/s; echo needle >r/s/x; grep -rl needle r | wc -l)"
is "grep -P" "foo" "$(echo foobar | grep -oP 'foo(?=bar)')"
is "grep -f" "2" "$(grep -cxF -f <(printf '5\n6\n') n)"
refused 1 "grep finds nothing" grep nothing n
is "sed, groups" "b-a" "$(echo a-b | sed -E 's/(.)-(.)/\2-\1/')"
is "sed -i" "changed" "$(echo original >s; sed -i 's/original/changed/' s; cat s)"
is "sed, a program" "3,2,1" "$(printf '1\n2\n3\n' | sed -n '1!G;h;$p' | paste -sd,)"
is "sed, ranges" "3" "$(sed -n '/^10$/,/^12$/p' n | wc -l)"
is "gawk sums" "20000100000" "$(awk '{s += $1} END {print s}' n)"
is "gawk, fields and maps" "a=2 b=1" "$(printf 'a\nb\na\n' | awk '{c[$1]++} END {n = asorti(c, k); for (i = 1; i <= n; i++) printf "%s%s=%d", (i > 1 ? " " : ""), k[i], c[k[i]]}')"
is "gawk, a pipe to sort" "1 2 3" "$(awk 'BEGIN {print "3\n1\n2" | "sort"; close("sort")}' | paste -sd' ')"
is "gawk, a coprocess" "HI" "$(awk 'BEGIN {c = "tr a-z A-Z"; print "hi" |& c; close(c, "to"); c |& getline x; print x}')"
is "gawk, getline and system" "aarch64 3" "$(awk 'BEGIN {"uname -m" | getline m; printf "%s ", m; fflush(); print system("exit 3")}')"
is "gawk, dates and maths" "1970-01-01 2.718282" "$(TZ=UTC awk 'BEGIN {printf "%s %f", strftime("%F", 0), exp(1)}')"
is "gawk, big numbers" "1267650600228229401496703205376" "$(awk -M 'BEGIN {print 2^100}')"
is "mawk too" "55" "$(seq 10 | mawk '{s += $1} END {print s}')"
is "diff and patch" "same" "$(cp n m; sed -i 5d m; diff -u n m >p || true; [ "$(grep -c '^-[0-9]' p)" = 1 ] && echo same)"
is "bc" "3.14159265358979323844" "$(echo 'scale=20; 4*a(1)' | bc -l)"
is "file" "ELF 64-bit LSB pie executable, ARM aarch64" "$(file -bL /bin/ls | cut -d, -f1,2)"
is "less, not at a terminal" "1" "$(less n | head -n 1)"
is "column and hexdump" "61" "$(printf a | hexdump -e '1/1 "%02x"')"
complete
