/* mlock and its kin: arguments, limits, what mlockall asks of later mappings. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

#define P 4096ul

#define MAP_DROPPABLE_ 0x08

int main(void)
{
    char *p = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(mlock(p + 100, 10), 0);
    EQ(mlock(p, 0), 0);
    EQ(munlock(p, 4 * P), 0);
    EQ(syscall(SYS_mlock2, p, P, 1), 0);
    ERR(syscall(SYS_mlock2, p, P, 2), EINVAL);
    ERR(mlock((void *)~0xffful, 2 * P), EINVAL);
    ERR(madvise(p, P, MADV_DONTNEED), EINVAL);
    EQ(munlock(p, P), 0);
    EQ(munmap(p + 2 * P, P), 0);
    ERR(mlock(p, 4 * P), ENOMEM);
    ERR(munlock(p, 4 * P), ENOMEM);
    ERR(syscall(SYS_mlock2, p, 4 * P, 0), ENOMEM);
    ERR(msync(p, 4 * P, MS_ASYNC), ENOMEM);
    ERR(munlock(p, (size_t)-P), EINVAL);
    EQ(munlock(p, 2 * P), 0);
    ERR(mlockall(0), EINVAL);
    ERR(mlockall(8), EINVAL);
    ERR(mlockall(4), EINVAL);
    EQ(munlockall(), 0);
    /* An ordinary user's limit. */
    struct rlimit limit = {P, P};
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    EQ(mlock(p, P), 0);
    ERR(mlock(p + P, P), ENOMEM);
    EQ(munlock(p, P), 0);
    /* Droppable memory is locked by nothing, and counts for nothing. */
    EQ(mlockall(MCL_FUTURE), 0);
    char *droppable = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_DROPPABLE_ | MAP_ANONYMOUS, -1, 0);
    CHECK(droppable != MAP_FAILED);
    EQ(mlock(p, P), 0);
    EQ(munlockall(), 0);
    limit.rlim_cur = 0;
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ERR(mlock(p, P), EPERM);
    ERR(syscall(SYS_mlock2, p, P, 0), EPERM);
    ERR(syscall(SYS_mlock2, p, P, 1), EPERM);
    ERR(syscall(SYS_mlock2, p, P, 2), EINVAL);
    return done();
}
