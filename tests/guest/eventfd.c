/* guest-test: reference=qemu */
/* eventfd and timerfd. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "guest.h"

int main(void)
{
    uint64_t n = 0;
    int fd = eventfd(3, EFD_NONBLOCK);
    CHECK(fd >= 0);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 3);
    ERR(read(fd, &n, 8), EAGAIN);
    n = 5;
    EQ(write(fd, &n, 8), 8);
    EQ(write(fd, &n, 8), 8);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 10);
    ERR(read(fd, &n, 4), EINVAL);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    EQ(read(fd, &n, 8), 8);
    EQ(n, 1);
    close(fd);
    ERR(eventfd(0, 0x40000000), EINVAL);

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    CHECK(fd >= 0);
    struct itimerspec its = {{0, 5000000}, {0, 5000000}}, now;
    ERR(read(fd, &n, 8), EAGAIN);
    OK(timerfd_settime(fd, 0, &its, NULL));
    struct pollfd p = {fd, POLLIN, 0};
    EQ(poll(&p, 1, 2000), 1);
    EQ(read(fd, &n, 8), 8);
    CHECK(n >= 1);
    OK(timerfd_gettime(fd, &now));
    EQ(now.it_interval.tv_nsec, 5000000);
    its = (struct itimerspec){{0, 0}, {0, 0}};
    OK(timerfd_settime(fd, 0, &its, &now));
    EQ(now.it_interval.tv_nsec, 5000000);
    ERR(timerfd_settime(0, 0, &its, NULL), EINVAL);
    ERR(timerfd_settime(900, 0, &its, NULL), EBADF);
    ERR(timerfd_create(99, 0), EINVAL);
    return done();
}
