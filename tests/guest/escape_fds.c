/* guest-test: flags=-pthread */
/*
 * Descriptors that are not the guest's (elfuse keeps its roots and files above the guest's limit)
 * cannot be used, copied, sent, named or closed, by any call that takes a number.
 */
#include "each_fd.h"

/* The numbers that /proc/self/fd lists are those that fcntl knows. */
static void listed(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *d;
    CHECK(dir != NULL);
    while (dir && (d = readdir(dir)))
        if (d->d_name[0] != '.')
            OK(fcntl(atoi(d->d_name), F_GETFD));
    if (dir)
        closedir(dir);
}

int main(void)
{
    struct rlimit lim;
    each_call_open();
    OK(getrlimit(RLIMIT_NOFILE, &lim));
    CHECK(lim.rlim_cur >= 64 && lim.rlim_cur < 1 << 21);
    int limit = (int)lim.rlim_cur;

    /* No number up to the host's highest is open, but those that this program opened. */
    int seen = 0;
    for (int n = 0; n < (1 << 20) + 64; n += n < 1 << 17 || n % 8 ? 1 : 3)
        if (fcntl(n, F_GETFD) >= 0 && (++seen > 7 || n > zero))
            FAIL("descriptor %d is open", n);
    for (int i = 0; i < 24; i++)
        each_call(limit + i, EBADF);
    int far[] = {65536, 65537, 1 << 20, 786432, 786433, 0x7fffffff, -1, -5, (int)0x80000000};
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        if (far[i] < 0 || far[i] >= limit)
            if (far[i] != -1 && far[i] >= 0)
                each_call(far[i], EBADF);
    listed();

    /* A limit above the boundary is not to be had, and none opens the way. */
    struct rlimit more = {lim.rlim_cur + 64, lim.rlim_max + 64};
    CHECK(setrlimit(RLIMIT_NOFILE, &more) < 0);
    each_call(limit + 1, EBADF);

    /* Closing all there is leaves elfuse's own alone: paths work. */
    OK(syscall(SYS_close_range, limit, ~0u, 0));
    OK(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC));
    OK(syscall(SYS_close_range, 3, ~0u, 0));
    for (int n = 3; n < limit; n++)
        close(n);
    int fd = open("/etc/passwd", O_RDONLY);
    EQ(fd, 3);
    OK(chdir("/tmp"));
    OK(mkdir("after", 0777));
    OK(rmdir("after"));
    /* With every number taken, a new one is refused, and not put among those above. */
    struct rlimit few = {32, lim.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &few));
    while ((fd = dup(3)) >= 0)
        CHECK(fd < 32);
    EQ(errno, EMFILE);
    int two[2];
    ERR(pipe(two), EMFILE);
    ERR(open("/etc/passwd", O_RDONLY), EMFILE);
    ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    ERR(fcntl(3, F_DUPFD, 32), EINVAL);
    return done();
}
