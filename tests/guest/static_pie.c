/* guest-test: flags=-static-pie,-fPIE,-z,max-page-size=2097152 */
/* A static PIE with segments aligned to 2 MiB: placed right, its heap has room, the BSS is zero. */
#include <link.h>
#include <sys/auxv.h>

#include "guest.h"

static char zeros[3 << 20];
static char data[5] = "data";

static int check_segment(struct dl_phdr_info *info, size_t size, void *arg)
{
    int *loads = arg;
    if (info->dlpi_name[0])
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD)
            continue;
        (*loads)++;
        EQ((info->dlpi_addr + p->p_vaddr - p->p_offset) % p->p_align, 0);
    }
    return 1;
}

int main(void)
{
    int loads = 0;
    dl_iterate_phdr(check_segment, &loads);
    CHECK(loads >= 2);
    for (size_t i = 0; i < sizeof zeros; i++) {
        if (zeros[i]) {
            FAIL("byte %zu of the BSS is %d", i, zeros[i]);
            break;
        }
    }
    CHECK(!strcmp(data, "data"));
    char *p = sbrk(64 << 20);
    CHECK(p != (void *)-1);
    p[(64 << 20) - 1] = 1;
    return done();
}
