/* Users, groups and capabilities of the guest's own; sessions. Runs as root of the guest. */
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "guest.h"

#define BAD ((void *)8)

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

static void capability_errors(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2], less[2];
    ERR(syscall(SYS_capget, BAD, d), EFAULT);
    ERR(syscall(SYS_capget, &h, BAD), EFAULT);
    ERR(syscall(SYS_capset, BAD, d), EFAULT);
    ERR(syscall(SYS_capset, &h, BAD), EFAULT);
    h.pid = -1;
    OK(syscall(SYS_capget, &h, NULL)); /* only the version is asked for */
    h.version = 1;
    OK(syscall(SYS_capget, &h, NULL));
    EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
    h.version = 1;
    ERR(syscall(SYS_capset, &h, d), EINVAL);
    EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
    ERR(syscall(SYS_capset, &h, BAD), EPERM);
    h.pid = 99999;
    ERR(syscall(SYS_capset, &h, d), EPERM); /* whether there is such a process or not */
    h.pid = getpid();
    OK(syscall(SYS_capget, &h, d));
    OK(syscall(SYS_capset, &h, d));
    memcpy(less, d, sizeof(d));
    less[0].permitted &= ~1u;
    ERR(syscall(SYS_capset, &h, less), EPERM); /* effective and not permitted */
    EQ(prctl(PR_CAPBSET_DROP, 22), 0);
    less[0] = d[0];
    less[0].inheritable |= 1u << 22; /* and not in the bounding set */
    ERR(syscall(SYS_capset, &h, less), EPERM);
    less[0] = d[0];
    less[0].effective &= ~(1u << 22);
    less[0].permitted &= ~(1u << 22);
    OK(syscall(SYS_capset, &h, less));
    ERR(syscall(SYS_capset, &h, d), EPERM); /* gone for good */
}

/* Whose, may be another process's. */
static void capabilities_of_another(void)
{
    int told[2];
    char c;
    OK(pipe(told));
    pid_t child = fork();
    if (child == 0) {
        OK(syscall(SYS_setresuid, 1000, 1000, 1000));
        EQ(write(told[1], "x", 1), 1);
        for (;;)
            pause();
    }
    EQ(read(told[0], &c, 1), 1);
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, child};
    struct __user_cap_data_struct d[2];
    OK(syscall(SYS_capget, &h, d));
    EQ(d[0].effective | d[1].effective | d[0].permitted | d[1].permitted, 0);
    OK(kill(child, SIGKILL));
    EQ(waitpid(child, NULL, 0), child);
    ERR(syscall(SYS_capget, &h, d), ESRCH);
    close(told[0]);
    close(told[1]);
}

static void id_errors(void)
{
    uid_t id;
    ERR(syscall(SYS_getresuid, BAD, &id, &id), EFAULT);
    ERR(syscall(SYS_getresuid, &id, BAD, &id), EFAULT);
    ERR(syscall(SYS_getresuid, &id, &id, BAD), EFAULT);
    ERR(syscall(SYS_getresgid, &id, &id, BAD), EFAULT);
    ERR(syscall(SYS_setuid, -1), EINVAL);
    ERR(syscall(SYS_setgid, -1), EINVAL);
    OK(syscall(SYS_setreuid, -1, -1));
    OK(syscall(SYS_setregid, -1, -1));
    OK(syscall(SYS_setresuid, -1, -1, -1));
    OK(syscall(SYS_setresgid, -1, -1, -1));
    EQ(syscall(SYS_setfsuid, -1), 0);
    EQ(syscall(SYS_setfsgid, -1), 0);
    ERR(syscall(SYS_setgroups, 1, BAD), EFAULT);
    ERR(syscall(SYS_setgroups, 65537, BAD), EINVAL);
    gid_t two[2] = {1, 2};
    OK(syscall(SYS_setgroups, 2, two));
    ERR(syscall(SYS_getgroups, 1, two), EINVAL);
    ERR(syscall(SYS_getgroups, 2, BAD), EFAULT);
    OK(syscall(SYS_setgroups, 0, NULL));
    EQ(syscall(SYS_getgroups, 5, BAD), 0);
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
    int status;
    pid_t child = fork(); /* what it drops is gone for good */
    if (child == 0) {
        capability_errors();
        _exit(guest_failed);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    capabilities_of_another();
    id_errors();
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
    ERR(syscall(SYS_setreuid, 0, -1), EPERM);
    ERR(syscall(SYS_setreuid, -1, 0), EPERM);
    OK(syscall(SYS_setuid, 1000));
    ids(1000, 1000, 2000);
    OK(syscall(SYS_setreuid, -1, 2000));
    ids(1000, 2000, 2000);
    OK(syscall(SYS_setresuid, 1000, 1000, 1000));
    ERR(syscall(SYS_setresuid, 0, -1, -1), EPERM);
    ERR(syscall(SYS_setgroups, 0, NULL), EPERM);
    ERR(syscall(SYS_setgid, 0), EPERM);
    ERR(syscall(SYS_setregid, 0, -1), EPERM);
    ERR(syscall(SYS_setregid, -1, 0), EPERM);
    ERR(syscall(SYS_setresgid, 0, -1, -1), EPERM);
    ERR(syscall(SYS_setresgid, -1, 0, -1), EPERM);
    ERR(syscall(SYS_setresgid, -1, -1, 0), EPERM);
    ERR(syscall(SYS_setgroups, 65537, BAD), EPERM); /* before the number is looked at */
    ERR(syscall(SYS_setuid, -1), EINVAL);
    EQ(getuid(), 1000);
    EQ(geteuid(), 1000);
    ERR(sethostname("x", 1), EPERM);
    ERR(setdomainname("x", 1), EPERM);
    ERR(setdomainname(BAD, 65), EPERM);
    return done();
}
