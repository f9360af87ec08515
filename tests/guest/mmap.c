/* guest-test: flags=-pthread */
/* mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore: results, errors in Linux's order,
 * contents. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

#define P  4096ul
#define RW (PROT_READ | PROT_WRITE)
#define PA (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    fault_signal = sig;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

/* The signal that reading a byte raises, or 0. */
static int touch(volatile char *p, int write)
{
    fault_signal = 0;
    if (sigsetjmp(back, 1) == 0) {
        if (write)
            *p = 1;
        else
            (void)*p;
    }
    return fault_signal;
}

static int file_of(const char *name, size_t pages)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char page[P];
    CHECK(fd >= 0);
    for (size_t i = 0; i < pages; i++) {
        memset(page, 'a' + (int)i, P);
        EQ(write(fd, page, P), P);
    }
    return fd;
}

static void arguments(void)
{
    char *p = mmap(NULL, 3 * P, RW, PA, -1, 0);
    CHECK(p != MAP_FAILED);
    ERR(mmap(NULL, 0, RW, PA, -1, 0), EINVAL);
    ERR(syscall(SYS_mmap, 0, P, RW, PA, -1, 1), EINVAL);
    ERR(mmap(NULL, P, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
    ERR(mmap(NULL, P, RW, MAP_PRIVATE, -1, 0), EBADF);
    ERR(mmap(NULL, P, RW, MAP_PRIVATE, 99, 0), EBADF);
    ERR(mmap(NULL, ~0ul - P, RW, PA, -1, 0), ENOMEM);
    ERR(mmap(NULL, 1ul << 60, RW, PA, -1, 0), ENOMEM);
    ERR(mmap(p + 1, P, RW, PA | MAP_FIXED, -1, 0), EINVAL);
    ERR(mmap((void *)(1ul << 60), P, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
    ERR(mmap(NULL, P, RW, PA | MAP_FIXED, -1, 0), EPERM);
    ERR(mmap(p, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    ERR(munmap(p + 1, P), EINVAL);
    ERR(munmap(p, 0), EINVAL);
    ERR(munmap((void *)~(P - 1), P), EINVAL);
    ERR(mprotect(p + 1, P, RW), EINVAL);
    EQ(mprotect(p, 0, RW), 0);
    ERR(mprotect(p, P, 0x40), EINVAL);
    EQ(munmap(p + P, P), 0);
    ERR(mprotect(p, 3 * P, PROT_READ), ENOMEM);
    EQ(touch(p, 1), SIGSEGV); /* what is before the hole was changed */
    EQ(fault_code, SEGV_ACCERR);
    CHECK(fault_address == p);
    EQ(touch(p + P, 0), SIGSEGV);
    EQ(fault_code, SEGV_MAPERR);
    EQ(munmap(p, 3 * P), 0);
    EQ(munmap(p, 3 * P), 0); /* nothing there is no error */
}

static void placement(void)
{
    char *a = mmap(NULL, P, RW, PA, -1, 0), *b = mmap(NULL, P, RW, PA, -1, 0);
    CHECK(b < a); /* top down */
    munmap(a, P);
    char *hint = mmap(a, P, RW, PA, -1, 0);
    CHECK(hint == a);
    char *taken = mmap(a, P, RW, PA, -1, 0);
    CHECK(taken != a && taken != MAP_FAILED);
    char *low = mmap((void *)0x10000000, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(low == (char *)0x10000000);
    munmap(low, P);
    munmap(a, P);
    munmap(b, P);
    munmap(taken, P);
}

static void files(void)
{
    int fd = file_of("mapped", 3);
    char *shared = mmap(NULL, 3 * P, RW, MAP_SHARED, fd, 0),
         *private = mmap(NULL, 3 * P, RW, MAP_PRIVATE, fd, 0);
    char c;
    EQ(shared[0], 'a');
    EQ(shared[2 * P], 'c');
    shared[1] = 'X';
    EQ(pread(fd, &c, 1, 1), 1);
    EQ(c, 'X');
    EQ(pwrite(fd, "Y", 1, 2), 1);
    EQ(shared[2], 'Y');
    private[P] = 'Z';
    EQ(pread(fd, &c, 1, P), 1);
    EQ(c, 'b');
    EQ(msync(shared, 3 * P, MS_SYNC), 0);
    ERR(msync(shared, P, MS_SYNC | MS_ASYNC), EINVAL);
    ERR(msync(shared + 1, P, MS_SYNC), EINVAL);
    ERR(msync(shared, P, 8), EINVAL);
    EQ(ftruncate(fd, P), 0);
    EQ(touch(shared + P, 0), SIGBUS);
    EQ(fault_code, BUS_ADRERR);
    EQ(madvise(private, P, MADV_DONTNEED), 0);
    EQ(private[0], 'a');
    munmap(private, 3 * P);
    munmap(shared, 3 * P);
    int ro = open("mapped", O_RDONLY), wo = open("mapped", O_WRONLY);
    ERR(mmap(NULL, P, RW, MAP_SHARED, ro, 0), EACCES);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
    char *view = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
    ERR(mprotect(view, P, RW), EACCES);
    munmap(view, P);
    int dir = open("/", O_RDONLY);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
    close(dir);
    close(ro);
    close(wo);
    close(fd);
}

static void remap(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0);
    for (int i = 0; i < 4; i++)
        p[i * P] = (char)('0' + i);
    munmap(p + 2 * P, 2 * P);
    char *q = mremap(p, 2 * P, 4 * P, 0);
    CHECK(q == p);
    EQ(q[P], '1');
    EQ(q[2 * P], 0);
    char *wall = mmap(p + 4 * P, P, PROT_NONE, PA | MAP_FIXED_NOREPLACE, -1, 0);
    int walled = wall == p + 4 * P; /* else something lies there already */
    ERR(mremap(p, 4 * P, 8 * P, 0), ENOMEM);
    q = mremap(p, 4 * P, 8 * P, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    EQ(q[P], '1');
    EQ(q[7 * P], 0);
    EQ(touch(p, 0), SIGSEGV);
    EQ(fault_code, SEGV_MAPERR);
    CHECK(mremap(q, 8 * P, P, 0) == q);
    EQ(touch(q + P, 0), SIGSEGV);
    char *target = mmap(NULL, 2 * P, RW, PA, -1, 0);
    CHECK(mremap(q, P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    EQ(target[0], '0');
    ERR(mremap(target, P, P, 16), EINVAL);
    ERR(mremap(target + 1, P, P, 0), EINVAL);
    ERR(mremap(target, P, 0, 0), EINVAL);
    ERR(mremap(target, P, P, MREMAP_FIXED, q), EINVAL);
    ERR(mremap(target, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target + P), EINVAL);
    ERR(mremap(q, P, 2 * P, 0), EFAULT);
    target[0] = 'k';
    char *kept = mremap(target, 2 * P, 2 * P, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, NULL);
    CHECK(kept != MAP_FAILED && kept != target);
    EQ(kept[0], 'k');
    EQ(target[0], 0);
    munmap(kept, 2 * P);
    munmap(target, 2 * P);
    if (walled)
        munmap(wall, P);

    int fd = file_of("remapped", 4);
    p = mmap(NULL, P, RW, MAP_SHARED, fd, P);
    q = mremap(p, P, 3 * P, MREMAP_MAYMOVE);
    EQ(q[0], 'b');
    EQ(q[2 * P], 'd');
    char *twin = mremap(q, 0, 3 * P, MREMAP_MAYMOVE);
    twin[0] = 'T';
    EQ(q[0], 'T');
    munmap(twin, 3 * P);
    munmap(q, 3 * P);
    close(fd);
}

/* Mapped in pieces and touched: Linux may keep them as several areas, which do not move at once. */
static void remap_pieces(void)
{
    char *p = mmap(NULL, 3 * P, RW, PA, -1, 0);
    munmap(p + P, P);
    p[0] = 'x';
    p[2 * P] = 'z';
    CHECK(mmap(p + P, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0) == p + P);
    p[P] = 'y';
    char *to = mmap(NULL, 8 * P, PROT_NONE, PA, -1, 0);
    char *q = mremap(p, 3 * P, 5 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (q == MAP_FAILED)
        EQ(errno, EFAULT);
    else
        p = q;
    EQ(p[0], 'x');
    EQ(p[P], 'y');
    EQ(p[2 * P], 'z');
    if (q != MAP_FAILED)
        EQ(q[4 * P], 0);
    munmap(p, 3 * P);
    munmap(to, 8 * P);
}

static void heap(void)
{
    char *start = sbrk(0);
    EQ((long)sbrk(5 * P), (long)start);
    start[4 * P] = 'h';
    EQ(brk(start + P), 0);
    EQ(touch(start + 4 * P, 0), SIGSEGV);
    EQ(brk(start + 5 * P), 0);
    EQ(start[4 * P], 0);
    EQ(brk(start), 0);
    EQ(syscall(SYS_brk, 1), (long)start);
}

static void advice(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0);
    p[0] = 'q';
    EQ(madvise(p, 4 * P, MADV_DONTNEED), 0);
    EQ(p[0], 0);
    EQ(madvise(p, 4 * P, MADV_WILLNEED), 0);
    EQ(madvise(p, 4 * P, MADV_FREE), 0);
    EQ(madvise(p, 0, MADV_NORMAL), 0);
    ERR(madvise(p, P, 99), EINVAL);
    ERR(madvise(p + 1, P, MADV_NORMAL), EINVAL);
    EQ(munmap(p + P, P), 0);
    p[2 * P] = 'r';
    ERR(madvise(p, 4 * P, MADV_DONTNEED), ENOMEM);
    EQ(p[2 * P], 0); /* what is behind the hole was done, too */
    unsigned char vec[2];
    p[2 * P] = 1;
    EQ(mincore(p + 2 * P, P, vec), 0);
    EQ(vec[0] & 1, 1);
    ERR(mincore(p, 2 * P, vec), ENOMEM);
    ERR(mincore(p + 1, P, vec), EINVAL);
    ERR(mincore(p + 2 * P, 2 * P, (void *)8), EFAULT);
    munmap(p, 4 * P);
}

/* Code written at run time, changed, and its permission taken away. */
static void code(void)
{
    unsigned *p = mmap(NULL, P, RW, PA, -1, 0);
    int (*f)(void) = (int (*)(void))p;
    p[0] = 0x52800140; /* mov w0, #10 */
    p[1] = 0xd65f03c0; /* ret */
    EQ(mprotect(p, P, PROT_READ | PROT_EXEC), 0);
    __builtin___clear_cache((char *)p, (char *)(p + 2));
    EQ(f(), 10);
    EQ(mprotect(p, P, RW), 0);
    p[0] = 0x52800160; /* mov w0, #11 */
    fault_signal = 0;
    if (sigsetjmp(back, 1) == 0)
        f();
    EQ(fault_signal, SIGSEGV);
    EQ(fault_code, SEGV_ACCERR);
    EQ(mprotect(p, P, PROT_READ | PROT_EXEC), 0);
    __builtin___clear_cache((char *)p, (char *)(p + 2));
    EQ(f(), 11);
    unsigned *q = mmap(p, P, RW | PROT_EXEC, PA | MAP_FIXED, -1, 0);
    q[0] = 0x52800180; /* mov w0, #12 */
    q[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)q, (char *)(q + 2));
    EQ(f(), 12);
    munmap(p, P);
}

static void *map_and_unmap(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        size_t n = (size_t)(1 + i % 7) * P;
        char *p = mmap(NULL, n, RW, PA, -1, 0);
        p[n - 1] = 1;
        p = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
        if (p == MAP_FAILED || p[n - 1] != 1 || p[2 * n - 1] != 0)
            return "lost";
        munmap(p, 2 * n);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, map_and_unmap, NULL);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(t[i], &result);
        CHECK(result == NULL);
    }
}

static void grows_down(void)
{
    char *p = mmap(NULL, 64 * P, RW, PA, -1, 0);
    munmap(p, 64 * P);
    char *top = mmap(p + 63 * P, P, RW, PA | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    CHECK(top == p + 63 * P);
    EQ(touch(top - 1, 1), 0);
    EQ(touch(top - 3 * (long)P, 1), 0);
    munmap(p, 64 * P);
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    arguments();
    placement();
    files();
    remap();
    remap_pieces();
    heap();
    advice();
    code();
    threads();
    grows_down();
    return done();
}
