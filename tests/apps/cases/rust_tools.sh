. /cases/lib.sh
mkdir -p /tmp/t && cd /tmp/t
for i in $(seq 200); do mkdir -p "d$((i % 7))"; seq "$i" 300 >"d$((i % 7))/f$i.txt"; done
is "rg, in threads" "200" "$(rg -lw 300 | wc -l)"
is "rg --count-matches" "$(cat d*/* | grep -c 1)" "$(rg -c --no-filename 1 | awk '{s += $1} END {print s}')"
is "rg, a pipe" "2" "$(seq 20 | rg -c '^1?9$')"
refused 1 "rg finds nothing" rg nothing
is "fd" "200" "$(fdfind -e txt | wc -l)"
is "fd --exec" "200" "$(fdfind -e txt -x basename | sort -u | wc -l)"
complete
