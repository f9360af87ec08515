/* clocks.c - reading and setting clocks, sleeping. */
#include <string.h>

#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

bool clock_is_alarm(int32_t clock)
{
    return clock == LINUX_CLOCK_REALTIME_ALARM || clock == LINUX_CLOCK_BOOTTIME_ALARM;
}

/*
 * A negative clock is a CPU clock: ~(pid or tid) << 3, bit 2 for a thread's, bits 1..0 the kind
 * (include/linux/ posix-timers_types.h). The host has to be told its own numbers.
 */
int32_t clock_to_host(struct task *task, int32_t clock, int *err)
{
    *err = 0;
    if (clock >= 0) {
        if (clock >= LINUX_MAX_CLOCKS)
            *err = -LINUX_EINVAL;
        if (clock_is_alarm(clock))
            return clock == LINUX_CLOCK_REALTIME_ALARM ? LINUX_CLOCK_REALTIME
                                                       : LINUX_CLOCK_BOOTTIME;
        return clock;
    }
    uint32_t kind = (uint32_t)clock & 3;
    int32_t id = (int32_t) ~((uint32_t)clock >> 3 | 0xe0000000u);
    if (kind == 3) {
        *err = -LINUX_EINVAL; /* a device's clock (CLOCKFD): none is served */
        return 0;
    }
    struct process *proc = task->proc;
    int32_t host = 0;
    if (!(clock & 4)) {
        if (id != 0 && id != proc->pid && id != task->tid) {
            host = pid_exists(proc, id) ? pid_to_host(proc, id) : 0;
            if (!host)
                *err = -LINUX_EINVAL;
        }
        return (int32_t)((~(uint32_t)host << 3) | kind);
    }
    /* Threads of the process's own only. */
    host_mutex_lock(&proc->sighand->lock);
    const struct task *thread = id ? task_find(proc, id) : task;
    host = thread ? thread->host_tid : 0;
    host_mutex_unlock(&proc->sighand->lock);
    if (!host)
        *err = -LINUX_EINVAL;
    return (int32_t)((host_thread_cpu_clock(host) & ~3) | (int32_t)kind);
}

int64_t sys_clock_gettime(struct task *task, const uint64_t args[6])
{
    struct linux_timespec ts;
    int err;
    int32_t clock = clock_to_host(task, (int32_t)args[0], &err);
    if (!err)
        err = host_clock_gettime(clock, &ts);
    if (!err && copy_to_user(task, args[1], &ts, sizeof(ts)))
        err = -LINUX_EFAULT;
    if (!err && clock == LINUX_CLOCK_REALTIME)
        mm_refresh_time(task->proc->mm); /* the vDSO comes here when it knows nothing newer */
    return err;
}

int64_t sys_clock_getres(struct task *task, const uint64_t args[6])
{
    struct linux_timespec ts;
    int err;
    int32_t clock = clock_to_host(task, (int32_t)args[0], &err);
    if (!err)
        err = host_clock_getres(clock, &ts);
    if (!err && args[1] && copy_to_user(task, args[1], &ts, sizeof(ts)))
        err = -LINUX_EFAULT;
    return err;
}

/* The clocks are the host's and no guest's to set, whoever runs elfuse: as root in any container.
 * CPU clocks are nobody's to set, but have a way to say so. */
int64_t sys_clock_settime(struct task *task, const uint64_t args[6])
{
    struct linux_timespec ts;
    int32_t clock = (int32_t)args[0];
    int err;
    clock_to_host(task, clock, &err);
    if (clock > LINUX_CLOCK_REALTIME)
        err = -LINUX_EINVAL;
    if (err)
        return err;
    if (copy_from_user(task, &ts, args[1], sizeof(ts)))
        return -LINUX_EFAULT;
    return clock == LINUX_CLOCK_REALTIME && !timespec_valid(&ts) ? -LINUX_EINVAL : -LINUX_EPERM;
}

int64_t sys_gettimeofday(struct task *task, const uint64_t args[6])
{
    if (args[0]) {
        struct linux_timespec now;
        host_clock_gettime(LINUX_CLOCK_REALTIME, &now);
        struct linux_timeval tv = {now.tv_sec, now.tv_nsec / 1000};
        mm_refresh_time(task->proc->mm); /* the vDSO comes here when it knows nothing newer */
        if (copy_to_user(task, args[0], &tv, sizeof(tv)))
            return -LINUX_EFAULT;
    }
    if (args[1]) {
        struct linux_timezone tz = {0, 0};
        if (copy_to_user(task, args[1], &tz, sizeof(tz)))
            return -LINUX_EFAULT;
    }
    return 0;
}

int64_t sys_settimeofday(struct task *task, const uint64_t args[6])
{
    struct linux_timeval tv = {0, 0};
    struct linux_timezone tz;
    if (args[0] && copy_from_user(task, &tv, args[0], sizeof(tv)))
        return -LINUX_EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -LINUX_EINVAL;
    if (args[1] && copy_from_user(task, &tz, args[1], sizeof(tz)))
        return -LINUX_EFAULT;
    return tv.tv_sec < 0 ? -LINUX_EINVAL : -LINUX_EPERM;
}

