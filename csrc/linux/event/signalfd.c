/*
 * signalfd.c - fs/signalfd.c. The descriptor is an eventfd of the host, whose counter is 1 while a
 * signal of the set is pending, so that poll and epoll work; reading it is ours (fd_special of
 * fs/fd_meta.h).
 *
 * Locking: the list of signalfds and their state are guarded by sighand->lock.
 */
#include <stdlib.h>

#include "host/io.h"
#include "host/poll.h"
#include "host/signal.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"

struct signalfd {
    struct signalfd *next;
    struct sighand *sighand;
    uint64_t set;
    int fd;     /* our own duplicate, to tell readiness through */
    bool ready; /* the counter is 1 */
};

static void tell(struct signalfd *s, bool ready)
{
    uint64_t one = 1;
    if (ready == s->ready)
        return;
    /* Neither waits: the counter is 0 before the write and 1 before the read. */
    if (ready ? host_write(s->fd, &one, sizeof(one)) > 0 : host_read(s->fd, &one, sizeof(one)) > 0)
        s->ready = ready;
}

void signalfd_notify_all(struct process *proc)
{
    uint64_t pending = proc->sighand->shared.set;
    for (const struct task *t = proc->tasks->first; t; t = t->next)
        pending |= t->sig->pending.set;
    for (struct signalfd *s = proc->sighand->signalfds; s; s = s->next)
        tell(s, pending & s->set);
}

/* siginfo_layout(): of a descriptor, by SIGIO or what F_SETSIG has put in its place. */
static bool tells_poll(const struct linux_siginfo *info)
{
    const uint64_t faults = LINUX_SIG_BIT(LINUX_SIGSEGV) | LINUX_SIG_BIT(LINUX_SIGBUS) |
                            LINUX_SIG_BIT(LINUX_SIGILL) | LINUX_SIG_BIT(LINUX_SIGFPE) |
                            LINUX_SIG_BIT(LINUX_SIGTRAP) | LINUX_SIG_BIT(LINUX_SIGSYS);
    return info->si_code > 0 && info->si_code <= LINUX_NSIGPOLL &&
           !(faults & LINUX_SIG_BIT(info->si_signo));
}

static struct linux_signalfd_siginfo describe(const struct linux_siginfo *info)
{
    struct linux_signalfd_siginfo out = {
        .ssi_signo = (uint32_t)info->si_signo,
        .ssi_errno = info->si_errno,
        .ssi_code = info->si_code,
    };
    if (info->si_signo == LINUX_SIGCHLD && info->si_code > 0) {
        out.ssi_pid = (uint32_t)info->child.pid;
        out.ssi_uid = info->child.uid;
        out.ssi_status = info->child.status;
        out.ssi_utime = (uint64_t)info->child.utime;
        out.ssi_stime = (uint64_t)info->child.stime;
    } else if (info->si_code == LINUX_SI_TIMER) {
        out.ssi_tid = (uint32_t)info->timer.timerid;
        out.ssi_overrun = (uint32_t)info->timer.overrun;
        out.ssi_ptr = info->timer.value;
        out.ssi_int = (int32_t)info->timer.value;
    } else if (tells_poll(info)) {
        out.ssi_band = (uint32_t)info->poll.band;
        out.ssi_fd = info->poll.fd;
    } else if (info->si_code > 0 && info->si_code != LINUX_SI_KERNEL) {
        out.ssi_addr = info->fault.addr;
    } else {
        out.ssi_pid = (uint32_t)info->rt.pid;
        out.ssi_uid = info->rt.uid;
        out.ssi_ptr = info->rt.value;
        out.ssi_int = (int32_t)info->rt.value;
    }
    return out;
}

/* Until something is pending that the reader may take. What is another thread's own makes the
 * descriptor ready too, so that is waited for in small steps. */
static int wait_ready(int fd)
{
    struct linux_pollfd p = {.fd = fd, .events = LINUX_POLLIN};
    struct linux_timespec zero = {0, 0}, step = {0, 10000000};
    if (host_poll(&p, 1, &zero) == 1) {
        struct linux_timespec deadline = timespec_deadline(&step);
        return host_wait_interruptible(&deadline);
    }
    return host_poll(&p, 1, NULL);
}

