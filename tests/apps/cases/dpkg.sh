. /cases/lib.sh
cd /tmp
mkdir -p p/DEBIAN p/usr/bin p/etc
printf '#!/bin/sh\ncat /etc/greeting\n' >p/usr/bin/greet && chmod 755 p/usr/bin/greet
echo hi >p/etc/greeting
printf 'Package: greet\nVersion: 1.0\nArchitecture: arm64\nMaintainer: N <n@example.org>\nDepends: bash\nDescription: greets\n' >p/DEBIAN/control
echo /etc/greeting >p/DEBIAN/conffiles
for s in preinst postinst prerm postrm; do printf '#!/bin/sh -e\necho "%s $*" >>/tmp/scripts\n' $s >p/DEBIAN/$s; chmod 755 p/DEBIAN/$s; done
is "dpkg-deb --build" "0" "$(dpkg-deb --root-owner-group --build p greet_1.0.deb >/dev/null; echo $?)"
sed -i 's/1.0/2.0/' p/DEBIAN/control; echo hello >p/etc/greeting; dpkg-deb --root-owner-group -b p greet_2.0.deb >/dev/null
is "dpkg-deb --info" "greet" "$(dpkg-deb -f greet_1.0.deb Package)"
is "dpkg-deb --contents" "1" "$(dpkg-deb -c greet_1.0.deb | grep -c usr/bin/greet)"
dpkg -i greet_1.0.deb
is "installed" "hi" "$(greet)"
echo mine >/etc/greeting
dpkg --force-confold -i greet_2.0.deb
is "upgraded, the changed conffile kept" "2.0 mine" "$(dpkg-query -W -f '${Version}' greet) $(greet)"
is "and the new one beside it" "hello" "$(cat /etc/greeting.dpkg-dist)"
dpkg -r greet
is "removed, configuration left" "deinstall ok config-files" "$(dpkg-query -W -f '${Status}' greet)"
dpkg -P greet
is "purged" "no" "$([ -e /etc/greeting ] && echo yes || echo no)"
is "the scripts, in their order" "preinst install;postinst configure;prerm upgrade 2.0;preinst upgrade 1.0 2.0;postrm upgrade 2.0;postinst configure 1.0;prerm remove;postrm remove;postrm purge" "$(sed 's/ *$//' /tmp/scripts | sed -E 's/(preinst upgrade 1.0).*/\1 2.0/' | paste -sd';')"
is "diversions" "diverted" "$(dpkg-divert --local --rename --divert /usr/bin/true.real --add /usr/bin/true >/dev/null; [ -e /usr/bin/true.real ] && echo diverted; dpkg-divert --rename --remove /usr/bin/true >/dev/null)"
is "alternatives" "/usr/bin/false" "$(update-alternatives --quiet --install /usr/bin/which2 which2 /usr/bin/false 10; readlink -f /usr/bin/which2)"
is "how many packages" "$(ls /var/lib/dpkg/info/*.list | wc -l)" "$(dpkg -l | grep -c '^ii')"
is "useradd" "uid=1500(new) gid=1500(new) groups=1500(new)" "$(useradd -m -u 1500 -U new 2>/dev/null; id new)"
is "and its home" "new" "$(stat -c '%U' /home/new)"
DEBIAN_FRONTEND=noninteractive pam-auth-update --package --force >/dev/null # as libpam-runtime's postinst
is "su" "new" "$(su new -c 'id -un')"
complete
