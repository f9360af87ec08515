/* guest-test: flags=-march=armv8.3-a,-pthread args=20000,10 */
/*
 * The memory model: litmus [ROUNDS [SECONDS [-v]]]. Threads run a few instructions on shared
 * places, and outcomes that arm64 forbids must not come up: message passing, store and load
 * buffering, independent reads of independent writes, coherence, atomicity, with each mix of
 * barriers, dependencies, acquire and release, exclusives and LSE atomics.
 *
 * A round is one place (two words on cache lines of their own) of a batch. The threads walk through
 * a batch together, held together every few rounds, so that a round costs some nanoseconds. ROUNDS
 * are those of each family, shared out among its variants; a family ends early after SECONDS.
 *
 * qemu-aarch64 is no reference: it lets LDAR go before an STLR (SB, R), on hosts that do.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>

#include "guest.h"

#define BATCH    256
#define CHUNK    8  /* rounds between two meetings of the threads, if each has a cpu */
#define STRIDE   32 /* words from one place to the next */
#define THREADS  4
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

/* Some hosts fetch lines in pairs: 128 bytes apart. */
struct place {
    _Alignas(128) uint64_t x[STRIDE / 2];
    uint64_t y[STRIDE / 2];
};
static struct place places[BATCH];
struct result {
    uint64_t a, b;
};
static struct result results[THREADS][BATCH];
/* For an atomic instruction that is there as a barrier. */
static struct {
    _Alignas(128) uint64_t z[16];
} own[THREADS];

typedef void body_fn(uint64_t *x, uint64_t *y, uint64_t *z, struct result *r, unsigned n);

/* One thread's instructions in a loop over n places. a and b are what they have read. */
#define BODY(name, text)                                                                           \
    static void name(uint64_t *x, uint64_t *y, uint64_t *z, struct result *r, unsigned n)          \
    {                                                                                              \
        for (; n--; x += STRIDE, y += STRIDE, r++) {                                               \
            uint64_t a = 0, b = 0, t, s;                                                           \
            __asm__ volatile(text                                                                  \
                             : [a] "+&r"(a), [b] "+&r"(b), [t] "=&r"(t), [s] "=&r"(s)              \
                             : [x] "r"(x), [y] "r"(y), [z] "r"(z), [one] "r"(1ul), [two] "r"(2ul)  \
                             : "memory", "v0", "v1", "x8", "x9", "x10", "x11");                    \
            r->a = a;                                                                              \
            r->b = b;                                                                              \
        }                                                                                          \
    }

#define LOAD_A_X  "ldr %[a], [%[x]]\n"
#define LOAD_A_Y  "ldr %[a], [%[y]]\n"
#define LOAD_B_X  "ldr %[b], [%[x]]\n"
#define STORE_X   "str %[one], [%[x]]\n"
#define STORE_Y   "str %[one], [%[y]]\n"
#define STORE2_X  "str %[two], [%[x]]\n"
#define STORE2_Y  "str %[two], [%[y]]\n"
#define ZERO_OF_A "eor %[t], %[a], %[a]\n" /* depends on a */
/* LL/SC of `new` at `at`, by these two instructions; the old value in t. */
#define LLSC(ll, sc, new, at)                                                                      \
    "1: " ll " %[t], [%[" at "]]\n" sc " %w[s], %[" new "], [%[" at "]]\n cbnz %w[s], 1b\n"

struct named {
    const char *name;
    body_fn *fn;
};

/* ---- message passing: x = 1, then y = 1 || a = y, then b = x: not a == 1 and b == 0 ---- */

