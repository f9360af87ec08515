/* guest-test: flags=-Wno-nonnull */
/* O_TMPFILE and O_PATH: files without a name, and descriptors that are only a name. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "guest.h"

static const char *self(int fd)
{
    static char buf[64];
    snprintf(buf, sizeof buf, "/proc/self/fd/%d", fd);
    return buf;
}

static void unnamed(void)
{
    struct stat st, st2;
    char text[4096];

    ERR(open(".", O_TMPFILE, 0600), EINVAL);
    ERR(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
    ERR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
    ERR(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
    ERR(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
    int fd = open(".", O_TMPFILE | O_RDWR, 0666);
    CHECK(fd >= 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_nlink, 0);
    EQ(st.st_mode, S_IFREG | 0644);
    EQ(write(fd, "tmp", 3), 3);
    EQ(fchmod(fd, 0640), 0);
    EQ(fchown(fd, 12, 34), 0);
    ssize_t n = readlink(self(fd), text, sizeof text - 1);
    CHECK(n > 10 && memcmp(text + n - 10, " (deleted)", 10) == 0);
    EQ(linkat(AT_FDCWD, self(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    EQ(stat("named", &st2), 0);
    EQ(st2.st_ino, st.st_ino);
    EQ(st2.st_nlink, 1);
    EQ(st2.st_mode, S_IFREG | 0640);
    EQ(st2.st_uid, 12);
    EQ(st2.st_gid, 34);
    EQ(linkat(fd, "", AT_FDCWD, "twice", AT_EMPTY_PATH), 0);
    EQ(stat("named", &st2), 0);
    EQ(st2.st_nlink, 2);
    ERR(linkat(fd, "", AT_FDCWD, "twice", AT_EMPTY_PATH), EEXIST);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CHECK(fd >= 0);
    ERR(linkat(AT_FDCWD, self(fd), AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
    int again = open(self(fd), O_RDONLY);
    CHECK(again >= 0);
    EQ(write(fd, "x", 1), 1);
    EQ(read(again, text, 4), 1);
    close(again);
    close(fd);
    /* A file whose last name is gone cannot get another. */
    fd = open("gone", O_CREAT | O_RDWR, 0600);
    EQ(unlink("gone"), 0);
    ERR(linkat(AT_FDCWD, self(fd), AT_FDCWD, "back", AT_SYMLINK_FOLLOW), ENOENT);
    ERR(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH), ENOENT);
    EQ(fchmod(fd, 0400), 0);
    EQ(ftruncate(fd, 100), 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_mode & 0777, 0400);
    EQ(st.st_size, 100);
    again = open(self(fd), O_RDWR);
    CHECK(again >= 0);
    close(again);
    close(fd);
}

static void names(void)
{
    struct stat st;
    struct iovec iov = {&st, 1};
    char text[64];
    int fd = open("f", O_PATH), dir = open("d", O_PATH | O_DIRECTORY), link;

    CHECK(fd >= 0 && dir >= 0);
    EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    ERR(read(fd, text, 1), EBADF);
    ERR(write(fd, text, 1), EBADF);
    ERR(readv(fd, &iov, 1), EBADF);
    ERR(fchmod(fd, 0600), EBADF);
    ERR(fchown(fd, 0, 0), EBADF);
    ERR(syscall(SYS_ioctl, fd, 0x5401, text), EBADF);
    ERR(syscall(SYS_getdents64, dir, text, 64), EBADF);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    EQ(errno, EBADF);
    ERR(fcntl(fd, F_SETFL, O_NONBLOCK), EBADF);
    ERR(fcntl(fd, F_GETLK, &st), EBADF);
    ERR(syscall(SYS_flock, fd, 2), EBADF);
    ERR(futimens(fd, NULL), EBADF);
    ERR(fallocate(fd, 0, 0, 1), EBADF);
    EQ(fstat(fd, &st), 0);
    EQ(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
    EQ(fchownat(fd, "", 0, 0, AT_EMPTY_PATH), 0);
    EQ(syscall(452, fd, "", 0640, AT_EMPTY_PATH), 0); /* fchmodat2 */
    EQ(stat("f", &st), 0);
    EQ(st.st_mode & 0777, 0640);
    EQ(faccessat(fd, "", R_OK, AT_EMPTY_PATH), 0);
    EQ(utimensat(fd, "", NULL, AT_EMPTY_PATH), 0);
    EQ(linkat(fd, "", AT_FDCWD, "f2", AT_EMPTY_PATH), 0);
    EQ(unlink("f2"), 0);
    EQ(openat(dir, "in", O_RDONLY) >= 0, 1);
    EQ(fchdir(dir), 0);
    EQ(access("in", F_OK), 0);
    EQ(chdir(".."), 0);
    ERR(fchdir(fd), ENOTDIR);
    ERR(openat(fd, "in", O_RDONLY), ENOTDIR);
    int dup = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    EQ(fcntl(dup, F_GETFD), FD_CLOEXEC);
    int real = open(self(fd), O_RDWR);
    CHECK(real >= 0);
    EQ(write(real, "abc", 3), 3);
    close(real);
    /* A link itself. */
    ERR(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
    link = open("l", O_PATH | O_NOFOLLOW);
    CHECK(link >= 0);
    EQ(fstat(link, &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    EQ(readlinkat(link, "", text, sizeof text), 1);
    EQ(text[0], 'f');
    ERR(readlinkat(fd, "", text, sizeof text), ENOENT);
    ERR(open(self(link), O_RDONLY), ELOOP);
    ERR(openat(link, "x", O_RDONLY), ENOTDIR);
    /* The other flags do not count. */
    real = open("f", O_PATH | O_TRUNC | O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(real >= 0);
    EQ(fstat(real, &st), 0);
    EQ(st.st_size, 3);
    ERR(open("none", O_PATH | O_CREAT, 0600), ENOENT);
    ERR(open("f", O_PATH | O_DIRECTORY), ENOTDIR);
    /* No rights on the file are asked. */
    EQ(chmod("f", 0), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
            _exit(2);
        int own = open("f", O_PATH);
        if (own < 0 || fstat(own, &st) || open(self(own), O_RDONLY) >= 0 || errno != EACCES)
            _exit(1);
        _exit(0);
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

int main(void)
{
    EQ(mkdir("tm", 0755), 0);
    EQ(chdir("tm"), 0);
    EQ(mkdir("d", 0755), 0);
    close(open("f", O_CREAT | O_WRONLY, 0644));
    close(open("d/in", O_CREAT | O_WRONLY, 0644));
    EQ(symlink("f", "l"), 0);
    unnamed();
    names();
    return done();
}
