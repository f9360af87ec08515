. /cases/lib.sh
mkdir -p /run/sshd /tmp/k && cd /tmp/k && chmod 755 /tmp/k
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ecdsa -N '' -f id
has "ssh-keygen" '256 SHA256:*ED25519*' "$(ssh-keygen -lf host.pub)"
mkdir -p /home/user/.ssh && cp id.pub /home/user/.ssh/authorized_keys && chown -R 1000:1000 /home/user && chmod 700 /home/user/.ssh
sed -i 's/^user:!/user:*/' /etc/shadow
cat >conf <<'END'
Port 8441
ListenAddress 127.0.0.1
HostKey /tmp/k/host
PidFile /tmp/k/pid
UsePAM no
StrictModes no
PasswordAuthentication no
Subsystem sftp /usr/lib/openssh/sftp-server
END
/usr/sbin/sshd -f conf -E /tmp/k/log
on() { ssh -F none -p 8441 -i id -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/tmp/k/known "$@"; }
within 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/8441"
is "a command" "user aarch64" "$(on user@127.0.0.1 'id -un; uname -m' | paste -sd' ')"
is "its status" "7" "$(set +e; on user@127.0.0.1 'exit 7'; echo $?)"
is "input and output" "$(seq 100000 | cksum)" "$(seq 100000 | on user@127.0.0.1 cat | cksum)"
has "a terminal" '*/dev/pts/*' "$(on -tt user@127.0.0.1 tty </dev/null)"
is "sftp" "done" "$(echo done >f; printf 'put f /home/user/g\n' | sftp -F none -q -P 8441 -i id -o UserKnownHostsFile=/tmp/k/known user@127.0.0.1 >/dev/null; cat /home/user/g)"
is "scp" "done" "$(scp -F none -q -P 8441 -i id -o UserKnownHostsFile=/tmp/k/known user@127.0.0.1:g h; cat h)"
is "rsync over ssh" "done" "$(rsync -e 'ssh -F none -p 8441 -i /tmp/k/id -o UserKnownHostsFile=/tmp/k/known' user@127.0.0.1:g i && cat i)"
is "a forwarded port" "through" "$(on -f -N -L 8442:127.0.0.1:8441 user@127.0.0.1; ssh -F none -p 8442 -i id -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/tmp/k/known2 user@127.0.0.1 echo through; pkill -f 8442:127 || true)"
is "an unknown key is refused" "255" "$(ssh-keygen -q -t ed25519 -N '' -f other; set +e; ssh -F none -p 8441 -i other -o BatchMode=yes -o UserKnownHostsFile=/tmp/k/known user@127.0.0.1 true 2>/dev/null; echo $?)"
is "an agent" "1" "$(eval "$(ssh-agent)" >/dev/null; ssh-add -q id; ssh-add -l | wc -l; kill "$SSH_AGENT_PID")"
kill "$(cat pid)"
complete
