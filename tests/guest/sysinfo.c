/* guest-test: flags=-D_GNU_SOURCE,-Wno-stringop-overread */
/* uname, sysinfo, host name, limits, usage, random bytes, personality, prctl. */
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>

#include "guest.h"

static void limits(void)
{
    struct rlimit r, old;
    OK(getrlimit(RLIMIT_NOFILE, &r));
    CHECK(r.rlim_cur >= 256 && r.rlim_cur <= r.rlim_max);
    old = r;
    r.rlim_cur = 50;
    OK(setrlimit(RLIMIT_NOFILE, &r));
    int fd = 0, last = 0;
    while ((fd = dup(0)) >= 0)
        last = fd;
    EQ(errno, EMFILE);
    EQ(last, 49);
    OK(syscall(SYS_close_range, 3, ~0u, 0));
    r.rlim_cur = r.rlim_max + 1;
    ERR(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
    OK(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &old, &r));
    EQ(r.rlim_cur, 50);
    ERR(syscall(SYS_prlimit64, 99999, RLIMIT_NOFILE, NULL, &r), ESRCH);
    ERR(syscall(SYS_prlimit64, 0, 16, NULL, &r), EINVAL);
    ERR(syscall(SYS_getrlimit, 99, &r), EINVAL);
    ERR(syscall(SYS_setrlimit, 99, &old), EINVAL);
    OK(getrlimit(RLIMIT_STACK, &r));
    CHECK(r.rlim_cur >= 1 << 20);
}

static void usage(void)
{
    struct rusage u = {0};
    /* Linux may count by the clock's ticks, some milliseconds each. */
    for (unsigned tries = 0; tries < 1000 && u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec == 0;
         tries++) {
        for (volatile int i = 0; i < 1000000; i++)
            ;
        OK(getrusage(RUSAGE_SELF, &u));
    }
    CHECK(u.ru_utime.tv_sec > 0 || u.ru_utime.tv_usec > 0);
    CHECK(u.ru_maxrss > 0);
    OK(getrusage(RUSAGE_THREAD, &u));
    OK(getrusage(RUSAGE_CHILDREN, &u));
    EQ(u.ru_utime.tv_sec + u.ru_utime.tv_usec, 0);
    ERR(getrusage(7, &u), EINVAL);
}

static void options(void)
{
    char name[16];
    OK(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    OK(prctl(PR_GET_NAME, name));
    CHECK(!strcmp(name, "a-name-that-is-"));
    EQ(prctl(PR_GET_DUMPABLE), 1);
    OK(prctl(PR_SET_DUMPABLE, 0));
    EQ(prctl(PR_GET_DUMPABLE), 0);
    ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    int sig = 9;
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, 0);
    ERR(prctl(PR_SET_PDEATHSIG, 99), EINVAL);
    EQ(prctl(PR_GET_TIMERSLACK), 50000);
    OK(prctl(PR_SET_TIMERSLACK, 1000));
    EQ(prctl(PR_GET_TIMERSLACK), 1000);
    EQ(prctl(PR_GET_KEEPCAPS), 0);
    ERR(prctl(99999), EINVAL);
    ERR(prctl(50 /* PR_SVE_SET_VL */, 16), EINVAL);
    EQ(prctl(PR_GET_SECCOMP), 0);
}

int main(void)
{
    struct utsname u;
    OK(uname(&u));
    CHECK(!strcmp(u.sysname, "Linux") && !strcmp(u.machine, "aarch64"));
    CHECK(atoi(u.release) >= 6);
    OK(sethostname("fresh", 5));
    OK(setdomainname("example.org", 11));
    OK(uname(&u));
    CHECK(!strcmp(u.nodename, "fresh"));
    CHECK(!strcmp(u.domainname, "example.org"));
    ERR(sethostname("x", 65), EINVAL);

    struct sysinfo info;
    OK(sysinfo(&info));
    CHECK(info.totalram > 0 && info.mem_unit > 0 && info.uptime > 0);
    CHECK(info.procs >= 1);

    unsigned char a[16] = {0}, b[16] = {0};
    EQ(getrandom(a, 16, 0), 16);
    EQ(getrandom(b, 16, GRND_NONBLOCK), 16);
    CHECK(memcmp(a, b, 16));
    ERR(syscall(SYS_getrandom, a, 16, 0x80), EINVAL);
    ERR(syscall(SYS_getrandom, (void *)8, 16, 0), EFAULT);

    EQ(personality(0xffffffff), 0);
    EQ(personality(ADDR_NO_RANDOMIZE), 0);
    EQ(personality(0), ADDR_NO_RANDOMIZE);
    limits();
    usage();
    options();
    return done();
}
