/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* What stat, statx and statfs say of files, links, devices and descriptors. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "guest.h"

int main(void)
{
    struct stat a, b;
    struct statx x;
    struct statfs fs;
    int p[2];

    int fd = open("stat-file", O_CREAT | O_RDWR, 0640);
    EQ(write(fd, "12345", 5), 5);
    EQ(fstat(fd, &a), 0);
    EQ(stat("stat-file", &b), 0);
    EQ(a.st_ino, b.st_ino);
    EQ(a.st_dev, b.st_dev);
    EQ(a.st_mode, S_IFREG | 0640);
    EQ(a.st_size, 5);
    EQ(a.st_nlink, 1);
    EQ(a.st_uid, geteuid());
    EQ(a.st_gid, getegid());
    CHECK(a.st_blksize >= 512);
    CHECK(a.st_mtim.tv_sec > 1500000000);
    EQ(statx(AT_FDCWD, "stat-file", 0, STATX_BASIC_STATS, &x), 0);
    EQ(x.stx_ino, a.st_ino);
    EQ(makedev(x.stx_dev_major, x.stx_dev_minor), a.st_dev);
    EQ(x.stx_mode, a.st_mode);
    EQ(x.stx_size, 5);
    EQ(x.stx_mtime.tv_sec, a.st_mtim.tv_sec);
    EQ(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x), 0);
    EQ(x.stx_size, 5);
    ERR(statx(AT_FDCWD, "stat-file", 0x80000000, 0, &x), EINVAL);
    ERR(statx(AT_FDCWD, "stat-file", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x), EINVAL);
    ERR(stat("stat-none", &a), ENOENT);
    ERR(stat("stat-file/x", &a), ENOTDIR);
    ERR(syscall(SYS_newfstatat, AT_FDCWD, "stat-file", 8, 0), EFAULT);
    ERR(syscall(SYS_newfstatat, AT_FDCWD, 8, &a, 0), EFAULT);
    ERR(syscall(SYS_newfstatat, AT_FDCWD, "stat-file", &a, 0x8000), EINVAL);
    EQ(symlink("stat-file", "stat-link"), 0);
    EQ(lstat("stat-link", &a), 0);
    CHECK(S_ISLNK(a.st_mode));
    EQ(a.st_size, 9);
    EQ(stat("stat-link", &a), 0);
    EQ(a.st_ino, b.st_ino);
    EQ(statfs(".", &fs), 0);
    CHECK(fs.f_bsize > 0 && fs.f_namelen == 255);
    EQ(fstatfs(fd, &fs), 0);
    ERR(statfs("stat-none", &fs), ENOENT);
    close(fd);
    ERR(fstat(fd, &a), EBADF);
    ERR(fstatfs(fd, &fs), EBADF);
    EQ(unlink("stat-link"), 0);
    EQ(unlink("stat-file"), 0);

    EQ(stat("/dev/null", &a), 0);
    CHECK(S_ISCHR(a.st_mode));
    EQ(a.st_rdev, makedev(1, 3));
    fd = open("/dev/urandom", O_RDONLY);
    EQ(fstat(fd, &a), 0);
    CHECK(S_ISCHR(a.st_mode));
    EQ(a.st_rdev, makedev(1, 9));
    close(fd);
    EQ(pipe(p), 0);
    EQ(fstat(p[0], &a), 0);
    CHECK(S_ISFIFO(a.st_mode));
    EQ(stat("/", &a), 0);
    CHECK(S_ISDIR(a.st_mode));
    EQ(stat("/..", &b), 0);
    EQ(a.st_ino, b.st_ino);
    return done();
}