BODY(w_dmb, STORE_X "dmb ish\n" STORE_Y)
BODY(w_dmb_st, STORE_X "dmb ishst\n" STORE_Y)
BODY(w_dsb, STORE_X "dsb ish\n" STORE_Y)
BODY(w_stlr, STORE_X "stlr %[one], [%[y]]\n")
BODY(w_stlr32, "str %w[one], [%[x]]\n stlr %w[one], [%[y]]\n")
BODY(w_stlrb, "strb %w[one], [%[x]]\n stlrb %w[one], [%[y]]\n")
BODY(w_stlxr, STORE_X LLSC("ldxr", "stlxr", "one", "y"))
BODY(w_stlxp, STORE_X "1: ldxp %[t], %[s], [%[y]]\n stlxp %w[s], %[one], xzr, [%[y]]\n"
                      "cbnz %w[s], 1b\n")
BODY(w_swpl, STORE_X "swpl %[one], %[t], [%[y]]\n")
BODY(w_ldaddl, STORE_X "ldaddl %[one], %[t], [%[y]]\n")
BODY(w_staddl, STORE_X "staddl %[one], [%[y]]\n")
BODY(w_ldsetal, STORE_X "ldsetal %[one], %[t], [%[y]]\n")
BODY(w_casl, STORE_X "mov %[t], xzr\n casl %[t], %[one], [%[y]]\n")
BODY(w_caspal, STORE_X "mov x8, xzr\n mov x9, xzr\n mov x10, #1\n mov x11, xzr\n"
                       "caspal x8, x9, x10, x11, [%[y]]\n")
BODY(w_vector, "fmov d0, %[one]\n str d0, [%[x]]\n dmb ishst\n str d0, [%[y]]\n")
BODY(w_pair, "stp %[one], xzr, [%[x]]\n dmb ish\n stp %[one], xzr, [%[y]]\n")
BODY(w_swp_dmb, "swp %[one], %[t], [%[x]]\n dmb ish\n swp %[one], %[t], [%[y]]\n")
static const struct named mp_writers[] = {
    {"dmb ish", w_dmb},    {"dmb ishst", w_dmb_st}, {"dsb ish", w_dsb},   {"stlr", w_stlr},
    {"stlr w", w_stlr32},  {"stlrb", w_stlrb},      {"stlxr", w_stlxr},   {"stlxp", w_stlxp},
    {"swpl", w_swpl},      {"ldaddl", w_ldaddl},    {"staddl", w_staddl}, {"ldsetal", w_ldsetal},
    {"casl", w_casl},      {"caspal", w_caspal},    {"vector", w_vector}, {"stp", w_pair},
    {"swp dmb", w_swp_dmb}};

BODY(r_dmb, LOAD_A_Y "dmb ish\n" LOAD_B_X)
BODY(r_dmb_ld, LOAD_A_Y "dmb ishld\n" LOAD_B_X)
BODY(r_dsb, LOAD_A_Y "dsb sy\n" LOAD_B_X)
BODY(r_ldar, "ldar %[a], [%[y]]\n" LOAD_B_X)
BODY(r_ldar32, "ldar %w[a], [%[y]]\n ldr %w[b], [%[x]]\n")
BODY(r_ldarb, "ldarb %w[a], [%[y]]\n ldrb %w[b], [%[x]]\n")
BODY(r_ldapr, "ldapr %[a], [%[y]]\n" LOAD_B_X)
BODY(r_ldaxr, "ldaxr %[a], [%[y]]\n" LOAD_B_X)
BODY(r_ldaxp, "ldaxp %[a], %[t], [%[y]]\n" LOAD_B_X)
BODY(r_ldadda, "ldadda xzr, %[a], [%[y]]\n" LOAD_B_X)
BODY(r_ldclral, "ldclral xzr, %[a], [%[y]]\n" LOAD_B_X)
BODY(r_casa, "mov %[a], #7\n casa %[a], xzr, [%[y]]\n" LOAD_B_X)
BODY(r_addr, LOAD_A_Y ZERO_OF_A "ldr %[b], [%[x], %[t]]\n")
BODY(r_isb, LOAD_A_Y "cbnz %[a], 1f\n1: isb\n" LOAD_B_X)
BODY(r_vector, "ldr d0, [%[y]]\n dmb ishld\n ldr d1, [%[x]]\n fmov %[a], d0\n fmov %[b], d1\n")
BODY(r_pair, "ldp %[a], %[t], [%[y]]\n dmb ishld\n ldp %[b], %[t], [%[x]]\n")
static const struct named mp_readers[] = {
    {"dmb ish", r_dmb},   {"dmb ishld", r_dmb_ld}, {"dsb sy", r_dsb},      {"ldar", r_ldar},
    {"ldar w", r_ldar32}, {"ldarb", r_ldarb},      {"ldapr", r_ldapr},     {"ldaxr", r_ldaxr},
    {"ldaxp", r_ldaxp},   {"ldadda", r_ldadda},    {"ldclral", r_ldclral}, {"casa", r_casa},
    {"address", r_addr},  {"isb", r_isb},          {"vector", r_vector},   {"ldp", r_pair}};

