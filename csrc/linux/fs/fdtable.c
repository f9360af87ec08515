/* fdtable.c - metadata of descriptors. */
#include "linux/fs/fdtable.h"

#include <stdlib.h>
#include <string.h>

#include "host/mem.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/fd_meta.h"
#include "linux/fs/proc_view.h"

struct fd_table {
    struct host_mutex lock;
    uint64_t limit;
    int size;
    struct fd_meta *_Atomic *meta;
    /* Which numbers are the guest's, a bit each: others belong to a call that is under way, or are
     * ours. */
    _Atomic uint64_t *given;
    atomic_bool record_locks;
};

static void mark(struct fd_table *t, int fd)
{
    if ((unsigned)fd < (unsigned)t->size)
        atomic_fetch_or_explicit(&t->given[fd / 64], UINT64_C(1) << fd % 64, memory_order_relaxed);
}

void fd_table_forget(struct fd_table *t, int fd)
{
    if ((unsigned)fd < (unsigned)t->size)
        atomic_fetch_and_explicit(&t->given[fd / 64], ~(UINT64_C(1) << fd % 64),
                                  memory_order_relaxed);
}

static bool is_given(const struct fd_table *t, uint32_t fd)
{
    return fd < (uint32_t)t->size &&
           atomic_load_explicit(&t->given[fd / 64], memory_order_relaxed) >> fd % 64 & 1;
}

bool fd_is_given(uint32_t fd)
{
    return current && is_given(current->proc->fds, fd);
}

bool fd_table_peer_given(const struct proc_view *v, int fd)
{
    struct fd_table t;
    uint64_t bits;

    if (v->own)
        return fd >= 0 && is_given(v->proc->fds, (uint32_t)fd);
    return v->readable && proc_view_read(v, v->proc->fds, &t, sizeof t) && fd >= 0 && fd < t.size &&
           proc_view_read(v, t.given + fd / 64, &bits, sizeof bits) && bits >> fd % 64 & 1;
}

int fd_table_next(struct fd_table *t, int fd)
{
    for (fd++; fd < t->size; fd = (fd / 64 + 1) * 64) {
        uint64_t bits = atomic_load_explicit(&t->given[fd / 64], memory_order_relaxed) >> fd % 64;
        if (bits)
            return fd + __builtin_ctzll(bits);
    }
    return -1;
}

struct fd_table *fd_table_create(void)
{
    struct fd_table *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->size = host_fd_most();
    t->limit = (uint64_t)t->size;
    t->meta = host_mem_zeroed((size_t)t->size * sizeof *t->meta);
    t->given = calloc((size_t)t->size / 64 + 1, sizeof *t->given);
    if (t->meta == NULL || t->given == NULL) {
        host_mem_zeroed_free(t->meta, (size_t)t->size * sizeof *t->meta);
        free(t->given);
        free(t);
        return NULL;
    }
    for (int fd = 0; fd < 3; fd++) /* all that a guest is started with */
        mark(t, fd);
    return t;
}

void fd_table_destroy(struct fd_table *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < t->size; i++)
        fd_meta_put(t->meta[i]);
    host_mem_zeroed_free(t->meta, (size_t)t->size * sizeof *t->meta);
    free(t->given);
    free(t);
}

struct fd_meta *fd_meta_new(void)
{
    struct fd_meta *m = calloc(1, sizeof *m);

    if (m)
        m->refs = 1;
    return m;
}

