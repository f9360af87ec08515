/*
 * copyup.c - bringing an object of a lower layer into the upper one before it is changed.
 *
 * As overlayfs does: parents first, then a complete copy made in the work directory and renamed
 * into place, so that nobody sees half of it. Only the name that is used is copied: another hard
 * link of the same lower file keeps the old content. The copy remembers its old number
 * (ORIGIN_XATTR) so that st_ino stays, unless the lower file has several names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/fs/fd_calls.h"
#include "linux/fs/overlay.h"
#include "linux/process/pid.h"

#define DIR_FLAGS (LINUX_O_PATH | LINUX_O_DIRECTORY | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC)

void work_name(struct fs_context *fs, char buf[32])
{
    /* Several processes share a work directory: the number starts at random (fs_context_create). */
    snprintf(buf, 32, "#%016llx",
             (unsigned long long)__atomic_fetch_add(&fs->shared->work_seq, 1, __ATOMIC_RELAXED));
}

static int copy_xattrs(int from, int to)
{
    char *list = NULL, *value = NULL;
    int64_t n = host_listxattr_fd(from, NULL, 0);
    int r = 0;

    if (n <= 0)
        return n == -LINUX_EOPNOTSUPP ? 0 : (int)n;
    list = malloc((size_t)n + 1);
    value = malloc(LINUX_XATTR_SIZE_MAX);
    if (list == NULL || value == NULL)
        r = -LINUX_ENOMEM;
    else
        n = host_listxattr_fd(from, list, (size_t)n);
    for (char *name = list; r == 0 && name < list + n; name += strlen(name) + 1) {
        if (strncmp(name, "user.", 5) != 0 || strncmp(name, "user.overlay.", 13) == 0)
            continue; /* other name spaces are the host's; the overlay's own do not move */
        int64_t len = host_getxattr_fd(from, name, value, LINUX_XATTR_SIZE_MAX);
        if (len >= 0)
            r = host_setxattr_fd(to, name, value, (size_t)len, 0);
    }
    free(list);
    free(value);
    return r == -LINUX_EOPNOTSUPP ? 0 : r;
}

static int copy_attributes(int from, const struct linux_statx *st, int to)
{
    struct linux_timespec_fs times[2] = {
        {st->stx_atime.tv_sec, st->stx_atime.tv_nsec},
        {st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec},
    };
    int r = 0;

    if (!LINUX_S_ISLNK(st->stx_mode)) {
        r = copy_xattrs(from, to);
        if (r == 0 && (LINUX_S_ISDIR(st->stx_mode) || LINUX_S_ISREG(st->stx_mode))) {
            struct linux_statx seen = *st;
            owner_apply(from, true, &seen); /* the guest's count of links */
            struct fs_origin o = {(uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
                                  st->stx_ino, LINUX_S_ISDIR(st->stx_mode) || seen.stx_nlink == 1};
            r = host_setxattr_fd(to, ORIGIN_XATTR, &o, sizeof o, 0);
            if (r == -LINUX_EOPNOTSUPP)
                r = 0;
        }
        /* A host root keeps foreign host owners; others cannot, and the copy is then the guest's
         * root's. */
        if (r == 0 && (st->stx_uid != host_euid() || st->stx_gid != host_egid()))
            (void)host_chown_fd(to, st->stx_uid, st->stx_gid);
        if (r == 0)
            r = host_chmod_fd(to, owner_host_mode(st->stx_mode));
    }
    if (r == 0)
        r = host_utimens_fd(to, times);
    return r;
}

/* Make the copy as work/tmp; nothing is left of it on failure. */
static int copy_to_work(struct fs_mount *m, int from, const struct linux_statx *st, const char *tmp)
{
    char target[LINUX_PATH_MAX];
    int fd = -1, r = 0;
    uint32_t type = st->stx_mode & LINUX_S_IFMT;

    if (type == LINUX_S_IFLNK) {
        int64_t n = host_readlink_fd(from, target, sizeof target - 1);
        if (n < 0)
            return (int)n;
        target[n] = '\0';
        r = host_symlinkat(target, m->work_fd, tmp);
    } else if (type == LINUX_S_IFDIR) {
        r = host_mkdirat(m->work_fd, tmp, 0700);
    } else if (type == LINUX_S_IFREG) {
        fd = host_open_beneath(
            m->work_fd, tmp, LINUX_O_WRONLY | LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_CLOEXEC, 0600);
        r = fd < 0 ? fd : 0;
        if (r == 0) {
            int in = host_reopen(from, LINUX_O_RDONLY | LINUX_O_CLOEXEC);
            r = in < 0 ? in : host_copy_file(in, fd, st->stx_size);
            if (in >= 0)
                host_fd_close(in);
        }
    } else {
        r = host_mknodat(m->work_fd, tmp, type | 0600);
    }
    if (r == 0 && fd < 0)
        r = fd = host_open_beneath(m->work_fd, tmp,
                                   LINUX_O_PATH | LINUX_O_NOFOLLOW | LINUX_O_CLOEXEC, 0);
    if (r >= 0)
        r = copy_attributes(from, st, fd);
    if (fd >= 0)
        host_fd_close(fd);
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, type == LINUX_S_IFDIR);
    return r;
}

