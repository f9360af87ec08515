/* guest-test: flags=-Wno-stringop-overflow,-Wno-nonnull */
/* The last component of a path, and what a slash, "." or ".." in its place is to each call; the
 * order of errors of the calls that make and remove names. */
#include <fcntl.h>
#include <linux/fs.h>
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

static void slashes(void)
{
    struct stat st;

    EQ(mkdir("d", 0755), 0);
    EQ(touch("f"), 0);
    EQ(symlink("d", "ld"), 0);
    EQ(symlink("f", "lf"), 0);
    EQ(symlink("none", "dangling"), 0);
    ERR(rmdir("ld/"), ENOTDIR);
    ERR(unlink("ld/"), ENOTDIR);
    ERR(unlink("d/"), EISDIR);
    ERR(unlink("f/"), ENOTDIR);
    ERR(unlink("none/"), ENOENT);
    ERR(rmdir("none/"), ENOENT);
    ERR(rmdir("f/"), ENOTDIR);
    ERR(mkdir("f/", 0755), EEXIST);
    ERR(mkdir("d/", 0755), EEXIST);
    ERR(mkdir("ld/", 0755), EEXIST);
    ERR(mkdir("dangling/", 0755), EEXIST);
    EQ(mkdir("made/", 0755), 0);
    EQ(rmdir("made/"), 0);
    ERR(symlink("x", "d/"), EEXIST);
    ERR(symlink("x", "new/"), ENOENT);
    ERR(mknod("new/", S_IFREG | 0644, 0), ENOENT);
    ERR(mknod("f/", S_IFREG | 0644, 0), EEXIST);
    ERR(link("f", "new/"), ENOENT);
    ERR(link("f/", "new"), ENOTDIR);
    ERR(link("f", "d/"), EEXIST);
    ERR(rename("f", "new/"), ENOTDIR);
    ERR(rename("f/", "new"), ENOTDIR);
    ERR(rename("lf/", "new"), ENOTDIR);
    ERR(rename("ld/", "new"), ENOTDIR);
    EQ(rename("d/", "d2/"), 0);
    EQ(rename("d2", "d"), 0);
    ERR(rename("none/", "new"), ENOENT);
    ERR(open("f/", O_CREAT | O_WRONLY, 0644), EISDIR);
    ERR(open("d/", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("none/", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("lf/", O_RDONLY), ENOTDIR);
    ERR(open("f/", O_RDONLY), ENOTDIR);
    OK(lstat("ld/", &st));
    CHECK(S_ISDIR(st.st_mode));
    ERR(lstat("lf/", &st), ENOTDIR);
    ERR(lstat("dangling/", &st), ENOENT);
    OK(lstat("ld/.", &st));
    CHECK(S_ISDIR(st.st_mode));
    OK(lstat("d//", &st));
    ERR(lstat("f//", &st), ENOTDIR);
    ERR(stat("f/..", &st), ENOTDIR);
    ERR(stat("none/..", &st), ENOENT);
}

static void dots(void)
{
    ERR(rmdir("."), EINVAL);
    ERR(rmdir("d/."), EINVAL);
    ERR(rmdir(".."), ENOTEMPTY);
    ERR(rmdir("/"), EBUSY);
    ERR(unlink("."), EISDIR);
    ERR(unlink("d/.."), EISDIR);
    ERR(unlink("/"), EISDIR);
    ERR(unlink("none/."), ENOENT);
    ERR(unlink("f/."), ENOTDIR);
    ERR(mkdir(".", 0755), EEXIST);
    ERR(mkdir("d/..", 0755), EEXIST);
    ERR(mkdir("/", 0755), EEXIST);
    ERR(symlink("x", "."), EEXIST);
    ERR(mknod("..", S_IFIFO | 0600, 0), EEXIST);
    ERR(link("f", "."), EEXIST);
    ERR(rename("d/.", "e"), EBUSY);
    ERR(rename("f", "d/."), EBUSY);
    ERR(rename("f", "/"), EBUSY);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "d/.", RENAME_NOREPLACE), EEXIST);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "..", RENAME_NOREPLACE), EEXIST);
    ERR(renameat2(AT_FDCWD, "d/.", AT_FDCWD, "..", RENAME_NOREPLACE), EBUSY);
    ERR(open(".", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("d/..", O_CREAT | O_WRONLY, 0644), EISDIR);
}