static bool mp_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[1]->a == 1 && r[1]->b == 0;
}

/* ---- store buffering: x = 1, then a = y || y = 1, then a = x: not both 0 ---- */

BODY(sb_plain, STORE_X LOAD_A_Y)
BODY(sb_rcpc, "stlr %[one], [%[x]]\n ldapr %[a], [%[y]]\n")
BODY(sb_dmb, STORE_X "dmb ish\n" LOAD_A_Y)
BODY(sb_dsb, STORE_X "dsb ish\n" LOAD_A_Y)
BODY(sb_ldar, "stlr %[one], [%[x]]\n ldar %[a], [%[y]]\n")
BODY(sb_ldar32, "stlr %w[one], [%[x]]\n ldar %w[a], [%[y]]\n")
BODY(sb_ldaxr, "stlr %[one], [%[x]]\n ldaxr %[a], [%[y]]\n")
BODY(sb_ldaddal, "stlr %[one], [%[x]]\n ldaddal xzr, %[a], [%[y]]\n")
BODY(sb_swpl, "swpl %[one], %[t], [%[x]]\n ldar %[a], [%[y]]\n")
BODY(sb_swpal, "swpal %[one], %[t], [%[x]]\n ldar %[a], [%[y]]\n")
BODY(sb_casl, "mov %[t], xzr\n casl %[t], %[one], [%[x]]\n ldar %[a], [%[y]]\n")
BODY(sb_stlxr, LLSC("ldxr", "stlxr", "one", "x") "ldar %[a], [%[y]]\n")
BODY(sb_swpal_z, STORE_X "swpal %[one], %[t], [%[z]]\n" LOAD_A_Y)
BODY(sb_ldaddal_z, STORE_X "ldaddal %[one], %[t], [%[z]]\n" LOAD_A_Y)
BODY(sb_casal_z, STORE_X "ldr %[t], [%[z]]\n casal %[t], %[two], [%[z]]\n" LOAD_A_Y)
BODY(sb_vector, "fmov d0, %[one]\n str d0, [%[x]]\n dmb ish\n ldr d1, [%[y]]\n fmov %[a], d1\n")
static const struct named sb_sides[] = {{"dmb ish", sb_dmb},
                                        {"dsb ish", sb_dsb},
                                        {"stlr ldar", sb_ldar},
                                        {"stlr ldar w", sb_ldar32},
                                        {"stlr ldaxr", sb_ldaxr},
                                        {"stlr ldaddal", sb_ldaddal},
                                        {"swpl ldar", sb_swpl},
                                        {"swpal ldar", sb_swpal},
                                        {"casl ldar", sb_casl},
                                        {"stlxr ldar", sb_stlxr},
                                        {"swpal as barrier", sb_swpal_z},
                                        {"ldaddal as barrier", sb_ldaddal_z},
                                        {"casal as barrier", sb_casal_z},
                                        {"vector dmb", sb_vector}};
static const struct named sb_weak_sides[] = {{"nothing", sb_plain}, {"stlr ldapr", sb_rcpc}};