/* Copy the object open as `from` to name in dir of the upper layer, which has nothing of that name.
 */
static int copy_object(struct fs_context *fs, struct fs_mount *m, int from, int dir,
                       const char *name)
{
    struct linux_statx st, parent;
    char tmp[32];
    int r = host_statx_fd(from, &st);

    if (r < 0)
        return r;
    work_name(fs, tmp);
    r = copy_to_work(m, from, &st, tmp);
    if (r < 0)
        return r;
    bool have_parent = host_statx_fd(dir, &parent) == 0;
    r = host_renameat2(m->work_fd, tmp, dir, name, LINUX_RENAME_NOREPLACE);
    if (r < 0)
        host_unlinkat(m->work_fd, tmp, LINUX_S_ISDIR(st.stx_mode));
    if (have_parent && r == 0) { /* copying is no change of the directory that the guest made */
        struct linux_timespec_fs times[2] = {
            {parent.stx_atime.tv_sec, parent.stx_atime.tv_nsec},
            {parent.stx_mtime.tv_sec, parent.stx_mtime.tv_nsec},
        };
        (void)host_utimens_fd(dir, times);
    }
    return r;
}

int upper_dir(struct fs_context *fs, struct fs_mount *m, const char *rel)
{
    char prefix[LINUX_PATH_MAX], name[LINUX_NAME_MAX + 1];
    int dir = host_open_beneath(m->layers[0].fd, rel, DIR_FLAGS, 0);
    size_t done = 0;

    /* ENOTDIR: a whiteout may be what is in the way. */
    if ((dir != -LINUX_ENOENT && dir != -LINUX_ENOTDIR) || m->nlayers == 1)
        return dir;
    dir = host_open_beneath(m->layers[0].fd, "", DIR_FLAGS, 0);
    while (dir >= 0 && rel[done]) {
        size_t len = strcspn(rel + done, "/");
        struct layer_hit hit;
        if (len > LINUX_NAME_MAX) {
            host_fd_close(dir);
            return -LINUX_ENAMETOOLONG;
        }
        memcpy(name, rel + done, len);
        name[len] = '\0';
        memcpy(prefix, rel, done + len);
        prefix[done + len] = '\0';
        int next = host_open_beneath(dir, name, DIR_FLAGS, 0);
        if (next == -LINUX_ENOTDIR && upper_whiteout(dir, name))
            next = -LINUX_ENOENT; /* removed since the path was looked up */
        else if (next == -LINUX_ENOENT) {
            fs_tree_directories(fs);
            int from = layer_open(m, prefix, DIR_FLAGS, &hit);
            next = from < 0 ? from : copy_object(fs, m, from, dir, name);
            if (from >= 0)
                host_fd_close(from);
            if (next == 0)
                next = host_open_beneath(dir, name, DIR_FLAGS, 0);
        }
        host_fd_close(dir);
        dir = next;
        done += len;
        done += rel[done] == '/';
    }
    return dir;
}

