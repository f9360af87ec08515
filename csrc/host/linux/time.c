#include "host/time.h"

#include <string.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/linux/safe_syscall.h"

_Static_assert(sizeof(struct timespec) == sizeof(struct linux_timespec), "64-bit host");

int host_clock_gettime(int32_t clock, struct linux_timespec *ts)
{
    /* Through the C library for the sake of the host's vDSO; it knows positive numbers only. */
    if (clock >= 0)
        return clock_gettime(clock, (struct timespec *)(void *)ts) ? -LINUX_EINVAL : 0;
    return (int)host_syscall(SYS_clock_gettime, clock, ts);
}

int host_clock_getres(int32_t clock, struct linux_timespec *ts)
{
    return (int)host_syscall(SYS_clock_getres, clock, ts);
}

int host_clock_adjtime(int32_t clock, void *timex)
{
    return (int)host_syscall(SYS_clock_adjtime, clock, timex);
}

int32_t host_thread_cpu_clock(int32_t host_tid)
{
    /* CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED, as in include/linux/posix-timers_types.h. */
    return (int32_t)((~(uint32_t)host_tid << 3) | 4 | 2);
}

uint64_t host_counter(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int host_sleep_until(int32_t clock, const struct linux_timespec *deadline)
{
    return (int)host_syscall_interruptible(SYS_clock_nanosleep, clock, LINUX_TIMER_ABSTIME,
                                           deadline);
}

int host_getitimer(int which, struct linux_itimerval *value)
{
    return (int)host_syscall(SYS_getitimer, which, value);
}

int host_setitimer(int which, const struct linux_itimerval *value, struct linux_itimerval *old)
{
    return (int)host_syscall(SYS_setitimer, which, value, old);
}

int host_timer_create(int32_t clock, uint64_t value)
{
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = HOST_SIGNAL_TIMER;
    event.sigev_value.sival_ptr = (void *)(uintptr_t)value;
    int timer;
    long err = host_syscall(SYS_timer_create, clock, &event, &timer);
    return err ? (int)err : timer;
}

int host_timer_settime(int timer, int flags, const struct linux_itimerspec *value,
                       struct linux_itimerspec *old)
{
    return (int)host_syscall(SYS_timer_settime, timer, flags, value, old);
}

int host_timer_gettime(int timer, struct linux_itimerspec *value)
{
    return (int)host_syscall(SYS_timer_gettime, timer, value);
}

int host_timer_delete(int timer)
{
    return (int)host_syscall(SYS_timer_delete, timer);
}

int host_timerfd_create(int32_t clock, int flags)
{
    return (int)host_syscall(SYS_timerfd_create, clock, flags);
}

int host_timerfd_settime(int fd, int flags, const struct linux_itimerspec *value,
                         struct linux_itimerspec *old)
{
    return (int)host_syscall(SYS_timerfd_settime, fd, flags, value, old);
}

int host_timerfd_gettime(int fd, struct linux_itimerspec *value)
{
    return (int)host_syscall(SYS_timerfd_gettime, fd, value);
}
