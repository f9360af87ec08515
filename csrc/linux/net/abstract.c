/*
 * abstract.c - abstract AF_UNIX names. The host has one name space of them for a network; the run's
 * begin with a number that is its own, drawn at launch, so that it meets neither the host's nor
 * another run's.
 *
 * A name for which that leaves no room is named on the host by its digest under a second number,
 * and written down in memory that all processes of the run share, to be told again. That memory has
 * no lock, as its user may be killed at any instruction: an entry's state says whether it can be
 * read.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "host/mem.h"
#include "host/random.h"
#include "linux/net/net.h"

#define ID_SIZE      8u
#define NAME_AT      (SUN_PATH_AT + 1u)         /* behind the NUL */
#define ABSTRACT_MAX (LINUX_UNIX_PATH_MAX - 1u) /* 107 */
#define INLINE_MAX   (ABSTRACT_MAX - ID_SIZE)
#define DIGEST_SIZE  32u  /* hexadecimal digits */
#define LONG_NAMES   256u /* kept; each is a socket that lives, nearly always */
#define PROBES       8u

struct long_name {
    _Atomic uint32_t state; /* 0 empty, odd while it is written, even: readable */
    uint32_t len;
    uint64_t digest[2];
    uint8_t bytes[ABSTRACT_MAX];
};

static struct {
    uint8_t id[ID_SIZE], digest_id[ID_SIZE];
    struct long_name *names;
} run;

/* Letters, so that lists of sockets (/proc/net/unix) stay lists. */
static int draw(uint8_t id[ID_SIZE])
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    int err = host_random(id, ID_SIZE);
    for (unsigned i = 0; i < ID_SIZE; i++)
        id[i] = (uint8_t)letters[id[i] % (sizeof letters - 1)];
    return err;
}

int abstract_create(void)
{
    uint8_t *memory;
    int err = draw(run.id);
    if (err == 0)
        err = draw(run.digest_id);
    if (err == 0)
        err = host_mem_shared(LONG_NAMES * sizeof *run.names, &memory);
    if (err)
        return err;
    run.names = (struct long_name *)(void *)memory;
    return 0;
}

/* FNV-1a, twice. What collides are names of one run, which has 2^64 tries of its own to be rid of.
 */
static void digest_of(const uint8_t *bytes, uint32_t len, uint64_t digest[2])
{
    digest[0] = 0xcbf29ce484222325u;
    digest[1] = 0x9ae16a3b2f90404fu;
    for (uint32_t i = 0; i < len; i++) {
        digest[0] = (digest[0] ^ bytes[i]) * 0x100000001b3u;
        digest[1] = (digest[1] ^ bytes[i]) * 0xc2b2ae3d27d4eb4fu;
        digest[1] ^= digest[1] >> 29;
    }
}

static struct long_name *slot(const uint64_t digest[2], uint32_t probe)
{
    return &run.names[(digest[0] + probe) % LONG_NAMES];
}

/* A copy of the entry, if it is one of this digest. */
static bool read_slot(struct long_name *from, const uint64_t digest[2], struct long_name *copy)
{
    uint32_t state = atomic_load(&from->state);
    if (state == 0 || state & 1)
        return false;
    copy->len = from->len;
    memcpy(copy->digest, from->digest, sizeof copy->digest);
    memcpy(copy->bytes, from->bytes, sizeof copy->bytes);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&from->state) == state && copy->len <= ABSTRACT_MAX &&
           !memcmp(copy->digest, digest, sizeof copy->digest);
}

static bool find(const uint64_t digest[2], struct long_name *copy)
{
    for (uint32_t i = 0; i < PROBES; i++)
        if (read_slot(slot(digest, i), digest, copy))
            return true;
    return false;
}

static bool write_slot(struct long_name *to, uint32_t state, const uint64_t digest[2],
                       const uint8_t *bytes, uint32_t len)
{
    if (state & 1 || !atomic_compare_exchange_strong(&to->state, &state, state + 1))
        return false;
    to->len = len;
    memcpy(to->digest, digest, sizeof to->digest);
    memcpy(to->bytes, bytes, len);
    atomic_store(&to->state, state + 2 ? state + 2 : 2);
    return true;
}

/* Best effort: without, the name works and is told as an empty one. */
static void write_down(const uint64_t digest[2], const uint8_t *bytes, uint32_t len)
{
    struct long_name found;
    if (find(digest, &found))
        return;
    for (uint32_t i = 0; i < PROBES; i++)
        if (write_slot(slot(digest, i), 0, digest, bytes, len))
            return;
    for (uint32_t i = 0; i < PROBES; i++) {
        struct long_name *old = slot(digest, i);
        if (write_slot(old, atomic_load(&old->state), digest, bytes, len))
            return;
    }
}

void abstract_to_host(struct sock_name *name)
{
    uint8_t *at = name->data + NAME_AT;
    uint32_t len = name->len - NAME_AT;
    if (len <= INLINE_MAX) {
        memmove(at + ID_SIZE, at, len);
        memcpy(at, run.id, ID_SIZE);
        name->len += ID_SIZE;
        return;
    }
    uint64_t digest[2];
    digest_of(at, len, digest);
    write_down(digest, at, len);
    memcpy(at, run.digest_id, ID_SIZE);
    char digits[DIGEST_SIZE + 1];
    snprintf(digits, sizeof digits, "%016" PRIx64 "%016" PRIx64, digest[0], digest[1]);
    memcpy(at + ID_SIZE, digits, DIGEST_SIZE);
    name->len = NAME_AT + ID_SIZE + DIGEST_SIZE;
}

void abstract_to_guest(struct sock_name *name)
{
    uint8_t *at = name->data + NAME_AT;
    uint32_t len = name->len - NAME_AT;
    if (len < ID_SIZE)
        return;
    if (!memcmp(at, run.id, ID_SIZE)) {
        memmove(at, at + ID_SIZE, len - ID_SIZE);
        name->len -= ID_SIZE;
    } else if (!memcmp(at, run.digest_id, ID_SIZE) && len == ID_SIZE + DIGEST_SIZE) {
        char digits[DIGEST_SIZE + 1] = "";
        uint64_t digest[2] = {0, 0};
        struct long_name found = {.len = 0};
        memcpy(digits, at + ID_SIZE, DIGEST_SIZE);
        if (sscanf(digits, "%16" SCNx64 "%16" SCNx64, &digest[0], &digest[1]) != 2 ||
            !find(digest, &found))
            found.len = 0;
        memcpy(at, found.bytes, found.len);
        name->len = NAME_AT + found.len;
    }
}
