/*
 * timers.c - setitimer and POSIX timers. The host keeps time; a POSIX timer's host signal names its
 * slot, and becomes the guest's signal when the inbox is emptied.
 *
 * The set of timers is guarded by sighand->lock.
 */
#include <stdlib.h>

#include "linux/abi/sched.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

#define TIMER_MAX 512

struct timer {
    bool used;
    int host;            /* the host's number of it */
    uint32_t generation; /* tells late signals of a deleted timer from those of its successor */
    int notify;          /* LINUX_SIGEV_* */
    int32_t signo, tid;  /* tid: for LINUX_SIGEV_THREAD_ID */
    uint64_t value;
    bool queued;                    /* its signal is pending */
    int32_t missed;                 /* expirations since that one was queued */
    int32_t last_overrun;           /* of the signal last delivered */
    struct linux_timespec interval; /* as the guest has set it */
    int32_t periods;                /* of it, in one of the host's */
    bool running;                   /* it has expired once: further expiries are whole periods */
};

struct timer_set {
    int32_t next; /* where the search for a free one begins: numbers come again late */
    struct timer timer[TIMER_MAX];
};

static struct sighand *lock_timers(struct process *proc)
{
    host_mutex_lock(&proc->sighand->lock);
    return proc->sighand;
}

/*
 * The shortest period of the host's. Linux starts a timer's next period when its signal is taken;
 * the host's signal is taken by our handler, so that of a timer with a period of 1 us nothing but
 * handlers would run. Several periods are then one, and the others overruns.
 */
#define SHORTEST_PERIOD_NS 100000

/* ---- interval timers: one a process, each with its own host signal ---- */

/* The host's values, but with the interval that the guest has set. */
static void own_interval(const struct process *proc, int which, struct linux_itimerval *value)
{
    const struct linux_timeval *interval = &proc->itimer_interval[which];
    if (value->it_interval.tv_sec || value->it_interval.tv_usec)
        value->it_interval = *interval;
}

