/*
 * persist.c - when packs are read and written. persist.h has the rest.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "jit_version.h"
#include "vcpu/jit/pack.h"
#include "vcpu/jit/persist.h"

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The directory's, or one to be put there with the first pack. */
static bool take_secret(struct keeper *k)
{
    uint64_t size;
    int fd = pack_open(k->dir, PACK_SECRET_NAME, sizeof k->secret, &size);
    if (fd >= 0) {
        bool whole = size == sizeof k->secret && pack_read(fd, k->secret, sizeof k->secret);
        close(fd);
        if (whole)
            return true;
    }
    k->new_secret = true;
    return getrandom(k->secret, sizeof k->secret, GRND_NONBLOCK) == sizeof k->secret;
}

bool persist_cache(struct vcpu_vm *vm, int dir)
{
    struct jit *jit = jit_of_vm(vm);
    if (dir < 0 || jit->keeper || jit->dump_fd >= 0) /* a dump is to have every block */
        return true;
    struct keeper *k = calloc(1, sizeof *k);
    if (!k)
        return true;
    k->dir = dir;
    if (take_secret(k))
        jit->keeper = k;
    else
        free(k);
    return true;
}

void persist_program(struct vcpu_vm *vm, uint64_t entry)
{
    struct keeper *k = jit_of_vm(vm)->keeper;
    pthread_mutex_lock(&vm->lock);
    bool idle = jit_cache_idle(vm);
    if (idle)
        jit_cache_reset(vm);
    if (k) {
        pack_drop(k);
        k->pending = idle;
        k->keyed = false;
        k->entry = entry;
    }
    pthread_mutex_unlock(&vm->lock);
}

/* ---- the program's key ---- */

static struct pack_hash hash_at(struct jit_cpu *cpu, uint64_t pc)
{
    struct vcpu_vm *vm = cpu->vcpu.vm;
    pthread_mutex_lock(&vm->lock);
    bool executable = pc < vm->config.size && exec_map_has(vm, pc);
    pthread_mutex_unlock(&vm->lock);
    if (!executable)
        return (struct pack_hash){0};
    interp_fetch(&cpu->vcpu, cpu->page, pc & ~(GUEST_PAGE - 1), GUEST_PAGE / 4, pc);
    return pack_hash_page(vm->jit->keeper->secret, cpu->page, GUEST_PAGE);
}

static uint64_t host_bits(const struct jit_host *h)
{
    const bool has[] = {h->avx2, h->bmi2, h->fma, h->lzcnt, h->aes, h->pclmul, h->sha, h->f16c};
    _Static_assert(sizeof *h == sizeof has, "all of them count");
    uint64_t bits = 0;
    for (unsigned i = 0; i < sizeof has; i++)
        bits |= (uint64_t)has[i] << i;
    return bits;
}

void persist_begin(struct jit_cpu *cpu)
{
    struct vcpu_vm *vm = cpu->vcpu.vm;
    struct keeper *k = vm->jit->keeper;
    if (!k->pending)
        return;
    k->pending = false;
    uint64_t start = nanoseconds(), pc = cpu->vcpu.cpu.regs.pc;
    struct pack_hash first = hash_at(cpu, pc), entry = hash_at(cpu, k->entry);
    uint64_t what[12] = {JIT_VERSION,
                         sizeof(struct jit_cpu),
                         host_bits(&vm->jit->host),
                         vm->config.size,
                         pc,
                         first.h[0],
                         first.h[1],
                         k->entry,
                         entry.h[0],
                         entry.h[1]};
    k->key = pack_hash_page(k->secret, what, sizeof what);
    k->keyed = true;
    k->blocks_before = vm->jit->stats.blocks;
    pthread_mutex_lock(&vm->lock);
    pack_load(vm, k);
    pthread_mutex_unlock(&vm->lock);
    k->load_nanoseconds += nanoseconds() - start;
}

void persist_page(struct vcpu_vm *vm, uint64_t page, const uint32_t *words)
{
    struct jit *jit = jit_of_vm(vm);
    struct jit_page *p = jit_cache_page(jit, page);
    if (!p || p->content == CONTENT_MIXED)
        return;
    struct pack_hash hash = pack_hash_page(jit->keeper->secret, words, GUEST_PAGE);
    if (p->content == CONTENT_HASHED) {
        if (memcmp(p->hash, &hash, sizeof hash))
            p->content = CONTENT_MIXED;
        return;
    }
    memcpy(p->hash, &hash, sizeof hash);
    p->content = CONTENT_HASHED;
    pack_use(vm, p);
}

bool persist_to_keep(struct vcpu_vm *vm)
{
    const struct jit *jit = jit_of_vm(vm);
    const struct keeper *k = jit->keeper;
    if (!k)
        return false;
    pthread_mutex_lock(&vm->lock);
    bool some = k->keyed && jit->stats.blocks - k->blocks_before > pack_few(&k->pack);
    pthread_mutex_unlock(&vm->lock);
    return some;
}

/* Other threads may still be running guest code, which must not come by our descriptors: at the end
 * this thread gets a table of its own. Before another program is loaded there are none. */
void persist_keep(struct vcpu_vm *vm, bool last)
{
    struct keeper *k = jit_of_vm(vm)->keeper;
    if (!persist_to_keep(vm))
        return;
    pthread_mutex_lock(&vm->lock);
    uint64_t start = nanoseconds();
    if (k->keyed && (!last || !unshare(CLONE_FILES)))
        pack_save(vm, k);
    k->keyed = false; /* once */
    k->save_nanoseconds += nanoseconds() - start;
    pthread_mutex_unlock(&vm->lock);
}

void persist_forked(struct vcpu_vm *vm)
{
    struct keeper *k = jit_of_vm(vm)->keeper;
    if (!k)
        return;
    k->blocks_before = jit_of_vm(vm)->stats.blocks;
    k->loaded_bytes = k->saved_bytes = 0;
    k->load_nanoseconds = k->save_nanoseconds = 0;
    k->pages_used = k->blocks_used = k->pages_refused = 0;
}

void persist_print(const struct jit *jit)
{
    const struct keeper *k = jit->keeper;
    if (!k)
        return;
    fprintf(stderr,
            "jit: kept code: %llu bytes loaded in %.2f ms, %llu pages of %llu blocks used, %llu "
            "pages refused; %llu bytes saved in %.2f ms\n",
            (unsigned long long)k->loaded_bytes, (double)k->load_nanoseconds / 1e6,
            (unsigned long long)k->pages_used, (unsigned long long)k->blocks_used,
            (unsigned long long)k->pages_refused, (unsigned long long)k->saved_bytes,
            (double)k->save_nanoseconds / 1e6);
}

void persist_destroy(struct jit *jit)
{
    if (jit->keeper)
        pack_drop(jit->keeper);
    free(jit->keeper);
}
