/*
 * ioctl.c - the requests that the guest may make of a descriptor.
 *
 * Terminal requests and their structs are asm-generic on arm64 and on x86, so they go to the host
 * as they are, through a copy of known size: an unknown request could mean anything to a driver of
 * the host and is ENOTTY.
 */
#include <string.h>

#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "syscalls_gen.h"

enum direction { NONE, IN, OUT, INOUT, VALUE, PID_OUT, PID_IN };

struct request {
    uint32_t nr;
    uint8_t direction;
    uint8_t size;
};

/* asm-generic/ioctls.h, linux/fs.h. Sizes: struct termios 36, termios2 44, termio 18, winsize 8. */
static const struct request requests[] = {
    {0x5401, OUT, 36},     /* TCGETS */
    {0x5402, IN, 36},      /* TCSETS */
    {0x5403, IN, 36},      /* TCSETSW */
    {0x5404, IN, 36},      /* TCSETSF */
    {0x5405, OUT, 18},     /* TCGETA */
    {0x5406, IN, 18},      /* TCSETA */
    {0x5407, IN, 18},      /* TCSETAW */
    {0x5408, IN, 18},      /* TCSETAF */
    {0x5409, VALUE, 0},    /* TCSBRK */
    {0x540a, VALUE, 0},    /* TCXONC */
    {0x540b, VALUE, 0},    /* TCFLSH */
    {0x540c, NONE, 0},     /* TIOCEXCL */
    {0x540d, NONE, 0},     /* TIOCNXCL */
    {0x540f, PID_OUT, 4},  /* TIOCGPGRP */
    {0x5410, PID_IN, 4},   /* TIOCSPGRP */
    {0x5411, OUT, 4},      /* TIOCOUTQ */
    {0x5413, OUT, 8},      /* TIOCGWINSZ */
    {0x5414, IN, 8},       /* TIOCSWINSZ */
    {0x5415, OUT, 4},      /* TIOCMGET */
    {0x541b, OUT, 4},      /* FIONREAD */
    {0x5420, IN, 4},       /* TIOCPKT */
    {0x5421, IN, 4},       /* FIONBIO */
    {0x5422, NONE, 0},     /* TIOCNOTTY */
    {0x5424, OUT, 4},      /* TIOCGETD */
    {0x5425, VALUE, 0},    /* TCSBRKP */
    {0x5427, NONE, 0},     /* TIOCSBRK */
    {0x5428, NONE, 0},     /* TIOCCBRK */
    {0x5429, PID_OUT, 4},  /* TIOCGSID */
    {0x802c542a, OUT, 44}, /* TCGETS2 */
    {0x402c542b, IN, 44},  /* TCSETS2 */
    {0x402c542c, IN, 44},  /* TCSETSW2 */
    {0x402c542d, IN, 44},  /* TCSETSF2 */
    {0x80045430, OUT, 4},  /* TIOCGPTN */
    {0x40045431, IN, 4},   /* TIOCSPTLCK */
    {0x80045432, OUT, 4},  /* TIOCGDEV */
    {0x80045438, OUT, 4},  /* TIOCGPKT */
    {0x80045439, OUT, 4},  /* TIOCGPTLCK */
    {0x80045440, OUT, 4},  /* TIOCGEXCL */
    {0x5450, NONE, 0},     /* FIONCLEX */
    {0x5451, NONE, 0},     /* FIOCLEX */
    {0x5452, IN, 4},       /* FIOASYNC */
    {0x5460, OUT, 8},      /* FIOQSIZE */
    {0x2, OUT, 4},         /* FIGETBSZ */
    {0x80086601, OUT, 8},  /* FS_IOC_GETFLAGS */
    {0x80045200, OUT, 4},  /* RNDGETENTCNT */
};

static const struct request *find(uint32_t nr)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].nr == nr)
            return &requests[i];
    return NULL;
}

