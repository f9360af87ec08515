/* file.c - host/file.h on Linux: opening, and changes to directories. */
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/io.h"
#include "host/linux/flags.h"
#include "host/linux/safe_syscall.h"

#define SELF_FD_SIZE 32

static int ret(long r)
{
    return r < 0 ? -errno : (int)r;
}

static void self_fd(char buf[SELF_FD_SIZE], int fd)
{
    snprintf(buf, SELF_FD_SIZE, "/proc/self/fd/%d", fd);
}

int host_open_path(const char *path, int flags, uint32_t mode)
{
    return ret(open(path, flags_to_host(flags), mode));
}

static atomic_int
    openat2_state; /* 0 unknown or works, 1 missing: the answer never changes in a process */

void host_set_openat2(bool use)
{
    atomic_store(&openat2_state, use ? 0 : 1);
}

/* Opening a FIFO or a terminal may wait; nothing else of the walk does, and a signal must not cut a
 * copy-up in two, so only the guest's own open is interruptible. */
static long do_open(bool wait, long nr, long a, long b, long c, long d)
{
    return wait ? host_syscall_maybe_waiting(nr, a, b, c, d) : host_syscall(nr, a, b, c, d);
}

static int open_slow(int dirfd, const char *rel, int flags, uint32_t mode, bool wait)
{
    int dir = dirfd, r;
    char name[LINUX_NAME_MAX + 1];

    for (;;) {
        const char *end = strchrnul(rel, '/');
        size_t len = (size_t)(end - rel);
        const char *rest = end;

        while (*rest == '/')
            rest++;
        if (len > LINUX_NAME_MAX) {
            r = -ENAMETOOLONG;
            break;
        }
        memcpy(name, rel, len);
        name[len] = '\0';
        if (strcmp(name, "..") == 0) {
            r = -EXDEV;
            break;
        }
        if (*rest == '\0') {
            int host = flags_to_host(flags) | O_NOFOLLOW | (*end == '/' ? O_DIRECTORY : 0);
            r = (int)do_open(wait, SYS_openat, dir, (long)(len ? name : "."), host, (long)mode);
            break;
        }
        int next = openat(dir, len ? name : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            r = -errno;
            break;
        }
        if (dir != dirfd)
            close(dir);
        dir = next;
        struct stat st;
        if (fstat(dir, &st) < 0) {
            r = -errno;
            break;
        }
        if (!S_ISDIR(st.st_mode)) {
            r = S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
            break;
        }
        rel = rest;
    }
    if (dir != dirfd)
        close(dir);
    return r;
}

