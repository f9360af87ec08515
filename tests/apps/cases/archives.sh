. /cases/lib.sh
mkdir -p /tmp/x && cd /tmp/x
mkdir -p tree/sub/empty
seq 1 200000 >tree/numbers
head -c 3000000 /dev/urandom >tree/random
echo hello >tree/sub/file
ln -s file tree/sub/link; ln tree/sub/file tree/hard; mkfifo tree/fifo
chmod 4711 tree/sub/file; chown 12:34 tree/random; touch -d '2010-10-10 10:10:10' tree/numbers
seen() { (cd "$1" && find . -printf '%p %m %U:%G %y %l %n %TY-%Tm-%Td\n' | sort | cksum; cat numbers random | cksum); }
for packer in gzip xz zstd bzip2; do
    command -v $packer >/dev/null || continue
    tar -c --$packer -f t.$packer tree
    mkdir out && tar -x --$packer -f t.$packer -C out
    is "tar with $packer" "$(seen tree)" "$(seen out/tree)"
    rm -r out
done
is "tar -t" "9" "$(tar -tf t.gzip | wc -l)"
is "tar, incremental" "tree/new" "$(tar -cf 0.tar -g snap tree; sleep 1; echo >tree/new; tar -cvf 1.tar -g snap tree | grep new)"
is "tar over a pipe" "$(seen tree)" "$(mkdir out; tar -c tree | tar -x -C out; seen out/tree)"
is "tar --sparse" "same" "$(truncate -s 50M sparse; tar -cSf s.tar sparse; [ "$(stat -c %s s.tar)" -lt 100000 ] && tar -xSOf s.tar | cmp - sparse && echo same)"
is "gzip -t" "0" "$(gzip -t t.gzip; echo $?)"
is "gzip -9 and back" "$(cksum <tree/numbers)" "$(gzip -9c tree/numbers | gunzip | cksum)"
is "zcat, zgrep" "123456" "$(gzip -k tree/numbers; zgrep -x 123456 tree/numbers.gz)"
is "xz in threads" "$(cksum <tree/random)" "$(xz -T 2 --block-size=1MiB -1c tree/random | xz -dc | cksum)"
is "xz -t" "0" "$(xz -t t.xz; echo $?)"
is "zstd in threads" "$(cksum <tree/numbers)" "$(zstd -q -T2 -12 -c tree/numbers | zstd -dcq | cksum)"
is "zstd --long" "$(cksum <tree/numbers)" "$(zstd -q --long=27 -c tree/numbers | zstd -dcq --long=27 | cksum)"
refused 1 "damage is seen" sh -c 'cp t.gzip bad.gz; dd if=/dev/zero of=bad.gz bs=1 seek=5000 count=50 conv=notrunc status=none; gzip -t bad.gz'
is "sqlite's archive, ar" "one" "$(command -v ar >/dev/null || { echo one; exit; }; echo one >one; ar rc a.a one; ar p a.a one)"
complete
