/* The vDSO through the auxiliary vector: its functions by name and version, what they return, who
 * made them. */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>

#include "guest.h"

/* Linux's own has no other table since 6.11: one more than the last index that a chain ends at. */
static uint32_t symbols_hashed(const uint32_t *table)
{
    uint32_t buckets = table[0], first = table[1], last = 0;
    const uint32_t *bucket = table + 4 + 2 * table[2], *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    while (last >= first && !(chain[last - first] & 1))
        last++;
    return last + 1;
}

static void *lookup(const char *name)
{
    const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *eh = (const void *)base;
    const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
    const Elf64_Sym *sym = NULL;
    const char *str = NULL;
    const uint32_t *hash = NULL, *gnu_hash = NULL;
    const uint16_t *versym = NULL;
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *d = (const void *)(base + ph[i].p_vaddr); d->d_tag != DT_NULL; d++) {
            const void *at = base + d->d_un.d_ptr;
            if (d->d_tag == DT_SYMTAB)
                sym = at;
            else if (d->d_tag == DT_STRTAB)
                str = at;
            else if (d->d_tag == DT_HASH)
                hash = at;
            else if (d->d_tag == DT_GNU_HASH)
                gnu_hash = at;
            else if (d->d_tag == DT_VERSYM)
                versym = at;
        }
    }
    CHECK(sym && str && (hash || gnu_hash) && versym);
    uint32_t count = hash ? hash[1] : symbols_hashed(gnu_hash);
    for (uint32_t i = 1; i < count; i++) {
        if (!strcmp(str + sym[i].st_name, name)) {
            EQ(versym[i], 2);
            return (void *)(base + sym[i].st_value);
        }
    }
    FAIL("no %s", name);
    return NULL;
}

static int64_t ns(const struct timespec *t)
{
    return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static int (*vdso_gettime)(clockid_t, struct timespec *);
static int (*vdso_getres)(clockid_t, struct timespec *);
static int (*vdso_timeofday)(struct timeval *, struct timezone *);
static int (*vdso_getcpu)(unsigned *, unsigned *, void *);

/* Through the function and through the system call in turns, time never goes back. */
static void agrees(clockid_t clock)
{
    struct timespec t;
    int64_t last = 0;
    for (int i = 0; i < 2000; i++) {
        if (i % 2)
            EQ(vdso_gettime(clock, &t), 0);
        else
            EQ(syscall(SYS_clock_gettime, clock, &t), 0);
        if (ns(&t) < last) {
            FAIL("clock %d went back by %lld ns", clock, (long long)(last - ns(&t)));
            return;
        }
        CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
        last = ns(&t);
    }
}

int main(void)
{
    struct timespec t, r;
    struct timeval tv;
    struct timezone tz = {7, 7};
    unsigned cpu = 12345, node = 12345;
    CHECK(getauxval(AT_SYSINFO_EHDR) % 4096 == 0);
    vdso_gettime = lookup("__kernel_clock_gettime");
    vdso_getres = lookup("__kernel_clock_getres");
    vdso_timeofday = lookup("__kernel_gettimeofday");
    vdso_getcpu = lookup("__kernel_getcpu");
    const uint32_t *sigreturn = lookup("__kernel_rt_sigreturn");
    EQ(sigreturn[0], 0xd2801168);
    EQ(sigreturn[1], 0xd4000001);

    agrees(CLOCK_MONOTONIC);
    agrees(CLOCK_REALTIME);
    agrees(CLOCK_MONOTONIC_RAW);
    agrees(CLOCK_BOOTTIME);
    EQ(vdso_gettime(99, &t), -EINVAL);
    EQ(vdso_gettime(-1, &t) < 0 || t.tv_sec >= 0, 1);
    EQ(vdso_getres(CLOCK_REALTIME, &r), 0);
    EQ(ns(&r), 1);
    EQ(vdso_getres(CLOCK_MONOTONIC, NULL), 0);
    EQ(vdso_getres(99, &r), -EINVAL);
    EQ(vdso_getres(CLOCK_MONOTONIC_COARSE, &r), 0);
    CHECK(ns(&r) > 1);

    EQ(vdso_gettime(CLOCK_REALTIME, &t), 0);
    EQ(vdso_timeofday(&tv, NULL), 0);
    int64_t ahead = tv.tv_sec * 1000000LL + tv.tv_usec - ns(&t) / 1000;
    CHECK(ahead >= 0 && ahead < 1000000);
    EQ(vdso_timeofday(NULL, NULL), 0);
    EQ(vdso_timeofday(&tv, &tz), 0);
    EQ(tz.tz_minuteswest, 0);

    if (vdso_getcpu) {
        EQ(vdso_getcpu(&cpu, &node, NULL), 0);
        CHECK(cpu < 4096 && node < 1024);
    }
    return done();
}
