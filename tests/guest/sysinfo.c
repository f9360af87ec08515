/* guest-test: flags=-D_GNU_SOURCE,-Wno-stringop-overread,-Wno-stringop-overflow */
/* uname, sysinfo, host name, usage, random bytes, personality. */
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "guest.h"

#define BAD ((void *)8)

static void usage(void)
{
    struct rusage u = {0};
    /* Linux may count by the clock's ticks, some milliseconds each. */
    for (unsigned tries = 0; tries < 1000 && u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec < 20000;
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
    ERR(getrusage(7, BAD), EINVAL);
    ERR(getrusage(RUSAGE_SELF, BAD), EFAULT);
    struct tms tms = {0};
    CHECK(times(&tms) > 0);
    CHECK(tms.tms_utime > 0 || tms.tms_stime > 0);
    EQ(tms.tms_cutime, 0);
    CHECK(syscall(SYS_times, NULL) > 0);
    ERR(syscall(SYS_times, BAD), EFAULT);
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
    ERR(sethostname("x", (size_t)-1), EINVAL);
    ERR(sethostname(BAD, 5), EFAULT);
    ERR(setdomainname("x", 65), EINVAL);
    ERR(setdomainname(BAD, 5), EFAULT);
    ERR(uname(BAD), EFAULT);
    OK(sethostname("0123456789012345678901234567890123456789012345678901234567890123", 64));
    OK(uname(&u));
    EQ(strlen(u.nodename), 64);
    OK(sethostname("", 0));
    OK(uname(&u));
    EQ(strlen(u.nodename), 0);

    struct sysinfo info;
    OK(sysinfo(&info));
    CHECK(info.totalram > 0 && info.mem_unit > 0 && info.uptime > 0);
    CHECK(info.procs >= 1);
    ERR(sysinfo(BAD), EFAULT);

    unsigned char a[16] = {0}, b[16] = {0};
    EQ(getrandom(a, 16, 0), 16);
    EQ(getrandom(b, 16, GRND_NONBLOCK), 16);
    CHECK(memcmp(a, b, 16));
    ERR(syscall(SYS_getrandom, a, 16, 0x80), EINVAL);
    ERR(syscall(SYS_getrandom, (void *)8, 16, 0), EFAULT);

    EQ(personality(0xffffffff), 0);
    ERR(personality(PER_LINUX32), EINVAL); /* no CPU for 32-bit programs */
    ERR(personality(PER_LINUX32 | ADDR_NO_RANDOMIZE), EINVAL);
    personality(0);
    EQ(personality(ADDR_NO_RANDOMIZE), 0);
    EQ(personality(0), ADDR_NO_RANDOMIZE);
    usage();
    return done();
}
