/* How many areas of memory a process may have (vm.max_map_count), and which calls make more. */
#include <sys/mman.h>

#include "guest.h"

#define P     4096ul
#define PAGES 65600ul
#define PA    (MAP_PRIVATE | MAP_ANONYMOUS)

int main(void)
{
    char *p = mmap(NULL, PAGES * P, PROT_NONE, PA, -1, 0), *at = p + P;
    char *whole = mmap(NULL, 3 * P, PROT_READ, PA, -1, 0);
    CHECK(p != MAP_FAILED && whole != MAP_FAILED);
    while (at < p + PAGES * P && mprotect(at, P, PROT_READ) == 0)
        at += 2 * P;
    EQ(errno, ENOMEM);
    CHECK((at - p) / P > 65000);
    ERR(mprotect(whole + P, P, PROT_NONE), ENOMEM);
    ERR(munmap(whole + P, P), ENOMEM);
    EQ(munmap(whole, P), 0); /* none more */
    EQ(munmap(p, PAGES * P), 0);
    EQ(mprotect(whole + P, P, PROT_NONE), 0);
    return done();
}
