. /cases/lib.sh
cd /tmp
is "fork, pipe, wait" "child says 42, status 7" "$(perl -e 'pipe(R, W); if (!(my $p = fork)) { close R; print W 42; close W; exit 7 } else { close W; my $x = <R>; waitpid($p, 0); printf "child says %s, status %d\n", $x, $? >> 8 }')"
is "backticks" "a,b" "$(perl -e 'print join(",", split(/\n/, `printf "a\nb\n"`)), "\n"')"
is "open of a command" "5" "$(perl -e 'open(my $p, "-|", "seq", 5); my @l = <$p>; close $p; print scalar(@l), "\n"')"
is "IPC::Open3" "out err 3" "$(perl -MIPC::Open3 -MSymbol -e 'my $e = gensym; my $p = open3(my $i, my $o, $e, "sh", "-c", "echo out; echo err >&2; exit 3"); my $a = <$o>; my $b = <$e>; waitpid $p, 0; chomp($a, $b); print "$a $b ", $? >> 8, "\n"')"
is "sockets between processes" "echo: hi" "$(perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; if (!fork) { my $c = $s->accept; my $l = <$c>; print $c "echo: $l"; exit } my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) or die; print $c "hi\n"; $c->flush; print scalar <$c>; wait')"
is "alarm ends a wait" "rang" "$(perl -e '$SIG{ALRM} = sub { die "rang\n" }; eval { alarm 1; sleep 20 }; print $@')"
is "threads" "10" "$(perl -Mthreads -e 'my @t = map { my $n = $_; threads->create(sub { $n }) } 1 .. 4; my $s = 0; $s += $_->join for @t; print "$s\n"')"
is "a hundred children" "4950" "$(perl -e 'my $s = 0; for my $n (0 .. 99) { my $p = fork; exit $n if !$p; waitpid $p, 0; $s += $? >> 8 } print "$s\n"')"
is "flock between processes" "20" "$(perl -MFcntl=:flock -e 'for (1 .. 20) { next if fork; open my $f, "+>>", "/tmp/count" or die; flock $f, LOCK_EX; seek $f, 0, 0; my $n = <$f> // 0; truncate $f, 0; print $f $n + 1; close $f; exit } 1 while wait > 0; open my $f, "<", "/tmp/count"; print <$f>')"
is "regular expressions" "2024/12/31" "$(perl -pe 's#(\d+)-(\d+)-(\d+)#$1/$2/$3#' <<<2024-12-31)"
is "Digest::SHA" "ba7816bf8f01cfea" "$(perl -MDigest::SHA=sha256_hex -e 'print substr(sha256_hex("abc"), 0, 16)')"
is "Storable, big data" "same" "$(perl -MStorable=dclone,freeze,thaw -e '$Storable::canonical = 1; my $x = {map { $_ => [1 .. 10] } 1 .. 5000}; print freeze($x) eq freeze(dclone($x)) ? "same" : "other"')"
complete
