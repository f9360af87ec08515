. /cases/lib.sh
mkdir -p /tmp/s/a/b && cd /tmp/s
for i in $(seq 200); do seq "$i" $((i + 100)) >"a/f$i"; done
head -c 2000000 /dev/urandom >a/b/big; ln -s ../f1 a/b/l; ln a/f1 a/hard; chown 7:8 a/f2; chmod 4755 a/f3; mkfifo a/p; touch -d 2011-11-11 a/f4
seen() { (cd "$1" && find . -printf '%p %m %U:%G %y %l %n %TY-%Tm-%Td\n' | sort | cksum; cat b/big f* | cksum); }
rsync -aH a/ b/
is "a copy" "$(seen a)" "$(seen b)"
is "the second time there is nothing to do" "" "$(rsync -aHi a/ b/)"
printf x | dd of=a/b/big bs=1 seek=1000000 conv=notrunc status=none
is "only the difference is sent" "yes" "$(rsync -a --no-whole-file --stats a/ b/ | awk '/Literal data/ {gsub(",", "", $3); print ($3 < 5000 ? "yes" : $3)}')"
rm a/f10
is "--delete" "gone" "$(rsync -a --delete a/ b/; [ -e b/f10 ] || echo gone)"
printf 'use chroot = no\n[m]\npath = /tmp/s/a\nread only = yes\n' >conf
rsync --daemon --port 8461 --address 127.0.0.1 --config conf
within 10 rsync rsync://127.0.0.1:8461/
is "from a daemon" "$(seen a)" "$(rsync -aHz rsync://127.0.0.1:8461/m/ c/; seen c)"
pkill rsync || true
is "--link-dest" "2" "$(rsync -a --link-dest=../b a/ d/; stat -c %h d/f5)"
complete
