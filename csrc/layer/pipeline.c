#include "layer/pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BLOB_BUFS 4
#define TAR_BUFS  RING_MAX
#define WAIT_NSEC 100000000 /* how long a signal to the caller may go unnoticed */

void pipeline_init(struct pipeline *p,
                   int (*fill)(void *, uint8_t *, size_t *, struct layer_error *), void *arg)
{
    pthread_condattr_t monotonic;

    memset(p, 0, sizeof(*p));
    p->fill = fill;
    p->arg = arg;
    p->wake_fd = -1;
    p->blob.count = BLOB_BUFS;
    p->tar.count = TAR_BUFS;
    p->tar.takes = true;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->space, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->data, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void free_ring(struct ring *r)
{
    digest_free(&r->digest);
    for (unsigned i = 0; i < RING_MAX; i++)
        free(r->buf[i]);
}

void pipeline_free(struct pipeline *p)
{
    pipeline_stop(p);
    free_ring(&p->blob);
    free_ring(&p->tar);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->space);
    pthread_cond_destroy(&p->data);
}

static int hash(struct ring *r, size_t slot, struct layer_error *err)
{
    return r->digest.ctx ? digest_update(&r->digest, r->buf[slot], r->len[slot], err) : 0;
}

/* Buffers that are not free: filled, and not yet both hashed and taken. */
static uint64_t in_flight(const struct ring *r)
{
    uint64_t behind = r->filled - r->hashed;

    if (r->takes && r->filled - r->taken > behind)
        behind = r->filled - r->taken;
    return behind;
}

/* With the lock, which is let go meanwhile: hashes one buffer that nobody is at. The blob's first:
 * its ring is the shorter one. False: there is none. */
static bool hash_one(struct pipeline *p)
{
    struct ring *r = &p->blob;
    struct layer_error err = {0};

    if (r->hashing || r->hashed == r->filled)
        r = &p->tar;
    if (r->hashing || r->hashed == r->filled)
        return false;
    r->hashing = true;
    pthread_mutex_unlock(&p->lock);
    (void)hash(r, r->hashed % r->count, &err);
    pthread_mutex_lock(&p->lock);
    r->hashing = false;
    r->hashed++;
    if (err.code)
        p->hash_err = err;
    pthread_cond_signal(&p->space);
    return true;
}

int pipeline_space(struct pipeline *p, struct ring *r, uint8_t **buf, struct layer_error *err)
{
    size_t slot = 0;

    if (p->running) {
        bool stopping;

        pthread_mutex_lock(&p->lock);
        while (!p->stopping && in_flight(r) == r->count)
            if (!hash_one(p))
                pthread_cond_wait(&p->space, &p->lock);
        stopping = p->stopping;
        pthread_mutex_unlock(&p->lock);
        if (stopping)
            return layer_fail(err, LAYER_E_CANCELLED, "cancelled");
        slot = r->filled % r->count;
    }
    if (!r->buf[slot])
        r->buf[slot] = malloc(RING_BUF);
    *buf = r->buf[slot];
    return *buf ? 0 : layer_fail_sys(err, ENOMEM, "no memory for the layer's buffers");
}

int pipeline_put(struct pipeline *p, struct ring *r, size_t len, struct layer_error *err)
{
    if (!p->running) {
        r->len[0] = len;
        return hash(r, 0, err);
    }
    r->len[r->filled % r->count] = len;
    pthread_mutex_lock(&p->lock);
    r->filled++;
    if (r == &p->blob)
        p->blob_bytes += len;
    pthread_cond_signal(&p->data); /* to take, or to hash meanwhile */
    pthread_mutex_unlock(&p->lock);
    return 0;
}

static void *run_filler(void *arg)
{
    struct pipeline *p = arg;
    struct layer_error err = {0};
    uint8_t *buf;
    size_t len;
    int rc;

    while ((rc = pipeline_space(p, &p->tar, &buf, &err)) == 0 &&
           (rc = p->fill(p->arg, buf, &len, &err)) > 0)
        (void)pipeline_put(p, &p->tar, len, &err);
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    p->end = rc;
    p->fill_err = err;
    pthread_cond_signal(&p->data);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* A thread that takes no signal: they are for the threads that the process knows of. */
static bool start_thread(struct pipeline *p)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&p->filler, NULL, run_filler, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0)
        (void)pthread_setname_np(p->filler, "layer-inflate"); /* for top -H and perf */
    return rc == 0;
}

bool pipeline_start(struct pipeline *p)
{
    p->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (p->wake_fd < 0)
        return false;
    p->blob.filled = p->blob.hashed = 0;
    p->tar.filled = p->tar.hashed = p->tar.taken = 0;
    p->holding = p->ended = p->stopping = false;
    p->running = true;
    if (start_thread(p))
        return true;
    p->running = false;
    close(p->wake_fd);
    p->wake_fd = -1;
    return false;
}

void pipeline_stop(struct pipeline *p)
{
    uint64_t one = 1;

    if (!p->running)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->space);
    pthread_mutex_unlock(&p->lock);
    (void)!write(p->wake_fd, &one, sizeof(one));
    pthread_join(p->filler, NULL);
    pthread_mutex_lock(&p->lock);
    while (hash_one(p))
        ;
    pthread_mutex_unlock(&p->lock);
    p->running = false;
    close(p->wake_fd);
    p->wake_fd = -1;
}

/* True when there is a buffer or the end; false after WAIT_NSEC. */
static bool wait_for_data(struct pipeline *p)
{
    struct timespec until;

    if (p->tar.taken < p->tar.filled || p->ended)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NSEC;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (p->tar.taken == p->tar.filled && !p->ended)
        if (!hash_one(p) && pthread_cond_timedwait(&p->data, &p->lock, &until) == ETIMEDOUT)
            return false;
    return true;
}

int pipeline_take(struct pipeline *p, const uint8_t **data, size_t *len, uint64_t *blob_bytes,
                  struct layer_error *err)
{
    struct ring *r = &p->tar;
    int rc = PIPELINE_WAIT;

    pthread_mutex_lock(&p->lock);
    if (p->holding) {
        r->taken++;
        p->holding = false;
        pthread_cond_signal(&p->space);
    }
    if (wait_for_data(p)) {
        rc = r->taken < r->filled ? 1 : p->end;
        if (rc < 0)
            *err = p->fill_err;
    }
    if (rc == 1) {
        *data = r->buf[r->taken % r->count];
        *len = r->len[r->taken % r->count];
        p->holding = true;
    }
    *blob_bytes = p->blob_bytes;
    pthread_mutex_unlock(&p->lock);
    return rc;
}