void fd_meta_put(struct fd_meta *m)
{
    if (m == NULL || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    if (m->special)
        m->special->release(m->data);
    dir_list_free(m->list);
    free(m->path);
    free(m->known);
    free(m);
}

/* In a forked child: whoever held the lock is not here, and has left the listing unfinished. */
static void fd_meta_forked(struct fd_meta *m)
{
    m->lock = (struct host_mutex){0};
    if (m->listing)
        m->list = NULL;
    m->known_lock = (struct host_mutex){0};
    m->known = NULL; /* half written, perhaps */
    m->listing = false;
}

bool fd_meta_any(struct fd_table *t, int fd)
{
    return (unsigned)fd < (unsigned)t->size &&
           atomic_load_explicit(&t->meta[fd], memory_order_relaxed) != NULL;
}

struct fd_meta *fd_meta_get(struct fd_table *t, int fd)
{
    struct fd_meta *m;

    if (!fd_meta_any(t, fd))
        return NULL;
    host_mutex_lock(&t->lock);
    m = t->meta[fd];
    if (m)
        atomic_fetch_add(&m->refs, 1);
    host_mutex_unlock(&t->lock);
    return m;
}

bool fd_is_special(struct fd_table *t, int fd)
{
    struct fd_meta *m = fd_meta_get(t, fd);
    bool is = m && m->special;

    fd_meta_put(m);
    return is;
}

uint32_t fd_synth_magic(struct fd_table *t, int fd)
{
    struct fd_meta *m = fd_meta_get(t, fd);
    uint32_t magic = m && m->path ? m->node.ops->fs_magic : 0;

    fd_meta_put(m);
    return magic;
}

const struct fd_meta *fd_table_peer_meta(const struct proc_view *v, int fd)
{
    struct fd_table t;
    struct fd_meta *meta;

    return proc_view_read(v, v->proc->fds, &t, sizeof t) && fd >= 0 && fd < t.size &&
                   proc_view_read(v, t.meta + fd, &meta, sizeof meta)
               ? meta
               : NULL;
}

void fd_meta_set(struct fd_table *t, int fd, struct fd_meta *m)
{
    struct fd_meta *old;

    if ((unsigned)fd >= (unsigned)t->size) {
        fd_meta_put(m);
        return;
    }
    host_mutex_lock(&t->lock);
    old = t->meta[fd];
    t->meta[fd] = m;
    host_mutex_unlock(&t->lock);
    fd_meta_put(old);
}

void fd_table_set_limit(struct fd_table *t, uint64_t limit)
{
    t->limit = limit < (uint64_t)t->size ? limit : (uint64_t)t->size;
    if (t->limit > (uint64_t)host_fd_plain())
        host_fd_raise();
}

uint64_t fd_table_limit(const struct fd_table *t)
{
    return t->limit;
}

int64_t fd_return(struct task *task, int64_t fd)
{
    struct fd_table *t = task->proc->fds;

    if (fd < 0)
        return fd;
    if ((uint64_t)fd >= t->limit) {
        host_fd_close((int)fd);
        return -LINUX_EMFILE;
    }
    if (fd_meta_any(t, (int)fd))
        fd_meta_set(t, (int)fd, NULL);
    mark(t, (int)fd);
    return fd;
}

void fd_discard(struct task *task, int fd)
{
    fd_table_forget(task->proc->fds, fd);
    host_fd_close(fd);
}

int fd_table_free(const struct fd_table *t, int from)
{
    for (int fd = from; (uint64_t)fd < t->limit; fd = (fd / 64 + 1) * 64) {
        uint64_t bits = ~atomic_load_explicit(&t->given[fd / 64], memory_order_relaxed) >> fd % 64;
        if (bits) {
            fd += __builtin_ctzll(bits);
            return (uint64_t)fd < t->limit ? fd : -LINUX_EMFILE;
        }
    }
    return -LINUX_EMFILE;
}

int64_t fd_error(int fd, int64_t err)
{
    int flags = host_getfl(fd);
    return flags < 0 || flags & LINUX_O_PATH ? -LINUX_EBADF : err;
}

void fd_table_lock_records(struct fd_table *t)
{
    atomic_store_explicit(&t->record_locks, true, memory_order_relaxed);
}

int64_t fd_return_lowest(struct task *task, int64_t fd)
{
    /* Closing one descriptor of a file gives up all record locks that the process has on it. */
    if (fd > 0 && !atomic_load_explicit(&task->proc->fds->record_locks, memory_order_relaxed)) {
        int flags = (int)host_fcntl((int)fd, LINUX_F_GETFD, 0);
        int low = host_dupfd((int)fd, 0, flags > 0);
        if (low >= 0 && low < fd) {
            host_fd_close((int)fd);
            fd = low;
        } else if (low >= 0)
            host_fd_close(low);
    }
    return fd_return(task, fd);
}

void fd_table_dup(struct fd_table *t, int from, int to)
{
    mark(t, to);
    if (fd_meta_any(t, from) || fd_meta_any(t, to))
        fd_meta_set(t, to, fd_meta_get(t, from));
}

static bool close_at_exec(struct fd_table *t, int fd)
{
    fd_meta_set(t, fd, NULL);
    fd_table_forget(t, fd);
    return host_fd_close(fd) == 0;
}

void fd_table_exec(struct task *task)
{
    struct fd_table *t = task->proc->fds;
    int fds[256], n;

    for (int fd = host_fd_plain() - 1; (fd = fd_table_next(t, fd)) >= 0;)
        if (host_fcntl(fd, LINUX_F_GETFD, 0) > 0)
            close_at_exec(t, fd);
    do { /* the listing is of a moment: again until nothing marked is left */
        n = host_list_fds(fds, 256, true);
        int closed = 0;
        for (int i = 0; i < n; i++)
            closed += close_at_exec(t, fds[i]);
        if (closed == 0)
            break;
    } while (n == 256);
}

void fd_table_fork_prepare(struct fd_table *t)
{
    host_mutex_lock(&t->lock);
}

void fd_table_fork_parent(struct fd_table *t)
{
    host_mutex_unlock(&t->lock);
}

/* Close what calls of the parent's other threads had open: those threads are not here. What ours
 * are among stays. */
static void close_strays(struct fd_table *t)
{
    int fds[256], n;

    do {
        int closed = 0;
        n = host_list_fds(fds, 256, false);
        for (int i = 0; i < n; i++)
            if (fds[i] < host_fd_plain() && fd_table_next(t, fds[i] - 1) != fds[i] &&
                host_fd_close(fds[i]) == 0)
                closed++;
        if (closed == 0)
            break;
    } while (n == 256);
}

void fd_table_fork_child(struct fd_table *t, bool had_threads)
{
    t->lock = (struct host_mutex){0};
    t->record_locks = false; /* they are not inherited */
    for (int i = -1; (i = fd_table_next(t, i)) >= 0;)
        if (t->meta[i])
            fd_meta_forked(t->meta[i]);
    if (had_threads)
        close_strays(t);
}
