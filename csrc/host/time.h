/*
 * time.h - clocks, sleeping and timers of the host. Clock numbers and structs are Linux's; results
 * 0 or a negative Linux errno. A clock is one of LINUX_CLOCK_*, or host_thread_cpu_clock().
 */
#ifndef ELFUSE_HOST_TIME_H
#define ELFUSE_HOST_TIME_H

#include <stdint.h>

#include "linux/abi/time.h"

int host_clock_gettime(int32_t clock, struct linux_timespec *ts);
int host_clock_getres(int32_t clock, struct linux_timespec *ts);
/* adjtimex(2) and clock_adjtime(2), the struct (208 bytes) as it is. */
int host_clock_adjtime(int32_t clock, void *timex);

/* CPU time clock of one of this process's threads, by host number; 0 is the calling one. */
int32_t host_thread_cpu_clock(int32_t host_tid);

/* CLOCK_MONOTONIC in nanoseconds: CNTVCT_EL0, with a frequency of 10^9. */
uint64_t host_counter(void);
#define HOST_COUNTER_HZ 1000000000ull

/* Sleep until an absolute time. -LINUX_ERESTARTSYS when interrupted. */
int host_sleep_until(int32_t clock, const struct linux_timespec *deadline);

int host_getitimer(int which, struct linux_itimerval *value);
/* Expiry comes as SIGALRM, SIGVTALRM or SIGPROF from the host. */
int host_setitimer(int which, const struct linux_itimerval *value, struct linux_itimerval *old);

/* A POSIX timer, whose expiry comes through host_signal_take() as HOST_SIGNAL_TIMER with `value`,
 * and the number of missed expirations as siginfo. Returns its host number or -errno. */
#define HOST_SIGNAL_TIMER 63
int host_timer_create(int32_t clock, uint64_t value);
int host_timer_settime(int timer, int flags, const struct linux_itimerspec *value,
                       struct linux_itimerspec *old);
int host_timer_gettime(int timer, struct linux_itimerspec *value);
int host_timer_delete(int timer);

int host_timerfd_create(int32_t clock, int flags);
int host_timerfd_settime(int fd, int flags, const struct linux_itimerspec *value,
                         struct linux_itimerspec *old);
int host_timerfd_gettime(int fd, struct linux_itimerspec *value);

#endif
