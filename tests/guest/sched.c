/* guest-test: flags=-pthread */
/* Scheduling calls, membarrier, getcpu, rseq. */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

#define BAD  ((void *)8)
#define NONE 999999

/* struct sched_attr, whose name the headers of different ages fight about. */
struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
    uint64_t more[8];
};

static void affinity(void)
{
    cpu_set_t set, one;
    char large[4096] = {0};
    CPU_ZERO(&set);
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
    CHECK(bytes >= 8 && bytes % 8 == 0);
    CHECK(CPU_COUNT(&set) >= 1);
    OK(sched_setaffinity(0, sizeof(set), &set));
    ERR(syscall(SYS_sched_getaffinity, 0, 7, &set), EINVAL);
    ERR(syscall(SYS_sched_getaffinity, 0, 12, &set), EINVAL);
    ERR(syscall(SYS_sched_getaffinity, 0, 0, &set), EINVAL);
    ERR(syscall(SYS_sched_getaffinity, 0, sizeof(set), BAD), EFAULT);
    ERR(syscall(SYS_sched_getaffinity, NONE, sizeof(set), &set), ESRCH);
    ERR(syscall(SYS_sched_getaffinity, -1, sizeof(set), &set), ESRCH);
    EQ(syscall(SYS_sched_getaffinity, 0, sizeof(large), large), bytes);
    OK(syscall(SYS_sched_setaffinity, 0, sizeof(large), large)); /* what is too much is not read */
    CPU_ZERO(&one);
    for (int i = 0, found = 0; i < CPU_SETSIZE && !found; i++) {
        if ((found = CPU_ISSET(i, &set)))
            CPU_SET(i, &one);
    }
    OK(sched_setaffinity(0, sizeof(one), &one));
    CPU_ZERO(&one);
    OK(sched_getaffinity((pid_t)syscall(SYS_gettid), sizeof(one), &one));
    EQ(CPU_COUNT(&one), 1);
    OK(sched_setaffinity(0, sizeof(set), &set));
    CPU_ZERO(&one);
    ERR(sched_setaffinity(0, sizeof(one), &one), EINVAL);
    ERR(syscall(SYS_sched_setaffinity, 0, 0, &set), EINVAL);
    ERR(syscall(SYS_sched_setaffinity, 0, sizeof(set), BAD), EFAULT);
    ERR(syscall(SYS_sched_setaffinity, NONE, sizeof(set), BAD), EFAULT);
    ERR(sched_setaffinity(NONE, sizeof(set), &set), ESRCH);
    ERR(sched_setaffinity(-1, sizeof(set), &set), ESRCH);
}

static void policies(void)
{
    OK(sched_yield());
    EQ(sched_getscheduler(0), SCHED_OTHER);
    ERR(sched_getscheduler(-1), EINVAL);
    ERR(sched_getscheduler(NONE), ESRCH);
    struct sched_param p = {77};
    OK(sched_getparam(0, &p));
    EQ(p.sched_priority, 0);
    ERR(sched_getparam(0, NULL), EINVAL);
    ERR(sched_getparam(-1, &p), EINVAL);
    ERR(sched_getparam(NONE, BAD), ESRCH);
    ERR(sched_getparam(0, BAD), EFAULT);
    OK(sched_setparam(0, &p));
    ERR(sched_setparam(0, NULL), EINVAL);
    ERR(sched_setparam(-1, &p), EINVAL);
    ERR(sched_setparam(NONE, BAD), EFAULT);
    ERR(sched_setparam(NONE, &p), ESRCH);
    OK(sched_setscheduler(0, SCHED_BATCH, &p));
    EQ(sched_getscheduler(0), SCHED_BATCH);
    OK(sched_setscheduler(0, SCHED_OTHER, &p));
    ERR(sched_setscheduler(-1, SCHED_OTHER, &p), EINVAL);
    ERR(sched_setscheduler(NONE, SCHED_OTHER, BAD), EFAULT);
    ERR(sched_setscheduler(NONE, SCHED_OTHER, &p), ESRCH);
    ERR(sched_setscheduler(0, SCHED_OTHER, NULL), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, -1, &p), EINVAL);
    ERR(sched_setscheduler(0, 4, &p), EINVAL);
    ERR(sched_setscheduler(0, SCHED_FIFO, &p), EINVAL); /* has no priority 0 */
    p.sched_priority = 5;
    ERR(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
    ERR(sched_setparam(0, &p), EINVAL);
    struct rlimit rt;
    OK(getrlimit(RLIMIT_RTPRIO, &rt));
    if (rt.rlim_cur == 0) {
        ERR(sched_setscheduler(0, SCHED_FIFO, &p), EPERM);
        ERR(sched_setscheduler(0, SCHED_RR, &p), EPERM);
    }
    for (int policy = SCHED_OTHER; policy <= 6; policy++) {
        bool real_time = policy == SCHED_FIFO || policy == SCHED_RR;
        if (policy == 4) {
            ERR(sched_get_priority_max(policy), EINVAL);
            ERR(sched_get_priority_min(policy), EINVAL);
        } else {
            EQ(sched_get_priority_max(policy), real_time ? 99 : 0);
            EQ(sched_get_priority_min(policy), real_time ? 1 : 0);
        }
    }
    ERR(sched_get_priority_max(-1), EINVAL);
    struct timespec ts = {-1, -1};
    OK(sched_rr_get_interval(0, &ts));
    CHECK(ts.tv_sec == 0 && ts.tv_nsec >= 0);
    ERR(sched_rr_get_interval(-1, &ts), EINVAL);
    ERR(sched_rr_get_interval(NONE, BAD), ESRCH);
    ERR(sched_rr_get_interval(0, BAD), EFAULT);
}