static void order(void)
{
    char *bad = (char *)8, name[300];

    ERR(mknod(bad, S_IFDIR | 0755, 0), EPERM); /* the mode first */
    ERR(mknod(bad, 0170000, 0), EINVAL);
    ERR(mknod(bad, S_IFREG, 0), EFAULT);
    ERR(mknod("f", S_IFIFO | 0600, 0), EEXIST);
    ERR(mknod("none/x", S_IFIFO | 0600, 0), ENOENT);
    ERR(syscall(SYS_unlinkat, AT_FDCWD, bad, 1), EINVAL);
    ERR(syscall(SYS_unlinkat, AT_FDCWD, bad, 0), EFAULT);
    ERR(syscall(SYS_unlinkat, -1, "x", 0), EBADF);
    ERR(syscall(SYS_linkat, AT_FDCWD, bad, AT_FDCWD, "x", 1), EINVAL);
    ERR(syscall(SYS_linkat, AT_FDCWD, "none", AT_FDCWD, bad, 0), ENOENT);
    ERR(linkat(AT_FDCWD, "f", AT_FDCWD, bad, 0), EFAULT);
    ERR(linkat(AT_FDCWD, "d", AT_FDCWD, "f", 0), EEXIST);
    ERR(linkat(AT_FDCWD, "d", AT_FDCWD, "new", 0), EPERM);
    ERR(linkat(AT_FDCWD, "/proc", AT_FDCWD, "new", 0), EXDEV);
    ERR(linkat(AT_FDCWD, "dangling", AT_FDCWD, "new", AT_SYMLINK_FOLLOW), ENOENT);
    ERR(symlink("", "new"), ENOENT);
    ERR(symlink("", "f"), ENOENT);
    ERR(symlink("x", ""), ENOENT);
    ERR(symlink(bad, "new"), EFAULT);
    ERR(renameat2(AT_FDCWD, bad, AT_FDCWD, bad, 8), EINVAL);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
    ERR(renameat2(AT_FDCWD, "none", AT_FDCWD, "f", RENAME_NOREPLACE), ENOENT);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
    ERR(rename("none", "none/x"), ENOENT);
    ERR(rename("f", "f/x"), ENOTDIR);
    ERR(rename("d", "d/x"), EINVAL);
    ERR(rename("d", "d/x/y"), ENOENT);
    ERR(rename("f", "d"), EISDIR);
    ERR(rename("d", "f"), ENOTDIR);
    EQ(mkdir("d/sub", 0755), 0);
    EQ(touch("d/sub/f"), 0);
    ERR(rename("d/sub", "d"), ENOTEMPTY);
    ERR(rename("d/sub/f", "d"), ENOTEMPTY);
    ERR(renameat2(AT_FDCWD, "d/sub", AT_FDCWD, "d", RENAME_EXCHANGE), EINVAL);
    ERR(rename("/proc", "d/x"), EBUSY);
    ERR(rename("f", "/proc/x"), EXDEV);
    ERR(renameat2(AT_FDCWD, "f", AT_FDCWD, "/proc/x", RENAME_NOREPLACE), EXDEV);
    EQ(rename("f", "f"), 0);
    EQ(link("f", "hard"), 0);
    EQ(rename("f", "hard"), 0); /* two names of one file: both stay */
    EQ(access("f", F_OK), 0);
    EQ(unlink("hard"), 0);
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    ERR(mkdir(name, 0755), ENAMETOOLONG);
    ERR(unlink(name), ENAMETOOLONG);
    ERR(rename("f", name), ENAMETOOLONG);
    ERR(rename(name, "f"), ENAMETOOLONG);
    ERR(symlink("x", name), ENAMETOOLONG);
    name[255] = '\0';
    EQ(mkdir(name, 0755), 0);
    EQ(rmdir(name), 0);
    char *path = malloc(5000);
    memset(path, '/', 4999);
    path[4095] = '\0';
    ERR(unlink(path), EISDIR);
    path[4095] = '/';
    path[4096] = '\0';
    ERR(unlink(path), ENAMETOOLONG);
    ERR(mkdir(path, 0755), ENAMETOOLONG);
    free(path);
}

static void exchanging(void)
{
    struct stat f, d, now;

    EQ(stat("f", &f), 0);
    EQ(stat("d", &d), 0);
    EQ(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE), 0);
    EQ(stat("f", &now), 0);
    EQ(now.st_ino, d.st_ino);
    EQ(access("f/sub/f", F_OK), 0);
    EQ(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE), 0);
    EQ(renameat2(AT_FDCWD, "dangling", AT_FDCWD, "d/sub/f", RENAME_EXCHANGE), 0);
    EQ(lstat("d/sub/f", &now), 0);
    CHECK(S_ISLNK(now.st_mode));
    EQ(lstat("dangling", &now), 0);
    CHECK(S_ISREG(now.st_mode));
    ERR(renameat2(AT_FDCWD, "f/", AT_FDCWD, "d", RENAME_EXCHANGE), ENOTDIR);
    ERR(renameat2(AT_FDCWD, "d", AT_FDCWD, "f/", RENAME_EXCHANGE), ENOTDIR);
    EQ(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE), 0);
    EQ(rename("g", "f"), 0);
    ERR(syscall(SYS_renameat, AT_FDCWD, "f", -1, "x"), EBADF);
    int fd = open("f", O_RDONLY);
    ERR(renameat(fd, "x", AT_FDCWD, "y"), ENOTDIR);
    close(fd);
}

int main(void)
{
    EQ(mkdir("names", 0755), 0);
    EQ(chdir("names"), 0);
    slashes();
    dots();
    order();
    exchanging();
    return done();
}
