/* guest-test: flags=-pthread */
/* Bad pointers to system calls: EFAULT, whoever reads them, and also when a page goes away in the
 * middle. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "guest.h"

#define P 4096ul

static void *const bad[] = {(void *)8, (void *)0x7ffffffff000, (void *)0xffff000000000000,
                            (void *)-8};

static void each_call(void *p, void *read_only)
{
    int fd = open("/dev/zero", O_RDWR), pair[2];
    CHECK(fd >= 0);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ERR(syscall(SYS_read, fd, p, 100), EFAULT);
    ERR(syscall(SYS_write, pair[0], p, 100), EFAULT);
    ERR(syscall(SYS_openat, AT_FDCWD, p, O_RDONLY), EFAULT);
    ERR(syscall(SYS_newfstatat, AT_FDCWD, "/", p, 0), EFAULT);
    ERR(syscall(SYS_fstat, fd, p), EFAULT);
    ERR(syscall(SYS_statx, AT_FDCWD, p, 0, STATX_BASIC_STATS, p), EFAULT);
    ERR(syscall(SYS_getcwd, p, 100), EFAULT);
    ERR(syscall(SYS_pipe2, p, 0), EFAULT);
    ERR(syscall(SYS_nanosleep, p, NULL), EFAULT);
    ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, p), EFAULT);
    ERR(syscall(SYS_uname, p), EFAULT);
    ERR(syscall(SYS_readv, fd, p, 1), EFAULT);
    struct iovec iov = {p, 100};
    ERR(syscall(SYS_readv, fd, &iov, 1), EFAULT);
    ERR(syscall(SYS_ppoll, p, 1, NULL, NULL, 8), EFAULT);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8), EFAULT);
    ERR(syscall(SYS_getrandom, p, 16, 0), EFAULT);
    ERR(syscall(SYS_futex, p, 0 /* FUTEX_WAIT */, 0, NULL), EFAULT);
    ERR(syscall(SYS_connect, pair[0], p, 16), EFAULT);
    ERR(syscall(SYS_sendmsg, pair[0], p, 0), EFAULT);
    ERR(syscall(SYS_getsockname, pair[0], p, p), EFAULT);
    ERR(syscall(SYS_execve, p, NULL, NULL), EFAULT);
    ERR(syscall(SYS_set_robust_list, p, 1), EINVAL);
    int ep = epoll_create1(0);
    ERR(syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], p), EFAULT);
    if (read_only) {
        ERR(syscall(SYS_read, fd, read_only, 100), EFAULT);
        ERR(syscall(SYS_fstat, fd, read_only), EFAULT);
        ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, read_only), EFAULT);
        EQ(syscall(SYS_write, pair[0], read_only, 100), 100);
    }
    close(ep);
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

/* A string or struct that runs from a page into nothing. */
static void at_the_edge(void)
{
    char *p = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p + P, P);
    memset(p, '/', P);
    ERR(syscall(SYS_openat, AT_FDCWD, p + P - 10, O_RDONLY), EFAULT);
    p[P - 1] = '\0';
    int fd = open(p + P - 10, O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, p + P - 8), EFAULT);
    ERR(syscall(SYS_nanosleep, p + P - 8, NULL), EFAULT);
    fd = open("/dev/zero", O_RDONLY);
    EQ(read(fd, p + P - 100, 100), 100);
    close(fd);
    munmap(p, P);
}

static volatile int stop;
static char *shaken;

static void *shake(void *arg)
{
    while (!stop) {
        mmap(shaken, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        munmap(shaken, P);
    }
    return NULL;
}

/* Another thread takes the page away again and again: each call succeeds or says EFAULT. */
static void in_the_middle(void)
{
    pthread_t thread;
    shaken = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&thread, NULL, shake, NULL);
    int odd = 0;
    for (int i = 0; i < 3000; i++) {
        long r = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, shaken);
        if (r && errno != EFAULT)
            odd++;
        r = syscall(SYS_openat, AT_FDCWD, shaken, O_RDONLY);
        if (r >= 0 || (errno != EFAULT && errno != ENOENT))
            odd++;
    }
    EQ(odd, 0);
    stop = 1;
    pthread_join(thread, NULL);
}

int main(void)
{
    char *read_only = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none = mmap(NULL, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        each_call(bad[i], NULL);
    each_call(none, read_only);
    at_the_edge();
    in_the_middle();
    return done();
}
