/* guest-test: reference=qemu */
/* Requests of terminals, on a pseudo-terminal; what others give. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "guest.h"

int main(void)
{
    struct termios t;
    struct winsize ws = {24, 80, 0, 0}, got = {0};
    char buf[64];
    int n, fd = open("/dev/null", O_RDWR);

    ERR(tcgetattr(fd, &t), ENOTTY);
    ERR(ioctl(fd, TIOCGWINSZ, &got), ENOTTY);
    EQ(ioctl(fd, 0x12345678, &got), -1);
    CHECK(errno == ENOTTY || errno == ENOSYS); /* the reference says the latter */
    ERR(ioctl(999, FIONREAD, &n), EBADF);
    EQ(ioctl(fd, FIOCLEX), 0);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(ioctl(fd, FIONCLEX), 0);
    EQ(fcntl(fd, F_GETFD), 0);
    close(fd);

    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0) { /* a host without pseudo-terminals */
        CHECK(errno == ENOENT || errno == EACCES || errno == EIO);
        return done();
    }
    n = 0;
    EQ(ioctl(master, TIOCSPTLCK, &n), 0);
    EQ(ioctl(master, TIOCGPTN, &n), 0);
    snprintf(buf, sizeof buf, "/dev/pts/%d", n);
    struct stat st;
    EQ(stat(buf, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    int slave = open(buf, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    EQ(isatty(slave), 1);
    CHECK(ttyname(slave) && strcmp(ttyname(slave), buf) == 0);
    EQ(ioctl(slave, TIOCSWINSZ, &ws), 0);
    EQ(ioctl(master, TIOCGWINSZ, &got), 0);
    EQ(got.ws_col, 80);
    EQ(tcgetattr(slave, &t), 0);
    CHECK(t.c_lflag & ICANON);
    cfmakeraw(&t);
    EQ(tcsetattr(slave, TCSANOW, &t), 0);
    EQ(tcgetattr(slave, &t), 0);
    CHECK(!(t.c_lflag & (ICANON | ECHO)));
    EQ(write(master, "abc", 3), 3);
    for (int i = 0; i < 1000; i++) { /* the line discipline runs on its own time */
        EQ(ioctl(slave, FIONREAD, &n), 0);
        if (n == 3)
            break;
        usleep(1000);
    }
    EQ(n, 3);
    EQ(read(slave, buf, sizeof buf), 3);
    n = 1;
    EQ(ioctl(slave, FIONBIO, &n), 0);
    ERR(read(slave, buf, 1), EAGAIN);
    EQ(tcflush(slave, TCIOFLUSH), 0);
    ERR(tcflush(slave, 99), EINVAL);
    ERR(tcflow(slave, 99), EINVAL);
    close(master);
    EQ(read(slave, buf, 1), 0);
    ERR(write(slave, "x", 1), EIO);
    ERR(ioctl(slave, FIONREAD, &n), EIO);
    close(slave);
    return done();
}