static long get_attr(pid_t pid, void *attr, unsigned size, unsigned flags)
{
    return syscall(SYS_sched_getattr, pid, attr, size, flags);
}

static long set_attr(pid_t pid, void *attr, unsigned flags)
{
    return syscall(SYS_sched_setattr, pid, attr, flags);
}

static void attributes(void)
{
    struct attr a = {0};
    OK(get_attr(0, &a, 56, 0));
    EQ(a.size, 56);
    EQ(a.policy, SCHED_OTHER);
    OK(get_attr(0, &a, 48, 0));
    EQ(a.size, 48);
    OK(get_attr(0, &a, sizeof(a), 0));
    EQ(a.size, 56); /* what there is */
    ERR(get_attr(0, &a, 47, 0), EINVAL);
    ERR(get_attr(0, &a, 4097, 0), EINVAL);
    ERR(get_attr(0, &a, 56, 1), EINVAL);
    ERR(get_attr(0, NULL, 56, 0), EINVAL);
    ERR(get_attr(-1, &a, 56, 0), EINVAL);
    ERR(get_attr(NONE, &a, 56, 0), ESRCH);
    ERR(get_attr(0, BAD, 56, 0), EFAULT);
    a = (struct attr){.size = 56};
    OK(set_attr(0, &a, 0));
    a.size = 0; /* the first one that there was */
    OK(set_attr(0, &a, 0));
    a.size = sizeof(a); /* larger is no harm while it is zero */
    OK(set_attr(0, &a, 0));
    a.more[3] = 1;
    ERR(set_attr(0, &a, 0), E2BIG);
    EQ(a.size, 56);
    a.size = 40;
    ERR(set_attr(0, &a, 0), E2BIG);
    EQ(a.size, 56);
    a.size = 4097;
    ERR(set_attr(0, &a, 0), E2BIG);
    ERR(set_attr(0, &a, 1), EINVAL);
    ERR(set_attr(0, NULL, 0), EINVAL);
    ERR(set_attr(-1, &a, 0), EINVAL);
    ERR(set_attr(0, BAD, 0), EFAULT);
    a = (struct attr){.size = 56, .policy = 0x80000000u};
    ERR(set_attr(0, &a, 0), EINVAL);
    a.policy = SCHED_OTHER;
    ERR(set_attr(NONE, &a, 0), ESRCH);
    a.priority = 1;
    ERR(set_attr(0, &a, 0), EINVAL);
    a = (struct attr){.size = 56, .flags = 1ull << 40};
    ERR(set_attr(0, &a, 0), EINVAL);
    a = (struct attr){.size = 48, .flags = 0x20 /* SCHED_FLAG_UTIL_CLAMP_MIN */};
    ERR(set_attr(0, &a, 0), EINVAL); /* it has no room for that */
    a = (struct attr){.size = 56, .policy = SCHED_BATCH, .nice = 4};
    OK(set_attr(0, &a, 0));
    OK(get_attr(0, &a, 56, 0));
    CHECK(a.policy == SCHED_BATCH && a.nice == 4);
    EQ(getpriority(PRIO_PROCESS, 0), 4);
}