static bool sb_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[0]->a == 0 && r[1]->a == 0;
}

/* ---- load buffering: a = x, then y = 1 || a = y, then x = 1: not both 1 ---- */

BODY(lb_dmb, LOAD_A_X "dmb ish\n" STORE_Y)
BODY(lb_dmb_ld, LOAD_A_X "dmb ishld\n" STORE_Y)
BODY(lb_ldar, "ldar %[a], [%[x]]\n" STORE_Y)
BODY(lb_ldapr, "ldapr %[a], [%[x]]\n" STORE_Y)
BODY(lb_ldaxr, "ldaxr %[a], [%[x]]\n" STORE_Y)
BODY(lb_ldadda, "ldadda xzr, %[a], [%[x]]\n" STORE_Y)
BODY(lb_stlr, LOAD_A_X "stlr %[one], [%[y]]\n")
BODY(lb_stlxr, LOAD_A_X LLSC("ldxr", "stlxr", "one", "y"))
BODY(lb_swpl, LOAD_A_X "swpl %[one], %[t], [%[y]]\n")
BODY(lb_data, LOAD_A_X ZERO_OF_A "orr %[t], %[t], %[one]\n str %[t], [%[y]]\n")
BODY(lb_addr, LOAD_A_X ZERO_OF_A "str %[one], [%[y], %[t]]\n")
BODY(lb_ctrl, LOAD_A_X "cbnz %[a], 1f\n1:" STORE_Y)
static const struct named lb_sides[] = {
    {"dmb ish", lb_dmb}, {"dmb ishld", lb_dmb_ld}, {"ldar", lb_ldar},    {"ldapr", lb_ldapr},
    {"ldaxr", lb_ldaxr}, {"ldadda", lb_ldadda},    {"stlr", lb_stlr},    {"stlxr", lb_stlxr},
    {"swpl", lb_swpl},   {"data", lb_data},        {"address", lb_addr}, {"control", lb_ctrl}};

static bool lb_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[0]->a == 1 && r[1]->a == 1;
}

/* ---- two writes each: x = 1, then y = 2 || y = 1, then x = 2: not both end as 1 ---- */

BODY(ww_dmb, STORE_X "dmb ish\n" STORE2_Y)
BODY(ww_dmb_st, STORE_X "dmb ishst\n" STORE2_Y)
BODY(ww_stlr, STORE_X "stlr %[two], [%[y]]\n")
BODY(ww_swpl, STORE_X "swpl %[two], %[t], [%[y]]\n")
BODY(ww_stlxr, STORE_X LLSC("ldxr", "stlxr", "two", "y"))
static const struct named ww_sides[] = {{"dmb ish", ww_dmb},
                                        {"dmb ishst", ww_dmb_st},
                                        {"stlr", ww_stlr},
                                        {"swpl", ww_swpl},
                                        {"stlxr", ww_stlxr}};

static bool ww_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return x == 1 && y == 1;
}

/* ---- S: x = 2, then y = 1 || a = y, then x = 1: not a == 1 with x ending as 2 ---- */

BODY(s_dmb, STORE2_X "dmb ish\n" STORE_Y)
BODY(s_dmb_st, STORE2_X "dmb ishst\n" STORE_Y)
BODY(s_stlr, STORE2_X "stlr %[one], [%[y]]\n")
static const struct named s_writers[] = {
    {"dmb ish", s_dmb}, {"dmb ishst", s_dmb_st}, {"stlr", s_stlr}};

static bool s_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[1]->a == 1 && x == 2; /* the other side is one of lb_sides, with x and y changed */
}

/* ---- R: x = 1, then y = 1 || y = 2, then a = x: not a == 0 with y ending as 2 ---- */

BODY(r2_dmb, STORE2_X "dmb ish\n" LOAD_A_Y)
BODY(r2_ldar, "stlr %[two], [%[x]]\n ldar %[a], [%[y]]\n")
BODY(r2_swpal, "swpal %[two], %[t], [%[x]]\n ldar %[a], [%[y]]\n")
static const struct named r_sides[] = {
    {"dmb ish", r2_dmb}, {"stlr ldar", r2_ldar}, {"swpal ldar", r2_swpal}};
