/* mseal: what is sealed is neither unmapped, moved, replaced nor protected anew. */
#include <sys/mman.h>

#include "guest.h"

#define P        4096ul
#define RW       (PROT_READ | PROT_WRITE)
#define PA       (MAP_PRIVATE | MAP_ANONYMOUS)
#define NR_mseal 462

static int seal(void *at, size_t len, unsigned long flags)
{
    return (int)syscall(NR_mseal, at, len, flags);
}

int main(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0);
    p[P] = 's';
    ERR(seal(p + 1, P, 0), EINVAL);
    ERR(seal(p, P, 1), EINVAL);
    ERR(seal(p, ~0ul, 0), EINVAL);
    EQ(seal(p, 0, 0), 0);
    EQ(munmap(p + 3 * P, P), 0);
    ERR(seal(p, 4 * P, 0), ENOMEM);
    EQ(mprotect(p, P, PROT_READ), 0); /* nothing of it was sealed */
    EQ(mprotect(p, P, RW), 0);
    EQ(seal(p + P, P, 0), 0);
    EQ(seal(p + P, P, 0), 0);
    ERR(munmap(p, 3 * P), EPERM);
    p[0] = p[2 * P] = 1; /* all is still there */
    ERR(mmap(p, 2 * P, RW, PA | MAP_FIXED, -1, 0), EPERM);
    ERR(mprotect(p + P, P, PROT_READ), EPERM);
    ERR(mprotect(p + P, P, RW), EPERM);
    ERR(mremap(p + P, P, 2 * P, MREMAP_MAYMOVE), EPERM);
    char *q = mmap(NULL, P, RW, PA, -1, 0);
    ERR(mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, p + P), EPERM);
    EQ(p[P], 's');
    p[P] = 't';
    EQ(madvise(p + P, P, MADV_DONTNEED), 0); /* it could be written, too */
    EQ(p[P], 0);
    char *ro = mmap(NULL, P, PROT_READ, PA, -1, 0);
    EQ(seal(ro, P, 0), 0);
    ERR(madvise(ro, P, MADV_DONTNEED), EPERM);
    ERR(madvise(ro, P, MADV_FREE), EPERM);
    ERR(madvise(ro, P, MADV_WIPEONFORK), EPERM);
    EQ(madvise(ro, P, MADV_NORMAL), 0);
    EQ(madvise(ro, P, MADV_WILLNEED), 0);
    EQ(munmap(q, P), 0);
    return done();
}