static int64_t signalfd_read(struct task *task, void *data, int fd, gva_t buf, uint64_t count)
{
    const struct signalfd *s = data;
    struct linux_siginfo info;
    struct linux_signalfd_siginfo out;
    if (count < sizeof(out))
        return -LINUX_EINVAL;
    int sig;
    while (!(sig = signal_dequeue(task, s->set, &info))) {
        if (host_getfl(fd) & LINUX_O_NONBLOCK)
            return -LINUX_EAGAIN;
        int err = wait_ready(fd);
        if (err < 0)
            return err;
    }
    int64_t done = 0;
    do {
        out = describe(&info);
        if (copy_to_user(task, buf + (uint64_t)done, &out, sizeof(out)))
            return done ? done : -LINUX_EFAULT;
        done += (int64_t)sizeof(out);
    } while (count - (uint64_t)done >= sizeof(out) && signal_dequeue(task, s->set, &info));
    return done;
}

static const struct fd_special signalfd_special;

static void signalfd_release(void *data)
{
    struct signalfd *s = data;
    host_mutex_lock(&s->sighand->lock);
    struct signalfd **link = &s->sighand->signalfds;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    host_mutex_unlock(&s->sighand->lock);
    host_fd_close(s->fd);
    free(s);
}

/* The child's descriptors get an eventfd of their own in the place of the parent's. */
void signalfd_forked(struct process *proc)
{
    for (struct signalfd *s = proc->sighand->signalfds; s; s = s->next) {
        int fresh = host_fd_private(host_eventfd(0, LINUX_O_CLOEXEC));
        if (fresh >= 0) {
            host_dup3(fresh, s->fd, LINUX_O_CLOEXEC);
            host_fd_close(fresh);
        }
        s->ready = false;
    }
    for (int fd = -1; proc->sighand->signalfds && (fd = fd_table_next(proc->fds, fd)) >= 0;) {
        struct fd_meta *meta = fd_meta_any(proc->fds, fd) ? fd_meta_get(proc->fds, fd) : NULL;
        if (meta && meta->special == &signalfd_special) {
            struct signalfd *s = meta->data;
            bool nonblock = host_getfl(fd) & LINUX_O_NONBLOCK;
            bool cloexec = host_fcntl(fd, LINUX_F_GETFD, 0) > 0;
            host_dup3(s->fd, fd, cloexec ? LINUX_O_CLOEXEC : 0);
            if (nonblock)
                host_setfl(fd, LINUX_O_NONBLOCK);
        }
        fd_meta_put(meta);
    }
}

static const struct fd_special signalfd_special = {.read = signalfd_read,
                                                   .release = signalfd_release};

static int64_t create(struct task *task, uint64_t set, int flags)
{
    struct process *proc = task->proc;
    struct fd_meta *meta = fd_meta_new();
    struct signalfd *s = calloc(1, sizeof(*s));
    int64_t fd = meta && s ? fd_return(task, host_eventfd(0, flags)) : -LINUX_ENOMEM;
    int own = fd < 0 ? (int)fd : host_dupfd((int)fd, host_fd_boundary(), true);
    if (own < 0) {
        if (fd >= 0)
            fd_discard(task, (int)fd);
        fd_meta_put(meta);
        free(s);
        return own;
    }
    *s = (struct signalfd){.sighand = proc->sighand, .set = set, .fd = own};
    host_mutex_lock(&proc->sighand->lock);
    s->next = proc->sighand->signalfds;
    proc->sighand->signalfds = s;
    signalfd_notify_all(proc);
    host_mutex_unlock(&proc->sighand->lock);
    meta->special = &signalfd_special;
    meta->data = s;
    fd_meta_set(proc->fds, (int)fd, meta);
    return fd;
}

static int64_t change(struct task *task, int fd, uint64_t set)
{
    struct process *proc = task->proc;
    if (!fd_is_guest((uint64_t)fd) || fd_error(fd, 0))
        return -LINUX_EBADF;
    struct fd_meta *meta = fd_meta_get(proc->fds, fd);
    int64_t ret = -LINUX_EINVAL;
    if (meta && meta->special == &signalfd_special) {
        host_mutex_lock(&proc->sighand->lock);
        ((struct signalfd *)meta->data)->set = set;
        signalfd_notify_all(proc);
        host_mutex_unlock(&proc->sighand->lock);
        ret = fd;
    }
    fd_meta_put(meta);
    return ret;
}

int64_t sys_signalfd4(struct task *task, const uint64_t args[6])
{
    uint64_t set;
    int fd = (int)args[0], flags = (int)args[3];
    if (args[2] != sizeof(set))
        return -LINUX_EINVAL;
    if (get_user_u64(task, &set, args[1]))
        return -LINUX_EFAULT;
    if (flags & ~(LINUX_O_CLOEXEC | LINUX_O_NONBLOCK))
        return -LINUX_EINVAL;
    set &= ~(LINUX_SIG_BIT(LINUX_SIGKILL) | LINUX_SIG_BIT(LINUX_SIGSTOP));
    return fd == -1 ? create(task, set, flags) : change(task, fd, set);
}
