/* time.h - arithmetic on timespecs, and the process's POSIX timers. */
#ifndef ELFUSE_LINUX_TIME_H
#define ELFUSE_LINUX_TIME_H

#include "host/signal.h"
#include "host/time.h"
#include "linux/abi/signal.h"
#include "linux/kernel.h"

/* Linux's timespec64_valid(). */
static inline bool timespec_valid(const struct linux_timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < LINUX_NSEC_PER_SEC;
}

/* Saturating: a deadline after the end of time is the end of time. */
static inline struct linux_timespec timespec_add(struct linux_timespec a, struct linux_timespec b)
{
    struct linux_timespec sum;
    if (__builtin_add_overflow(a.tv_sec, b.tv_sec, &sum.tv_sec) ||
        sum.tv_sec > INT64_MAX / LINUX_NSEC_PER_SEC)
        return (struct linux_timespec){INT64_MAX / LINUX_NSEC_PER_SEC, 0};
    sum.tv_nsec = a.tv_nsec + b.tv_nsec;
    if (sum.tv_nsec >= LINUX_NSEC_PER_SEC) {
        sum.tv_nsec -= LINUX_NSEC_PER_SEC;
        sum.tv_sec++;
    }
    return sum;
}

/* a - b, not below zero. */
static inline struct linux_timespec timespec_left(struct linux_timespec a, struct linux_timespec b)
{
    struct linux_timespec left = {a.tv_sec - b.tv_sec, a.tv_nsec - b.tv_nsec};
    if (left.tv_nsec < 0) {
        left.tv_nsec += LINUX_NSEC_PER_SEC;
        left.tv_sec--;
    }
    return left.tv_sec < 0 ? (struct linux_timespec){0, 0} : left;
}

/* Now (CLOCK_MONOTONIC) plus the timeout. */
static inline struct linux_timespec timespec_deadline(const struct linux_timespec *timeout)
{
    struct linux_timespec now = {0, 0};
    host_clock_gettime(LINUX_CLOCK_MONOTONIC, &now);
    return timespec_add(now, *timeout);
}

/*
 * POSIX timers (timers.c). Under sighand->lock. expired: what the inbox's HOST_SIGNAL_TIMER stands
 * for: true with the signal in *info, its timer in *timer (1 + slot) and the task it is for (NULL:
 * the process) in *target; false when the timer is gone or its last signal is still pending (then
 * it counts as an overrun).
 */
bool timer_expired(struct process *proc, const struct host_signal_info *host,
                   struct linux_siginfo *info, int32_t *timer, struct task **target);
/* The signal of `timer` leaves the queue: fills in the overrun count. */
void timer_dequeued(struct process *proc, int32_t timer, struct linux_siginfo *info);
/* In the child of a fork: it has no timers. */
void timers_forked(struct process *proc);
/* It was dropped instead. */
void timer_dropped(struct process *proc, int32_t timer);
/* execve deletes them. Takes the lock. */
void timers_exec(struct process *proc);

/* Does it wake the machine? Such a clock may be read, and the waking is for CAP_WAKE_ALARM of the
 * machine's. */
bool clock_is_alarm(int32_t clock);
/* A guest's clock as the host numbers it: -LINUX_EINVAL in *err for one that does not exist. */
int32_t clock_to_host(struct task *task, int32_t clock, int *err);

#endif
