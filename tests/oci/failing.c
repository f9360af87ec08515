/* Preloaded into a process whose host calls are to fail: the Nth call on a file below a directory returns an
 * error, or ends the process there and then, as kill -9 does. tests/oci/steps.py builds and arms it.
 *
 * Only calls on paths and descriptors below the directory count, so that the number does not depend on what
 * the interpreter itself loads. close() is let through: a failed close has closed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a call does, and so which errors it can give: any EIO, GETS_FD EMFILE, NEEDS_ROOM ENOSPC. */
enum { ANY = 1, GETS_FD = 2, NEEDS_ROOM = 4 };

static char below[4096];
static size_t below_length;
static int wanted_kind, wanted_error;
static atomic_long count, nth;

/* error 0 ends the process. nth 0 only counts. */
void failing_arm(const char *directory, long number, int kind, int error)
{
    below_length = strlen(strncpy(below, directory, sizeof below - 1));
    wanted_kind = kind;
    wanted_error = error;
    atomic_store(&count, 0);
    atomic_store(&nth, number);
}

long failing_count(void)
{
    return atomic_load(&count);
}

static int is_below(int dirfd, const char *path)
{
    char link[64], name[4096];
    ssize_t got;

    if (!below_length)
        return 0;
    if (path && path[0] == '/')
        return !strncmp(path, below, below_length);
    if (dirfd < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
    got = syscall(SYS_readlinkat, AT_FDCWD, link, name, sizeof name - 1);
    return got > 0 && (size_t)got >= below_length && !strncmp(name, below, below_length);
}

static int fails(int kind, int dirfd, const char *path)
{
    if (!((kind | ANY) & wanted_kind) || !is_below(dirfd, path))
        return 0;
    if (atomic_fetch_add(&count, 1) + 1 != atomic_load(&nth))
        return 0;
    if (!wanted_error)
        syscall(SYS_exit_group, 9);
    errno = wanted_error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRAP(result, failed, name, kind, dirfd, path, parameters, arguments) \
    result name parameters                                                  \
    {                                                                       \
        static __typeof__(&name) real;                                      \
        if (fails(kind, dirfd, path))                                       \
            return failed;                                                  \
        if (!real)                                                          \
            real = REAL(name);                                              \
        return real arguments;                                              \
    }

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...)                                \
    {                                                                         \
        va_list rest;                                                         \
        mode_t mode;                                                          \
        va_start(rest, flags);                                                \
        mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                         \
        if (fails(GETS_FD | (flags & O_CREAT ? NEEDS_ROOM : 0), -1, path))    \
            return -1;                                                        \
        return REAL(name)(path, flags, mode);                                 \
    }

#define OPENAT(name)                                                          \
    int name(int at, const char *path, int flags, ...)                        \
    {                                                                         \
        va_list rest;                                                         \
        mode_t mode;                                                          \
        va_start(rest, flags);                                                \
        mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                         \
        if (fails(GETS_FD | (flags & O_CREAT ? NEEDS_ROOM : 0), at, path))    \
            return -1;                                                        \
        return REAL(name)(at, path, flags, mode);                             \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define PATH(name, kind, parameters, arguments) WRAP(int, -1, name, kind, -1, path, parameters, arguments)
#define AT(name, kind, parameters, arguments) WRAP(int, -1, name, kind, at, path, parameters, arguments)
#define FD(result, name, kind, parameters, arguments) WRAP(result, -1, name, kind, fd, NULL, parameters, arguments)

PATH(stat, 0, (const char *path, struct stat *st), (path, st))
PATH(stat64, 0, (const char *path, struct stat64 *st), (path, st))
PATH(lstat, 0, (const char *path, struct stat *st), (path, st))
PATH(lstat64, 0, (const char *path, struct stat64 *st), (path, st))
AT(fstatat, 0, (int at, const char *path, struct stat *st, int flags), (at, path, st, flags))
AT(fstatat64, 0, (int at, const char *path, struct stat64 *st, int flags), (at, path, st, flags))
FD(int, fstat, 0, (int fd, struct stat *st), (fd, st))
FD(int, fstat64, 0, (int fd, struct stat64 *st), (fd, st))
FD(ssize_t, read, 0, (int fd, void *data, size_t size), (fd, data, size))
FD(ssize_t, pread64, 0, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
FD(ssize_t, write, NEEDS_ROOM, (int fd, const void *data, size_t size), (fd, data, size))
FD(int, fsync, NEEDS_ROOM, (int fd), (fd))
FD(int, syncfs, NEEDS_ROOM, (int fd), (fd))
FD(int, ftruncate, NEEDS_ROOM, (int fd, off_t size), (fd, size))
FD(int, ftruncate64, NEEDS_ROOM, (int fd, off64_t size), (fd, size))
FD(int, flock, 0, (int fd, int operation), (fd, operation))
FD(int, fchmod, 0, (int fd, mode_t mode), (fd, mode))
FD(int, futimens, 0, (int fd, const struct timespec times[2]), (fd, times))
FD(int, fsetxattr, NEEDS_ROOM, (int fd, const char *name, const void *value, size_t size, int flags),
   (fd, name, value, size, flags))
FD(ssize_t, flistxattr, 0, (int fd, char *names, size_t size), (fd, names, size))
PATH(mkdir, NEEDS_ROOM, (const char *path, mode_t mode), (path, mode))
AT(mkdirat, NEEDS_ROOM, (int at, const char *path, mode_t mode), (at, path, mode))
PATH(rmdir, 0, (const char *path), (path))
PATH(unlink, 0, (const char *path), (path))
AT(unlinkat, 0, (int at, const char *path, int flags), (at, path, flags))
PATH(rename, NEEDS_ROOM, (const char *path, const char *to), (path, to))
AT(linkat, NEEDS_ROOM, (int from, const char *old, int at, const char *path, int flags), (from, old, at, path, flags))
AT(symlinkat, NEEDS_ROOM, (const char *target, int at, const char *path), (target, at, path))
AT(mkfifoat, NEEDS_ROOM, (int at, const char *path, mode_t mode), (at, path, mode))
PATH(chmod, 0, (const char *path, mode_t mode), (path, mode))
AT(fchmodat, 0, (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags))
AT(utimensat, 0, (int at, const char *path, const struct timespec times[2], int flags), (at, path, times, flags))
PATH(statvfs, 0, (const char *path, struct statvfs *st), (path, st))
PATH(statvfs64, 0, (const char *path, struct statvfs64 *st), (path, st))
PATH(access, 0, (const char *path, int mode), (path, mode))
WRAP(DIR *, NULL, opendir, GETS_FD, -1, path, (const char *path), (path))
WRAP(DIR *, NULL, fdopendir, 0, fd, NULL, (int fd), (fd))

/* In the descriptor's name, which the stream does not give away otherwise. */
#define READDIR(type, name)                    \
    struct type *name(DIR *stream)             \
    {                                          \
        if (fails(0, dirfd(stream), NULL))     \
            return NULL;                       \
        return REAL(name)(stream);             \
    }

READDIR(dirent, readdir)
READDIR(dirent64, readdir64)
