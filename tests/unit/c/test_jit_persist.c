/*
 * Translated code that is kept: used where the words are the same, and never when the file is not
 * what was written.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "vcpu/jit/pack.h"
#include "vcpu_guest.h"

#define TEXT    0x40000ull /* two pages */
#define TURNS   50
#define PERFORM 7

#define MOVZ(d, n)   (0xd2800000u | (uint32_t)(n) << 5 | (d))
#define BL(from, to) (0x94000000u | ((uint32_t)((to) - (from)) / 4 & 0x3ffffff))
#define STR_X0_X4    0xf9000080u
#define SUBS_X1      0xf1000421u
#define B_NE(words)  (0x54000001u | ((uint32_t)(words)&0x7ffff) << 5)
#define ADD_X0_X3    0x8b030000u
#define SUB_X0_X3    0xcb030000u
#define CBZ_X0_8     0xb4000040u
#define RET          0xd65f03c0u
#define SVC          0xd4000001u
#define BRK          0xd4200000u
#define IC_IVAU_X5   0xd50b7525u
#define MSR_FPCR_X5  0xd51b4405u
#define NOP          0xd503201fu

static char top[] = "/tmp/test_jit_persist.XXXXXX";
static int dir;

struct seen {
    uint64_t x0, blocks, blocks_made, refused, saved;
};

/* What a process does: map the program, run it, and perhaps keep what it translated. */
struct plan {
    uint32_t at_b; /* the first word of the second page, ADD_X0_X3 unless given */
    unsigned prot; /* VCPU_PROT_FILE unless given otherwise */
    bool rewrites, fpcr, unmaps, keeps;
};

static struct jit *jit(void)
{
    return jit_of_vm(guest_vm);
}

static void map_program(const struct plan *p)
{
    const uint32_t a[] = {MOVZ(0, 0),
                          MOVZ(1, TURNS),
                          MOVZ(3, PERFORM),
                          p->fpcr ? MSR_FPCR_X5 : NOP,
                          BL(TEXT + 16, TEXT + PAGE),
                          p->rewrites ? IC_IVAU_X5 : NOP,
                          SUBS_X1,
                          B_NE(-3),
                          SVC};
    const uint32_t b[] = {p->at_b ? p->at_b : ADD_X0_X3, STR_X0_X4, CBZ_X0_8, RET, BRK};
    if (mprotect(guest_base + TEXT, 2 * PAGE, PROT_READ | PROT_WRITE))
        abort();
    memset(guest_base + TEXT, 0, 2 * PAGE);
    memcpy(guest_base + TEXT, a, sizeof a);
    memcpy(guest_base + TEXT + PAGE, b, sizeof b);
    guest_map(TEXT, 2 * PAGE, PROT_READ,
              VCPU_PROT_READ | VCPU_PROT_EXEC | (p->prot ? p->prot : VCPU_PROT_FILE));
}

static struct seen perform_here(const struct plan *p)
{
    map_program(p);
    vcpu_vm_program(guest_vm, TEXT);
    struct vcpu_regs *r = vcpu_regs(guest_cpu);
    uint64_t made = jit()->stats.blocks;
    r->x[4] = DATA;
    r->x[5] = p->rewrites ? TEXT + PAGE : 1 << 24;
    CHECK_EQ(guest_run(TEXT).reason, VCPU_EXIT_SVC);
    r->fpcr = 0;
    if (p->unmaps)
        vcpu_vm_protect(guest_vm, TEXT + PAGE, PAGE, 0);
    if (p->keeps)
        vcpu_vm_keep(guest_vm, false);
    const struct keeper *k = jit()->keeper;
    return (struct seen){r->x[0], k ? k->blocks_used : 0, jit()->stats.blocks - made,
                         k ? k->pages_refused : 0, k ? k->saved_bytes : 0};
}

static struct seen perform(const struct plan *p)
{
    guest_create();
    CHECK(vcpu_vm_cache(guest_vm, dir));
    struct seen s = perform_here(p);
    guest_destroy();
    return s;
}

/* ---- files ---- */

static unsigned count_files(const char *end)
{
    unsigned n = 0;
    DIR *list = opendir(top);
    for (struct dirent *e; (e = readdir(list));) {
        size_t len = strlen(e->d_name);
        n += len > strlen(end) && !strcmp(e->d_name + len - strlen(end), end);
    }
    closedir(list);
    return n;
}

static void pack_path(char *path, size_t size)
{
    DIR *list = opendir(top);
    *path = '\0';
    for (struct dirent *e; (e = readdir(list));)
        if (strstr(e->d_name, PACK_NAME) && e->d_name[0] != '.')
            snprintf(path, size, "%s/%.60s", top, e->d_name);
    closedir(list);
}

static void empty(void)
{
    DIR *list = opendir(top);
    for (struct dirent *e; (e = readdir(list));)
        unlinkat(dirfd(list), e->d_name, 0);
    closedir(list);
}

static uint8_t *contents(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        abort();
    *size = (size_t)st.st_size;
    uint8_t *data = malloc(*size);
    if (!data || !pack_read(fd, data, *size))
        abort();
    close(fd);
    return data;
}

