/* guest-test: flags=-Wno-nonnull */
/* What each call that takes a path says of one that is too long, leads through what is no
 * directory, is missing, goes round in circles, is no address, or is relative to what it cannot be;
 * and which of these it says when more than one holds. */
#include "path_calls.h"

#define BAD ((const char *)8)

static char name[257], through[300], whole[4097], chain[8];

static void lengths(void)
{
    memset(name, 'n', 256);
    each(0, 0, AT_FDCWD, name, ENAMETOOLONG);
    sprintf(through, "%s/x", name);
    each(0, 0, AT_FDCWD, through, ENAMETOOLONG);
    sprintf(through, "dir/%s", name);
    each(0, 0, AT_FDCWD, through, ENAMETOOLONG);
    sprintf(through, "link/%s", name);
    each(0, 0, AT_FDCWD, through, ENAMETOOLONG);
    memset(whole, '/', 4096);
    each(0, 0, AT_FDCWD, whole, ENAMETOOLONG);
    /* Where the name would be looked up comes first. */
    sprintf(through, "file/%s", name);
    each(0, 0, AT_FDCWD, through, ENOTDIR);
    sprintf(through, "none/%s", name);
    each(0, 0, AT_FDCWD, through, ENOENT);
    sprintf(through, "loop/%s", name);
    each(0, 0, AT_FDCWD, through, ELOOP);
    ERR(syscall(SYS_symlinkat, whole, AT_FDCWD, "new"), ENAMETOOLONG);
    ERR(syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, whole, 0), ENAMETOOLONG);
    ERR(syscall(SYS_linkat, AT_FDCWD, "none", AT_FDCWD, whole, 0), ENOENT);
}

static void ways(void)
{
    each(0, 0, AT_FDCWD, "file/x", ENOTDIR);
    each(0, 0, AT_FDCWD, "file/.", ENOTDIR);
    each(0, 0, AT_FDCWD, "file/..", ENOTDIR);
    each(0, 0, AT_FDCWD, "none/x", ENOENT);
    each(0, 0, AT_FDCWD, "none/.", ENOENT);
    each(0, 0, AT_FDCWD, "none/..", ENOENT);
    each(0, 0, AT_FDCWD, "dangling/x", ENOENT);
    each(0, 0, AT_FDCWD, "", ENOENT);
    each(LOOKS | READS | REMOVES | OWNERS_ONLY, 0, AT_FDCWD, "dir/none", ENOENT);
    each(MAKES, 0, AT_FDCWD, "dir", EEXIST);
    each(MAKES, 0, AT_FDCWD, "file", EEXIST);
    each(MAKES, 0, AT_FDCWD, "dangling", EEXIST);
    each(MAKES, 0, AT_FDCWD, "loop", EEXIST);
    each(0, 0, AT_FDCWD, BAD, EFAULT);
}

static void links(void)
{
    each(0, 0, AT_FDCWD, "loop/x", ELOOP);
    each(FOLLOWS, 0, AT_FDCWD, "loop", ELOOP);
    each(FOLLOWS, CREATES, AT_FDCWD, "loop/", ELOOP);
    each(CREATES, 0, AT_FDCWD, "loop/", EISDIR);
    /* 40 links are followed, and not one more. */
    EQ(symlink("dir", "l0"), 0);
    for (int i = 1; i <= 40; i++) {
        char to[8];
        sprintf(chain, "l%d", i);
        sprintf(to, "l%d", i - 1);
        EQ(symlink(to, chain), 0);
    }
    EQ(access("l39", F_OK), 0);
    EQ(access("l39/.", F_OK), 0);
    each(FOLLOWS, 0, AT_FDCWD, "l40", ELOOP);
    each(0, 0, AT_FDCWD, "l40/x", ELOOP);
}

static void directories(void)
{
    int file = open("file", O_RDONLY), path = open("file", O_PATH), p[2];
    int gone;

    EQ(pipe(p), 0);
    EQ(mkdir("gone", 0755), 0);
    gone = open("gone", O_RDONLY | O_DIRECTORY);
    EQ(rmdir("gone"), 0);
    each(0, NO_DIRFD, -1, "x", EBADF);
    each(0, NO_DIRFD, 999, "x", EBADF);
    each(0, NO_DIRFD, file, "x", ENOTDIR);
    each(0, NO_DIRFD, path, "x", ENOTDIR);
    each(0, NO_DIRFD, p[0], "x", ENOTDIR);
    each(0, NO_DIRFD, gone, "x", ENOENT);
    each(0, NO_DIRFD, gone, "x/y", ENOENT);
    /* The path is read first, then the descriptor, which an absolute one needs not; then names. */
    each(0, NO_DIRFD, -1, BAD, EFAULT);
    each(0, NO_DIRFD, -1, whole, ENAMETOOLONG);
    each(0, NO_DIRFD | EMPTY_OK, -1, "", ENOENT);
    each(EMPTY_OK, NO_DIRFD, -1, "", EBADF);
    each(0, NO_DIRFD, -1, "/none/x", ENOENT);
    each(0, NO_DIRFD, -1, name, EBADF);
    each(0, NO_DIRFD, file, name, ENOTDIR);
    close(file);
    close(path);
    close(gone);
    close(p[0]);
    close(p[1]);
}

