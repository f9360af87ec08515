/* Users, groups and capabilities of the guest's own; sessions. Runs as root of the guest. */
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "guest.h"

static void ids(uid_t r, uid_t e, uid_t s)
{
    uid_t a = 99, b = 99, c = 99;
    OK(syscall(SYS_getresuid, &a, &b, &c));
    EQ(a, r);
    EQ(b, e);
    EQ(c, s);
}

static void caps(uint64_t effective, uint64_t permitted)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    OK(syscall(SYS_capget, &h, d));
    EQ(d[0].effective | (uint64_t)d[1].effective << 32, effective);
    EQ(d[0].permitted | (uint64_t)d[1].permitted << 32, permitted);
}

static void capabilities(void)
{
    struct __user_cap_header_struct h = {1, 0};
    struct __user_cap_data_struct d[2];
    ERR(syscall(SYS_capget, &h, d), EINVAL);
    EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
    h.pid = -1;
    ERR(syscall(SYS_capget, &h, d), EINVAL);
    h.pid = 99999;
    ERR(syscall(SYS_capget, &h, d), ESRCH);
    uint64_t full = (1ull << 41) - 1;
    caps(full, full);
    h.pid = 0;
    OK(syscall(SYS_capget, &h, d));
    d[0].effective &= ~1u;
    OK(syscall(SYS_capset, &h, d));
    caps(full & ~1ull, full);
    d[0].effective |= 1u;
    OK(syscall(SYS_capset, &h, d));
    EQ(prctl(PR_CAPBSET_READ, 5), 1);
    ERR(prctl(PR_CAPBSET_READ, 99), EINVAL);
}

static void groups(void)
{
    gid_t list[4] = {30, 10, 20, 0}, got[4] = {0};
    OK(syscall(SYS_setgroups, 3, list));
    EQ(syscall(SYS_getgroups, 0, NULL), 3);
    EQ(syscall(SYS_getgroups, 4, got), 3);
    CHECK(got[0] == 10 && got[1] == 20 && got[2] == 30);
    ERR(syscall(SYS_getgroups, 2, got), EINVAL);
    ERR(syscall(SYS_getgroups, -1, got), EINVAL);
    ERR(syscall(SYS_setgroups, 100000, got), EINVAL);
    OK(syscall(SYS_setregid, 5, 6));
    gid_t r, e, s;
    OK(syscall(SYS_getresgid, &r, &e, &s));
    CHECK(r == 5 && e == 6 && s == 6);
    EQ(getgid(), 5);
    EQ(getegid(), 6);
    OK(syscall(SYS_setgid, 7));
    OK(syscall(SYS_getresgid, &r, &e, &s));
    CHECK(r == 7 && e == 7 && s == 7);
    OK(syscall(SYS_setresgid, -1, 8, -1));
    EQ(syscall(SYS_setfsgid, -1), 8);
}

static void sessions(void)
{
    EQ(getpid(), 1);
    EQ(getppid(), 0);
    EQ(getpgid(0), 1);
    EQ(getpgid(1), 1);
    EQ(getsid(0), 1);
    ERR(getpgid(99999), ESRCH);
    ERR(getsid(99999), ESRCH);
    ERR(setsid(), EPERM);
    ERR(setpgid(0, 0), EPERM);
    ERR(setpgid(99999, 0), ESRCH);
    ERR(setpgid(0, -1), EINVAL);
}

int main(void)
{
    sessions();
    ids(0, 0, 0);
    capabilities();
    groups();
    OK(syscall(SYS_setresuid, -1, 1000, -1));
    ids(0, 1000, 0);
    caps(0, (1ull << 41) - 1);
    OK(syscall(SYS_setresuid, -1, 0, -1));
    caps((1ull << 41) - 1, (1ull << 41) - 1);
    EQ(syscall(SYS_setfsuid, 55), 0);
    EQ(syscall(SYS_setfsuid, -1), 55);
    OK(syscall(SYS_setreuid, 1000, 2000));
    ids(1000, 2000, 2000);
    caps(0, 0);
    ERR(syscall(SYS_setuid, 0), EPERM);
    OK(syscall(SYS_setuid, 1000));
    ids(1000, 1000, 2000);
    OK(syscall(SYS_setreuid, -1, 2000));
    ids(1000, 2000, 2000);
    OK(syscall(SYS_setresuid, 1000, 1000, 1000));
    ERR(syscall(SYS_setresuid, 0, -1, -1), EPERM);
    ERR(syscall(SYS_setgroups, 0, NULL), EPERM);
    ERR(syscall(SYS_setgid, 0), EPERM);
    ERR(syscall(SYS_setuid, -1), EINVAL);
    EQ(getuid(), 1000);
    EQ(geteuid(), 1000);
    ERR(sethostname("x", 1), EPERM);
    return done();
}