int upper_parent(struct fs_context *fs, struct fs_mount *m, const char *rel)
{
    char parent[LINUX_PATH_MAX];
    const char *slash = strrchr(rel, '/');
    size_t len = slash ? (size_t)(slash - rel) : 0;

    memcpy(parent, rel, len);
    parent[len] = '\0';
    return upper_dir(fs, m, parent);
}

int fs_writable(const struct fs_path *p)
{
    const struct fs_mount *m = p->mnt ? p->mnt : p->anon;

    if (m == NULL)
        return 0;
    if (m->read_only)
        return -LINUX_EROFS;
    return 0;
}

int fs_write_access(struct task *task, const struct fs_path *p)
{
    const struct linux_statx *st = &p->st;

    if (p->node == NULL && task->proc->pids &&
        pid_runs(task->proc, linux_mkdev(st->stx_dev_major, st->stx_dev_minor), st->stx_ino))
        return -LINUX_ETXTBSY;
    return fs_writable(p);
}

/* Put descriptor fd on the file that `copy` is open on, as it was: flags and offset. */
static int move_descriptor(int fd, int copy)
{
    int fl = host_getfl(fd), cloexec = (int)host_fcntl(fd, LINUX_F_GETFD, 0);
    int64_t offset = host_lseek(fd, 0, LINUX_SEEK_CUR);
    struct linux_statx st;

    if (fl < 0 || cloexec < 0 || (fl & LINUX_O_PATH) || host_statx_fd(fd, &st) < 0)
        return -LINUX_EBADF;
    if (LINUX_S_ISDIR(st.stx_mode) && offset != 0)
        return -LINUX_EBADF; /* offsets of one directory mean nothing in another */
    int now =
        host_reopen(copy, (fl & ~(LINUX_O_CREAT | LINUX_O_TRUNC | LINUX_O_EXCL)) | LINUX_O_CLOEXEC);
    if (now < 0)
        return now;
    if (offset > 0)
        host_lseek(now, offset, LINUX_SEEK_SET);
    return now;
}

/*
 * The change was asked of an open descriptor: let it, too, be on the copy from now on, as overlayfs
 * does, and with it those of this process that share its offset. What another process inherited
 * stays on the lower file.
 */
static void move_descriptors(struct fd_table *fds, int fd, int copy)
{
    int now = move_descriptor(fd, copy);

    if (now < 0)
        return;
    for (int other = -1; (other = fd_table_next(fds, other)) >= 0;)
        if (other != fd && other != now && host_same_open_file(fd, other)) {
            bool cloexec = host_fcntl(other, LINUX_F_GETFD, 0) > 0;
            (void)host_dup3(now, other, cloexec ? LINUX_O_CLOEXEC : 0);
        }
    bool cloexec = host_fcntl(fd, LINUX_F_GETFD, 0) > 0;
    (void)host_dup3(now, fd, cloexec ? LINUX_O_CLOEXEC : 0);
    host_fd_close(now);
}

