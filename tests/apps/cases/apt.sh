. /cases/lib.sh
rm /etc/apt/sources.list.d/debian.sources
echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list
export DEBIAN_FRONTEND=noninteractive
apt-get update
has "apt-cache sees the repository" '*Candidate: 2.10*' "$(apt-cache policy hello)"
apt-get -y install hello jq
is "hello is installed" "install ok installed" "$(dpkg-query -W -f '${Status}' hello)"
is "and runs" "Hello, world!" "$(hello)"
is "jq came with its libraries" "3" "$(echo '{"a":[1,2]}' | jq '.a | add')"
apt-get -y install netcat-openbsd
is "its postinst made an alternative" "/bin/nc.openbsd" "$(readlink -f /etc/alternatives/nc | sed 's,^/usr,,')"
is "ldconfig ran" "yes" "$([ -s /etc/ld.so.cache ] && echo yes)"
is "dpkg -V finds all as it was" "" "$(dpkg -V hello jq netcat-openbsd)"
is "dpkg -S" "hello: /usr/bin/hello" "$(dpkg -S /usr/bin/hello)"
apt-get -y remove hello
refused 1 "hello is gone" dpkg-query -W -f '${Version}' nosuchpackage
is "removed" "yes" "$([ ! -e /usr/bin/hello ] && echo yes)"
apt-get -y purge netcat-openbsd
apt-get -y autoremove
is "nothing is half done" "" "$(dpkg --audit)"
complete