static const struct named r_writers[] = {{"dmb ish", w_dmb},
                                         {"stlr", w_stlr},
                                         {"swpl", w_swpl},
                                         {"stlxr", w_stlxr},
                                         {"dmb ishst", w_dmb_st}};

static bool r_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[1]->a == 0 && y == 2;
}

/* ---- coherence of one word, with nothing to order the accesses ---- */

BODY(co_w1, STORE_X)
BODY(co_w2, STORE2_X)
BODY(co_w12, STORE_X STORE2_X)
BODY(co_w12_vector, "fmov d0, %[one]\n str d0, [%[x]]\n" STORE2_X)
BODY(co_w12_lse, "swp %[one], %[t], [%[x]]\n" STORE2_X)
BODY(co_w12_add, "stadd %[one], [%[x]]\n stadd %[one], [%[x]]\n")
BODY(co_rr, LOAD_A_X LOAD_B_X)
BODY(co_rr_vector, "ldr d0, [%[x]]\n" LOAD_B_X "fmov %[a], d0\n")
BODY(co_rr_ldar, LOAD_A_X "ldar %[b], [%[x]]\n")
BODY(co_rr_ldxr, "ldxr %[a], [%[x]]\n" LOAD_B_X)
BODY(co_rr_add, LOAD_A_X "ldadd xzr, %[b], [%[x]]\n")
BODY(co_rw, LOAD_A_X STORE_X)
BODY(co_wr, STORE_X LOAD_A_X)
BODY(co_wr_lse, "swp %[one], %[t], [%[x]]\n" LOAD_A_X)
static const struct named co_writers[] = {{"str", co_w1},
                                          {"str str", co_w12},
                                          {"str d", co_w12_vector},
                                          {"swp", co_w12_lse},
                                          {"stadd", co_w12_add}};
static const struct named co_readers[] = {{"ldr ldr", co_rr},
                                          {"ldr d", co_rr_vector},
                                          {"ldr ldar", co_rr_ldar},
                                          {"ldxr", co_rr_ldxr},
                                          {"ldadd", co_rr_add}};
static const struct named co_rws[] = {{"ldr str", co_rw}};
static const struct named co_wrs[] = {{"str ldr", co_wr}, {"swp ldr", co_wr_lse}};
static const struct named co_other[] = {{"str", co_w2}};

static bool co_rr_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[1]->a > r[1]->b;
}
static bool co_rw_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[0]->a == 1 || (r[0]->a == 2 && x == 2);
}
static bool co_wr_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[0]->a == 0 || (r[0]->a == 2 && x == 1);
}

/* ---- atomicity: each side adds 1 to x, and reads what was there ---- */

#define ADD_LLSC(ll, sc)                                                                           \
    "1: " ll " %[a], [%[x]]\n add %[t], %[a], #1\n " sc " %w[s], %[t], [%[x]]\n cbnz %w[s], 1b\n"
#define ADD_CAS(cas)                                                                               \
    LOAD_A_X "1: add %[t], %[a], #1\n mov %[s], %[a]\n " cas " %[a], %[t], [%[x]]\n"               \
             "cmp %[a], %[s]\n b.ne 1b\n"
BODY(at_llsc, ADD_LLSC("ldxr", "stxr"))
BODY(at_llsc_al, ADD_LLSC("ldaxr", "stlxr"))
BODY(at_llsc_pair, "1: ldaxp %[a], %[b], [%[x]]\n add %[t], %[a], #1\n"
                   "stlxp %w[s], %[t], %[b], [%[x]]\n cbnz %w[s], 1b\n")
