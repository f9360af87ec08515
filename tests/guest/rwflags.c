/* guest-test: roots=plain,overlay */
/* Not on the host's overlayfs: it passes over RWF_NOAPPEND and refuses RWF_NOWAIT. */
/* preadv2, pwritev2 and their RWF flags; readv, writev and the rest at their limits. */
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "guest.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static char buf[64];

int main(void)
{
    struct iovec iov = {"abcdef", 6}, in = {buf, sizeof buf}, many[IOV_MAX];
    int fd = open("rw", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2];
    int app = open("rw", O_RDWR | O_APPEND);

    EQ(pwritev2(fd, &iov, 1, 0, 0), 6);
    EQ(pwritev2(fd, &iov, 1, -1, 0), 6);
    EQ(lseek(fd, 0, SEEK_CUR), 6);
    EQ(pwritev2(fd, &iov, 1, 6, RWF_DSYNC), 6);
    EQ(pwritev2(fd, &iov, 1, 6, RWF_SYNC), 6);
    EQ(pwritev2(fd, &iov, 1, 0, RWF_APPEND), 6); /* at the end, whatever the offset */
    EQ(lseek(fd, 0, SEEK_END), 18);
    EQ(pwritev2(app, &iov, 1, 0, RWF_NOAPPEND), 6);
    EQ(lseek(fd, 0, SEEK_END), 18);
    EQ(pwritev2(app, &iov, 1, 0, 0), 6);
    EQ(lseek(fd, 0, SEEK_END), 24);
    ERR(pwritev2(app, &iov, 1, 0, RWF_APPEND | RWF_NOAPPEND), EINVAL);
    EQ(preadv2(fd, &in, 1, 0, RWF_HIPRI), 24);
    long n = preadv2(fd, &in, 1, 0, RWF_NOWAIT); /* it is in the cache, or one is told */
    CHECK(n == 24 || (n == -1 && errno == EAGAIN));
    ERR(preadv2(fd, &in, 1, 0, 0x100), EOPNOTSUPP);
    ERR(preadv2(fd, &in, 1, 0, 0x80), EOPNOTSUPP);
    ERR(pwritev2(fd, &iov, 1, 0, 0x40000000), EOPNOTSUPP);
    ERR(preadv2(fd, &in, 1, -2, 0), EINVAL);
    ERR(preadv2(-1, &in, 1, 0, 0x100), EBADF);
    ERR(preadv2(fd, (void *)8, 1, 0, 0x100), EFAULT);
    ERR(preadv(fd, &in, 1, -1), EINVAL);
    ERR(pwritev(fd, &in, 1, -1), EINVAL);
    EQ(preadv2(fd, &in, 0, 0, 0), 0);
    ERR(preadv2(fd, &in, -1, 0, 0), EINVAL);
    ERR(preadv2(fd, &in, 1025, 0, 0), EINVAL);
    EQ(pipe(p), 0);
    ERR(preadv(p[0], &in, 1, 0), ESPIPE);
    ERR(pwritev2(p[1], &iov, 1, 0, 0), ESPIPE);
    EQ(pwritev2(p[1], &iov, 1, -1, 0), 6);
    EQ(preadv2(p[0], &in, 1, -1, RWF_NOWAIT), 6);
    ERR(preadv2(p[0], &in, 1, -1, RWF_NOWAIT), EAGAIN);
    ERR(readv(p[1], &in, 1), EBADF);
    ERR(writev(p[0], &in, 1), EBADF);

    /* As many pieces as there may be. */
    for (int i = 0; i < IOV_MAX; i++)
        many[i] = (struct iovec){"x", 1};
    EQ(ftruncate(fd, 0), 0);
    OK(lseek(fd, 0, SEEK_SET));
    EQ(writev(fd, many, IOV_MAX), IOV_MAX);
    many[1].iov_len = (size_t)LONG_MAX + 1;
    ERR(writev(fd, many, 2), EINVAL);
    many[0] = (struct iovec){buf, 4};
    many[1] = (struct iovec){(void *)8, 4};
    OK(lseek(fd, 0, SEEK_SET));
    n = readv(fd, many, 2); /* what came before the bad piece is kept */
    CHECK(n == 4);
    EQ(pread(fd, buf, 4, 1022), 2);
    EQ(pread(fd, buf, 4, 5000), 0);
    EQ(pread(fd, buf, 0, 0), 0);
    ERR(pread(fd, buf, 4, LONG_MIN), EINVAL);
    ERR(pwrite(fd, buf, 4, LONG_MAX), EINVAL);
    EQ(write(fd, buf, 0), 0);
    EQ(write(fd, (void *)8, 0), 0);
    int path = open("rw", O_PATH), dir = open(".", O_RDONLY), ro = open("rw", O_RDONLY);
    ERR(write(path, buf, 1), EBADF);
    ERR(pread(path, buf, 1, 0), EBADF);
    ERR(lseek(path, 0, SEEK_SET), EBADF);
    ERR(read(dir, buf, 1), EISDIR);
    ERR(pread(dir, buf, 1, 0), EISDIR);
    ERR(readv(dir, &in, 1), EISDIR);
    ERR(write(dir, buf, 1), EBADF);
    ERR(write(ro, buf, 1), EBADF);
    ERR(pwrite(ro, buf, 1, 0), EBADF);
    ERR(pwrite(ro, buf, 1, -1), EINVAL);
    ERR(ftruncate(ro, 0), EINVAL);
    ERR(ftruncate(dir, 0), EINVAL);
    ERR(ftruncate(path, 0), EBADF);
    ERR(ftruncate(p[1], 0), EINVAL);
    ERR(ftruncate(-1, -1), EINVAL);
    int full = open("/dev/full", O_RDWR);
    ERR(write(full, buf, 1), ENOSPC);
    ERR(pwrite(full, buf, 1, 9), ENOSPC);
    ERR(writev(full, &iov, 1), ENOSPC);
    ERR(sendfile(full, ro, NULL, 1), EINVAL); /* it takes nothing from a pipe */
    EQ(read(full, buf, 4), 4);
    close(full);
    ERR(fsync(path), EBADF);
    EQ(fsync(dir), 0);
    EQ(fdatasync(ro), 0);
    ERR(fsync(p[0]), EINVAL);
    EQ(syncfs(ro), 0);
    ERR(syncfs(path), EBADF);
    ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
    ERR(sync_file_range(fd, -1, 0, 0), EINVAL);
    ERR(sync_file_range(p[0], 0, 0, 0), ESPIPE);
    EQ(sync_file_range(ro, 0, 10, 7), 0);
    ERR(readahead(p[0], 0, 1), EINVAL);
    ERR(readahead(-1, 0, 1), EBADF);
    EQ(readahead(ro, 0, 1), 0);
    EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    EQ(posix_fadvise(ro, 0, -1, POSIX_FADV_NORMAL), EINVAL);
    EQ(posix_fadvise(path, 0, 0, POSIX_FADV_NORMAL), EBADF);
    EQ(posix_fadvise(dir, 0, 0, POSIX_FADV_NORMAL), 0);
    return done();
}