#define TIMEX_SIZE            208
#define ADJ_OFFSET_SINGLESHOT 0x0001u
#define ADJ_SETOFFSET         0x0100u
#define ADJ_OFFSET_READONLY   0x2000u
#define ADJ_ADJTIME           0x8000u /* modes are those of adjtime(), not of NTP */

/* timekeeping_validate_timex(): the guest may look, also by adjtime() of a null pointer. */
static int adjustment_allowed(uint32_t modes)
{
    if (!(modes & ADJ_ADJTIME))
        return modes ? -LINUX_EPERM : 0;
    if (!(modes & ADJ_OFFSET_SINGLESHOT))
        return -LINUX_EINVAL;
    return !(modes & ADJ_OFFSET_READONLY) || (modes & ADJ_SETOFFSET) ? -LINUX_EPERM : 0;
}

static int64_t adjtime(struct task *task, int32_t clock, gva_t at)
{
    uint64_t timex[TIMEX_SIZE / 8];
    if (copy_from_user(task, timex, at, sizeof(timex)))
        return -LINUX_EFAULT;
    int err;
    clock_to_host(task, clock, &err);
    if (err)
        return err;
    if (clock != LINUX_CLOCK_REALTIME)
        return -LINUX_EOPNOTSUPP;
    err = adjustment_allowed((uint32_t)timex[0]);
    if (err)
        return err;
    int ret = host_clock_adjtime(clock, timex);
    if (ret >= 0 && copy_to_user(task, at, timex, sizeof(timex)))
        return -LINUX_EFAULT;
    return ret;
}

int64_t sys_adjtimex(struct task *task, const uint64_t args[6])
{
    return adjtime(task, LINUX_CLOCK_REALTIME, args[0]);
}

int64_t sys_clock_adjtime(struct task *task, const uint64_t args[6])
{
    return adjtime(task, (int32_t)args[0], args[1]);
}

/* ---- sleeping ---- */

/* args: host clock, deadline (seconds, nanoseconds), where the rest is to be told. */
static int64_t sleep_until(struct task *task, const uint64_t args[6])
{
    struct linux_timespec deadline = {(int64_t)args[1], (int64_t)args[2]};
    int err = host_sleep_until((int32_t)args[0], &deadline);
    if (err != -LINUX_ERESTARTSYS)
        return err;
    if (args[3]) {
        struct linux_timespec now;
        host_clock_gettime((int32_t)args[0], &now);
        struct linux_timespec left = timespec_left(deadline, now);
        if (copy_to_user(task, args[3], &left, sizeof(left)))
            return -LINUX_EFAULT;
    }
    return task_restart(task, sleep_until, args);
}

static int64_t sleep_for(struct task *task, int32_t clock, struct linux_timespec duration,
                         gva_t left)
{
    struct linux_timespec now;
    int err = host_clock_gettime(clock, &now);
    if (err)
        return err;
    struct linux_timespec deadline = timespec_add(now, duration);
    uint64_t args[6] = {(uint64_t)clock, (uint64_t)deadline.tv_sec, (uint64_t)deadline.tv_nsec,
                        left};
    return sleep_until(task, args);
}

int64_t sys_nanosleep(struct task *task, const uint64_t args[6])
{
    struct linux_timespec duration;
    if (copy_from_user(task, &duration, args[0], sizeof(duration)))
        return -LINUX_EFAULT;
    if (!timespec_valid(&duration))
        return -LINUX_EINVAL;
    return sleep_for(task, LINUX_CLOCK_MONOTONIC, duration, args[1]);
}

int64_t sys_clock_nanosleep(struct task *task, const uint64_t args[6])
{
    struct linux_timespec ts;
    int err;
    int32_t guest_clock = (int32_t)args[0];
    int32_t clock = clock_to_host(task, guest_clock, &err);
    if (err)
        return err;
    /* Clocks without a sleep of their own: posix-timers.c, those without nsleep. */
    if (guest_clock == LINUX_CLOCK_MONOTONIC_RAW || guest_clock == LINUX_CLOCK_REALTIME_COARSE ||
        guest_clock == LINUX_CLOCK_MONOTONIC_COARSE || guest_clock == LINUX_CLOCK_THREAD_CPUTIME_ID)
        return -LINUX_EOPNOTSUPP;
    if (copy_from_user(task, &ts, args[2], sizeof(ts)))
        return -LINUX_EFAULT;
    if (!timespec_valid(&ts))
        return -LINUX_EINVAL;
    if (clock_is_alarm(guest_clock))
        return (int)args[1] & ~LINUX_TIMER_ABSTIME ? -LINUX_EINVAL : -LINUX_EPERM;
    if (!(args[1] & LINUX_TIMER_ABSTIME)) {
        /* Relative sleeps are not moved by setting the clock: Linux uses the monotonic one for
         * them. */
        return sleep_for(task, clock == LINUX_CLOCK_REALTIME ? LINUX_CLOCK_MONOTONIC : clock, ts,
                         args[3]);
    }
    err = host_sleep_until(clock, &ts);
    return err == -LINUX_ERESTARTSYS ? -LINUX_ERESTARTNOHAND : err;
}

int64_t sys_restart_syscall(struct task *task, const uint64_t args[6])
{
    (void)args;
    restart_fn *fn = task->restart;
    task->restart = NULL;
    uint64_t saved[6];
    memcpy(saved, task->restart_args, sizeof(saved));
    return fn ? fn(task, saved) : -LINUX_EINTR;
}
