/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Names: resolving, making, removing, renaming, linking, the current directory. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "guest.h"

static int touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void rules(void)
{
    char name[300], target[64];
    struct stat st;

    EQ(mkdir("d", 0755), 0);
    EQ(touch("d/f"), 0);
    ERR(mkdir("d", 0755), EEXIST);
    ERR(mkdir("d/f/x", 0755), ENOTDIR);
    ERR(mkdir("none/x", 0755), ENOENT);
    ERR(mkdir("", 0755), ENOENT);
    ERR(open("d/f/", O_RDONLY), ENOTDIR);
    ERR(open("d/f/.", O_RDONLY), ENOTDIR);
    ERR(open("d", O_WRONLY), EISDIR);
    ERR(open("d/f", O_DIRECTORY), ENOTDIR);
    ERR(open("d/f", O_CREAT | O_EXCL, 0600), EEXIST);
    ERR(open("d/new/", O_CREAT | O_WRONLY, 0600), EISDIR);
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    ERR(open(name, O_RDONLY), ENAMETOOLONG);
    name[255] = '\0';
    ERR(open(name, O_RDONLY), ENOENT);
    EQ(symlink("d", "to_dir"), 0);
    EQ(symlink("to_dir/f", "to_file"), 0);
    EQ(symlink("nowhere", "dangling"), 0);
    EQ(symlink("loop", "loop"), 0);
    ERR(symlink("x", "d"), EEXIST);
    ERR(symlink("", "y"), ENOENT);
    OK(access("to_file", R_OK));
    ERR(access("loop", F_OK), ELOOP);
    ERR(access("dangling", F_OK), ENOENT);
    ERR(open("to_file", O_RDONLY | O_NOFOLLOW), ELOOP);
    ERR(open("to_dir", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
    EQ(lstat("to_dir/", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    EQ(lstat("to_dir", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    EQ(readlink("to_dir", target, sizeof target), 1);
    EQ(readlink("to_file", target, 3), 3);
    ERR(readlink("d", target, 8), EINVAL);
    ERR(readlink("to_dir/", target, 8), EINVAL);
    ERR(open("dangling", O_CREAT | O_EXCL, 0600), EEXIST);
    EQ(touch("dangling"), 0);
    EQ(unlink("nowhere"), 0);
}

static void removing(void)
{
    ERR(unlink("d"), EISDIR);
    ERR(rmdir("d"), ENOTEMPTY);
    ERR(rmdir("d/f"), ENOTDIR);
    ERR(rmdir("."), EINVAL);
    ERR(rmdir("d/.."), ENOTEMPTY);
    ERR(unlink("none"), ENOENT);
    ERR(unlink("d/f/"), ENOTDIR);
    EQ(unlink("to_dir"), 0);
    EQ(access("d/f", F_OK), 0);
    ERR(unlinkat(AT_FDCWD, "d", 0x1), EINVAL);
    EQ(unlink("to_file"), 0);
    EQ(unlink("dangling"), 0);
    EQ(unlink("loop"), 0);
}

static void renaming(void)
{
    struct stat a, b;

    EQ(touch("a"), 0);
    EQ(stat("a", &a), 0);
    EQ(rename("a", "b"), 0);
    EQ(stat("b", &b), 0);
    EQ(a.st_ino, b.st_ino);
    EQ(touch("a"), 0);
    EQ(rename("a", "b"), 0);
    ERR(rename("a", "b"), ENOENT);
    ERR(rename("b", "d"), EISDIR);
    ERR(rename("d", "b"), ENOTDIR);
    ERR(rename("d", "d/sub"), EINVAL);
    EQ(mkdir("e", 0755), 0);
    EQ(rename("e", "e2"), 0);
    ERR(rename("e2", "d"), ENOTEMPTY);
    EQ(rename("e2", "d/e"), 0);
    ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "d/f", RENAME_NOREPLACE), EEXIST);
    EQ(renameat2(AT_FDCWD, "b", AT_FDCWD, "d/e", RENAME_EXCHANGE), 0);
    EQ(stat("b", &b), 0);
    CHECK(S_ISDIR(b.st_mode));
    ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "x", RENAME_EXCHANGE), ENOENT);
    ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    EQ(rmdir("b"), 0);
    EQ(unlink("d/e"), 0);
    ERR(syscall(SYS_renameat, AT_FDCWD, "none", AT_FDCWD, "x"), ENOENT);
}

static void linking(void)
{
    struct stat st;

    EQ(link("d/f", "hard"), 0);
    EQ(stat("hard", &st), 0);
    EQ(st.st_nlink, 2);
    ERR(link("d/f", "hard"), EEXIST);
    ERR(link("d", "dl"), EPERM);
    EQ(symlink("hard", "s"), 0);
    EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0), 0);
    EQ(lstat("s2", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW), 0);
    EQ(lstat("s3", &st), 0);
    CHECK(S_ISREG(st.st_mode));
    EQ(unlink("hard"), 0);
    EQ(unlink("s"), 0);
    EQ(unlink("s2"), 0);
    EQ(unlink("s3"), 0);
    EQ(mkfifo("fifo", 0600), 0);
    EQ(stat("fifo", &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    EQ(unlink("fifo"), 0);
    EQ(mknod("reg", 0644, 0), 0);
    EQ(unlink("reg"), 0);
    ERR(mknod("dir", S_IFDIR | 0755, 0), EPERM);
}

static void directories(void)
{
    char cwd[PATH_MAX], again[PATH_MAX];
    int dir = open("d", O_RDONLY | O_DIRECTORY), fd, path;
    struct stat st;

    CHECK(dir >= 0);
    fd = openat(dir, "f", O_RDONLY);
    CHECK(fd >= 0);
    ERR(openat(fd, "f", O_RDONLY), ENOTDIR);
    ERR(openat(-1, "f", O_RDONLY), EBADF);
    close(fd);
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    ERR(syscall(SYS_getcwd, again, 1), ERANGE);
    EQ(fchdir(dir), 0);
    OK(access("f", F_OK));
    EQ(chdir(".."), 0);
    CHECK(getcwd(again, sizeof again) != NULL);
    CHECK(strcmp(cwd, again) == 0);
    ERR(chdir("d/f"), ENOTDIR);
    ERR(chdir("none"), ENOENT);
    path = open("d/f", O_PATH);
    CHECK(path >= 0);
    ERR(read(path, cwd, 1), EBADF);
    EQ(fstat(path, &st), 0);
    CHECK(S_ISREG(st.st_mode));
    EQ(fstatat(path, "", &st, AT_EMPTY_PATH), 0);
    ERR(fstatat(dir, "", &st, 0), ENOENT);
    close(path);
    close(dir);
    /* A removed current directory. */
    EQ(mkdir("gone", 0755), 0);
    EQ(chdir("gone"), 0);
    EQ(rmdir("../gone"), 0);
    ERR(syscall(SYS_getcwd, again, sizeof again), ENOENT);
    ERR(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
    EQ(stat(".", &st), 0);
    EQ(chdir(cwd[0] == '/' ? cwd : "/"), 0);
}

static void openat2_calls(void)
{
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
    int dir = open("d", O_PATH | O_DIRECTORY);
    long fd = syscall(SYS_openat2, dir, "f", &how, sizeof how);

    if (fd < 0 && errno == ENOSYS)
        return; /* a reference without it */
    CHECK(fd >= 0);
    close((int)fd);
    ERR(syscall(SYS_openat2, dir, "../d/f", &how, sizeof how), EXDEV);
    how.resolve = 0x8000;
    ERR(syscall(SYS_openat2, dir, "f", &how, sizeof how), EINVAL);
    how.resolve = 0;
    how.mode = 0644;
    ERR(syscall(SYS_openat2, dir, "f", &how, sizeof how), EINVAL);
    ERR(syscall(SYS_openat2, dir, "f", &how, 8), EINVAL);
    close(dir);
}

static void accessing(void)
{
    EQ(chmod("d/f", 0444), 0);
    EQ(faccessat(AT_FDCWD, "d/f", R_OK | W_OK, 0), 0); /* root */
    ERR(faccessat(AT_FDCWD, "d/f", X_OK, 0), EACCES);
    EQ(faccessat(AT_FDCWD, "d", X_OK, AT_EACCESS), 0);
    ERR(syscall(SYS_faccessat, AT_FDCWD, "d/f", 8), EINVAL);
    ERR(access((char *)8, F_OK), EFAULT);
    ERR(open((char *)8, O_RDONLY), EFAULT);
}

static void changing_root(void)
{
    ERR(chroot("d/f"), ENOTDIR);
    ERR(chroot("none"), ENOENT);
    ERR(chroot(""), ENOENT);
    ERR(chroot((char *)8), EFAULT);
}

int main(void)
{
    char base[64];

    snprintf(base, sizeof base, "paths-%d", (int)getpid());
    EQ(mkdir(base, 0755), 0);
    EQ(chdir(base), 0);
    rules();
    removing();
    renaming();
    linking();
    directories();
    openat2_calls();
    if (geteuid() == 0) {
        accessing();
        changing_root();
    }
    EQ(unlink("d/f"), 0);
    EQ(rmdir("d"), 0);
    EQ(chdir(".."), 0);
    EQ(rmdir(base), 0);
    return done();
}
