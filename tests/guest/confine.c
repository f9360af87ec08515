/* guest-test: flags=-march=armv8.3-a,-O1 args=1,3000,end */
/*
 * Nothing that a program computes reaches outside its address space: confine SEED ROUNDS. Every
 * form of access at every class of bad address ends in a signal with that address and no register
 * changed; tagged addresses work as untagged ones; and random chains of steps from a good address,
 * run as one piece of code, fault where a model in C says, in the state it says.
 *
 * qemu-aarch64 is no reference: its space is larger, and it reports other addresses above it.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "chain.h"
#include "guest.h"

#define P        4096ul
#define END      (1ul << 45) /* of the address space, where the host gives all of it */
#define MIB      (1ul << 20)
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

static sigjmp_buf back;
static struct {
    int signal;
    uint64_t address, pc, x[31], sp;
} seen;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    const mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
    seen.signal = sig;
    seen.address = (uint64_t)info->si_addr;
    seen.pc = m->pc;
    memcpy(seen.x, m->regs, sizeof(seen.x));
    seen.sp = m->sp;
    siglongjmp(back, 1);
}

/* A reported address lies in size bytes from at. The tag is not reported, or, above bit 55, may be.
 */
static bool within(uint64_t address, uint64_t at, unsigned size)
{
    bool upper = at >> 55 & 1;
    if (!upper && address >> 56)
        return false;
    return (address << 8) - (at << 8) < (uint64_t)size << 8;
}

static char *none, *gone, *good; /* good: two pages, then nothing */

/* ---- one instruction ---- */

enum index { NO_INDEX, FULL, UXTW, SXTW };
struct form {
    const char *text;
    void (*fn)(uint64_t base, uint64_t index);
    unsigned short size, align;
    bool never;          /* faults */
    signed short offset; /* of the access from base + index */
    unsigned char index, shift;
};

