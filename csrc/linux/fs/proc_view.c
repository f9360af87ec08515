/* proc_view.c - see proc_view.h. */
#include "linux/fs/proc_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/peer.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/procfs.h"
#include "linux/process/cred.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"

/* Two readings of what another process is changing that do not agree are followed by a third. */
#define TRIES         8
#define VMAS_MAX      (1u << 20)
#define HOST_PATH_MAX 96

/* With the leader gone its host process has no memory any more, but the other threads have. */
static int peer_read(const struct proc_view *v, const void *at, void *buf, size_t len)
{
    struct pid_table *t = v->task->proc->pids;
    int r = host_peer_read(v->host, at, buf, len);
    int32_t thread = pid_entry(t, v->pid)->next_thread;

    for (int limit = 0; r == -LINUX_ESRCH && thread && limit < PID_MAX; limit++) {
        const struct pid_entry *e = pid_entry(t, thread);
        if (e == NULL || e->tgid != v->pid)
            break;
        if (e->host)
            r = host_peer_read(e->host, at, buf, len);
        thread = e->next_thread;
    }
    return r;
}

bool proc_view_read(const struct proc_view *v, const void *at, void *buf, size_t len)
{
    if (at == NULL)
        return false;
    if (v->own) {
        memcpy(buf, at, len);
        return true;
    }
    return v->readable && peer_read(v, at, buf, len) == 0;
}

/* What the table says, for those whose memory cannot be read. */
static void from_table(struct proc_view *v)
{
    const struct pid_entry *e = pid_entry(v->task->proc->pids, v->pid);
    struct process *p = &v->copy;

    memset(p, 0, sizeof *p);
    p->pid = v->pid;
    p->cred.uid = e->uid;
    p->cred.euid = p->cred.fsuid = e->euid;
    p->cred.suid = e->suid;
    p->cred.gid = p->cred.egid = p->cred.sgid = p->cred.fsgid = e->gid;
    p->dumpable = 1;
    memcpy(p->comm, e->comm, sizeof p->comm);
}

int proc_view_get(struct proc_view *v, struct task *task, int32_t pid)
{
    struct process *own = task->proc;

    memset(v, 0, offsetof(struct proc_view, copy));
    v->vmas = NULL;
    v->task = task;
    v->pid = pid;
    if (pid == own->pid) {
        v->own = v->readable = true;
        v->host = pid_to_host(own, pid);
        v->proc = own;
        return 0;
    }
    if (!pid_exists(own, pid))
        return -LINUX_ESRCH;
    v->host = pid_to_host(own, pid);
    if (v->host == 0)
        return -LINUX_ESRCH; /* it is just being made */
    v->zombie = pid_alive(own, pid) == 0;
    /* It is the same process as long as it holds its number. */
    v->readable = !v->zombie && peer_read(v, own, &v->copy, sizeof v->copy) == 0 &&
                  pid_alive(own, pid) == v->host && v->copy.pid == pid;
    if (!v->readable)
        from_table(v);
    v->proc = &v->copy;
    return 0;
}

void proc_view_put(struct proc_view *v)
{
    free(v->vmas);
}

/* One attempt: 1 when what was read agrees with itself. */
static int read_areas(struct proc_view *v, const struct mm *at)
{
    struct mm again;

    if (!proc_view_read(v, at, &v->mm, sizeof v->mm) || v->mm.count > VMAS_MAX)
        return -1;
    struct vma *vmas = realloc(v->vmas, (v->mm.count + 1) * sizeof *vmas);
    if (vmas == NULL)
        return -1;
    v->vmas = vmas;
    if (v->mm.count && !proc_view_read(v, v->mm.vmas, vmas, v->mm.count * sizeof *vmas))
        return 0; /* the table has moved */
    if (!proc_view_read(v, at, &again, sizeof again))
        return -1;
    return again.vmas == v->mm.vmas && again.count == v->mm.count && again.total == v->mm.total &&
           again.last_id == v->mm.last_id;
}

struct mm *proc_view_mm(struct proc_view *v)
{
    if (v->own)
        return v->proc->mm;
    if (v->vmas)
        return &v->mm;
    if (!v->readable)
        return NULL;
    int r = 0;
    for (int i = 0; r == 0 && i < TRIES; i++)
        r = read_areas(v, v->proc->mm);
    if (r <= 0) {
        free(v->vmas);
        v->vmas = NULL;
        return NULL;
    }
    v->mm.vmas = v->vmas;
    v->mm.capacity = v->mm.count;
    v->mm.lock = (struct host_mutex){0};
    return &v->mm;
}

struct sighand *proc_view_sighand(struct proc_view *v)
{
    if (v->own)
        return v->proc->sighand;
    if (!proc_view_read(v, v->proc->sighand, &v->sighand, sizeof v->sighand))
        return NULL;
    v->sighand.lock = (struct host_mutex){0};
    return &v->sighand;
}

bool proc_view_fs(struct proc_view *v, struct fs_context *fs)
{
    return proc_view_read(v, v->proc->fs, fs, sizeof *fs);
}

bool proc_view_task(struct proc_view *v, int32_t tid, struct task *task, struct sigstate *sig)
{
    struct sighand *own = v->own ? v->proc->sighand : NULL;
    struct task_list list;
    bool found = false;

    if (own)
        host_mutex_lock(&own->lock);
    if (proc_view_read(v, v->proc->tasks, &list, sizeof list)) {
        const struct task *at = list.first;
        for (int i = 0; !found && at && i < PID_MAX; i++) {
            if (!proc_view_read(v, at, task, sizeof *task))
                break;
            found = task->tid == tid && proc_view_read(v, task->sig, sig, sizeof *sig);
            at = task->next;
        }
    }
    if (own)
        host_mutex_unlock(&own->lock);
    return found;
}