static void niceness(void)
{
    errno = 0;
    int nice_now = getpriority(PRIO_PROCESS, 0); /* whatever the tests were started with */
    EQ(errno, 0);
    EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20 - nice_now);
    int nicer = nice_now < 17 ? nice_now + 3 : 19;
    OK(setpriority(PRIO_PROCESS, 0, nicer));
    EQ(getpriority(PRIO_PROCESS, 0), nicer);
    EQ(getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)), nicer);
    ERR(getpriority(9, 0), EINVAL);
    ERR(getpriority(-1, 0), EINVAL);
    ERR(setpriority(3, 0, 0), EINVAL);
    ERR(setpriority(3, NONE, -20), EINVAL);
    ERR(getpriority(PRIO_PROCESS, NONE), ESRCH);
    ERR(getpriority(PRIO_PGRP, NONE), ESRCH);
    ERR(getpriority(PRIO_USER, NONE), ESRCH);
    ERR(setpriority(PRIO_PROCESS, NONE, 5), ESRCH);
    ERR(setpriority(PRIO_PGRP, NONE, 5), ESRCH);
    ERR(setpriority(PRIO_USER, NONE, 5), ESRCH);
    OK(setpriority(PRIO_PGRP, 0, 19));
    EQ(getpriority(PRIO_PGRP, 0), 19);
    EQ(getpriority(PRIO_PGRP, (id_t)getpgrp()), 19);
    EQ(getpriority(PRIO_USER, 0), 19);
    OK(setpriority(PRIO_PROCESS, 0, 100)); /* as much as there is */
    EQ(getpriority(PRIO_PROCESS, 0), 19);
    ERR(setpriority(PRIO_PROCESS, 0, 18), EACCES); /* back only with CAP_SYS_NICE */
}

/* Each thread has its own. */
static void *own_niceness(void *arg)
{
    struct sched_param p = {0};
    EQ(getpriority(PRIO_PROCESS, 0), 4);
    OK(setpriority(PRIO_PROCESS, 0, 6));
    OK(sched_setscheduler(0, SCHED_IDLE, &p));
    EQ(sched_getscheduler(0), SCHED_IDLE);
    /* There is no way back without CAP_SYS_NICE, nor from this flag. */
    ERR(sched_setscheduler(0, SCHED_OTHER, &p), EPERM);
    OK(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &p));
    EQ(sched_getscheduler(0), SCHED_IDLE | SCHED_RESET_ON_FORK);
    ERR(sched_setscheduler(0, SCHED_IDLE, &p), EPERM);
    return arg;
}

static void of_threads(void)
{
    pthread_t t;
    pthread_create(&t, NULL, own_niceness, NULL);
    pthread_join(t, NULL);
    EQ(getpriority(PRIO_PROCESS, 0), 4);
    EQ(sched_getscheduler(0), SCHED_BATCH);
}

/* As an ordinary user: nothing of what is root's. */
static int meddle(pid_t root)
{
    struct sched_param p = {0};
    struct attr a = {.size = 48};
    cpu_set_t set;
    OK(sched_getaffinity(root, sizeof(set), &set));
    OK(setresuid(1000, 1000, 1000));
    ERR(setpriority(PRIO_PROCESS, (id_t)root, 19), EPERM);
    ERR(sched_setscheduler(root, SCHED_BATCH, &p), EPERM);
    ERR(sched_setparam(root, &p), EPERM);
    ERR(set_attr(root, &a, 0), EPERM);
    ERR(sched_setaffinity(root, sizeof(set), &set), EPERM);
    ERR(syscall(SYS_ioprio_set, 1, root, 2 << 13), EPERM);
    CHECK(getpriority(PRIO_PROCESS, (id_t)root) >= 0);
    CHECK(sched_getscheduler(root) >= 0);
    return guest_failed;
}

/* Another process, and a group that is not one's own. */
static void of_others(void)
{
    int status, own = getpriority(PRIO_PROCESS, 0);
    pid_t child[2], root = getpid();
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            pause();
            _exit(0);
        }
        OK(setpgid(child[i], child[0]));
    }
    OK(setpriority(PRIO_PROCESS, (id_t)child[0], 12));
    EQ(getpriority(PRIO_PGRP, (id_t)child[0]), own); /* the highest of them */
    OK(setpriority(PRIO_PGRP, (id_t)child[0], 13));
    EQ(getpriority(PRIO_PROCESS, (id_t)child[0]), 13);
    EQ(getpriority(PRIO_PROCESS, (id_t)child[1]), 13);
    EQ(getpriority(PRIO_PROCESS, 0), own);
    OK(syscall(SYS_ioprio_set, 2, child[0], 3 << 13));
    EQ(syscall(SYS_ioprio_get, 1, child[1]), 3 << 13);
    OK(kill(-child[0], SIGKILL));
    EQ(waitpid(child[0], NULL, 0), child[0]);
    EQ(waitpid(child[1], NULL, 0), child[1]);
    child[0] = fork();
    if (child[0] == 0)
        _exit(meddle(root));
    EQ(waitpid(child[0], &status, 0), child[0]);
    EQ(status, 0);
}

