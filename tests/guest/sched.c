/* guest-test: reference=qemu flags=-D_GNU_SOURCE */
/* Scheduling calls, membarrier, getcpu, rseq. */
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "guest.h"

int main(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(set), &set) >= 8);
    CHECK(CPU_COUNT(&set) >= 1);
    OK(sched_setaffinity(0, sizeof(set), &set));
    ERR(syscall(SYS_sched_getaffinity, 0, 7, &set), EINVAL);
    ERR(syscall(SYS_sched_getaffinity, 99999, sizeof(set), &set), ESRCH);
    CPU_ZERO(&set);
    ERR(sched_setaffinity(0, sizeof(set), &set), EINVAL);

    OK(sched_yield());
    EQ(sched_getscheduler(0), SCHED_OTHER);
    ERR(sched_getscheduler(-1), EINVAL);
    ERR(sched_getscheduler(99999), ESRCH);
    struct sched_param p = {77};
    OK(sched_getparam(0, &p));
    EQ(p.sched_priority, 0);
    ERR(sched_getparam(0, NULL), EINVAL);
    OK(sched_setparam(0, &p));
    OK(sched_setscheduler(0, SCHED_BATCH, &p));
    EQ(sched_getscheduler(0), SCHED_BATCH);
    OK(sched_setscheduler(0, SCHED_OTHER, &p));
    p.sched_priority = 5;
    ERR(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, -1, &p), EINVAL);
    EQ(sched_get_priority_max(SCHED_FIFO), 99);
    EQ(sched_get_priority_min(SCHED_FIFO), 1);
    ERR(sched_get_priority_max(99), EINVAL);
    struct timespec ts;
    OK(sched_rr_get_interval(0, &ts));
    uint32_t attr[14] = {0};
    OK(syscall(SYS_sched_getattr, 0, attr, 56, 0));
    CHECK(attr[0] >= 48);
    EQ(attr[1], SCHED_OTHER);
    OK(syscall(SYS_sched_setattr, 0, attr, 0));
    ERR(syscall(SYS_sched_getattr, 0, attr, 8, 0), EINVAL);

    errno = 0;
    int nice_now = getpriority(PRIO_PROCESS, 0); /* whatever the tests were started with */
    EQ(errno, 0);
    int nicer = nice_now < 17 ? nice_now + 3 : 19;
    OK(setpriority(PRIO_PROCESS, 0, nicer));
    EQ(getpriority(PRIO_PROCESS, 0), nicer);
    ERR(getpriority(9, 0), EINVAL);
    ERR(getpriority(PRIO_PROCESS, 99999), ESRCH);

    unsigned cpu = ~0u, node = ~0u;
    OK(syscall(SYS_getcpu, &cpu, &node, NULL));
    CHECK(cpu < 4096 && node < 64);
    long commands = syscall(SYS_membarrier, 0, 0, 0);
    CHECK(commands > 0 || errno == ENOSYS);
    if (commands > 0) {
        OK(syscall(SYS_membarrier, 16, 0, 0));
        OK(syscall(SYS_membarrier, 8, 0, 0));
        ERR(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
        ERR(syscall(SYS_membarrier, 0, 1, 0), EINVAL);
    }
    ERR(syscall(SYS_rseq, NULL, 0, 0, 0), ENOSYS);
    return done();
}