void proc_view_append(const struct proc_view *v, struct synth_text *t, const void *at, size_t len)
{
    char buf[4096];
    const char *from = at;

    for (size_t n; len; from += n, len -= n) {
        n = len < sizeof buf ? len : sizeof buf;
        if (!proc_view_read(v, from, buf, n))
            return;
        synth_append(t, buf, n);
    }
}

bool proc_view_append_guest(struct proc_view *v, struct synth_text *t, gva_t start, gva_t end)
{
    struct mm *mm = v->zombie ? NULL : proc_view_mm(v);
    char buf[LINUX_PAGE_SIZE];
    size_t before = t->len;

    if (mm == NULL || end > mm->size)
        return false;
    for (uint64_t n; start < end; start += n) {
        n = LINUX_PAGE_SIZE - (start & (LINUX_PAGE_SIZE - 1));
        if (n > end - start)
            n = end - start;
        /* By way of the host for the own process, too: other threads may unmap it meanwhile. */
        if (peer_read(v, mm->base + start, buf, n) < 0)
            break;
        synth_append(t, buf, n);
    }
    return t->len > before;
}

bool proc_view_string(const struct proc_view *v, const char *at, char *buf, size_t size)
{
    size_t len = 0;

    /* The rest of the page that it begins in, then page after page: what follows may be no memory.
     */
    while (len < size) {
        size_t n = 4096 - ((uintptr_t)(at + len) & 4095);
        if (n > size - len)
            n = size - len;
        if (v->own) {
            n = strnlen(at + len, n) + 1;
            n = n > size - len ? size - len : n;
        }
        if (!proc_view_read(v, at + len, buf + len, n))
            return false;
        if (memchr(buf + len, '\0', n))
            return true;
        len += n;
    }
    return false;
}

bool proc_view_synth_path(const struct proc_view *v, int fd, char *path)
{
    struct fd_meta meta;
    const struct fd_meta *at = fd_table_peer_meta(v, fd);

    return at && proc_view_read(v, at, &meta, sizeof meta) && meta.path &&
           proc_view_string(v, meta.path, path, LINUX_PATH_MAX) && path[0] == '/';
}

int proc_view_object(const struct proc_view *v, int fd, char *path, char *host)
{
    char name[HOST_PATH_MAX], buf[LINUX_PATH_MAX];
    const char *rel;
    int layer;

    if (host == NULL)
        host = buf;
    host[0] = '\0';
    snprintf(name, sizeof name, "/proc/%d/fd/%d", v->host, fd);
    if (host_readlink_path(name, host, LINUX_PATH_MAX) < 0)
        return -LINUX_ENOENT;
    struct fs_context *fs = v->task->proc->fs;
    bool detached = false;
    if (fs->detached) {
        int object = host_open_path(name, LINUX_O_PATH | LINUX_O_CLOEXEC, 0);
        detached = object >= 0 && mount_is_detached(fs, object);
        if (object >= 0)
            host_fd_close(object);
    }
    struct fs_mount *m = mount_of_host(fs, NULL, detached, host, &layer, &rel);
    return m ? mount_path(m, rel, path) : -LINUX_ENOENT;
}

int proc_view_place(struct proc_view *v, bool root, char *path)
{
    struct fs_context fs;

    if (v->own && (root ? fs_root_path(v->proc->fs, path)
                        : fs_dir_path(v->proc->fs, v->task, LINUX_AT_FDCWD, path)) == 0)
        return 0;
    if (v->zombie || !proc_view_fs(v, &fs))
        return -LINUX_ENOENT;
    const struct fs_place *place = root ? &fs.root : &fs.cwd;
    if (root && place->fd < 0) {
        strcpy(path, "/");
        return 0;
    }
    if (place->synth && !v->own)
        return proc_view_string(v, place->synth, path, LINUX_PATH_MAX) ? 0 : -LINUX_ENOENT;
    return proc_view_object(v, place->fd, path, NULL);
}

int32_t proc_view_thread(const struct proc_view *v, int32_t tid)
{
    const struct pid_entry *e = pid_entry(v->task->proc->pids, tid);

    if (tid == v->pid)
        return v->host;
    return e && e->kind == PID_THREAD && e->tgid == v->pid ? e->host : 0;
}

void proc_view_host_file(const struct proc_view *v, int32_t tid, const char *name,
                         struct synth_text *t)
{
    char path[HOST_PATH_MAX];
    int32_t thread = tid ? proc_view_thread(v, tid) : 0;

    if (tid && !thread)
        return;
    if (thread)
        snprintf(path, sizeof path, "/proc/%d/task/%d/%s", v->host, thread, name);
    else
        snprintf(path, sizeof path, "/proc/%d/%s", v->host, name);
    proc_host_file(t, path);
}

bool proc_view_allowed(const struct proc_view *v)
{
    const struct cred *its = &v->proc->cred, *mine = &v->task->proc->cred;

    if (v->own || cred_capable(v->task->proc, LINUX_CAP_SYS_PTRACE))
        return true;
    if (mine->fsuid != its->uid || mine->fsuid != its->euid || mine->fsuid != its->suid ||
        mine->fsgid != its->gid || mine->fsgid != its->egid || mine->fsgid != its->sgid)
        return false;
    if (v->proc->dumpable != 1 && !v->zombie)
        return false;
    return (its->cap_permitted & ~mine->cap_effective) == 0; /* cap_ptrace_access_check() */
}
