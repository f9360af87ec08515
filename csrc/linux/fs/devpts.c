/* devpts.c - see devpts.h. */
#include "linux/fs/devpts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/procfs.h"
#include "linux/process/pid.h"

#define TIOCGPTN 0x80045430u
/* gid=5,mode=620: what every distribution mounts devpts with, and what grantpt() expects. */
#define TTY_GROUP 5
#define TTY_MODE  0620u
#define KNOWN     0x80000000u /* in mode: the run has made or changed it */

/* ---- which there are ---- */

/* The number of the terminal that a descriptor is open on, by its link in the host's /proc. */
static int number_of(const struct proc_view *v, int fd)
{
    char path[64], link[64];
    struct synth_text info = {0};
    int number = -1;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", v->host, fd);
    if (host_readlink_path(path, link, sizeof link) < 0)
        return -1;
    if (strncmp(link, "/dev/pts/", 9) == 0 && link[9] >= '0' && link[9] <= '9')
        return atoi(link + 9);
    if (strcmp(link, "/dev/ptmx") != 0 && strcmp(link, "/dev/pts/ptmx") != 0)
        return -1;
    snprintf(path, sizeof path, "fdinfo/%d", fd);
    proc_view_host_file(v, 0, path, &info);
    synth_append(&info, "", 1);
    const char *s = info.data ? strstr(info.data, "tty-index:") : NULL;
    if (s)
        number = atoi(s + strlen("tty-index:"));
    free(info.data);
    return number;
}

/* As the host encodes it in stat: minor's low byte, major, the rest of minor. */
static int controlling(const struct proc_view *v)
{
    long long h[PROC_STAT_FIELDS];

    if (!proc_host_stat(v, 0, h))
        return -1;
    unsigned tty = (unsigned)h[7];
    return (tty >> 8 & 0xfff) == DEVPTS_MAJOR ? (int)((tty & 0xff) | (tty >> 12 & 0xfff00)) : -1;
}

static int for_process(const struct proc_view *v, int (*fn)(void *arg, int number), void *arg)
{
    struct dir_list *list = dir_list_new();
    int number = controlling(v), r = 0;

    if (number >= 0)
        r = fn(arg, number);
    if (list && r == 0 && proc_fd_list(v, "", false, list) == 0)
        for (size_t i = 0; r == 0 && i < dir_list_size(list); i++) {
            number = number_of(v, atoi(dir_list_name(list, i)));
            if (number >= 0)
                r = fn(arg, number);
        }
    dir_list_free(list);
    return r;
}

int devpts_for_each(struct task *task, int (*fn)(void *arg, int number), void *arg)
{
    struct process *own = task ? task->proc : NULL;
    struct proc_view v;
    int r = 0;

    if (own == NULL)
        return 0;
    /* Most look for their own. */
    if (proc_view_get(&v, task, own->pid) == 0) {
        r = for_process(&v, fn, arg);
        proc_view_put(&v);
    }
    for (int32_t n = 0; r == 0 && (n = pid_next(own, n)) != 0;) {
        if (n == own->pid || proc_view_get(&v, task, n) < 0)
            continue;
        r = for_process(&v, fn, arg);
        proc_view_put(&v);
    }
    return r;
}

/* ---- whose they are ---- */

static struct fs_pts *entry(struct fs_context *fs, const struct linux_statx *st)
{
    if (!LINUX_S_ISCHR(st->stx_mode) || st->stx_rdev_major != DEVPTS_MAJOR ||
        st->stx_rdev_minor >= FS_PTS_MAX)
        return NULL;
    return &fs->shared->pts[st->stx_rdev_minor];
}

void devpts_opened(struct task *task, int fd)
{
    uint32_t number;

    if (host_ioctl(fd, TIOCGPTN, (uint64_t)(uintptr_t)&number) < 0 || number >= FS_PTS_MAX)
        return;
    struct fs_pts *p = &task->proc->fs->shared->pts[number];
    p->uid = task->proc->cred.fsuid;
    p->gid = TTY_GROUP;
    p->mode = TTY_MODE | KNOWN;
}

void devpts_apply(struct linux_statx *st)
{
    struct process *proc = current ? current->proc : NULL;
    const struct fs_pts *p = proc ? entry(proc->fs, st) : NULL;

    if (p == NULL)
        return;
    if (p->mode & KNOWN) {
        st->stx_uid = p->uid;
        st->stx_gid = p->gid;
        st->stx_mode = (uint16_t)(LINUX_S_IFCHR | (p->mode & LINUX_S_IALLUGO));
    } else
        /* What the run was started on is its user's, as container runtimes see to. */
        st->stx_uid = pid_entry(proc->pids, 1)->uid;
}

bool devpts_change(struct fs_context *fs, const struct linux_statx *st, uint32_t uid, uint32_t gid,
                   uint32_t mode)
{
    struct fs_pts *p = entry(fs, st);

    if (p == NULL)
        return false;
    p->uid = uid != UINT32_MAX ? uid : st->stx_uid;
    p->gid = gid != UINT32_MAX ? gid : st->stx_gid;
    p->mode = ((mode != UINT32_MAX ? mode : st->stx_mode) & LINUX_S_IALLUGO) | KNOWN;
    return true;
}