BODY(at_ldadd, "ldadd %[one], %[a], [%[x]]\n")
BODY(at_ldaddal, "ldaddal %[one], %[a], [%[x]]\n")
BODY(at_cas, ADD_CAS("cas"))
BODY(at_casal, ADD_CAS("casal"))
BODY(at_casp, "ldp x8, x9, [%[x]]\n1: mov %[a], x8\n add x10, x8, #1\n mov x11, x9\n"
              "casp x8, x9, x10, x11, [%[x]]\n cmp x8, %[a]\n b.ne 1b\n")
static const struct named at_sides[] = {{"ldxr stxr", at_llsc},        {"ldaxr stlxr", at_llsc_al},
                                        {"ldaxp stlxp", at_llsc_pair}, {"ldadd", at_ldadd},
                                        {"ldaddal", at_ldaddal},       {"cas", at_cas},
                                        {"casal", at_casal},           {"casp", at_casp}};

static bool at_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return x != 2 || r[0]->a + r[1]->a != 1;
}

/* An exclusive store must see a store of any kind since the load: a is what was loaded, b the
 * store's status; it stores 3, the other side 2. */
#define EXCLUSIVE(ll, sc) ll " %[a], [%[x]]\n mov %[t], #3\n " sc " %w[b], %[t], [%[x]]\n"
BODY(ex_plain, EXCLUSIVE("ldxr", "stxr"))
BODY(ex_al, EXCLUSIVE("ldaxr", "stlxr"))
BODY(ex_pair, "ldxp %[a], %[s], [%[x]]\n mov %[t], #3\n stxp %w[b], %[t], %[s], [%[x]]\n")
BODY(ex_byte, "ldxrb %w[a], [%[x]]\n mov %[t], #3\n stxrb %w[b], %w[t], [%[x]]\n")
static const struct named ex_sides[] = {
    {"ldxr", ex_plain}, {"ldaxr", ex_al}, {"ldxp", ex_pair}, {"ldxrb", ex_byte}};
BODY(ex_stlr, "stlr %[two], [%[x]]\n")
BODY(ex_swp, "swp %[two], %[t], [%[x]]\n")
BODY(ex_llsc, LLSC("ldxr", "stxr", "two", "x"))
BODY(ex_stp, "stp %[two], xzr, [%[x]]\n")
BODY(ex_strb, "strb %w[two], [%[x]]\n")
BODY(ex_vector, "fmov d0, %[two]\n str q0, [%[x]]\n")
static const struct named ex_stores[] = {{"str", co_w2},   {"stlr", ex_stlr}, {"swp", ex_swp},
                                         {"stp", ex_stp},  {"strb", ex_strb}, {"str q", ex_vector},
                                         {"stxr", ex_llsc}};

static bool ex_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[0]->a == 0 && r[0]->b == 0 && x == 3;
}

/* A word is written and read as a whole: all bits or none. */
BODY(sc_str, "mvn %[t], xzr\n str %[t], [%[x]]\n")
BODY(sc_stp, "mvn %[t], xzr\n stp %[t], %[t], [%[x]]\n")
BODY(sc_vector, "movi v0.16b, #255\n st1 {v0.2d}, [%[x]]\n")
BODY(sc_stlr, "mvn %[t], xzr\n stlr %[t], [%[x]]\n")
BODY(sc_ldr, LOAD_A_X LOAD_B_X)
BODY(sc_ldp, "ldp %[a], %[t], [%[x]]\n ldr d0, [%[x]]\n fmov %[b], d0\n")
BODY(sc_ld1, "ld1 {v0.2d}, [%[x]]\n fmov %[a], d0\n" LOAD_B_X)
static const struct named sc_writers[] = {
    {"str", sc_str}, {"stp", sc_stp}, {"st1", sc_vector}, {"stlr", sc_stlr}};
static const struct named sc_readers[] = {{"ldr", sc_ldr}, {"ldp", sc_ldp}, {"ld1", sc_ld1}};

static bool sc_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return (r[1]->a + 1) > 1 || (r[1]->b + 1) > 1 || (r[1]->a && !r[1]->b);
}