/* X(name, text, size, align, offset, index, shift): the base in x0, the index in x1. */
#define SCALAR(X, id, text, size, shift)                                                           \
    X(id##_0, text ", [x0]", size, 1, 0, NO_INDEX, 0)                                              \
    X(id##_up, text ", [x0, #240]", size, 1, 240, NO_INDEX, 0)                                     \
    X(id##_max, text ", [x0, #4095*" #size "]", size, 1, 4095 * size, NO_INDEX, 0)                 \
    X(id##_down, text ", [x0, #-255]", size, 1, -255, NO_INDEX, 0)                                 \
    X(id##_pre, text ", [x0, #-256]!", size, 1, -256, NO_INDEX, 0)                                 \
    X(id##_pre2, text ", [x0, #255]!", size, 1, 255, NO_INDEX, 0)                                  \
    X(id##_post, text ", [x0], #255", size, 1, 0, NO_INDEX, 0)                                     \
    X(id##_post2, text ", [x0], #-256", size, 1, 0, NO_INDEX, 0)                                   \
    X(id##_x, text ", [x0, x1]", size, 1, 0, FULL, 0)                                              \
    X(id##_uw, text ", [x0, w1, uxtw]", size, 1, 0, UXTW, 0)                                       \
    X(id##_sw, text ", [x0, w1, sxtw]", size, 1, 0, SXTW, 0)                                       \
    X(id##_sx, text ", [x0, x1, sxtx]", size, 1, 0, FULL, 0)                                       \
    X(id##_xs, text ", [x0, x1, lsl #" #shift "]", size, 1, 0, FULL, shift)                        \
    X(id##_uws, text ", [x0, w1, uxtw #" #shift "]", size, 1, 0, UXTW, shift)                      \
    X(id##_sws, text ", [x0, w1, sxtw #" #shift "]", size, 1, 0, SXTW, shift)                      \
    X(id##_sxs, text ", [x0, x1, sxtx #" #shift "]", size, 1, 0, FULL, shift)
/* size: of both registers; most: the largest offset up and down. */
#define PAIR(X, id, text, size, up, down)                                                          \
    X(id##_0, text ", [x0]", size, 1, 0, NO_INDEX, 0)                                              \
    X(id##_up, text ", [x0, #" #up "]", size, 1, up, NO_INDEX, 0)                                  \
    X(id##_down, text ", [x0, #-" #down "]", size, 1, -down, NO_INDEX, 0)                          \
    X(id##_pre, text ", [x0, #" #up "]!", size, 1, up, NO_INDEX, 0)                                \
    X(id##_pre2, text ", [x0, #-" #down "]!", size, 1, -down, NO_INDEX, 0)                         \
    X(id##_post, text ", [x0], #" #up, size, 1, 0, NO_INDEX, 0)                                    \
    X(id##_post2, text ", [x0], #-" #down, size, 1, 0, NO_INDEX, 0)
#define PLAIN(X, id, text, size, align) X(id, text ", [x0]", size, align, 0, NO_INDEX, 0)
/* x1 is what is added afterwards: any number. */
#define STRUCTURE(X, id, text, size)                                                               \
    X(id##_0, text ", [x0]", size, 1, 0, NO_INDEX, 0)                                              \
    X(id##_post, text ", [x0], #" #size, size, 1, 0, NO_INDEX, 0)                                  \
    X(id##_reg, text ", [x0], x1", size, 1, 0, NO_INDEX, 0)

#define FORMS(X)                                                                                   \
    SCALAR(X, ldrb, "ldrb w2", 1, 0)                                                               \
    SCALAR(X, ldrsb, "ldrsb x2", 1, 0)                                                             \
    SCALAR(X, ldrh, "ldrh w2", 2, 1)                                                               \
    SCALAR(X, ldrsh, "ldrsh w2", 2, 1)                                                             \
    SCALAR(X, ldrw, "ldr w2", 4, 2)                                                                \
    SCALAR(X, ldrsw, "ldrsw x2", 4, 2)                                                             \
    SCALAR(X, ldrx, "ldr x2", 8, 3)                                                                \
    SCALAR(X, strb, "strb w2", 1, 0)                                                               \
    SCALAR(X, strh, "strh w2", 2, 1)                                                               \
    SCALAR(X, strw, "str w2", 4, 2)                                                                \
    SCALAR(X, strx, "str x2", 8, 3)                                                                \
    SCALAR(X, strz, "str xzr", 8, 3)                                                               \
    SCALAR(X, ldr_b, "ldr b2", 1, 0)                                                               \
    SCALAR(X, ldr_s, "ldr s2", 4, 2)                                                               \
    SCALAR(X, ldr_d, "ldr d2", 8, 3)                                                               \
    SCALAR(X, str_h, "str h2", 2, 1)                                                               \
    SCALAR(X, str_d, "str d2", 8, 3)                                                               \
    PAIR(X, ldpw, "ldp w2, w3", 8, 252, 256)                                                       \
    PAIR(X, ldpsw, "ldpsw x2, x3", 8, 252, 256)                                                    \
    PAIR(X, ldpx, "ldp x2, x3", 16, 504, 512)                                                      \
    PAIR(X, stpw, "stp w2, w3", 8, 252, 256)                                                       \
    PAIR(X, stpx, "stp x2, x3", 16, 504, 512)                                                      \
    PAIR(X, ldp_d, "ldp d2, d3", 16, 504, 512)                                                     \
    PAIR(X, ldp_q, "ldp q2, q3", 32, 1008, 1024)                                                   \
    PAIR(X, stp_s, "stp s2, s3", 8, 252, 256)                                                      \
    PAIR(X, stp_q, "stp q2, q3", 32, 1008, 1024)                                                   \
    PLAIN(X, ldnp, "ldnp q2, q3", 32, 1)                                                           \
    PLAIN(X, ldtr, "ldtr x2", 8, 1)                                                                \
    PLAIN(X, sttrb, "sttrb w2", 1, 1)                                                              \
    X(ldr_q_max, "ldr q2, [x0, #32752]", 16, 1, 32752, NO_INDEX, 0)                                \
    X(ldr_q_post, "ldr q2, [x0], #-256", 16, 1, 0, NO_INDEX, 0)                                    \
    X(str_q_x, "str q2, [x0, x1]", 16, 1, 0, FULL, 0)                                              \
    X(str_q_xs, "str q2, [x0, x1, lsl #4]", 16, 1, 0, FULL, 4)                                     \
    X(ldr_q_sws, "ldr q2, [x0, w1, sxtw #4]", 16, 1, 0, SXTW, 4)                                   \
    STRUCTURE(X, ld1, "ld1 {v0.16b}", 16)                                                          \
    STRUCTURE(X, ld1x2, "ld1 {v0.8b, v1.8b}", 16)                                                  \
    STRUCTURE(X, ld1x4, "ld1 {v0.2d - v3.2d}", 64)                                                 \
    STRUCTURE(X, st1x3, "st1 {v0.4s - v2.4s}", 48)                                                 \
    STRUCTURE(X, ld2, "ld2 {v0.8h, v1.8h}", 32)                                                    \
    STRUCTURE(X, ld4, "ld4 {v0.8b - v3.8b}", 32)                                                   \
    STRUCTURE(X, st4, "st4 {v0.4s - v3.4s}", 64)                                                   \
    STRUCTURE(X, ld1lane, "ld1 {v0.h}[3]", 2)                                                      \
    STRUCTURE(X, st2lane, "st2 {v0.d, v1.d}[1]", 16)                                               \
    STRUCTURE(X, ld3r, "ld3r {v0.8h - v2.8h}", 6)                                                  \
    PLAIN(X, ldxr, "ldxr x2", 8, 8)                                                                \
    PLAIN(X, ldaxrb, "ldaxrb w2", 1, 1)                                                            \
    PLAIN(X, ldxp, "ldxp x2, x3", 16, 16)                                                          \
    PLAIN(X, ldaxpw, "ldaxp w2, w3", 8, 8)                                                         \
    PLAIN(X, ldar, "ldar x2", 8, 8)                                                                \
    PLAIN(X, ldarh, "ldarh w2", 2, 2)                                                              \
    PLAIN(X, ldapr, "ldapr x2", 8, 8)                                                              \
    PLAIN(X, stlr, "stlr x2", 8, 8)                                                                \
    PLAIN(X, stlrb, "stlrb w2", 1, 1)                                                              \
    PLAIN(X, ldadd, "ldadd x2, x3", 8, 8)                                                          \
    PLAIN(X, ldaddal, "ldaddal w2, w3", 4, 4)                                                      \
    PLAIN(X, ldclr, "ldclr x2, x3", 8, 8)                                                          \
    PLAIN(X, ldsetb, "ldsetb w2, w3", 1, 1)                                                        \
    PLAIN(X, ldeorh, "ldeorh w2, w3", 2, 2)                                                        \
    PLAIN(X, ldsmax, "ldsmax x2, x3", 8, 8)                                                        \
    PLAIN(X, ldumin, "lduminl w2, w3", 4, 4)                                                       \
    PLAIN(X, stadd, "stadd x2", 8, 8)                                                              \
    PLAIN(X, swp, "swpa x2, x3", 8, 8)                                                             \
    PLAIN(X, swpb, "swpb w2, w3", 1, 1)                                                            \
    PLAIN(X, cas, "cas x2, x3", 8, 8)                                                              \
    PLAIN(X, casalh, "casalh w2, w3", 2, 2)                                                        \
    PLAIN(X, casp, "caspal x2, x3, x4, x5", 16, 16)                                                \
    PLAIN(X, caspw, "casp w2, w3, w4, w5", 8, 8)                                                   \
    X(zva, "dc zva, x0", 64, 64, 0, NO_INDEX, 0)

/* These look at no memory, whatever the address. */
#define QUIET_FORMS(X)                                                                             \
    X(prfm, "prfm pldl1keep, [x0]", 1, 1, 0, NO_INDEX, 0)                                          \
    X(prfm_max, "prfm pstl1keep, [x0, #32760]", 1, 1, 32760, NO_INDEX, 0)                          \
    X(prfum, "prfum pldl2strm, [x0, #-256]", 1, 1, -256, NO_INDEX, 0)                              \
    X(prfm_x, "prfm plil1keep, [x0, x1]", 1, 1, 0, FULL, 0)                                        \
    X(prfm_sws, "prfm pldl3keep, [x0, w1, sxtw #3]", 1, 1, 0, SXTW, 3)                             \
    X(no_access, "add x0, x0, x1", 1, 1, 0, FULL, 0)

#define DEFINE(id, text, ...)                                                                      \
    void form_##id(uint64_t, uint64_t);                                                            \
    __asm__(".text\n.balign 4\n.globl form_" #id "\nform_" #id ": " text "\n ret\n");
FORMS(DEFINE)
QUIET_FORMS(DEFINE)

#define ENTRY(id, text, size, align, offset, index, shift)                                         \
    {text, form_##id, size, align, false, offset, index, shift},
#define QUIET_ENTRY(id, text, size, align, offset, index, shift)                                   \
    {text, form_##id, size, align, true, offset, index, shift},
static const struct form forms[] = {FORMS(ENTRY) QUIET_FORMS(QUIET_ENTRY)};

static uint64_t extended(const struct form *f, uint64_t index)
{
    uint64_t v = f->index == NO_INDEX ? 0
                 : f->index == UXTW   ? (uint32_t)index
                 : f->index == SXTW   ? (uint64_t)(int64_t)(int32_t)index
                                      : index;
    return v << f->shift;
}

static unsigned long faults, passes;
static bool over_end; /* also what begins in the last page and ends behind it */

/* Do it at target, by this index; fails: it must. */
static void access_at(const struct form *f, uint64_t target, uint64_t index, bool fails)
{
    uint64_t base = target - (uint64_t)f->offset - extended(f, index);
    seen.signal = 0;
    if (!sigsetjmp(back, 0)) {
        f->fn(base, index);
        passes++;
        if (fails && !f->never)
            FAIL("%s at %lx (index %lx): no fault", f->text, target, index);
        return;
    }
    faults++;
    if (!fails || f->never || seen.signal != SIGSEGV || !within(seen.address, target, f->size) ||
        seen.pc != (uint64_t)f->fn || seen.x[0] != base || seen.x[1] != index)
        FAIL("%s at %lx (base %lx, index %lx): signal %d, address %lx, pc %+ld, x0 %lx", f->text,
             target, base, index, seen.signal, seen.address, (long)(seen.pc - (uint64_t)f->fn),
             seen.x[0]);
}

static const uint64_t indexes[] = {0,
                                   1,
                                   -1ul,
                                   64,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   1ul << 32,
                                   END,
                                   -END,
                                   1ul << 61,
                                   1ul << 62,
                                   1ul << 63,
                                   END + MIB,
                                   0x123456789abcdef0,
                                   -MIB,
                                   0xffff0000000000fful};

/* By each index that a form can take. */
static void each_index(const struct form *f, uint64_t target, bool fails)
{
    for (size_t i = 0; i < (f->index == NO_INDEX ? 2 : ARRAY(indexes)); i++)
        access_at(f, target, indexes[i], fails);
}

static void instructions(void)
{
    const uint64_t bad[] = {0,
                            64,
                            4096 - 64, /* there is nothing at 0 */
                            -64ul,
                            -4096ul,
                            -MIB,
                            -MIB - 64,
                            -2 * MIB,
                            -END,
                            -(1ul << 47),
                            -(1ul << 48),
                            -(1ul << 55),
                            END,
                            END + 64,
                            END + 4096,
                            END + MIB / 2,
                            END + MIB - 64,
                            END + MIB,
                            END + MIB + 64,
                            END + 64 * MIB,
                            2 * END,
                            3 * END,
                            1ul << 47,
                            (1ul << 47) - 64,
                            1ul << 48,
                            (1ul << 48) - 64,
                            1ul << 49,
                            1ul << 52,
                            1ul << 54,
                            (1ul << 55) - 64,
                            1ul << 55,
                            0xffff000000000000,
                            0xffff800008080000,
                            0x00ff800000000000,
                            (uint64_t)gone,
                            (uint64_t)none + 64};
    for (size_t i = 0; i < ARRAY(forms); i++) {
        for (size_t k = 0; k < ARRAY(bad); k++) {
            each_index(&forms[i], bad[k], true);
            /* Tagged: still outside. */
            access_at(&forms[i], bad[k] ^ 0x5aul << 56, 64, true);
        }
        /* The first and the last place of good memory, tagged or not; and one byte more. */
        uint64_t first = (uint64_t)good, last = first + 2 * P - forms[i].size;
        last &= -(uint64_t)forms[i].align;
        each_index(&forms[i], first + P, false);
        each_index(&forms[i], last, false);
        for (uint64_t tag = 0; tag < 256; tag++)
            access_at(&forms[i], first + P + (tag << 56), 4096, false);
        if (forms[i].align == 1)
            for (unsigned over = 1; over <= forms[i].size; over *= 2)
                access_at(&forms[i], last + over, 0, true);
    }
}

/* Unaligned where it has to be aligned: SIGBUS; SIGSEGV is as good where nothing is. */
static void unaligned_at(const struct form *f, uint64_t at, bool there)
{
    if (sigsetjmp(back, 0) == 0) {
        f->fn(at, 0);
        FAIL("%s at %lx: no fault", f->text, at);
    } else if (!(seen.signal == SIGBUS || (!there && seen.signal == SIGSEGV)) ||
               seen.address != at || seen.x[0] != at) {
        FAIL("%s at %lx: signal %d, address %lx", f->text, at, seen.signal, seen.address);
    }
}

static void unaligned(void)
{
    for (size_t i = 0; i < ARRAY(forms); i++) {
        if (forms[i].align == 1 || forms[i].align == 64) /* dc zva rounds down */
            continue;
        unaligned_at(&forms[i], (uint64_t)good + P + forms[i].align / 2, true);
        unaligned_at(&forms[i], END + forms[i].align / 2, false);
    }
}

/* An exclusive store to where nothing is: it may fail or fault, as the monitor is for elsewhere. */
void exclusive_elsewhere(uint64_t here, uint64_t there);
__asm__(".globl exclusive_elsewhere\nexclusive_elsewhere: ldxr x2, [x0]\n stxr w3, x2, [x1]\n"
        "stlxp w3, x2, x2, [x1]\n ret\n");
static void exclusives(void)
{
    const uint64_t bad[] = {0, -64ul, END, END + MIB, 1ul << 47, 1ul << 55, (uint64_t)none};
    for (volatile size_t i = 0; i < ARRAY(bad); i++)
        if (sigsetjmp(back, 0) == 0)
            exclusive_elsewhere((uint64_t)good, bad[i]);
        else if (seen.signal != SIGSEGV || !within(seen.address, bad[i], 16))
            FAIL("stxr at %lx: signal %d, address %lx", bad[i], seen.signal, seen.address);
}

/* ---- places where one could hit upon something ---- */

static struct {
    uint64_t start, end;
} maps[256];
static unsigned map_count;

static void read_maps(void)
{
    char line[512], readable;
    FILE *f = fopen("/proc/self/maps", "r");
    map_count = 0;
    while (f && fgets(line, sizeof(line), f) && map_count < ARRAY(maps)) {
        sscanf(line, "%lx-%lx %c", &maps[map_count].start, &maps[map_count].end, &readable);
        map_count += readable == 'r';
    }
    fclose(f);
    CHECK(map_count > 3 && map_count < ARRAY(maps));
}

static bool mapped(uint64_t at)
{
    for (unsigned i = 0; i < map_count; i++)
        if (at >= maps[i].start && at < maps[i].end)
            return true;
    return false;
}

static bool reaches_something(uint64_t at)
{
    if (mapped(at))
        return false;
    if (sigsetjmp(back, 0) == 0) {
        forms[0].fn(at, 0);
        FAIL("there is something at %lx", at);
        return true;
    }
    if (seen.address << 8 == at << 8)
        return false;
    FAIL("the fault at %lx is said to be at %lx", at, seen.address);
    return true;
}

/* A byte from everywhere: one of each 2^step below 2^48, and of each 2^51 above. */
static void scan(unsigned step)
{
    unsigned bad = 0;
    read_maps();
    for (uint64_t at = 0; at < 1ul << 48 && bad < 5; at += 1ul << step)
        bad += reaches_something(at + (rnd() & (MIB - P))); /* not all alike */
    for (uint64_t i = 0; i < 1ul << 13 && bad < 5; i++)
        bad += reaches_something((i << 51) + (1ul << 48) + (rnd() & (MIB - P)));
}

/* ---- literals ---- */

static char *low, *top, *code, *code_alias; /* low and top: two pages each */

/* ldr to x2 and the like, from pc + offset. */
static void literal(uint32_t opcode, unsigned size, uint32_t *pc, int64_t offset)
{
    uint64_t target = (uint64_t)pc + (uint64_t)offset;
    pc[0] = opcode | ((uint32_t)(offset >> 2) & 0x7ffff) << 5 | 2;
    pc[1] = 0xd65f03c0; /* ret */
    __builtin___clear_cache((char *)pc, (char *)(pc + 2));
    seen.signal = 0;
    if (sigsetjmp(back, 0) == 0) {
        ((void (*)(void))pc)();
        if (opcode != 0xd8000000)
            FAIL("literal %x at %p, from %lx: no fault", opcode, (void *)pc, target);
    } else if (opcode == 0xd8000000 || seen.signal != SIGSEGV ||
               !within(seen.address, target, size) || seen.pc != (uint64_t)pc) {
        FAIL("literal %x at %p, from %lx: signal %d at %lx", opcode, (void *)pc, target,
             seen.signal, seen.address);
    }
}

static void literals(void)
{
    static const struct {
        uint32_t opcode;
        unsigned size;
    } kinds[] = {{0x18000000, 4}, {0x58000000, 8},  {0x98000000, 4}, {0x1c000000, 4},
                 {0x5c000000, 8}, {0x9c000000, 16}, {0xd8000000, 1} /* prfm */};
    OK(mprotect(low, 2 * P, PROT_READ | PROT_WRITE | PROT_EXEC));
    OK(mprotect(top, 2 * P, PROT_READ | PROT_WRITE | PROT_EXEC));
    for (size_t i = 0; i < ARRAY(kinds); i++) {
        uint32_t *first = (uint32_t *)low, *last = (uint32_t *)(top + 2 * P - 8);
        const int64_t down[] = {-4,       -(int64_t)P,   -0x10000,     -0x10000 + 64,
                                -0x10004, -0x10000 - 64, -(int64_t)MIB};
        const int64_t up[] = {8, 12, 0x1000, 0x8000, (int64_t)MIB - 4};
        for (size_t k = 0; k < ARRAY(down); k++)
            literal(kinds[i].opcode, kinds[i].size, first, down[k]);
        for (size_t k = 0; k < ARRAY(up); k++)
            literal(kinds[i].opcode, kinds[i].size, last, up[k]);
        if (kinds[i].size > 4 && over_end) /* half of it is there */
            literal(kinds[i].opcode, kinds[i].size, last, 4);
    }
    OK(mprotect(low, 2 * P, PROT_READ | PROT_WRITE));
    OK(mprotect(top, 2 * P, PROT_READ | PROT_WRITE));
}

/* ---- chains ---- */

#define STEPS 48

static bool inside(uint64_t at, unsigned size)
{
    const char *const windows[] = {low, top, good};
    for (size_t i = 0; i < ARRAY(windows); i++)
        if (untagged(at) - (uint64_t)windows[i] <= 2 * P - size)
            return true;
    return false;
}

/* It would change this program's own memory, or is not asked for. */
static bool harmful(const struct step *s)
{
    if (s->size && !over_end && inside(s->at, 1) &&
        untagged(s->at) >> 12 == (uint64_t)top / P + 1 && !inside(s->at, s->size))
        return true;
    return s->size && !inside(s->at, 1) && !inside(s->at + s->size - 1, 1) &&
           (mapped(untagged(s->at)) || mapped(untagged(s->at + s->size - 1)));
}

/* The signal that the access gets, or 0. */
static int signal_of(const struct step *s, const uint64_t *before)
{
    if (!s->size)
        return 0;
    if (s->sp_base && before[BASES - 1] & 15)
        return SIGBUS;
    if (s->at & (s->align - 1))
        return inside(s->at & -(uint64_t)s->align, 8) ? SIGBUS : -1; /* -1: either */
    return inside(s->at, s->size) ? 0 : SIGSEGV;
}

static uint64_t start_value(void)
{
    switch (below(8)) {
    case 0: return (uint64_t)low + (below(16) & -4u);
    case 1: return (uint64_t)low + below(2 * P);
    case 2: return (uint64_t)top + 2 * P - 16 * (1 + below(8));
    case 3: return (uint64_t)top + below(2 * P);
    case 4: return (uint64_t)good + P;
    case 5: return indexes[below(ARRAY(indexes))];
    case 6: return below(64) - 32ul;
    default: return ((uint64_t)(below(2) ? low : top) + below(2 * P / 16) * 16) | rnd() << 56;
    }
}

/* Load the bases and go; never returns. */
void enter(const uint64_t *r, void *code);
__asm__(".globl enter\nenter: ldr x9, [x0, #64]\n mov sp, x9\n mov x16, x1\n mov x17, x0\n"
        "mov x10, xzr\n mov x11, xzr\n"
        "ldp x0, x1, [x17]\n ldp x2, x3, [x17, #16]\n ldp x4, x5, [x17, #32]\n"
        "ldp x6, x7, [x17, #48]\n br x16\n");

static void compare(const struct step *chain, unsigned at, int wanted, const uint64_t *r)
{
    const struct step *s = &chain[at];
    bool ok =
        wanted == -1 ? seen.signal == SIGBUS || seen.signal == SIGSEGV : seen.signal == wanted;
    if (wanted == SIGBUS)
        ok = ok && seen.address << 8 == s->at << 8;
    else if (wanted != SIGTRAP)
        ok = ok && within(seen.address, s->at, s->size);
    ok = ok && seen.pc == (uint64_t)code + at * 4 && !memcmp(seen.x, r, 8 * 8) &&
         seen.sp == r[BASES - 1];
    if (ok)
        return;
    FAIL("chain: signal %d (want %d) at %lx (want %lx, %u bytes), instruction %ld (want %u)",
         seen.signal, wanted, seen.address, s->at, s->size, (long)(seen.pc - (uint64_t)code) / 4,
         at);
    for (unsigned i = 0; i < BASES; i++)
        printf("  %u: %lx, want %lx\n", i, i < 8 ? seen.x[i] : seen.sp, r[i]);
    for (unsigned i = 0; i <= at; i++)
        printf("  .inst 0x%08x\n", chain[i].word);
}

static void random_step(struct step *s, const uint64_t *r)
{
    do {
        *s = (struct step){0};
        memcpy(s->r, r, sizeof(s->r));
        if (below(3) == 0)
            arithmetic_step(s);
        else
            access_step(s);
    } while (harmful(s));
}

static unsigned chain_ends[3]; /* by SIGSEGV, SIGBUS, the end */

static void chain_round(void)
{
    static struct step chain[STEPS + 1];
    static uint64_t first[BASES];
    uint64_t r[BASES];
    unsigned length = 1 + below(STEPS), n = 0, patience = 1 + below(5);
    int wanted = 0;
    for (unsigned i = 0; i < BASES; i++)
        r[i] = first[i] = start_value();
    r[BASES - 1] = first[BASES - 1] &= -16ul;
    while (n < length && !wanted) {
        for (unsigned tries = 0; tries < patience; tries++) { /* to find one that does not fault */
            random_step(&chain[n], r);
            wanted = signal_of(&chain[n], r);
            if (!wanted)
                break;
        }
        if (!wanted) {
            memcpy(r, chain[n].r, sizeof(r));
            n++;
        }
    }
    if (!wanted) {
        chain[n] = (struct step){.word = 0xd4200000}; /* brk */
        wanted = SIGTRAP;
    }
    for (unsigned i = 0; i <= n; i++)
        memcpy(code_alias + i * 4, &chain[i].word, 4);
    __builtin___clear_cache(code, code + n * 4 + 4);
    chain_ends[wanted == SIGTRAP ? 2 : wanted == SIGSEGV ? 0 : 1]++;
    seen.signal = 0;
    if (sigsetjmp(back, 0) == 0)
        enter(first, code);
    compare(chain, n, wanted, r);
}

static void chains(unsigned long rounds)
{
    int fd = memfd_create("code", 0);
    OK(ftruncate(fd, P));
    code_alias = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    code = mmap(NULL, P, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(code != MAP_FAILED && code_alias != MAP_FAILED);
    read_maps();
    for (unsigned long i = 0; i < rounds && guest_failed < 10; i++)
        chain_round();
    CHECK(chain_ends[0] > rounds / 10 && chain_ends[2] > rounds / 10);
}

/* The first and the last pages that there can be. The latter are the stack's, until now. */
static void take_ends(void)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    char line[512];
    unsigned long start = 0, end = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strstr(line, "[stack]"))
            sscanf(line, "%lx-%lx", &start, &end);
    fclose(f);
    CHECK(end >= 1ul << 36 && !(end & (end - 1)));
    low = mmap((void *)0x10000, 2 * P, PROT_READ | PROT_WRITE, flags, -1, 0);
    OK(munmap((void *)start, end - start));
    top = mmap((void *)(end - 2 * P), 2 * P, PROT_READ | PROT_WRITE, flags, -1, 0);
    CHECK(low != MAP_FAILED && top != MAP_FAILED);
}

static unsigned long seed = 1, rounds = 3000;
static bool verbose;

/* On a stack of its own. */
static void run(void)
{
    char *hole = mmap(NULL, 64 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    none = hole + 8 * P;
    good = hole + 24 * P;
    gone = hole + 40 * P;
    OK(mprotect(good, 2 * P, PROT_READ | PROT_WRITE));
    OK(munmap(hole + 26 * P, 30 * P));
    take_ends();
    if (guest_failed)
        exit(done());
    instructions();
    unaligned();
    exclusives();
    literals();
    scan(rounds > 100000 ? 30 : 33);
    chains(rounds);
    if (verbose)
        printf("%lu faults, %lu good; chains: %u SIGSEGV, %u SIGBUS, %u to the end; top at %p\n",
               faults, passes, chain_ends[0], chain_ends[1], chain_ends[2], top);
    exit(done());
}

int main(int argc, char **argv)
{
    const int signals[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL};
    static char stack[256 << 10], signal_stack[64 << 10];
    stack_t ss = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    struct sigaction sa = {.sa_sigaction = on_fault,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    ucontext_t here, there;
    if (argc > 1)
        seed = strtoul(argv[1], NULL, 0);
    if (argc > 2)
        rounds = strtoul(argv[2], NULL, 0);
    for (int i = 3; i < argc; i++) {
        verbose |= !strcmp(argv[i], "-v");
        over_end |= !strcmp(argv[i], "end");
    }
    state = seed * 0x9e3779b97f4a7c15 | 1;
    sigaltstack(&ss, NULL);
    for (size_t i = 0; i < ARRAY(signals); i++)
        sigaction(signals[i], &sa, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    OK(getcontext(&there));
    there.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof(stack)};
    there.uc_link = NULL;
    makecontext(&there, run, 0);
    return swapcontext(&here, &there);
}
