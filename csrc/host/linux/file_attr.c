/* file_attr.c - host/file.h on Linux: extended attributes and copying. */
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * f*xattr() refuse O_PATH descriptors (EBADF), and getxattrat(2) is newer than the hosts we run on;
 * the magic link reaches the same inode. It must not be tried on a symbolic link, which it would
 * follow: user.* attributes cannot exist there, so callers do not.
 */
#define SELF_FD(buf, fd)                                                                           \
    char buf[32];                                                                                  \
    snprintf(buf, sizeof buf, "/proc/self/fd/%d", fd)

int64_t host_getxattr_fd(int fd, const char *name, void *value, size_t size)
{
    SELF_FD(path, fd);
    ssize_t n = getxattr(path, name, value, size);
    return n < 0 ? -errno : n;
}

int host_setxattr_fd(int fd, const char *name, const void *value, size_t size, int flags)
{
    SELF_FD(path, fd);
    return setxattr(path, name, value, size, flags) < 0 ? -errno : 0;
}

int64_t host_listxattr_fd(int fd, char *list, size_t size)
{
    SELF_FD(path, fd);
    ssize_t n = listxattr(path, list, size);
    return n < 0 ? -errno : n;
}

bool host_has_xattrs(int fd)
{
    ssize_t n = flistxattr(fd, NULL, 0);
    if (n < 0 && errno == EBADF) { /* O_PATH */
        SELF_FD(path, fd);
        n = listxattr(path, NULL, 0);
    }
    return n != 0;
}

int host_removexattr_fd(int fd, const char *name)
{
    SELF_FD(path, fd);
    return removexattr(path, name) < 0 ? -errno : 0;
}

static int copy_by_hand(int in, int out, off_t offset)
{
    char buf[65536];
    for (;;) {
        ssize_t n = pread(in, buf, sizeof buf, offset);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (n == 0)
            return 0;
        for (ssize_t done = 0; done < n;) {
            ssize_t w = pwrite(out, buf + done, (size_t)(n - done), offset + done);
            if (w < 0 && errno == EINTR)
                continue;
            if (w <= 0)
                return w < 0 ? -errno : -EIO;
            done += w;
        }
        offset += n;
    }
}

int host_copy_file(int in, int out, uint64_t size)
{
    off_t from = 0, to = 0;

    if (ioctl(out, FICLONE, in) == 0)
        return 0;
    while ((uint64_t)from < size) {
        uint64_t want = size - (uint64_t)from;
        ssize_t n =
            copy_file_range(in, &from, out, &to, want > 0x40000000 ? 0x40000000 : (size_t)want, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return copy_by_hand(in, out, from); /* across file systems on old hosts; or it shrank */
    }
    return 0;
}
