/* guest-test: flags=-Wno-nonnull */
/* sendfile, splice, tee, vmsplice and copy_file_range: offsets, ends, and what each refuses. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "guest.h"

static int file, other, p[2], q[2], dir, path, ro, app;
static char buf[65536];

static void empty(void)
{
    while (read(p[0], buf, sizeof buf) > 0)
        ;
    while (read(q[0], buf, sizeof buf) > 0)
        ;
}

static void sending(void)
{
    off_t off = 2;

    EQ(sendfile(p[1], file, &off, 100), 8);
    EQ(off, 10);
    EQ(sendfile(p[1], file, &off, 100), 0);
    empty();
    EQ(lseek(file, 4, SEEK_SET), 4);
    EQ(sendfile(other, file, NULL, 3), 3);
    EQ(lseek(file, 0, SEEK_CUR), 7);
    EQ(pread(other, buf, 10, 0), 3);
    EQ(memcmp(buf, "456", 3), 0);
    off = -1;
    ERR(sendfile(p[1], file, &off, 1), EINVAL);
    off = 0;
    EQ(sendfile(p[1], file, &off, 0), 0);
    ERR(sendfile(p[1], file, (off_t *)8, 1), EFAULT);
    ERR(sendfile(p[1], p[0], &off, 1), ESPIPE);
    ERR(sendfile(p[1], p[0], NULL, 1), EINVAL);
    ERR(sendfile(p[0], file, NULL, 1), EBADF);
    ERR(sendfile(p[1], dir, NULL, 1), EINVAL);
    ERR(sendfile(ro, file, NULL, 1), EBADF);
    ERR(sendfile(p[1], path, NULL, 1), EBADF);
    ERR(sendfile(app, file, NULL, 1), EINVAL);
    ERR(sendfile(-1, file, NULL, 1), EBADF);
    int s[2];
    EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    off = 0;
    EQ(sendfile(s[0], file, &off, 10), 10);
    EQ(read(s[1], buf, 20), 10);
    EQ(memcmp(buf, "0123456789", 10), 0);
    close(s[0]);
    close(s[1]);
}

/* No room, and offsets that no file can have. */
static void sending_nothing(void)
{
    off_t off = 0;
    int s[2];
    EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
    while (write(p[1], buf, sizeof buf) > 0)
        ;
    EQ(errno, EAGAIN);
    ERR(sendfile(p[1], file, &off, 1), EAGAIN);
    while (write(s[0], buf, sizeof buf) > 0)
        ;
    EQ(errno, EAGAIN);
    ERR(sendfile(s[0], file, &off, 1), EAGAIN);
    EQ(off, 0);
    ERR(tee(p[0], p[1], 1, 0), EINVAL); /* before there is no room */
    ERR(splice(file, &off, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    empty();
    off = (off_t)0x7fffffffffffffff;
    ERR(sendfile(p[1], file, &off, 1), EINVAL);
    close(s[0]);
    close(s[1]);
}

static void splicing(void)
{
    loff_t in = 0, out = 0;

    EQ(splice(-1, NULL, -1, NULL, 0, 0), 0); /* nothing is nothing */
    ERR(splice(-1, NULL, -1, NULL, 1, 0x10), EINVAL);
    ERR(splice(-1, NULL, p[1], NULL, 1, 0), EBADF);
    ERR(splice(file, NULL, -1, NULL, 1, 0), EBADF);
    ERR(splice(file, NULL, other, NULL, 1, 0), EINVAL); /* no pipe at all */
    ERR(splice(file, NULL, p[1], &out, 1, 0), ESPIPE);
    ERR(splice(p[0], &in, file, NULL, 1, 0), ESPIPE);
    ERR(splice(p[0], (loff_t *)8, file, NULL, 1, 0), ESPIPE);
    ERR(splice(file, (loff_t *)8, p[1], NULL, 1, 0), EFAULT);
    ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL); /* to itself */
    ERR(splice(p[1], NULL, file, NULL, 1, 0), EBADF);
    ERR(splice(file, NULL, p[0], NULL, 1, 0), EBADF);
    ERR(splice(p[0], NULL, file, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    ERR(splice(p[0], NULL, app, NULL, 1, SPLICE_F_NONBLOCK), EINVAL);
    EQ(splice(file, &in, p[1], NULL, 4, 0), 4);
    EQ(in, 4);
    EQ(splice(p[0], NULL, q[1], NULL, 2, 0), 2);
    EQ(read(q[0], buf, 10), 2);
    EQ(memcmp(buf, "01", 2), 0);
    out = 100;
    EQ(splice(p[0], NULL, other, &out, 2, SPLICE_F_MOVE), 2);
    EQ(out, 102);
    EQ(pread(other, buf, 2, 100), 2);
    EQ(memcmp(buf, "23", 2), 0);
    in = 1000;
    EQ(splice(file, &in, p[1], NULL, 4, 0), 0);
    in = -1;
    ERR(splice(file, &in, p[1], NULL, 4, 0), EINVAL);
    ERR(splice(dir, NULL, p[1], NULL, 4, 0), EINVAL);
    empty();
    /* A pipe without writers is at its end. */
    int r[2];
    EQ(pipe(r), 0);
    close(r[1]);
    EQ(splice(r[0], NULL, p[1], NULL, 4, 0), 0);
    close(r[0]);
}

static void teeing(void)
{
    ERR(tee(p[0], p[1], 1, 0), EINVAL);
    ERR(tee(p[0], q[1], 1, 0x10), EINVAL);
    ERR(tee(file, q[1], 1, 0), EINVAL);
    ERR(tee(-1, q[1], 1, 0), EBADF);
    ERR(tee(p[1], q[1], 1, 0), EBADF);
    EQ(tee(p[0], q[1], 0, 0), 0);
    EQ(write(p[1], "abcd", 4), 4);
    EQ(tee(p[0], q[1], 3, 0), 3);
    EQ(read(q[0], buf, 10), 3);
    EQ(read(p[0], buf, 10), 4);
    ERR(tee(p[0], q[1], 3, SPLICE_F_NONBLOCK), EAGAIN);
}

static void memory(void)
{
    struct iovec iov[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};

    EQ(vmsplice(p[1], iov, 3, 0), 5);
    EQ(read(p[0], buf, 10), 5);
    EQ(memcmp(buf, "abcde", 5), 0);
    EQ(vmsplice(p[1], iov, 0, 0), 0);
    ERR(vmsplice(p[1], iov, 3, 0x10), EINVAL);
    ERR(vmsplice(p[1], iov, 1025, 0), EINVAL);
    ERR(vmsplice(-1, iov, 3, 0), EBADF);
    ERR(vmsplice(file, iov, 3, 0), EBADF);
    ERR(vmsplice(p[1], (void *)8, 3, 0), EFAULT);
    iov[0].iov_base = (void *)8;
    ERR(vmsplice(p[1], iov, 1, 0), EFAULT);
    EQ(write(p[1], "xyz", 3), 3);
    iov[0] = (struct iovec){buf, 2};
    iov[1] = (struct iovec){buf + 10, 10};
    EQ(vmsplice(p[0], iov, 2, 0), 3); /* out of the pipe */
    EQ(buf[0], 'x');
    EQ(buf[10], 'z');
    ERR(vmsplice(p[0], iov, 2, SPLICE_F_NONBLOCK), EAGAIN);
}

static void copying(void)
{
    loff_t in = 2, out = 20;

    EQ(copy_file_range(file, &in, other, &out, 4, 0), 4);
    EQ(in, 6);
    EQ(out, 24);
    EQ(pread(other, buf, 4, 20), 4);
    EQ(memcmp(buf, "2345", 4), 0);
    EQ(lseek(file, 8, SEEK_SET), 8);
    EQ(lseek(other, 0, SEEK_SET), 0);
    EQ(copy_file_range(file, NULL, other, NULL, 100, 0), 2);
    EQ(lseek(file, 0, SEEK_CUR), 10);
    EQ(lseek(other, 0, SEEK_CUR), 2);
    EQ(copy_file_range(file, NULL, other, NULL, 100, 0), 0);
    in = out = 0;
    ERR(copy_file_range(file, &in, other, &out, 1, 1), EINVAL);
    ERR(copy_file_range(-1, &in, other, &out, 1, 1), EBADF);
    ERR(copy_file_range(file, &in, file, &out, 1, 0), EINVAL); /* onto itself */
    out = 10;
    EQ(copy_file_range(file, &in, file, &out, 4, 0), 4);
    EQ(ftruncate(file, 10), 0);
    ERR(copy_file_range(file, &in, ro, &out, 1, 0), EBADF);
    ERR(copy_file_range(file, &in, app, &out, 1, 0), EBADF);
    ERR(copy_file_range(dir, &in, other, &out, 1, 0), EISDIR);
    ERR(copy_file_range(p[0], NULL, other, &out, 1, 0), EINVAL);
    ERR(copy_file_range(file, (loff_t *)8, other, &out, 1, 0), EFAULT);
    ERR(copy_file_range(path, &in, other, &out, 1, 0), EBADF);
    EQ(copy_file_range(file, &in, other, &out, 0, 0), 0);
    in = -1;
    ERR(copy_file_range(file, &in, other, &out, 1, 0), EOVERFLOW);
}

/* Between file systems, and where nothing may be written. */
static void copying_elsewhere(void)
{
    loff_t in = 0, out = 0;
    int null = open("/dev/null", O_RDWR);
    int from = memfd_create("from", 0), sealed = memfd_create("to", MFD_ALLOW_SEALING);
    ERR(copy_file_range(file, &in, from, &out, 4, 0), EXDEV);
    ERR(copy_file_range(file, &in, null, &out, 4, 0), EINVAL);
    ERR(copy_file_range(file, &in, dir, &out, 4, 0), EISDIR);
    EQ(write(from, "memory", 6), 6);
    EQ(copy_file_range(from, &in, sealed, &out, 4, 0), 4);
    OK(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW));
    in = 0;
    ERR(copy_file_range(from, &in, sealed, &out, 4, 0), EPERM);
    OK(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
    out = 0;
    ERR(copy_file_range(from, &in, sealed, &out, 4, 0), EPERM);
    EQ(in, 0);
    close(from);
    close(sealed);
    close(null);
}

int main(void)
{
    file = open("tr-file", O_CREAT | O_RDWR | O_TRUNC, 0644);
    other = open("tr-other", O_CREAT | O_RDWR | O_TRUNC, 0644);
    dir = open(".", O_RDONLY);
    path = open("tr-file", O_PATH);
    ro = open("tr-other", O_RDONLY);
    app = open("tr-other", O_WRONLY | O_APPEND);
    EQ(pipe2(p, O_NONBLOCK), 0);
    EQ(pipe2(q, O_NONBLOCK), 0);
    EQ(write(file, "0123456789", 10), 10);
    sending();
    sending_nothing();
    splicing();
    teeing();
    memory();
    copying();
    copying_elsewhere();
    return done();
}