/* ---- three and four threads ---- */

BODY(w1_stlr, "stlr %[one], [%[x]]\n")
BODY(w1_swp, "swp %[one], %[t], [%[x]]\n")
static const struct named x_writers[] = {{"str", co_w1}, {"stlr", w1_stlr}, {"swp", w1_swp}};

/* WRC: x = 1 || a = x, then y = 1 || a = y, then b = x. The middle is of lb_sides. */
static bool wrc_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[1]->a == 1 && r[2]->a == 1 && r[2]->b == 0;
}

/* IRIW: x = 1 || y = 1 || a = y, then b = x || a = x, then b = y. The readers are mp_readers. */
static bool iriw_bad(const struct result *const r[], uint64_t x, uint64_t y)
{
    return r[2]->a == 1 && r[2]->b == 0 && r[3]->a == 1 && r[3]->b == 0;
}

/* ---- families ---- */

struct side {
    const struct named *bodies;
    unsigned count;
    int swapped; /* its x is the place's y */
};
#define SIDE(bodies, swapped)                                                                      \
    {                                                                                              \
        bodies, ARRAY(bodies), swapped                                                             \
    }

static const struct family {
    const char *name;
    unsigned threads;
    struct side side[THREADS];
    bool (*bad)(const struct result *const r[], uint64_t x, uint64_t y);
    bool strict; /* else counted only, to show that the program sees what is allowed */
} families[] = {
    {"SB, allowed", 2, {SIDE(sb_weak_sides, 0), SIDE(sb_weak_sides, 1)}, sb_bad, false},
    {"MP", 2, {SIDE(mp_writers, 0), SIDE(mp_readers, 0)}, mp_bad, true},
    {"SB", 2, {SIDE(sb_sides, 0), SIDE(sb_sides, 1)}, sb_bad, true},
    {"LB", 2, {SIDE(lb_sides, 0), SIDE(lb_sides, 1)}, lb_bad, true},
    {"2+2W", 2, {SIDE(ww_sides, 0), SIDE(ww_sides, 1)}, ww_bad, true},
    {"S", 2, {SIDE(s_writers, 0), SIDE(lb_sides, 1)}, s_bad, true},
    {"R", 2, {SIDE(r_writers, 0), SIDE(r_sides, 1)}, r_bad, true},
    {"CoRR", 2, {SIDE(co_writers, 0), SIDE(co_readers, 0)}, co_rr_bad, true},
    {"CoRW", 2, {SIDE(co_rws, 0), SIDE(co_other, 0)}, co_rw_bad, true},
    {"CoWR", 2, {SIDE(co_wrs, 0), SIDE(co_other, 0)}, co_wr_bad, true},
    {"atomic", 2, {SIDE(at_sides, 0), SIDE(at_sides, 0)}, at_bad, true},
    {"exclusive", 2, {SIDE(ex_sides, 0), SIDE(ex_stores, 0)}, ex_bad, true},
    {"whole", 2, {SIDE(sc_writers, 0), SIDE(sc_readers, 0)}, sc_bad, true},
    {"WRC", 3, {SIDE(x_writers, 0), SIDE(lb_sides, 0), SIDE(mp_readers, 0)}, wrc_bad, true},
    {"IRIW",
     4,
     {SIDE(x_writers, 0), SIDE(x_writers, 1), SIDE(mp_readers, 0), SIDE(mp_readers, 1)},
     iriw_bad,
     true},
};

/* ---- running them ---- */

static struct {
    _Alignas(128) unsigned long round;
} met[THREADS];
static const struct family *family;
static unsigned cpus, my_cpu[CPU_SETSIZE];
static unsigned long rounds_wanted = 200000, rounds_done, bad_count;
static double seconds = 3600;
static struct timespec start;
static bool stop, verbose;

static double elapsed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

