/* What mmap, mremap, madvise, mlock and mprotect refuse, and in which order. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

#define P  4096ul
#define RW (PROT_READ | PROT_WRITE)
#define PA (MAP_PRIVATE | MAP_ANONYMOUS)
#define SA (MAP_SHARED | MAP_ANONYMOUS)

#define MAP_DROPPABLE_ 0x08

static char *hole(size_t pages)
{
    char *p = mmap(NULL, pages * P, PROT_NONE, PA, -1, 0);
    munmap(p, pages * P);
    return p;
}

static void map(void)
{
    int rw = memfd_create("m", 0);
    EQ(ftruncate(rw, 4 * P), 0);
    int path = open("/", O_PATH), dir = open("/", O_RDONLY);
    int wo = open("written", O_WRONLY | O_CREAT, 0600), ro = open("written", O_RDONLY);
    /* The descriptor is looked at first of all. */
    ERR(mmap(NULL, 0, RW, MAP_SHARED, -1, 0), EBADF);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED, path, 0), EBADF);
    ERR(mmap(NULL, P, RW, MAP_SHARED | MAP_HUGETLB, rw, 0), EINVAL);
    ERR(mmap(NULL, 0, RW, MAP_SHARED, rw, 0), EINVAL);
    ERR(syscall(SYS_mmap, NULL, 2 * P, RW, MAP_SHARED, rw, ~(P - 1)), EOVERFLOW);
    ERR(mmap(NULL, P, RW, 0, rw, 0), EINVAL);
    ERR(mmap(NULL, P, RW, MAP_TYPE, rw, 0), EINVAL);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED, wo, 0), EACCES);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, wo, 0), EACCES);
    ERR(mmap(NULL, P, RW, MAP_SHARED, ro, 0), EACCES);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, rw, 0), EINVAL);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED | MAP_GROWSDOWN, rw, 0), EINVAL);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
    /* Only MAP_SHARED_VALIDATE looks at unknown flags. */
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, rw, 0), EOPNOTSUPP);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, rw, 0), EOPNOTSUPP);
    ERR(mmap(NULL, P, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    ERR(mmap(hole(1), P, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, rw, 0), EOPNOTSUPP);
    char *p = mmap(NULL, P, PROT_READ, MAP_SHARED | 0x800000 | MAP_SYNC, rw, 0);
    CHECK(p != MAP_FAILED);
    munmap(p, P);
    p = mmap(NULL, P, RW, MAP_SHARED_VALIDATE | MAP_NORESERVE | MAP_POPULATE, rw, 0);
    CHECK(p != MAP_FAILED);
    ERR(mmap(p, P, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, rw, 0), EEXIST);
    munmap(p, P);
    ERR(mmap(NULL, P, RW, SA | MAP_GROWSDOWN, -1, 0), EINVAL);
    ERR(syscall(SYS_mmap, NULL, P, RW, PA, -1, 1), EINVAL);
    p = (char *)syscall(SYS_mmap, NULL, P, RW, SA, -1,
                        ~(P - 1)); /* of what is no file, no offset */
    CHECK(p != MAP_FAILED);
    munmap(p, P);
    ERR(mmap(NULL, P, RW, PA | MAP_HUGETLB, -1, 0), ENOMEM);
    ERR(mmap(NULL, P, RW, PA | MAP_HUGETLB | 13 << 26, -1, 0), EINVAL);
    p = mmap(NULL, P, RW, MAP_DROPPABLE_ | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    p[0] = 'd';
    ERR(madvise(p, P, MADV_KEEPONFORK), EINVAL);
    munmap(p, P);
    ERR(mmap(NULL, P, RW, MAP_DROPPABLE_ | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EINVAL);
    ERR(mmap(NULL, P, RW, MAP_DROPPABLE_, rw, 0), EINVAL);
    /* Devices of zeroes: private and shared. */
    int zero = open("/dev/zero", O_RDWR);
    p = mmap(NULL, 2 * P, RW, MAP_PRIVATE, zero, 0);
    EQ(p[P], 0);
    p[0] = 'z';
    munmap(p, 2 * P);
    p = mmap(NULL, P, RW, MAP_SHARED, zero, 0);
    EQ(p[0], 0);
    p[0] = 'z';
    munmap(p, P);
    /* Sealed against writing. */
    int sealed = memfd_create("s", MFD_ALLOW_SEALING);
    EQ(ftruncate(sealed, P), 0);
    EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ERR(mmap(NULL, P, RW, MAP_SHARED, sealed, 0), EPERM);
    p = mmap(NULL, P, PROT_READ, MAP_SHARED, sealed, 0);
    CHECK(p != MAP_FAILED);
    ERR(mprotect(p, P, RW), EACCES);
    munmap(p, P);
    p = mmap(NULL, P, RW, MAP_PRIVATE, sealed, 0);
    p[0] = 'w';
    munmap(p, P);
    int fds[] = {rw, path, dir, wo, ro, zero, sealed};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
}

static void remap(void)
{
    char *p = mmap(NULL, 8 * P, RW, PA, -1, 0), *free = hole(8);
    ERR(mremap(p, P, P, 8), EINVAL);
    ERR(mremap(p, P, P, MREMAP_FIXED, free), EINVAL);
    ERR(mremap(p, P, P, MREMAP_DONTUNMAP, free), EINVAL);
    ERR(mremap(p, P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EINVAL);
    ERR(mremap(p + 1, P, P, MREMAP_MAYMOVE), EINVAL);
    ERR(mremap(p, P, 0, MREMAP_MAYMOVE), EINVAL);
    /* The old area is looked for before the new address is judged. */
    ERR(mremap(free, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1), EFAULT);
    ERR(mremap(p, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, free + 1), EINVAL);
    ERR(mremap(p, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)(1ul << 60)), EINVAL);
    ERR(mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p + P), EINVAL);
    ERR(mremap(p, 0, P, MREMAP_MAYMOVE), EINVAL); /* private */
    /* A shrink may reach over several areas and holes, a move may not. */
    EQ(mprotect(p + 2 * P, P, PROT_READ), 0);
    EQ(munmap(p + 4 * P, P), 0);
    ERR(mremap(p, 8 * P, 9 * P, MREMAP_MAYMOVE), EFAULT);
    ERR(mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, free), EFAULT);
    CHECK(mremap(p, 8 * P, 8 * P, 0) == p);
    CHECK(mremap(p, 8 * P, P, 0) == p);
    unsigned char vec[8];
    EQ(mincore(p, P, vec), 0);
    ERR(mincore(p + P, P, vec), ENOMEM);
    ERR(mincore(p + 6 * P, P, vec), ENOMEM);
    ERR(mremap(p, 2 * P, P, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, free), EINVAL);
    /* Kept in place, and at a hint. */
    p[0] = 'm';
    char *q = mremap(p, P, P, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, free);
    CHECK(q == free);
    EQ(q[0], 'm');
    EQ(p[0], 0);
    munmap(p, P);
    munmap(q, P);
    /* Shared memory twice. */
    p = mmap(NULL, 2 * P, RW, SA, -1, 0);
    q = mremap(p, 0, 2 * P, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    q[P] = 't';
    EQ(p[P], 't');
    ERR(mremap(p, 0, 2 * P, 0), ENOMEM);
    q = mremap(p, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    CHECK(q != MAP_FAILED && q != p);
    EQ(q[P], 't');
    EQ(p[P], 't');
}

/* A file's pages in another order, and over several areas of one mapping. */
static void order(void)
{
    int fd = memfd_create("pages", 0);
    char page[P];
    for (int i = 0; i < 4; i++) {
        memset(page, 'a' + i, P);
        EQ(write(fd, page, P), P);
    }
    char *p = mmap(NULL, 4 * P, RW, MAP_SHARED, fd, 0), *private = mmap(NULL, P, RW, PA, -1, 0);
    ERR(remap_file_pages(p, P, PROT_READ, 1, 0), EINVAL);
    ERR(remap_file_pages(p, 0, 0, 1, 0), EINVAL);
    ERR(remap_file_pages(p, 2 * P, 0, ~0ul, 0), EINVAL);
    ERR(remap_file_pages(private, P, 0, 0, 0), EINVAL);
    ERR(remap_file_pages(hole(1), P, 0, 0, 0), EINVAL);
    EQ(remap_file_pages(p, 2 * P, 0, 2, 0), 0);
    EQ(p[0], 'c');
    EQ(p[P], 'd');
    EQ(p[2 * P], 'c');
    p[0] = 'C';
    EQ(p[2 * P], 'C');
    EQ(remap_file_pages(p + P, 2 * P, 0, 0, 0), 0);
    EQ(p[P], 'a');
    EQ(p[2 * P], 'b');
    EQ(p[3 * P], 'd');
    munmap(p + P, P);
    ERR(remap_file_pages(p, 3 * P, 0, 0, 0), EINVAL);
    EQ(p[0], 'C');
    munmap(p, 4 * P);
    munmap(private, P);
    close(fd);
}

/* What only the mapping of a file can be refused: no right to punch holes, no page to bring in. */
static void advise_files(void)
{
    int rw = open("advised", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = open("advised", O_RDONLY);
    EQ(ftruncate(rw, P), 0);
    char *private = mmap(NULL, P, RW, MAP_PRIVATE, rw, 0);
    char *read_only = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
    char *past = mmap(NULL, 3 * P, RW, MAP_SHARED, rw, 0);
    ERR(madvise(private, P, MADV_REMOVE), EACCES);
    ERR(madvise(read_only, P, MADV_REMOVE), EACCES);
    EQ(mlock(private, P), 0);
    ERR(madvise(private, P, MADV_REMOVE), EINVAL);
    EQ(madvise(past, P, MADV_REMOVE), 0);
    ERR(madvise(past, 2 * P, MADV_POPULATE_READ), EFAULT);
    ERR(madvise(past + P, P, MADV_POPULATE_WRITE), EFAULT);
    EQ(munmap(past + 2 * P, P), 0);
    ERR(madvise(past, 3 * P, MADV_POPULATE_WRITE), EFAULT); /* what comes first */
    EQ(madvise(past, 2 * P, MADV_WILLNEED), 0);
    ERR(mlock(past, 2 * P), ENOMEM);
    ERR(mlock(past + P, P), ENOMEM);
    EQ(syscall(SYS_mlock2, past + P, P, 1), 0); /* not yet */
    munmap(past, 2 * P);
    past = mmap(NULL, P, RW, SA, -1, 0);
    past = mremap(past, P, 2 * P, MREMAP_MAYMOVE); /* the memory does not grow with its mapping */
    CHECK(past != MAP_FAILED);
    ERR(mlock(past, 2 * P), ENOMEM);
    munmap(past, 2 * P);
    munmap(private, P);
    munmap(read_only, P);
    close(rw);
    close(ro);
}

static void advise(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0), *shared = mmap(NULL, P, RW, SA, -1, 0);
    ERR(madvise(p + 1, P, 100), EINVAL);
    ERR(madvise(p, P, 100), EPERM); /* MADV_HWPOISON */
    EQ(madvise(p, 0, 100), 0);
    ERR(madvise(p, ~0ul, MADV_NORMAL), EINVAL);
    ERR(madvise(p, P, 5), EINVAL);
    ERR(madvise(p, P, 26), EINVAL);
    for (int advice = MADV_NORMAL; advice <= MADV_DONTNEED; advice++)
        EQ(madvise(p, P, advice), 0);
    static const int fine[] = {MADV_FREE,           MADV_DONTFORK,
                               MADV_DOFORK,         MADV_MERGEABLE,
                               MADV_UNMERGEABLE,    MADV_HUGEPAGE,
                               MADV_NOHUGEPAGE,     MADV_DONTDUMP,
                               MADV_DODUMP,         MADV_COLD,
                               MADV_PAGEOUT,        MADV_POPULATE_READ,
                               MADV_POPULATE_WRITE, 24 /* MADV_DONTNEED_LOCKED */};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        EQ(madvise(p, P, fine[i]), 0);
    ERR(madvise(shared, P, MADV_FREE), EINVAL);
    shared[0] = 'r';
    EQ(madvise(shared, P, MADV_DONTNEED), 0);
    EQ(shared[0], 'r');
    EQ(madvise(shared, P, MADV_REMOVE), 0);
    EQ(shared[0], 0);
    ERR(madvise(p, P, MADV_REMOVE), EINVAL);
    advise_files();
    EQ(mprotect(p + P, P, PROT_READ), 0);
    EQ(mprotect(p + 2 * P, P, PROT_NONE), 0);
    ERR(madvise(p, 2 * P, MADV_POPULATE_WRITE), EINVAL);
    EQ(madvise(p, 2 * P, MADV_POPULATE_READ), 0);
    ERR(madvise(p, 3 * P, MADV_POPULATE_READ), EINVAL);
    EQ(mprotect(p + 2 * P, P, PROT_WRITE), 0);
    ERR(madvise(p, 3 * P, MADV_POPULATE_READ), EINVAL);
    EQ(mprotect(p + 2 * P, P, PROT_EXEC), 0);
    ERR(madvise(p, 3 * P, MADV_POPULATE_READ), EINVAL);
    EQ(mlock(p, P), 0);
    ERR(madvise(p, P, MADV_FREE), EINVAL);
    ERR(madvise(p, P, MADV_DONTNEED), EINVAL);
    ERR(madvise(p, P, MADV_COLD), EINVAL);
    ERR(madvise(p, P, MADV_PAGEOUT), EINVAL);
    ERR(msync(p, P, MS_INVALIDATE), EBUSY);
    p[0] = 'l';
    EQ(madvise(p, P, 24), 0);
    EQ(p[0], 0);
    EQ(munlock(p, P), 0);
    munmap(p + P, P);
    ERR(madvise(p, 2 * P, MADV_POPULATE_READ), ENOMEM);
    ERR(madvise(p + P, P, MADV_POPULATE_READ), ENOMEM);
    unsigned char vec[4] = {7, 7, 7, 7};
    ERR(mincore(p, 3 * P, vec), ENOMEM);
    EQ(vec[0] & 1, 1); /* what is before the hole was told */
    EQ(vec[1], 7);
    munmap(p, 4 * P);
    munmap(shared, P);
}

static void locks(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0), *none = mmap(NULL, P, PROT_NONE, PA, -1, 0);
    struct rlimit limit = {2 * P, 2 * P};
    ERR(mlock(none, P), ENOMEM);
    EQ(munlock(none, P), 0);
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EQ(mlock(p, 2 * P), 0);
    EQ(mlock(p, 2 * P), 0); /* what is locked does not count twice */
    ERR(mlock(p + 2 * P, P), ENOMEM);
    ERR(mlock(p, 3 * P), ENOMEM);
    ERR(mmap(NULL, P, RW, PA | MAP_LOCKED, -1, 0), EAGAIN);
    ERR(mlockall(MCL_CURRENT), ENOMEM);
    EQ(mlockall(MCL_FUTURE), 0);
    ERR(mmap(NULL, P, RW, PA, -1, 0), EAGAIN);
    ERR(mremap(p, 2 * P, 3 * P, MREMAP_MAYMOVE), EAGAIN);
    EQ(munlockall(), 0);
    limit.rlim_cur = 0;
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ERR(mlock(p, 0), EPERM);
    ERR(mlockall(MCL_FUTURE), EPERM);
    ERR(mlockall(0), EINVAL);
    ERR(mmap(NULL, P, RW, PA | MAP_LOCKED, -1, 0), EPERM);
    EQ(munlock(p, P), 0);
}

static void limits(void)
{
    struct rlimit old, limit;
    char *p = mmap(NULL, 64 * P, PROT_READ, PA, -1, 0);
    EQ(getrlimit(RLIMIT_DATA, &old), 0);
    limit = old;
    limit.rlim_cur = P;
    EQ(setrlimit(RLIMIT_DATA, &limit), 0);
    ERR(mmap(NULL, P, RW, PA, -1, 0), ENOMEM);
    ERR(mprotect(p, 64 * P, RW), ENOMEM);
    ERR(sbrk(P), ENOMEM);
    char *ro = mmap(NULL, P, PROT_READ, PA, -1, 0), *shared = mmap(NULL, P, RW, SA, -1, 0);
    CHECK(ro != MAP_FAILED && shared != MAP_FAILED);
    EQ(setrlimit(RLIMIT_DATA, &old), 0);
    EQ(mprotect(p, 64 * P, RW), 0);
    EQ(getrlimit(RLIMIT_AS, &old), 0);
    limit = old;
    limit.rlim_cur = P;
    EQ(setrlimit(RLIMIT_AS, &limit), 0);
    ERR(mmap(NULL, P, PROT_READ, PA, -1, 0), ENOMEM);
    ERR(mremap(p, 64 * P, 65 * P, MREMAP_MAYMOVE), ENOMEM);
    ERR(mremap(p, P, P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), ENOMEM);
    EQ(setrlimit(RLIMIT_AS, &old), 0);
    munmap(p, 64 * P);
}

int main(void)
{
    map();
    remap();
    order();
    advise();
    limits();
    locks();
    return done();
}
