/*
 * path_calls.h - the calls that take a path, as call(dirfd, path): for programs that give one path
 * to all of them. In the current directory there must be a "file" and no "spare", which the calls
 * of two paths take as the other one.
 */
#ifndef ELFUSE_GUEST_PATH_CALLS_H
#define ELFUSE_GUEST_PATH_CALLS_H

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "guest.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* What a call is: how it takes the name in the last place, and which right it asks for. */
enum {
    FOLLOWS = 1,      /* a link */
    LOOKS = 2,        /* no right on the object */
    READS = 4,        /* the object */
    CHANGES = 8,      /* the object */
    OWNERS_ONLY = 16, /* changes what only its owner may */
    MAKES = 32,       /* the name, which must be missing */
    CREATES = 64,     /* the name, if it is missing */
    REMOVES = 128,    /* the name */
    MOVES = 256,      /* a name, between two directories */
    NO_DIRFD = 512,   /* takes none */
    EMPTY_OK = 1024,  /* "" is the descriptor */
};

struct path_call {
    const char *name;
    int is;
    long (*call)(int dirfd, const char *path);
};

#define AT(function, ...)                                                                          \
    static long function(int dirfd, const char *path)                                              \
    {                                                                                              \
        return syscall(__VA_ARGS__);                                                               \
    }

static const struct open_how how_to_read = {.flags = O_RDONLY};
static struct stat seen_stat;
static struct statx seen_statx;
static char seen_link[64];
static const struct timespec some_times[2] = {{1000, 0}, {1000, 0}};

AT(at_open, SYS_openat, dirfd, path, O_RDONLY)
AT(at_open_write, SYS_openat, dirfd, path, O_WRONLY)
AT(at_open_create, SYS_openat, dirfd, path, O_WRONLY | O_CREAT, 0644)
AT(at_open_excl, SYS_openat, dirfd, path, O_WRONLY | O_CREAT | O_EXCL, 0644)
AT(at_openat2, SYS_openat2, dirfd, path, &how_to_read, sizeof(how_to_read))
AT(at_readlink, SYS_readlinkat, dirfd, path, seen_link, sizeof(seen_link))
AT(at_fstatat, SYS_newfstatat, dirfd, path, &seen_stat, 0)
AT(at_statx, SYS_statx, dirfd, path, 0, STATX_BASIC_STATS, &seen_statx)
AT(at_access, SYS_faccessat, dirfd, path, R_OK)
AT(at_access_write, SYS_faccessat, dirfd, path, W_OK)
AT(at_access2, SYS_faccessat2, dirfd, path, R_OK, AT_EACCESS)
AT(at_access2_write, SYS_faccessat2, dirfd, path, W_OK, AT_EACCESS)
AT(at_chmod, SYS_fchmodat, dirfd, path, 0600)
AT(at_chmod2, SYS_fchmodat2, dirfd, path, 0600, 0)
AT(at_chown, SYS_fchownat, dirfd, path, 7, 7, 0)
AT(at_touch, SYS_utimensat, dirfd, path, NULL, 0)
AT(at_utimens, SYS_utimensat, dirfd, path, some_times, 0)
AT(at_mkdir, SYS_mkdirat, dirfd, path, 0755)
AT(at_mknod, SYS_mknodat, dirfd, path, S_IFIFO | 0600, 0)
AT(at_symlink, SYS_symlinkat, "x", dirfd, path)
AT(at_link, SYS_linkat, AT_FDCWD, "file", dirfd, path, 0)
AT(at_link_from, SYS_linkat, dirfd, path, AT_FDCWD, "spare", 0)
AT(at_unlink, SYS_unlinkat, dirfd, path, 0)
AT(at_rmdir, SYS_unlinkat, dirfd, path, AT_REMOVEDIR)
AT(at_rename, SYS_renameat, dirfd, path, AT_FDCWD, "spare")
AT(at_rename_to, SYS_renameat, AT_FDCWD, "file", dirfd, path)
AT(at_rename2, SYS_renameat2, dirfd, path, AT_FDCWD, "spare", 0)
AT(at_rename2_to, SYS_renameat2, AT_FDCWD, "file", dirfd, path, RENAME_NOREPLACE)

static long at_truncate(int dirfd, const char *path)
{
    (void)dirfd;
    return syscall(SYS_truncate, path, 0);
}

static const struct path_call path_calls[] = {
    {"open", FOLLOWS | READS, at_open},
    {"open for writing", FOLLOWS | CHANGES, at_open_write},
    {"open, O_CREAT", FOLLOWS | CHANGES | CREATES, at_open_create},
    {"open, O_EXCL", MAKES, at_open_excl},
    {"openat2", FOLLOWS | READS, at_openat2},
    {"readlink", LOOKS | EMPTY_OK, at_readlink},
    {"fstatat", FOLLOWS | LOOKS, at_fstatat},
    {"statx", FOLLOWS | LOOKS, at_statx},
    {"access", FOLLOWS | READS, at_access},
    {"access for writing", FOLLOWS | CHANGES, at_access_write},
    {"faccessat2", FOLLOWS | READS, at_access2},
    {"faccessat2 for writing", FOLLOWS | CHANGES, at_access2_write},
    {"chmod", FOLLOWS | OWNERS_ONLY, at_chmod},
    {"fchmodat2", FOLLOWS | OWNERS_ONLY, at_chmod2},
    {"chown", FOLLOWS | OWNERS_ONLY, at_chown},
    {"utimensat, now", FOLLOWS | CHANGES, at_touch},
    {"utimensat", FOLLOWS | OWNERS_ONLY, at_utimens},
    {"truncate", FOLLOWS | CHANGES | NO_DIRFD, at_truncate},
    {"mkdir", MAKES, at_mkdir},
    {"mknod", MAKES, at_mknod},
    {"symlink", MAKES, at_symlink},
    {"link", MAKES, at_link},
    {"link from", LOOKS, at_link_from},
    {"unlink", REMOVES, at_unlink},
    {"rmdir", REMOVES, at_rmdir},
    {"rename", REMOVES | MOVES, at_rename},
    {"rename to", MOVES, at_rename_to},
    {"renameat2", REMOVES | MOVES, at_rename2},
    {"renameat2 to", MAKES | MOVES, at_rename2_to},
};

/* Each call that is any of `with` (0: each) and none of `without` fails with the errno. */
static void each_fails(int line, int with, int without, int dirfd, const char *path, int want)
{
    for (size_t i = 0; i < sizeof(path_calls) / sizeof(path_calls[0]); i++) {
        const struct path_call *c = &path_calls[i];
        if ((with && !(c->is & with)) || (c->is & without))
            continue;
        errno = 0;
        long got = c->call(dirfd, path);
        if (got != -1 || errno != want)
            FAIL("from line %d: %s of %.40s at %d is %ld, errno %d; want errno %d", line, c->name,
                 (uintptr_t)path < 4096 ? "a bad address" : path, dirfd, got, errno, want);
    }
}
#define each(...) each_fails(__LINE__, __VA_ARGS__)

#endif