/* Wait until all threads have come to this round. */
static void meet(unsigned me, unsigned long round)
{
    __atomic_store_n(&met[me].round, round, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < family->threads; i++) {
        for (unsigned spins = 0; __atomic_load_n(&met[i].round, __ATOMIC_ACQUIRE) < round; spins++)
            if (spins > 1000 || cpus < family->threads)
                sched_yield();
    }
}

/* Batch k's choice for each thread. The step is a prime: every variant's turn comes, and a short
 * run sees some of all. */
static void choose(unsigned long k, const struct named *chosen[])
{
    unsigned long v = k * 7919;
    for (unsigned i = 0; i < family->threads; i++) {
        const struct side *side = &family->side[i];
        chosen[i] = &side->bodies[v % side->count];
        v /= side->count;
    }
}

static void evaluate(const struct named *const chosen[])
{
    unsigned long bad = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        const struct result *r[THREADS];
        for (unsigned k = 0; k < THREADS; k++)
            r[k] = &results[k][i];
        bad += family->bad(r, places[i].x[0], places[i].y[0]);
    }
    memset(places, 0, sizeof(places));
    rounds_done += BATCH;
    bad_count += bad;
    if (bad && family->strict) {
        const char *third = family->threads > 2 ? chosen[2]->name : "";
        FAIL("%s: %lu of %d with %s | %s | %s | %s", family->name, bad, BATCH, chosen[0]->name,
             chosen[1]->name, third, family->threads > 3 ? chosen[3]->name : "");
    }
}

static void *run(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, random = me + 1;
    bool close = cpus >= family->threads;
    const struct side *side = &family->side[me];
    unsigned long round = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(my_cpu[me % cpus], &set);
    sched_setaffinity(0, sizeof(set), &set);
    for (unsigned long k = 0;; k++) {
        const struct named *chosen[THREADS];
        if (me == 0)
            __atomic_store_n(&stop,
                             rounds_done >= rounds_wanted || elapsed() > seconds ||
                                 (family->strict && bad_count > 200),
                             __ATOMIC_RELAXED);
        meet(me, ++round);
        if (__atomic_load_n(&stop, __ATOMIC_RELAXED))
            return NULL;
        choose(k, chosen);
        for (unsigned i = 0; i < BATCH; i += CHUNK) {
            uint64_t *x = places[i].x, *y = places[i].y;
            if (close)
                meet(me, ++round);
            random = random * 1664525 + 1013904223;
            for (unsigned delay = random >> 27; delay; delay--)
                __asm__ volatile("");
            chosen[me]->fn(side->swapped ? y : x, side->swapped ? x : y, own[me].z, &results[me][i],
                           CHUNK);
        }
        meet(me, ++round);
        if (me == 0)
            evaluate(chosen);
    }
}

static void run_family(void)
{
    pthread_t threads[THREADS];
    unsigned variants = 1;
    rounds_done = bad_count = 0;
    memset(met, 0, sizeof(met));
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uintptr_t i = 1; i < family->threads; i++)
        EQ(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    run(0);
    for (unsigned i = 1; i < family->threads; i++)
        EQ(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < family->threads; i++)
        variants *= family->side[i].count;
    if (verbose)
        printf("%s: %u variants, %lu rounds, %lu %s, %.1f s\n", family->name, variants, rounds_done,
               bad_count, family->strict ? "forbidden" : "relaxed", elapsed());
}

int main(int argc, char **argv)
{
    cpu_set_t set;
    if (argc > 1)
        rounds_wanted = strtoul(argv[1], NULL, 0);
    if (argc > 2)
        seconds = strtod(argv[2], NULL);
    verbose = argc > 3;
    setvbuf(stdout, NULL, _IOLBF, 0);
    CPU_ZERO(&set);
    OK(sched_getaffinity(0, sizeof(set), &set));
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            my_cpu[cpus++] = i;
    for (unsigned i = 0; i < ARRAY(families); i++) {
        family = &families[i];
        run_family();
    }
    return done();
}