static void input_output(void)
{
    enum { PROCESS = 1, GROUP, USER, BEST_EFFORT = 2 << 13, REAL_TIME = 1 << 13, IDLE = 3 << 13 };
    CHECK(syscall(SYS_ioprio_get, PROCESS, 0) >= 0);
    OK(syscall(SYS_ioprio_set, PROCESS, 0, BEST_EFFORT | 6));
    EQ(syscall(SYS_ioprio_get, PROCESS, 0), BEST_EFFORT | 6);
    EQ(syscall(SYS_ioprio_get, PROCESS, syscall(SYS_gettid)), BEST_EFFORT | 6);
    EQ(syscall(SYS_ioprio_get, GROUP, 0), BEST_EFFORT | 6);
    OK(syscall(SYS_ioprio_set, PROCESS, 0, IDLE));
    EQ(syscall(SYS_ioprio_get, PROCESS, 0), IDLE);
    ERR(syscall(SYS_ioprio_set, PROCESS, 0, REAL_TIME | 4), EPERM);
    ERR(syscall(SYS_ioprio_set, PROCESS, 0, 4 << 13), EINVAL);
    ERR(syscall(SYS_ioprio_set, PROCESS, 0, 5), EINVAL); /* a level of no class */
    ERR(syscall(SYS_ioprio_set, PROCESS, NONE, BEST_EFFORT), ESRCH);
    ERR(syscall(SYS_ioprio_set, 4, 0, BEST_EFFORT), EINVAL);
    ERR(syscall(SYS_ioprio_set, 4, 0, REAL_TIME | 4), EPERM); /* the value comes first */
    ERR(syscall(SYS_ioprio_set, PROCESS, NONE, 4 << 13), EINVAL);
    ERR(syscall(SYS_ioprio_set, PROCESS, -1, BEST_EFFORT), ESRCH);
    ERR(syscall(SYS_ioprio_get, 0, 0), EINVAL);
    ERR(syscall(SYS_ioprio_get, PROCESS, NONE), ESRCH);
    ERR(syscall(SYS_ioprio_get, GROUP, NONE), ESRCH);
    ERR(syscall(SYS_ioprio_get, USER, NONE), ESRCH);
}

static void barriers(void)
{
    enum { QUERY, GLOBAL, PRIVATE = 8, REGISTER_PRIVATE = 16, REGISTRATIONS = 512 };
    long commands = syscall(SYS_membarrier, QUERY, 0, 0);
    CHECK(commands > 0 || errno == ENOSYS);
    if (commands <= 0)
        return;
    CHECK((commands & PRIVATE) && (commands & REGISTER_PRIVATE));
    ERR(syscall(SYS_membarrier, PRIVATE, 0, 0), EPERM); /* not registered */
    OK(syscall(SYS_membarrier, REGISTER_PRIVATE, 0, 0));
    OK(syscall(SYS_membarrier, PRIVATE, 0, 0));
    if (commands & REGISTRATIONS)
        EQ(syscall(SYS_membarrier, REGISTRATIONS, 0, 0), REGISTER_PRIVATE);
    ERR(syscall(SYS_membarrier, REGISTRATIONS, 1, 0), EINVAL);
    ERR(syscall(SYS_membarrier, PRIVATE | REGISTRATIONS, 0, 0), EINVAL);
    ERR(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
    ERR(syscall(SYS_membarrier, QUERY, 1, 0), EINVAL);
    ERR(syscall(SYS_membarrier, PRIVATE, 1, 0), EINVAL);
}

static void cpus(void)
{
    unsigned cpu = ~0u, node = ~0u;
    OK(syscall(SYS_getcpu, &cpu, &node, NULL));
    CHECK(cpu < 4096 && node < 64);
    OK(syscall(SYS_getcpu, NULL, NULL, BAD)); /* a cache that nobody has any more */
    ERR(syscall(SYS_getcpu, BAD, NULL, NULL), EFAULT);
    ERR(syscall(SYS_getcpu, NULL, BAD, NULL), EFAULT);
}

int main(void)
{
    affinity();
    cpus();
    barriers();
    policies();
    attributes();
    of_threads();
    of_others();
    niceness();
    input_output();
    ERR(syscall(SYS_rseq, NULL, 0, 0, 0), ENOSYS);
    return done();
}
