/* guest-test: flags=-pthread */
/* Limits of the process's own, and what they do. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

static void descriptors(void)
{
    struct rlimit r, old;
    OK(getrlimit(RLIMIT_NOFILE, &r));
    CHECK(r.rlim_cur >= 256 && r.rlim_cur <= r.rlim_max);
    old = r;
    r.rlim_cur = 50;
    OK(setrlimit(RLIMIT_NOFILE, &r));
    int fd = 0, last = 0;
    while ((fd = dup(0)) >= 0)
        last = fd;
    EQ(errno, EMFILE);
    EQ(last, 49);
    OK(syscall(SYS_close_range, 3, ~0u, 0));
    OK(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &old, &r));
    EQ(r.rlim_cur, 50);
    OK(getrlimit(RLIMIT_STACK, &r));
    CHECK(r.rlim_cur >= 1 << 20);
    for (int i = 0; i < 16; i++)
        OK(syscall(SYS_prlimit64, getpid(), i, NULL, &r));
}

static volatile int signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static void file_size(void)
{
    char buf[100] = {0};
    struct rlimit r = {64, RLIM_INFINITY}, old;
    signal(SIGXFSZ, on_signal);
    OK(getrlimit(RLIMIT_FSIZE, &old));
    r.rlim_max = old.rlim_max;
    OK(setrlimit(RLIMIT_FSIZE, &r));
    int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(write(fd, buf, sizeof(buf)), 64); /* as far as it goes */
    EQ(signals, 0);
    ERR(write(fd, buf, 1), EFBIG);
    EQ(signals, 1);
    ERR(ftruncate(fd, 65), EFBIG);
    EQ(signals, 2);
    OK(ftruncate(fd, 0));
    OK(setrlimit(RLIMIT_FSIZE, &old));
    EQ(pwrite(fd, buf, 100, 0), 100);
    close(fd);
    unlink("limited");
}

static void cpu_time(void)
{
    struct rlimit r, old;
    signals = 0;
    signal(SIGXCPU, on_signal);
    OK(getrlimit(RLIMIT_CPU, &old));
    r = (struct rlimit){1, old.rlim_max};
    OK(setrlimit(RLIMIT_CPU, &r));
    while (!signals)
        ;
    OK(setrlimit(RLIMIT_CPU, &old));
}

static void memory(void)
{
    const size_t mib = 1 << 20;
    struct rlimit old, r;
    OK(getrlimit(RLIMIT_AS, &old));
    r = (struct rlimit){512 * mib, old.rlim_max};
    OK(setrlimit(RLIMIT_AS, &r));
    void *p = mmap(NULL, 64 * mib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    ERR(mmap(NULL, 512 * mib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    ERR(mremap(p, 64 * mib, 512 * mib, MREMAP_MAYMOVE), ENOMEM);
    OK(setrlimit(RLIMIT_AS, &old));
    munmap(p, 64 * mib);
    OK(getrlimit(RLIMIT_DATA, &old));
    r = (struct rlimit){4096, old.rlim_max};
    OK(setrlimit(RLIMIT_DATA, &r));
    ERR(mmap(NULL, mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    p = mmap(NULL, mib, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED); /* what nobody may write is no data */
    void *top = sbrk(0);
    EQ(syscall(SYS_brk, (char *)top + mib), (long)top);
    OK(setrlimit(RLIMIT_DATA, &old));
}

int main(void)
{
    descriptors();
    file_size();
    cpu_time();
    memory();
    return done();
}