static void replace(const char *path, const void *data, size_t size)
{
    /* Not O_TRUNC: some file systems then wait for the disk. */
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || ftruncate(fd, (off_t)size))
        abort();
    close(fd);
}

/* ---- tests ---- */

static const struct plan plain, keep = {.keeps = true};
static const uint64_t right = TURNS * PERFORM;

static void round_trip(void)
{
    empty();
    struct seen first = perform(&keep);
    CHECK_EQ(first.x0, right);
    CHECK_EQ(first.blocks, 0);
    CHECK(first.saved > 0);
    struct seen second = perform(&keep);
    CHECK_EQ(second.x0, right);
    CHECK_EQ(second.blocks, first.blocks_made);
    CHECK_EQ(second.blocks_made, 0);
    CHECK_EQ(second.saved, 0);
    CHECK_EQ(count_files(PACK_NAME), 1);
    CHECK_EQ(count_files(".tmp"), 0);
}

/* One page is another: its old code is not used, and both are kept from then on. */
static void other_content(void)
{
    const struct plan changed = {.at_b = SUB_X0_X3, .keeps = true};
    struct seen s = perform(&changed);
    CHECK_EQ(s.x0, (uint64_t)-right);
    CHECK_EQ(s.refused, 1);
    CHECK(s.saved > 0);
    for (unsigned i = 0; i < 2; i++) {
        s = perform(i ? &changed : &keep);
        CHECK_EQ(s.x0, i ? (uint64_t)-right : right);
        CHECK_EQ(s.blocks_made, 0);
        CHECK_EQ(s.refused, 0);
    }
}

static void every_byte(const char *path)
{
    size_t size;
    uint8_t *data = contents(path, &size);
    for (size_t i = 0; i < size; i++) {
        data[i] ^= (uint8_t)(1u << i % 8);
        replace(path, data, size);
        struct seen s = perform(&plain);
        CHECK_EQ(s.x0, right);
        CHECK_EQ(s.blocks, 0);
        data[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < size; n += 64) {
        replace(path, data, n);
        struct seen s = perform(&plain);
        CHECK_EQ(s.x0, right);
        CHECK_EQ(s.blocks, 0);
    }
    replace(path, data, size);
    CHECK(perform(&plain).blocks > 0);
    free(data);
}

static void damage(void)
{
    char path[128];
    empty();
    perform(&keep);
    pack_path(path, sizeof path);
    every_byte(path);
    snprintf(path, sizeof path, "%s/" PACK_SECRET_NAME, top);
    size_t size;
    uint8_t *data = contents(path, &size);
    for (size_t i = 0; i < size; i += 97) {
        data[i] ^= 0x40;
        replace(path, data, size);
        CHECK_EQ(perform(&plain).x0, right);
        data[i] ^= 0x40;
    }
    free(data);
}

/* Tables of any content with the right digest are read without harm. They are not run. */
static void tables(void)
{
    char path[128];
    size_t size;
    empty();
    perform(&keep);
    pack_path(path, sizeof path);
    uint8_t *data = contents(path, &size), *changed = malloc(size);
    guest_create();
    vcpu_vm_cache(guest_vm, dir);
    struct keeper *k = jit()->keeper;
    struct pack_header *h = (struct pack_header *)(void *)changed;
    memcpy(&k->key, data + offsetof(struct pack_header, key), sizeof k->key);
    uint64_t random = 1;
    unsigned loaded = 0;
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(changed, data, size);
        size_t tables_at = sizeof *h, tables_end = sizeof *h + pack_table_bytes(h);
        for (unsigned j = 0; j < 1 + i % 3; j++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            size_t at = (random >> 33) % tables_end;
            changed[at < 40 ? tables_at + at : at] = (uint8_t)(random >> (i % 2 ? 25 : 60));
        }
        if (sizeof *h + pack_table_bytes(h) + h->code_bytes == size)
            h->digest = pack_digest(k->secret, h, h + 1, pack_table_bytes(h),
                                    changed + sizeof *h + pack_table_bytes(h));
        replace(path, changed, size);
        pthread_mutex_lock(&guest_vm->lock);
        loaded += pack_load(guest_vm, k);
        jit_cache_reset(guest_vm);
        pack_drop(k);
        pthread_mutex_unlock(&guest_vm->lock);
    }
    CHECK(loaded > 0 && loaded < 20000);
    guest_destroy();
    free(data);
    free(changed);
}

static void foreign(void)
{
    char path[128], other[160];
    empty();
    perform(&keep);
    pack_path(path, sizeof path);
    chmod(path, 0620);
    CHECK_EQ(perform(&plain).blocks, 0);
    chmod(path, 0602);
    CHECK_EQ(perform(&plain).blocks, 0);
    chmod(path, 0600);
    CHECK(perform(&plain).blocks > 0);
    if (geteuid() == 0) {
        CHECK_EQ(chown(path, 65534, 65534), 0);
        CHECK_EQ(perform(&plain).blocks, 0);
        CHECK_EQ(chown(path, 0, 0), 0);
    }
    snprintf(other, sizeof other, "%s.moved", path);
    CHECK_EQ(rename(path, other), 0);
    CHECK_EQ(symlink(other, path), 0);
    CHECK_EQ(perform(&plain).blocks, 0);
    unlink(path);
    CHECK_EQ(mkfifo(path, 0600), 0);
    CHECK_EQ(perform(&plain).blocks, 0);
    unlink(path);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_EQ(perform(&keep).x0, right);
    rmdir(path);
    CHECK_EQ(count_files(".tmp"), 0);
}

