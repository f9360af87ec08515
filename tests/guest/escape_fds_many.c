/* guest-test: flags=-pthread */
/*
 * A guest that has raised its limit has descriptors on both sides of those that are not its own.
 * These stay out of its reach, and out of that of the other processes of the run; their numbers are
 * passed over.
 */
#include <stdbool.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "each_fd.h"

#define USUAL 1024
#define MANY  600

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static bool own[USUAL + 2 * MANY];
static int most = USUAL + 2 * MANY;

static void raise_limit(void)
{
    struct rlimit lim;
    OK(getrlimit(RLIMIT_NOFILE, &lim));
    lim.rlim_cur = (rlim_t)most;
    OK(setrlimit(RLIMIT_NOFILE, &lim));
}

/* The lowest free one each time, but that some are taken by what is not ours. */
static void open_many(void)
{
    int last = 2;
    for (int n = 0; n < 3; n++)
        own[n] = true;
    while (last < USUAL + MANY) {
        int fd = open("/dev/null", O_WRONLY);
        CHECK(fd > last && fd < most);
        if (fd < 0)
            return;
        CHECK(fd >= USUAL || fd == last + 1);
        CHECK(fd - last < 64);
        own[last = fd] = true;
        EQ(write(fd, "x", 1), 1);
    }
}

static bool is_own(int n)
{
    return own[n] || n == pair[0] || n == pair[1] || n == epoll || n == zero;
}

static void not_selected(int n)
{
    static unsigned char set[(USUAL + 2 * MANY) / 8 + 8];
    struct timespec none = {0, 0};
    set[n / 8] = (unsigned char)(1 << n % 8);
    ERR(syscall(SYS_pselect6, n + 1, set, NULL, NULL, &none, NULL), EBADF);
    set[n / 8] = 0;
}

static void others(void)
{
    for (int n = 3; n < most; n++) {
        if (is_own(n))
            continue;
        ERR(fcntl(n, F_GETFD), EBADF);
        if (n < USUAL + MANY) /* beyond its table Linux does not look */
            not_selected(n);
        int fd = dup2(zero, n);
        CHECK(fd == n || (fd < 0 && errno == EBUSY));
        if (fd < 0)
            each_call(n, EBUSY);
        else
            OK(close(fd));
    }
}

static int listed_in(const char *path)
{
    int count = 0;
    struct dirent *d;
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    while (dir && (d = readdir(dir))) {
        if (d->d_name[0] == '.')
            continue;
        count++;
        CHECK(atoi(d->d_name) < most && (is_own(atoi(d->d_name)) || atoi(d->d_name) == dirfd(dir)));
    }
    if (dir)
        closedir(dir);
    return count;
}

/* What one process of the run sees of another's. */
static void peer(void)
{
    char path[64];
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        guest_failed = 0;
        /* A child's own are not one more for it: what ours are like is seen where none is raised.
         */
        int pidfd = (int)syscall(SYS_pidfd_open, parent, 0);
        OK(pidfd);
        for (int n = 3; n < most; n++) {
            snprintf(path, sizeof(path), "/proc/%d/fd/%d", parent, n);
            if (is_own(n))
                continue;
            ERR(syscall(SYS_pidfd_getfd, pidfd, n, 0), EBADF);
            ERR(open(path, O_PATH), ENOENT);
        }
        int got = (int)syscall(SYS_pidfd_getfd, pidfd, USUAL - 1, 0);
        CHECK(got > USUAL + MANY);
        snprintf(path, sizeof(path), "/proc/%d/fd", parent);
        int count = listed_in(path);
        CHECK(count > USUAL + MANY / 2);
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static int highest(void)
{
    int n = most - 1;
    while (!own[n])
        n--;
    return n;
}

static void alive(void)
{
    struct stat st;
    char buf[256];
    OK(stat("/tmp", &st));
    OK(chdir("/tmp"));
    CHECK(getcwd(buf, sizeof(buf)) != NULL);
    OK(access("/proc/self/status", R_OK));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(chdir("/") ? 1 : 0);
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

/* After execve: the highest but one was marked to be closed. */
static int after(int high)
{
    ERR(fcntl(high - 1, F_GETFD), EBADF);
    OK(fcntl(high, F_GETFD));
    EQ(write(high, "x", 1), 1);
    OK(syscall(SYS_close_range, USUAL, ~0u, CLOSE_RANGE_CLOEXEC));
    EQ(fcntl(high, F_GETFD), FD_CLOEXEC);
    OK(syscall(SYS_close_range, USUAL - 10, ~0u, 0));
    ERR(fcntl(high, F_GETFD), EBADF);
    ERR(fcntl(USUAL - 10, F_GETFD), EBADF);
    OK(fcntl(USUAL - 11, F_GETFD));
    alive();
    OK(syscall(SYS_close_range, 3, ~0u, 0));
    alive();
    return done();
}

int main(int argc, char **argv)
{
    char number[16];
    if (argc > 1)
        return after(atoi(argv[1]));
    raise_limit();
    open_many();
    each_call_open();
    others();
    CHECK(listed_in("/proc/self/fd") > USUAL + MANY / 2);
    peer();
    alive();
    int high = highest();
    OK(fcntl(high - 1, F_SETFD, FD_CLOEXEC));
    snprintf(number, sizeof(number), "%d", high);
    fflush(stdout);
    execl(argv[0], argv[0], number, NULL);
    FAIL("execl: %d", errno);
    return done();
}