static int open_beneath(int dirfd, const char *rel, int flags, uint32_t mode, bool wait)
{
    if (rel[0] == '\0')
        rel = ".";
    if (atomic_load_explicit(&openat2_state, memory_order_relaxed) != 0)
        return open_slow(dirfd, rel, flags, mode, wait);

    struct open_how how = {
        .flags = (uint64_t)(uint32_t)flags_to_host(flags),
        .mode = (flags & LINUX_O_CREAT) || (flags & LINUX___O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    if (flags & LINUX_O_PATH) /* openat2 refuses what openat ignores */
        how.flags = (how.flags & (O_PATH | O_DIRECTORY | O_CLOEXEC)) | O_NOFOLLOW;
    else
        how.flags |= HOST_O_LARGEFILE; /* which openat adds by itself */
    long r = -EAGAIN;
    /* EAGAIN: a rename raced with the walk and the kernel could not prove that it stayed beneath.
     */
    for (int tries = 0; tries < 64 && r == -EAGAIN; tries++)
        r = do_open(wait, SYS_openat2, dirfd, (long)rel, (long)&how, sizeof how);
    if (r == -ENOSYS)
        atomic_store(&openat2_state, 1);
    /* Old container runtimes refuse unknown calls with EPERM: the slow walk tells. */
    if (r == -ENOSYS || r == -EPERM || r == -EAGAIN)
        return open_slow(dirfd, rel, flags, mode, wait);
    return (int)r;
}

int host_open_beneath(int dirfd, const char *rel, int flags, uint32_t mode)
{
    return open_beneath(dirfd, rel, flags, mode, false);
}

int host_open_beneath_wait(int dirfd, const char *rel, int flags, uint32_t mode)
{
    return open_beneath(dirfd, rel, flags, mode, true);
}

int host_open_beneath_slow(int dirfd, const char *rel, int flags, uint32_t mode)
{
    return open_slow(dirfd, rel[0] ? rel : ".", flags, mode, false);
}

static int reopen(int fd, int flags, bool wait)
{
    char path[SELF_FD_SIZE];
    self_fd(path, fd);
    return (int)do_open(wait, SYS_openat, AT_FDCWD, (long)path,
                        flags_to_host(flags & ~LINUX_O_NOFOLLOW), 0);
}

int host_reopen(int fd, int flags)
{
    return reopen(fd, flags, false);
}
int host_reopen_wait(int fd, int flags)
{
    return reopen(fd, flags, true);
}

int host_path_only(int fd)
{
    return host_fd_private(reopen(fd, LINUX_O_PATH | LINUX_O_CLOEXEC, false));
}

int64_t host_readlink_path(const char *path, char *buf, size_t size)
{
    ssize_t n = readlink(path, buf, size);
    if (n < 0)
        return -errno;
    if ((size_t)n >= size)
        return -ENAMETOOLONG;
    buf[n] = '\0';
    return n;
}

int64_t host_fd_path(int fd, char *buf, size_t size)
{
    char path[SELF_FD_SIZE];
    self_fd(path, fd);
    return host_readlink_path(path, buf, size);
}

int64_t host_readlink_fd(int fd, char *buf, size_t size)
{
    ssize_t n = readlinkat(fd, "", buf, size);
    return n < 0 ? -errno : n;
}

int host_statx_fd(int fd, struct linux_statx *st)
{
    return ret(syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
                       LINUX_STATX_BASIC_STATS | LINUX_STATX_BTIME, st));
}

int host_statx_at(int dirfd, const char *name, struct linux_statx *st)
{
    return ret(syscall(SYS_statx, dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                       LINUX_STATX_BASIC_STATS | LINUX_STATX_BTIME, st));
}

int host_statfs_fd(int fd, struct linux_statfs *st)
{
    return ret(syscall(SYS_fstatfs, fd, st));
}

int host_mkdirat(int dirfd, const char *name, uint32_t mode)
{
    return ret(mkdirat(dirfd, name, mode));
}

int host_mknodat(int dirfd, const char *name, uint32_t mode)
{
    uint32_t type = mode & LINUX_S_IFMT;
    if (type != LINUX_S_IFIFO && type != LINUX_S_IFSOCK && type != LINUX_S_IFREG)
        return -EPERM;
    return ret(mknodat(dirfd, name, mode, 0));
}

int host_unlinkat(int dirfd, const char *name, bool dir)
{
    return ret(unlinkat(dirfd, name, dir ? AT_REMOVEDIR : 0));
}

int host_symlinkat(const char *target, int dirfd, const char *name)
{
    return ret(symlinkat(target, dirfd, name));
}

int host_linkat(int olddir, const char *oldname, int newdir, const char *newname)
{
    return ret(linkat(olddir, oldname, newdir, newname, 0));
}

int host_link_fd(int fd, int newdir, const char *newname)
{
    char path[SELF_FD_SIZE];
    self_fd(path, fd);
    return ret(linkat(AT_FDCWD, path, newdir, newname, AT_SYMLINK_FOLLOW));
}

int host_renameat2(int olddir, const char *oldname, int newdir, const char *newname, unsigned flags)
{
    return ret(syscall(SYS_renameat2, olddir, oldname, newdir, newname, flags));
}

int host_chmod_fd(int fd, uint32_t mode)
{
    char path[SELF_FD_SIZE];
    self_fd(path, fd);
    return ret(chmod(path, mode));
}

int host_utimens_fd(int fd, const struct linux_timespec_fs times[2])
{
    _Static_assert(sizeof(struct timespec) == sizeof(struct linux_timespec_fs), "64-bit times");
    /* AT_EMPTY_PATH reaches symbolic links too (Linux 5.8). Older hosts: through /proc, which
     * follows. */
    long r = syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH);
    if (r < 0 && (errno == EINVAL || errno == ENOENT)) {
        char path[SELF_FD_SIZE];
        self_fd(path, fd);
        r = syscall(SYS_utimensat, AT_FDCWD, path, times, 0);
    }
    return ret(r);
}

int host_truncate_fd(int fd, int64_t length)
{
    char path[SELF_FD_SIZE];
    self_fd(path, fd);
    return ret(truncate(path, length));
}

int host_ftruncate(int fd, int64_t length)
{
    return ret(ftruncate(fd, length));
}

int host_chown_fd(int fd, uint32_t uid, uint32_t gid)
{
    return ret(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int64_t host_getdents64(int fd, void *buf, size_t size)
{
    long n = syscall(SYS_getdents64, fd, buf, size);
    return n < 0 ? -errno : n;
}

int host_memfd_content(const char *name, const void *data, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)data + done, size - done, (off_t)done);
        if (n <= 0) {
            int e = n < 0 ? errno : EIO;
            close(fd);
            return -e;
        }
        done += (size_t)n;
    }
    return fd;
}

int host_unnamed_dir(void)
{
    static const char *const places[] = {"/dev/shm", "/tmp", "/var/tmp", "/run", "."};
    char path[64];

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s/elfuse-XXXXXX", places[i]);
        if (mkdtemp(path) == NULL)
            continue;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int e = errno;
        rmdir(path);
        return fd < 0 ? -e : fd;
    }
    return -errno;
}

/* Our identity never changes, and each stat of the guest's asks for it. */
static uint32_t cached_id(atomic_llong *cache, uint32_t (*get)(void))
{
    long long id = atomic_load_explicit(cache, memory_order_relaxed);
    if (id == 0) {
        id = 1 + (long long)get();
        atomic_store_explicit(cache, id, memory_order_relaxed);
    }
    return (uint32_t)(id - 1);
}

uint32_t host_euid(void)
{
    static atomic_llong id;
    return cached_id(&id, geteuid);
}

uint32_t host_egid(void)
{
    static atomic_llong id;
    return cached_id(&id, getegid);
}

void host_umask_clear(void)
{
    umask(0);
}

int host_open_flags(int flags)
{
    return flags_to_host(flags);
}