static void what_is_not_kept(void)
{
    const struct plan anonymous = {.prot = VCPU_PROT_READ, .keeps = true};
    empty();
    CHECK_EQ(perform(&anonymous).saved, 0);
    CHECK_EQ(count_files(PACK_NAME), 0);
    /* The page that the guest says it has rewritten. */
    const struct plan rewrites = {.rewrites = true, .keeps = true};
    struct seen first = perform(&rewrites), second = perform(&rewrites);
    CHECK_EQ(second.x0, right);
    CHECK(second.blocks > 0 && second.blocks < first.blocks_made);
    /* With FPCR set. */
    const struct plan fpcr = {.fpcr = true, .keeps = true};
    empty();
    first = perform(&fpcr);
    second = perform(&fpcr);
    CHECK_EQ(second.x0, right);
    CHECK(second.blocks > 0 && second.blocks < first.blocks_made);
}

/* Of a page that was unmapped by the end: what the pack had of it stays in it. */
static void unmapped(void)
{
    const struct plan unmaps = {.unmaps = true, .keeps = true};
    empty();
    struct seen all = perform(&keep);
    const struct plan more = {.at_b = SUB_X0_X3, .keeps = true, .unmaps = true};
    CHECK_EQ(perform(&more).x0, (uint64_t)-right);
    CHECK_EQ(perform(&unmaps).x0, right);
    struct seen again = perform(&keep);
    CHECK_EQ(again.x0, right);
    CHECK_EQ(again.blocks, all.blocks_made);
}

/* Several programs in one process, as execve has it. */
static void replaced_program(void)
{
    const struct plan other = {.at_b = SUB_X0_X3, .keeps = true};
    empty();
    guest_create();
    vcpu_vm_cache(guest_vm, dir);
    for (unsigned i = 0; i < 40; i++) {
        bool plus = i / 3 % 2 == 0;
        struct seen s = perform_here(plus ? &keep : &other);
        CHECK_EQ(s.x0, plus ? right : (uint64_t)-right);
        vcpu_vm_protect(guest_vm, TEXT, 2 * PAGE, 0);
        if (i >= 6)
            CHECK_EQ(s.blocks_made, 0);
    }
    guest_destroy();
}

static void no_room(void)
{
    struct rlimit old, small;
    empty();
    perform(&keep); /* so that there is a secret */
    char path[128];
    pack_path(path, sizeof path);
    unlink(path);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 1024;
    setrlimit(RLIMIT_FSIZE, &small);
    struct seen s = perform(&keep);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK_EQ(s.x0, right);
    CHECK_EQ(s.saved, 0);
    CHECK_EQ(count_files(PACK_NAME), 0);
    CHECK_EQ(count_files(".tmp"), 0);
    CHECK(perform(&keep).saved > 0);
}

static void make_file(const char *name, size_t size, time_t age)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", top, name);
    uint8_t *data = calloc(1, size);
    replace(path, data, size);
    free(data);
    struct timespec then[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    utimensat(AT_FDCWD, path, then, 0);
}

static bool is_there(const char *name)
{
    return !faccessat(dir, name, F_OK, 0);
}

static void pruning(void)
{
    empty();
    make_file("old" PACK_NAME, 400000, 5000);
    make_file("older" PACK_NAME, 400000, 9000);
    make_file("new" PACK_NAME, 400000, 100);
    make_file(".1-2.tmp", 100, 9000);
    make_file(".3-4.tmp", 100, 10);
    make_file("strange", 400000, 9000);
    setenv("ELFUSE_CACHE_LIMIT", "1000000", 1);
    CHECK(perform(&keep).saved > 0);
    unsetenv("ELFUSE_CACHE_LIMIT");
    CHECK(!is_there("older" PACK_NAME));
    CHECK(!is_there("old" PACK_NAME));
    CHECK(is_there("new" PACK_NAME));
    CHECK(!is_there(".1-2.tmp"));
    CHECK(is_there(".3-4.tmp"));
    CHECK(is_there("strange"));
    CHECK(perform(&plain).blocks > 0);
}

int main(void)
{
    setenv("ELFUSE_ENGINE", "jit", 1);
    if (!jit_translator()) {
        printf("test_jit_persist: this host cannot run the translator\n");
        return 0;
    }
    if (!mkdtemp(top))
        abort();
    dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    round_trip();
    other_content();
    damage();
    tables();
    foreign();
    what_is_not_kept();
    unmapped();
    replaced_program();
    no_room();
    pruning();
    empty();
    close(dir);
    rmdir(top);
    return check_done("jit_persist");
}