/* Both parents are found before either name is looked for. */
static void two_paths(void)
{
    ERR(rename("none", "none/x"), ENOENT);
    ERR(rename("none", "file/x"), ENOTDIR);
    ERR(rename("none/x", "file/x"), ENOENT);
    ERR(rename("file/x", "none/x"), ENOTDIR);
    ERR(rename("none", BAD), EFAULT);
    ERR(rename("none/x", BAD), ENOENT);
    ERR(rename(BAD, "none/x"), EFAULT);
    ERR(rename("none", "/proc/x"), EXDEV);
    ERR(rename("none", "."), EBUSY);
    ERR(rename(".", "none"), EBUSY);
    ERR(rename("none", "dir"), ENOENT);
    ERR(renameat2(AT_FDCWD, "none", AT_FDCWD, "dir", RENAME_NOREPLACE), ENOENT);
    ERR(renameat2(AT_FDCWD, "none", AT_FDCWD, "dir", RENAME_EXCHANGE), ENOENT);
    ERR(renameat(AT_FDCWD, "none", -1, "x"), EBADF);
    ERR(renameat(-1, "x", AT_FDCWD, "none/x"), EBADF);
    EQ(mkdir("dir/sub", 0755), 0);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "dir", 0), EISDIR);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "dir", AT_FDCWD, "file", 0), ENOTDIR);
    EQ(mkdir("other", 0755), 0);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "other", AT_FDCWD, "dir", 0), ENOTEMPTY);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "dir", AT_FDCWD, "dir/sub/x", 0), EINVAL);
    ERR(link("none", "file/x"), ENOENT);
    ERR(link("none", "file"), ENOENT);
    ERR(link("dir", "/proc/x"), ENOENT);
    ERR(link("file", "/dev/shm/x"), EXDEV);
    ERR(link("dir", "/dev/shm/x"), EXDEV);
}

static void arguments(void)
{
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, wrong[2] = {{0, -1}, {0, 0}};
    int fd = open("file", O_RDONLY);

    /* Times that stay ask for nothing, and wrong ones are seen once the file is. */
    EQ(syscall(SYS_utimensat, AT_FDCWD, "none", omit, 0), 0);
    EQ(syscall(SYS_utimensat, -1, BAD, omit, -1), 0);
    ERR(syscall(SYS_utimensat, AT_FDCWD, "none", wrong, 0), ENOENT);
    ERR(syscall(SYS_utimensat, AT_FDCWD, "none", wrong, -1), EINVAL);
    ERR(syscall(SYS_utimensat, AT_FDCWD, "none", BAD, -1), EFAULT);
    ERR(syscall(SYS_utimensat, AT_FDCWD, "file", wrong, 0), EINVAL);
    ERR(syscall(SYS_utimensat, fd, NULL, NULL, AT_EMPTY_PATH), EINVAL);
    ERR(syscall(SYS_utimensat, -1, NULL, NULL, AT_SYMLINK_NOFOLLOW), EINVAL);
    ERR(syscall(SYS_utimensat, -1, NULL, NULL, 0), EBADF);
    ERR(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
    ERR(syscall(SYS_faccessat2, AT_FDCWD, "none", 8, 0), EINVAL);
    ERR(syscall(SYS_faccessat2, AT_FDCWD, "none", R_OK, 1), EINVAL);
    ERR(syscall(SYS_fchmodat2, AT_FDCWD, "none", 0600, 1), EINVAL);
    ERR(syscall(SYS_fchmodat2, AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    ERR(syscall(SYS_fchownat, AT_FDCWD, "none", 0, 0, 1), EINVAL);
    ERR(syscall(SYS_readlinkat, AT_FDCWD, "none", seen_link, 0), EINVAL);
    ERR(syscall(SYS_readlinkat, AT_FDCWD, "none", BAD, 8), ENOENT);
    ERR(syscall(SYS_newfstatat, AT_FDCWD, "none", BAD, 0), ENOENT);
    ERR(syscall(SYS_statx, AT_FDCWD, "none", 0, 0, BAD), ENOENT);
    ERR(syscall(SYS_statx, AT_FDCWD, "file", 0, 0, BAD), EFAULT);
    ERR(syscall(SYS_statx, fd, "", 0, 0, &seen_statx), ENOENT);
    ERR(syscall(SYS_fstat, -1, &seen_stat), EBADF);
    ERR(syscall(SYS_fstat, -1, BAD), EBADF);
    ERR(syscall(SYS_fstat, fd, BAD), EFAULT);
    ERR(syscall(SYS_truncate, "none", -1l), EINVAL);
    ERR(syscall(SYS_truncate, "dir", 0), EISDIR);
    close(fd);
}

int main(void)
{
    EQ(mkdir("path-errors", 0777), 0);
    EQ(chdir("path-errors"), 0);
    close(open("file", O_CREAT | O_WRONLY, 0644));
    EQ(mkdir("dir", 0755), 0);
    EQ(symlink("dir", "link"), 0);
    EQ(symlink("nowhere", "dangling"), 0);
    EQ(symlink("loop", "loop"), 0);
    lengths();
    ways();
    links();
    directories();
    two_paths();
    arguments();
    return done();
}
