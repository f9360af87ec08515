/* region.c - the region's life: see ipc.h. */
#include <string.h>

#include "host/mem.h"
#include "host/thread.h"
#include "linux/ipc/ipc.h"
#include "linux/mm/mm.h"

/* The largest change at once is SETALL of 32,000 semaphores, a word each. */
#define SAVED_MAX (1u << 16)
#define UNIT      64u
#define UNITS     (1u << 20) /* 64 MiB */

struct saved {
    uint64_t *at, old;
};

struct heap {
    uint32_t next;       /* where the last search ended */
    uint32_t run[UNITS]; /* length in units where something begins, else 0 */
    _Alignas(UNIT) uint8_t memory[UNITS][UNIT];
};

/* Behind the part that others see. */
struct whole {
    struct ipc_region region;
    uint32_t saved_count;
    struct saved saved[SAVED_MAX];
    struct heap heap;
};

struct ipc_region *ipc;

static struct whole *whole(void)
{
    return (struct whole *)ipc;
}

/* Behind it the segments: as much as the host gives addresses for, of which none is used twice, so
 * that a mapping that outlives its segment sees nobody else's memory. */
#define SHM_BITS_MAX 44
#define SHM_BITS_MIN 20

static uint64_t own_size(void)
{
    return page_align(sizeof(struct whole));
}

int ipc_create(struct process *proc)
{
    uint8_t *memory;
    int err = -LINUX_ENOMEM, bits = SHM_BITS_MAX;
    while (bits >= SHM_BITS_MIN && (err = host_mem_shared(own_size() + (1ull << bits), &memory)))
        bits--;
    if (err)
        return err;
    struct ipc_region *region = (struct ipc_region *)(void *)memory;
    err = host_shared_mutex_init(&region->lock);
    if (err) {
        host_mem_shared_free(memory, own_size() + (1ull << bits));
        return err;
    }
    region->shm_ids.last_index = region->sem_ids.last_index = region->msg_ids.last_index = -1;
    region->shm_size = 1ull << bits;
    ipc = region;
    ipc->born[proc->pid] = host_process_id();
    return 0;
}

uint8_t *ipc_shm_memory(uint64_t offset)
{
    return (uint8_t *)ipc + own_size() + offset;
}

/* ---- changes that a death undoes ---- */

#define BARRIER() __asm__ volatile("" ::: "memory")

void ipc_save(void *at, size_t size)
{
    struct whole *w = whole();
    uint64_t *word = (uint64_t *)((uintptr_t)at & ~(uintptr_t)7);
    for (; (uintptr_t)word < (uintptr_t)at + size && w->saved_count < SAVED_MAX; word++) {
        w->saved[w->saved_count] = (struct saved){word, *word};
        /* The entry is whole before it counts, and counts before the word changes. */
        BARRIER();
        w->saved_count++;
        BARRIER();
    }
}

void ipc_commit(void)
{
    BARRIER();
    whole()->saved_count = 0;
    BARRIER();
}

static void roll_back(void *arg)
{
    struct whole *w = arg;
    for (uint32_t i = w->saved_count; i-- > 0;)
        *w->saved[i].at = w->saved[i].old;
    ipc_commit();
}

void ipc_lock(void)
{
    host_shared_mutex_lock_repair(&ipc->lock, roll_back, whole());
}

void ipc_leave(void)
{
    ipc_commit();
    host_shared_mutex_unlock(&ipc->lock);
    ipc_wake_due();
}

/* ---- memory ---- */

/* First fit from where the last search ended, up to `end`. */
static uint32_t find_run(const struct heap *h, uint32_t from, uint32_t end, uint32_t n)
{
    uint32_t start = from;
    for (uint32_t i = from; i < end;) {
        if (h->run[i]) {
            i += h->run[i];
            start = i;
        } else if (++i - start == n) {
            return start;
        }
    }
    return UNITS;
}

void *ipc_alloc(size_t size)
{
    struct heap *h = &whole()->heap;
    uint32_t n = (uint32_t)((size + UNIT - 1) / UNIT);
    if (n == 0 || size > sizeof h->memory)
        return NULL;
    uint32_t at = find_run(h, h->next, UNITS, n);
    if (at == UNITS)
        at = find_run(h, 0, UNITS, n);
    if (at == UNITS)
        return NULL;
    IPC_SAVE(h->run[at]);
    IPC_SAVE(h->next);
    h->run[at] = n;
    h->next = at + n < UNITS ? at + n : 0;
    return h->memory[at];
}

void ipc_free(void *memory)
{
    struct heap *h = &whole()->heap;
    if (!memory)
        return;
    uint32_t at = (uint32_t)(((uint8_t *)memory - h->memory[0]) / UNIT);
    IPC_SAVE(h->run[at]);
    IPC_SAVE(h->next);
    h->run[at] = 0;
    h->next = at < h->next ? at : h->next;
}