#define TIOCSCTTY   0x540eu
#define TIOCGSID    0x5429u
#define TIOCGPTPEER 0x5441u
#define FICLONE     0x40049409u
#define FIGETBSZ    0x2u
#define FIONBIO     0x5421u
#define FIONCLEX    0x5450u
#define FIOCLEX     0x5451u
#define FIOASYNC    0x5452u

/* A terminal's foreground group and session are the host's, whose numbers are not the guest's. One
 * that is not of the run is 0, as to a container. */
static int64_t group_request(struct task *task, int fd, const struct request *req, gva_t arg)
{
    struct process *proc = task->proc;
    int32_t pid = 0;
    if (req->direction == PID_IN) {
        if (get_user_u32(task, (uint32_t *)&pid, arg) < 0)
            return -LINUX_EFAULT;
        if (pid < 0)
            return -LINUX_EINVAL;
        int32_t host = pid_group_to_host(proc, pid);
        /* Judged by the host: a terminal, ours, the group in our session, we in the foreground. A
         * group that is not there comes last. */
        if (!host)
            host = INT32_MAX;
        return host_ioctl(fd, req->nr, (uint64_t)(uintptr_t)&host);
    }
    int64_t r = host_ioctl(fd, req->nr, (uint64_t)(uintptr_t)&pid);
    if (r < 0)
        return r;
    pid = req->nr == TIOCGSID ? pid_session_from_host(proc, pid) : pid_group_from_host(proc, pid);
    return put_user_u32(task, arg, (uint32_t)pid) < 0 ? -LINUX_EFAULT : 0;
}

/* do_vfs_ioctl(): what is asked of the open file, whatever it is. */
static bool any_file(uint32_t nr)
{
    switch (nr) {
    case FIGETBSZ:
    case FIONBIO:
    case FIONCLEX:
    case FIOCLEX:
    case FIOASYNC: return true;
    default: return false;
    }
}

/* Descriptors that the guest sees as files of procfs or as directories are no terminals. */
static bool synthetic(struct task *task, int fd)
{
    struct fd_meta *meta = fd_meta_get(task->proc->fds, fd);
    bool is = meta && meta->path;

    fd_meta_put(meta);
    return is;
}

int64_t sys_ioctl(struct task *task, const uint64_t a[6])
{
    int fd = fd_arg(a[0]), fl;
    uint32_t nr = (uint32_t)a[1];
    unsigned char buf[64];
    int64_t r;

    if (fd < 0)
        return fd;
    fl = host_getfl(fd);
    if (fl < 0 || (fl & LINUX_O_PATH))
        return -LINUX_EBADF;
    if (nr == TIOCSCTTY)
        return host_ioctl(fd, nr,
                          0); /* never with the force flag: it takes a terminal from others */
    if (nr == TIOCGPTPEER)
        return fd_return(task, host_ioctl(fd, nr, (uint64_t)host_open_flags((int)a[2])));
    if (nr == FICLONE)
        return fd_is_guest(a[2]) ? host_ioctl(fd, nr, a[2]) : -LINUX_EBADF;
    if (sock_ioctl_has(nr))
        return sock_ioctl(task, fd, nr, a[2]);
    const struct request *req = find(nr);
    if (req == NULL || (!any_file(req->nr) && synthetic(task, fd)))
        return -LINUX_ENOTTY;
    switch (req->direction) {
    case NONE: return host_ioctl(fd, nr, 0);
    case VALUE: return host_ioctl(fd, nr, (uint32_t)a[2]);
    case PID_OUT:
    case PID_IN: return group_request(task, fd, req, a[2]);
    default: break;
    }
    memset(buf, 0, sizeof buf);
    if (req->direction != OUT && copy_from_user(task, buf, a[2], req->size) < 0)
        return host_ioctl(fd, nr, 0); /* ENOTTY comes before EFAULT */
    r = host_ioctl(fd, nr, (uint64_t)(uintptr_t)buf);
    if (r >= 0 && req->direction != IN && copy_to_user(task, a[2], buf, req->size) < 0)
        return -LINUX_EFAULT;
    return r;
}