int64_t sys_getitimer(struct task *task, const uint64_t args[6])
{
    struct linux_itimerval value;
    int err = host_getitimer((int)args[0], &value);
    if (!err)
        own_interval(task->proc, (int)args[0], &value);
    if (!err && copy_to_user(task, args[1], &value, sizeof(value)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_setitimer(struct task *task, const uint64_t args[6])
{
    struct linux_itimerval value = {{0, 0}, {0, 0}}, old;
    /* A NULL value disarms: an old misfeature that Linux keeps. */
    if (args[1] && copy_from_user(task, &value, args[1], sizeof(value)))
        return -LINUX_EFAULT;
    struct process *proc = task->proc;
    struct linux_timeval interval = value.it_interval;
    if (interval.tv_sec == 0 && interval.tv_usec > 0 &&
        interval.tv_usec < SHORTEST_PERIOD_NS / 1000)
        value.it_interval.tv_usec = SHORTEST_PERIOD_NS / 1000;
    int err = host_setitimer((int)args[0], &value, &old);
    if (!err) {
        own_interval(proc, (int)args[0], &old);
        proc->itimer_interval[(int)args[0]] = interval;
    }
    if (!err && args[2] && copy_to_user(task, args[2], &old, sizeof(old)))
        err = -LINUX_EFAULT;
    return err;
}

/* ---- POSIX timers ---- */

/* With the lock held. */
static struct timer *find(struct process *proc, int32_t id)
{
    if (!proc->timers || id < 0 || id >= TIMER_MAX || !proc->timers->timer[id].used)
        return NULL;
    return &proc->timers->timer[id];
}

/* good_sigevent() */
static int check_event(struct task *task, const struct linux_sigevent *event)
{
    switch (event->sigev_notify) {
    case LINUX_SIGEV_NONE: return 0;
    case LINUX_SIGEV_SIGNAL | LINUX_SIGEV_THREAD_ID: {
        struct sighand *sighand = lock_timers(task->proc);
        bool own = task_find(task->proc, event->sigev_tid);
        host_mutex_unlock(&sighand->lock);
        if (!own)
            return -LINUX_EINVAL;
        break;
    }
    case LINUX_SIGEV_SIGNAL:
    case LINUX_SIGEV_THREAD: break;
    default: return -LINUX_EINVAL;
    }
    return event->sigev_signo < 1 || event->sigev_signo > LINUX_NSIG ? -LINUX_EINVAL : 0;
}

static int32_t take_slot(struct process *proc, const struct linux_sigevent *event)
{
    struct sighand *sighand = lock_timers(proc);
    if (!proc->timers)
        proc->timers = calloc(1, sizeof(*proc->timers));
    int32_t id = proc->timers ? proc->timers->next : 0, looked = 0;
    for (; proc->timers && looked < TIMER_MAX && proc->timers->timer[id].used; looked++)
        id = (id + 1) % TIMER_MAX;
    if (!proc->timers || looked == TIMER_MAX ||
        sighand->queued >= proc->rlimit[LINUX_RLIMIT_SIGPENDING][0]) {
        host_mutex_unlock(&sighand->lock);
        return -LINUX_EAGAIN;
    }
    sighand->queued++; /* its signal has an entry from the start */
    proc->timers->next = (id + 1) % TIMER_MAX;
    struct timer *timer = &proc->timers->timer[id];
    *timer = (struct timer){
        .used = true,
        .host = -1,
        .generation = timer->generation + 1,
        .notify = event->sigev_notify,
        .signo = event->sigev_signo,
        .tid = event->sigev_tid,
        .value = event->sigev_value,
        .periods = 1,
    };
    host_mutex_unlock(&sighand->lock);
    return id;
}

static void drop_slot(struct process *proc, int32_t id)
{
    struct sighand *sighand = lock_timers(proc);
    struct timer *timer = find(proc, id);
    int host = timer ? timer->host : -1;
    if (timer) {
        timer->used = false;
        sighand->queued--;
    }
    host_mutex_unlock(&sighand->lock);
    if (host >= 0)
        host_timer_delete(host);
}

int64_t sys_timer_create(struct task *task, const uint64_t args[6])
{
    struct linux_sigevent event = {.sigev_notify = LINUX_SIGEV_SIGNAL,
                                   .sigev_signo = LINUX_SIGALRM};
    int err;
    if (args[1] && copy_from_user(task, &event, args[1], sizeof(event)))
        return -LINUX_EFAULT;
    int32_t clock = clock_to_host(task, (int32_t)args[0], &err);
    if (err)
        return err;
    struct process *proc = task->proc;
    int32_t id = take_slot(proc, &event);
    if (id < 0)
        return id;
    struct timer *timer = &proc->timers->timer[id];
    if (args[1])
        err = check_event(task, &event);
    else
        timer->value = (uint64_t)id; /* as timer_create(2): the timer's number */
    if (!err && put_user_u32(task, args[2], (uint32_t)id))
        err = -LINUX_EFAULT;
    if (!err && clock_is_alarm((int32_t)args[0]))
        err = -LINUX_EPERM;
    if (!err) {
        timer->host = host_timer_create(clock, (uint64_t)timer->generation << 32 | (uint32_t)id);
        err = timer->host < 0 ? timer->host : 0;
    }
    if (err)
        drop_slot(proc, id);
    return err;
}

/* Host number of a guest's timer, or -LINUX_EINVAL. */
static int host_of(struct process *proc, int32_t id)
{
    struct sighand *sighand = lock_timers(proc);
    const struct timer *timer = find(proc, id);
    int host = timer ? timer->host : -1;
    host_mutex_unlock(&sighand->lock);
    return host < 0 ? -LINUX_EINVAL : host;
}

/* Remember the interval, and give one to the host that is not too short. *old gets the former. */
static void set_interval(struct process *proc, int32_t id, struct linux_timespec *interval,
                         struct linux_timespec *old)
{
    struct sighand *sighand = lock_timers(proc);
    struct timer *timer = find(proc, id);
    if (timer) {
        *old = timer->interval;
        timer->interval = *interval;
        timer->periods = 1;
        timer->running = false;
        if (!interval->tv_sec && interval->tv_nsec > 0 && interval->tv_nsec < SHORTEST_PERIOD_NS) {
            timer->periods = (int32_t)(SHORTEST_PERIOD_NS / interval->tv_nsec);
            interval->tv_nsec *= timer->periods;
        }
    }
    host_mutex_unlock(&sighand->lock);
}

int64_t sys_timer_settime(struct task *task, const uint64_t args[6])
{
    struct linux_itimerspec value, old;
    struct linux_timespec former;
    if (!args[2])
        return -LINUX_EINVAL;
    if (copy_from_user(task, &value, args[2], sizeof(value)))
        return -LINUX_EFAULT;
    int host = host_of(task->proc, (int32_t)args[0]);
    if (host < 0)
        return host;
    if (!timespec_valid(&value.it_interval) || !timespec_valid(&value.it_value))
        return -LINUX_EINVAL;
    set_interval(task->proc, (int32_t)args[0], &value.it_interval, &former);
    int err = host_timer_settime(host, (int)args[1], &value, args[3] ? &old : NULL);
    if (!err && args[3])
        old.it_interval = former;
    if (!err && args[3] && copy_to_user(task, args[3], &old, sizeof(old)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_timer_gettime(struct task *task, const uint64_t args[6])
{
    struct linux_itimerspec value;
    int host = host_of(task->proc, (int32_t)args[0]);
    if (host < 0)
        return host;
    int err = host_timer_gettime(host, &value);
    struct sighand *sighand = lock_timers(task->proc);
    const struct timer *timer = find(task->proc, (int32_t)args[0]);
    if (timer)
        value.it_interval = timer->interval;
    host_mutex_unlock(&sighand->lock);
    if (!err && copy_to_user(task, args[1], &value, sizeof(value)))
        err = -LINUX_EFAULT;
    return err;
}

int64_t sys_timer_getoverrun(struct task *task, const uint64_t args[6])
{
    struct sighand *sighand = lock_timers(task->proc);
    const struct timer *timer = find(task->proc, (int32_t)args[0]);
    int64_t ret = timer ? timer->last_overrun : -LINUX_EINVAL;
    host_mutex_unlock(&sighand->lock);
    return ret;
}

int64_t sys_timer_delete(struct task *task, const uint64_t args[6])
{
    if (host_of(task->proc, (int32_t)args[0]) < 0)
        return -LINUX_EINVAL;
    drop_slot(task->proc, (int32_t)args[0]);
    return 0;
}

void timers_exec(struct process *proc)
{
    for (int32_t id = 0; proc->timers && id < TIMER_MAX; id++)
        drop_slot(proc, id);
}

void timers_forked(struct process *proc)
{
    for (int32_t id = 0; proc->timers && id < TIMER_MAX; id++)
        proc->sighand->queued -= proc->timers->timer[id].used;
    free(proc->timers);
    proc->timers = NULL;
}

/* ---- their signals; the lock is held ---- */

/* timer_overrun_to_int(): at most INT_MAX. */
static int32_t add_overruns(int32_t so_far, int64_t more)
{
    return more > INT32_MAX - so_far ? INT32_MAX : so_far + (int32_t)more;
}

bool timer_expired(struct process *proc, const struct host_signal_info *host,
                   struct linux_siginfo *info, int32_t *timer_out, struct task **target)
{
    uint64_t value = host->info.timer.value;
    int32_t id = (int32_t)(value & 0xffffffffu), overrun = host->info.timer.overrun;
    struct timer *timer = find(proc, id);
    if (!timer || timer->generation != value >> 32 || timer->notify == LINUX_SIGEV_NONE)
        return false;
    int64_t expired = (int64_t)(1 + overrun) * timer->periods;
    if (!timer->running)
        expired -= timer->periods - 1; /* the first time it is the value that has passed */
    timer->running = true;
    if (timer->queued) {
        timer->missed = add_overruns(timer->missed, expired);
        return false;
    }
    *info = (struct linux_siginfo){.si_signo = timer->signo, .si_code = LINUX_SI_TIMER};
    info->timer.timerid = id;
    info->timer.value = timer->value;
    *target = NULL;
    if (timer->notify & LINUX_SIGEV_THREAD_ID) {
        *target = task_find(proc, timer->tid);
        if (!*target)
            return false;
    }
    *timer_out = id + 1;
    timer->queued = true;
    timer->missed = add_overruns(0, expired - 1);
    return true;
}

void timer_dequeued(struct process *proc, int32_t number, struct linux_siginfo *info)
{
    struct timer *timer = find(proc, number - 1);
    if (!timer)
        return;
    timer->queued = false;
    timer->last_overrun = timer->missed;
    info->timer.overrun = timer->missed;
}

void timer_dropped(struct process *proc, int32_t number)
{
    struct timer *timer = find(proc, number - 1);
    if (timer)
        timer->queued = false;
}
