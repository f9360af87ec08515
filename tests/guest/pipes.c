/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Pipes and the calls that move data between descriptors. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "guest.h"

int main(void)
{
    char buf[64];
    int p[2], q[2], n;
    off_t off;
    loff_t off2;

    EQ(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
    EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(p[1], F_GETFL) & O_NONBLOCK);
    ERR(read(p[0], buf, 1), EAGAIN);
    EQ(write(p[1], "pipe data", 9), 9);
    EQ(ioctl(p[0], FIONREAD, &n), 0);
    EQ(n, 9);
    EQ(read(p[0], buf, 64), 9);
    ERR(lseek(p[0], 0, SEEK_CUR), ESPIPE);
    ERR(pread(p[0], buf, 1, 0), ESPIPE);
    CHECK(fcntl(p[0], F_GETPIPE_SZ) >= 4096);
    CHECK(fcntl(p[0], F_SETPIPE_SZ, 8192) >= 8192);
    ERR(pipe2(p, O_APPEND), EINVAL);
    ERR(pipe2((int *)8, 0), EFAULT);
    while (write(p[1], buf, 64) > 0)
        ;
    EQ(errno, EAGAIN);
    while (read(p[0], buf, 64) > 0)
        ;
    EQ(pipe2(q, O_NONBLOCK), 0);

    int file = open("pipe-file", O_CREAT | O_RDWR | O_TRUNC, 0600);
    EQ(write(file, "0123456789", 10), 10);
    off = 2;
    EQ(sendfile(p[1], file, &off, 4), 4);
    EQ(off, 6);
    EQ(lseek(file, 0, SEEK_CUR), 10);
    EQ(tee(p[0], q[1], 64, SPLICE_F_NONBLOCK), 4);
    EQ(read(q[0], buf, 64), 4);
    CHECK(memcmp(buf, "2345", 4) == 0);
    EQ(read(p[0], buf, 64), 4);
    off2 = 7;
    EQ(splice(file, &off2, p[1], NULL, 3, 0), 3);
    EQ(off2, 10);
    off2 = 0;
    EQ(splice(p[0], NULL, file, &off2, 3, 0), 3);
    EQ(pread(file, buf, 10, 0), 10);
    CHECK(memcmp(buf, "7893456789", 10) == 0);
    struct iovec iov = {"vm", 2};
    EQ(vmsplice(p[1], &iov, 1, 0), 2);
    EQ(read(p[0], buf, 64), 2);
    int to = open("pipe-to", O_CREAT | O_RDWR | O_TRUNC, 0600);
    off2 = 4;
    EQ(copy_file_range(file, &off2, to, NULL, 3, 0), 3);
    EQ(pread(to, buf, 10, 0), 3);
    CHECK(memcmp(buf, "456", 3) == 0);
    ERR(splice(p[0], &off2, file, NULL, 1, 0), ESPIPE);
    ERR(sendfile(p[1], 999, NULL, 1), EBADF);

    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    ERR(write(p[1], "x", 1), EPIPE);
    EQ(unlink("pipe-file"), 0);
    EQ(unlink("pipe-to"), 0);
    return done();
}