/* A lower file that has no name any more, but an open descriptor: to a copy without a name. */
static int copy_unnamed(struct fs_path *p)
{
    struct fs_mount *m = p->anon;
    struct linux_statx st;
    int r = host_statx_fd(p->fd, &st);

    if (r < 0)
        return r;
    if (!LINUX_S_ISREG(st.stx_mode))
        return -LINUX_ENOENT;
    /* In the upper layer, so that the file is known as the guest's; O_EXCL: it can get no name. */
    int fd =
        host_open_beneath(m->layers[0].fd, "",
                          LINUX_O_TMPFILE | LINUX_O_EXCL | LINUX_O_WRONLY | LINUX_O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    int in = host_reopen(p->fd, LINUX_O_RDONLY | LINUX_O_CLOEXEC);
    r = in < 0 ? in : host_copy_file(in, fd, st.stx_size);
    if (in >= 0)
        host_fd_close(in);
    if (r == 0)
        r = copy_attributes(p->fd, &st, fd);
    if (r < 0) {
        host_fd_close(fd);
        return r;
    }
    host_fd_close(p->fd);
    p->fd = fd;
    p->hit.layer = 0;
    return 0;
}

/* The name that p was found by leads elsewhere by now: p is what its descriptor is open on. */
static int lose_name(struct fs_path *p)
{
    fs_path_put(p);
    p->fd = host_path_only(p->from_fd);
    if (p->fd < 0)
        return p->fd;
    p->anon = p->mnt;
    p->mnt = NULL;
    p->path[0] = '\0';
    p->hit.layer = 1; /* some lower one: only such are looked up again */
    return 0;
}

/* -LINUX_ESTALE: the descriptor's file has lost its name. */
int copy_up(struct fs_context *fs, struct fs_path *p)
{
    int r = fs_path_refresh(p); /* another process may have copied, removed or replaced it */

    if (p->from_fd >= 0 && (r == -LINUX_ENOENT || (r == 0 && !fs_path_is_fd(p, p->from_fd))))
        return -LINUX_ESTALE;
    if (r < 0 || p->hit.layer == 0)
        return r;
    if (LINUX_S_ISDIR(p->host_mode)) {
        r = upper_dir(fs, p->mnt, p->rel);
        if (r >= 0) {
            host_fd_close(r);
            r = 0;
        }
    } else {
        int dir = upper_parent(fs, p->mnt, p->rel);
        r = dir < 0 ? dir : copy_object(fs, p->mnt, p->fd, dir, fs_name(p));
        if (dir >= 0)
            host_fd_close(dir);
    }
    return r < 0 ? r : fs_path_refresh(p);
}

int fs_copy_up(struct fs_context *fs, struct fs_path *p)
{
    int r = fs_writable(p);

    if (r < 0 || p->fd < 0 || (p->hit.layer == 0 && !p->from_copied))
        return r;
    if (p->mnt) {
        fs_tree_lock(fs);
        r = copy_up(fs, p);
        fs_tree_unlock(fs);
        if (r == -LINUX_ESTALE)
            r = lose_name(p);
    }
    if (r == 0 && p->mnt == NULL)
        r = copy_unnamed(p);
    if (r == 0 && p->from_fd >= 0)
        move_descriptors(p->fds, p->from_fd, p->fd);
    return r;
}

void fs_follow_copy(struct task *task, int fd)
{
    struct fs_context *fs = task->proc->fs;
    struct fs_path p;

    /* Who may write has it open in the upper layer already. */
    if (fs->mounts[0].type != FS_OVERLAY || (host_getfl(fd) & LINUX_O_ACCMODE) != LINUX_O_RDONLY ||
        fs_resolve(fs, task, fd, "", FS_EMPTY, &p) < 0)
        return;
    if (p.from_copied && LINUX_S_ISREG(p.host_mode))
        (void)fs_copy_up(fs, &p);
    fs_path_put(&p);
}

int fs_upper_parent(struct fs_context *fs, struct fs_mount *m, const char *rel)
{
    tree_enter(fs, m);
    int dir = upper_parent(fs, m, rel);
    tree_leave(fs, m);
    return dir;
}

int fs_parent_writable(struct fs_context *fs, const struct fs_path *p)
{
    int r = fs_writable(p);

    if (r < 0)
        return r;
    if (p->mnt == NULL || !mount_is_host(p->mnt) || p->mnt->is_file)
        return -LINUX_EPERM;
    return fs_upper_parent(fs, p->mnt, p->rel);
}
