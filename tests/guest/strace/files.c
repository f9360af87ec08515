/* files.c - file calls. */
#include "calls.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void names(void)
{
    char buf[100];
    int f = (int)CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CALL(openat, AT_FDCWD, "nowhere/file", O_WRONLY | O_APPEND | O_NONBLOCK);
    CALL(openat, f, (char *)8, O_RDONLY | O_PATH);
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    CALL(openat2, AT_FDCWD, "nope", &how, sizeof(how));
    CALL(mkdirat, AT_FDCWD, "nowhere/dir", 0755);
    CALL(mknodat, AT_FDCWD, "nowhere/fifo", S_IFIFO | 0644, 0);
    CALL(mknodat, AT_FDCWD, "nowhere/null", S_IFCHR | 0666, 0x103);
    CALL(unlinkat, AT_FDCWD, "nowhere", AT_REMOVEDIR);
    CALL(unlinkat, AT_FDCWD, "nowhere", 0);
    CALL(linkat, AT_FDCWD, "nowhere", AT_FDCWD, "b", AT_SYMLINK_FOLLOW);
    CALL(symlinkat, "a \"quoted\"\ttarget\n", AT_FDCWD, "link");
    CALL(readlinkat, AT_FDCWD, "link", buf, sizeof(buf));
    CALL(readlinkat, AT_FDCWD, "nowhere", buf, sizeof(buf));
    CALL(unlinkat, AT_FDCWD, "link", 0);
    CALL(renameat2, AT_FDCWD, "nowhere", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE);
    CALL(faccessat, AT_FDCWD, "nowhere", F_OK);
    CALL(faccessat, AT_FDCWD, "file", R_OK | W_OK);
    CALL(faccessat2, AT_FDCWD, "file", R_OK, AT_EACCESS);
    CALL(fchmod, f, 0);
    CALL(fchmodat, AT_FDCWD, "nowhere", 04755);
    CALL(fchown, f, -1, -1);
    CALL(fchownat, AT_FDCWD, "nowhere", 0, 5, AT_SYMLINK_NOFOLLOW);
    CALL(chdir, "nowhere");
    CALL(umask, 077);
    CALL(umask, 022);
    CALL(close, f);
    CALL(close, f);
}

static void contents(void)
{
    char buf[100] = "";
    int f = (int)CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
    struct iovec out[] = {{(void *)"abc", 3}, {(void *)"defg\1\0012\177\200", 9}};
    struct iovec in[] = {{buf, 2}, {buf + 10, 40}};
    CALL(write, f, "one\ttwo\n", 8);
    CALL(write, f, "a text that is longer than what is shown", 40);
    CALL(write, f, (void *)8, 5);
    CALL(lseek, f, -5, SEEK_END);
    CALL(read, f, buf, sizeof(buf));
    CALL(read, f, buf, sizeof(buf));
    CALL(pread64, f, buf, 4, 2);
    CALL(pwrite64, f, "xy", 2, 1);
    CALL(writev, f, out, 2);
    CALL(preadv, f, in, 2, 0, 0);
    CALL(pwritev, f, out, 1, 3, 0);
    CALL(writev, f, (void *)8, 1);
    CALL(ftruncate, f, 10000);
    CALL(fallocate, f, FALLOC_FL_KEEP_SIZE, 0, 100);
    CALL(fallocate, f, 0x1000, 0, 100);
    CALL(flock, f, LOCK_EX | LOCK_NB);
    CALL(fadvise64, f, 0, 0, POSIX_FADV_SEQUENTIAL);
    CALL(sync_file_range, f, 0, 0, SYNC_FILE_RANGE_WRITE);
    CALL(pipe2, p, O_CLOEXEC | O_NONBLOCK);
    off_t offset = 2;
    CALL(sendfile, p[1], f, &offset, 10);
    CALL(sendfile, p[1], f, NULL, 0);
    CALL(splice, p[0], NULL, f, &offset, 10, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    CALL(copy_file_range, f, &offset, f, NULL, 0, 0);
    CALL(dup3, f, 500, O_CLOEXEC);
    CALL(close_range, 500, ~0u, 4);
    CALL(close, p[0]);
    CALL(close, p[1]);
}

static void metadata(void)
{
    struct stat st;
    struct statx sx;
    char buf[100];
    int f = (int)CALL(openat, AT_FDCWD, "file", O_RDWR);
    CALL(newfstatat, AT_FDCWD, "file", &st, 0);
    CALL(newfstatat, AT_FDCWD, "/dev/null", &st, AT_SYMLINK_NOFOLLOW);
    CALL(newfstatat, f, "", &st, AT_EMPTY_PATH);
    CALL(newfstatat, AT_FDCWD, "nowhere", &st, 0);
    CALL(fstat, f, &st);
    CALL(fstat, -1, &st);
    CALL(statx, AT_FDCWD, "file", AT_SYMLINK_NOFOLLOW, STATX_ALL, &sx);
    CALL(statx, AT_FDCWD, "nowhere", 0x4000, STATX_SIZE | STATX_MODE, &sx);
    struct timespec times[2] = {{86400 * 365L, 6}, {0, UTIME_OMIT}};
    CALL(utimensat, AT_FDCWD, "file", times, 0);
    times[0].tv_nsec = times[1].tv_nsec = UTIME_NOW;
    CALL(utimensat, f, NULL, times, 0);
    CALL(utimensat, f, NULL, NULL, 0);
    CALL(setxattr, "nowhere", "user.a", "value", 5, 1);
    CALL(getxattr, "nowhere", "user.a", buf, sizeof(buf));
    CALL(getdents64, f, buf, sizeof(buf));
    CALL(unlinkat, AT_FDCWD, "file", 0);
}

static void control(void)
{
    int f = (int)CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT, 0600), one = 1, p[2];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    char buf[100];
    CALL(pipe2, p, 0);
    CALL(fcntl, p[0], F_GETFD);
    CALL(fcntl, p[0], F_SETFD, FD_CLOEXEC);
    CALL(fcntl, p[0], F_GETFD);
    CALL(fcntl, p[0], F_SETFL, O_RDWR | O_NONBLOCK);
    CALL(fcntl, p[0], F_GETFL);
    CALL(fcntl, p[0], F_DUPFD, 100);
    CALL(fcntl, p[0], F_DUPFD_CLOEXEC, 101);
    CALL(fcntl, f, F_SETLK, &lock);
    CALL(fcntl, f, F_GETLK, &lock);
    CALL(fcntl, f, F_GETLK, NULL);
    CALL(fcntl, f, F_SETSIG, SIGIO);
    CALL(fcntl, f, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_WRITE);
    CALL(fcntl, f, 999, 5);
    CALL(fcntl, p[0], F_SETPIPE_SZ, 65536);
    CALL(ioctl, p[0], 0x541b, &one); /* FIONREAD */
    CALL(ioctl, p[0], 0x5421, &one); /* FIONBIO */
    CALL(ioctl, f, 0x5401, buf);     /* TCGETS */
    CALL(ioctl, f, 0x5413, buf);     /* TIOCGWINSZ */
    CALL(ioctl, f, 0x5451, 0);       /* FIOCLEX */
    CALL(ioctl, f, 0x540e, 1);       /* TIOCSCTTY */
    CALL(ioctl, f, 0x12345678, 0x7654321);
    CALL(ioctl, f, 0xc0041234u, 0x7654321);
    CALL(unlinkat, AT_FDCWD, "file", 0);
}

int main(void)
{
    begin();
    names();
    contents();
    metadata();
    control();
    end();
    return 0;
}
