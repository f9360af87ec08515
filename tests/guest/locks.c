/* guest-test: reference=qemu */
/* flock, record locks of the process and of the open file. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "guest.h"

int main(void)
{
    int a = open("lock", O_CREAT | O_RDWR, 0600), b = open("lock", O_RDWR);

    EQ(flock(a, LOCK_EX | LOCK_NB), 0);
    ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    EQ(flock(a, LOCK_UN), 0);
    EQ(flock(b, LOCK_SH | LOCK_NB), 0);
    EQ(flock(a, LOCK_SH | LOCK_NB), 0);
    EQ(flock(a, LOCK_UN), 0);
    EQ(flock(b, LOCK_UN), 0);
    ERR(flock(a, 0), EINVAL);
    ERR(flock(a, LOCK_SH | LOCK_EX), EINVAL);
    ERR(flock(a, 64), EINVAL);
    ERR(flock(-1, 0), EINVAL); /* the operation is looked at first */
    ERR(flock(-1, LOCK_SH), EBADF);
    int path = open("lock", O_PATH);
    ERR(flock(path, LOCK_SH | LOCK_NB), EBADF);
    close(path);
    EQ(mkfifo("fifo", 0600), 0);
    int fifo = open("fifo", O_RDWR), null = open("/dev/null", O_RDONLY);
    EQ(flock(fifo, LOCK_EX), 0); /* any file, in any mode */
    EQ(flock(null, LOCK_SH), 0);
    close(fifo);
    close(null);
    EQ(unlink("fifo"), 0);

    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
    EQ(fcntl(a, F_SETLK, &l), 0);
    EQ(fcntl(b, F_SETLK, &l), 0); /* the process's own */
    EQ(fcntl(a, F_GETLK, &l), 0);
    EQ(l.l_type, F_UNLCK);
    l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 1};
    EQ(fcntl(b, F_OFD_GETLK, &l), 0);
    EQ(l.l_type, F_WRLCK);
    EQ(l.l_start, 10);
    l = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET};
    EQ(fcntl(a, F_SETLK, &l), 0);
    l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4};
    EQ(fcntl(a, F_OFD_SETLK, &l), 0);
    l = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 1};
    ERR(fcntl(b, F_OFD_SETLK, &l), EAGAIN);
    ERR(fcntl(b, F_SETLK, (void *)8), EFAULT);
    l.l_type = 77;
    ERR(fcntl(b, F_SETLK, &l), EINVAL);
    close(a);
    close(b);
    EQ(unlink("lock"), 0);
    return done();
}
