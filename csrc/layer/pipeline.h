/*
 * pipeline.h - a stream's stages: decompress, hash, and the caller, who parses and writes.
 *
 * Bytes lie in two rings of buffers, the blob's and the tar's, and are hashed where they lie; a
 * buffer is used again when it is hashed and taken. Until pipeline_start() everything happens on
 * the caller's thread in one buffer each. From then until pipeline_stop() a thread reads and
 * decompresses, the caller takes, and whoever of the two would wait for the other hashes instead:
 * two cores are busy whichever stage is the slow one.
 *
 * Locking: the lock guards the counts and hashing of both rings, stopping, ended, end, fill_err,
 * hash_err and blob_bytes. A buffer's bytes belong to the stage that fills it, then to those that
 * have yet to hash or take it, who only read; a digest belongs to whoever has set hashing. The
 * thread blocks all signals: those of the process stay the caller's business.
 */
#ifndef ELFUSE_LAYER_PIPELINE_H
#define ELFUSE_LAYER_PIPELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "layer/digest.h"

#define RING_BUF (512u << 10)
#define RING_MAX 8

struct ring {
    struct digest digest; /* of all that passed; unused when ctx is NULL */
    unsigned count;       /* buffers that may be in flight, at most RING_MAX */
    bool takes;           /* the caller takes each buffer too */
    uint8_t *buf[RING_MAX];
    size_t len[RING_MAX];
    uint64_t filled, hashed, taken; /* buffers since the start */
    bool hashing;                   /* somebody is at the buffer after the last one hashed */
};

struct pipeline {
    struct ring blob, tar; /* buffers and digests owned */
    pthread_mutex_t lock;
    pthread_cond_t space, data; /* for who fills and who takes */
    pthread_t filler;
    bool running, stopping;
    bool holding; /* the caller has a buffer, to be given back */
    bool ended;
    int end;                     /* what fill() ended with: 0 or a code */
    struct layer_error fill_err; /* filled when end is a code */
    struct layer_error hash_err; /* code 0: all was hashed; to be read once stopped */
    int wake_fd;                 /* readable once stopping; -1 while not running; owned */
    uint64_t blob_bytes;         /* read so far, as of the last buffer filled */
    /* The next bytes of the tar into buf: 1, 0 at the end, or a code. */
    int (*fill)(void *arg, uint8_t *buf, size_t *len, struct layer_error *err);
    void *arg;
};

void pipeline_init(struct pipeline *p,
                   int (*fill)(void *, uint8_t *, size_t *, struct layer_error *), void *arg);
void pipeline_free(struct pipeline *p); /* stops it first */

/* Starts the thread, when the caller holds no buffer of the tar ring. False: the host gives none,
 * and nothing has changed. */
bool pipeline_start(struct pipeline *p);
/* Ends the thread, whatever it waits for; what was put is hashed. What a writer of the blob has
 * yet to write is not waited for. */
void pipeline_stop(struct pipeline *p);

/* For the filling stage: a buffer of RING_BUF bytes, then how many of them count. Codes; the former
 * is LAYER_E_CANCELLED when the pipeline was stopped. */
int pipeline_space(struct pipeline *p, struct ring *r, uint8_t **buf, struct layer_error *err);
int pipeline_put(struct pipeline *p, struct ring *r, size_t len, struct layer_error *err);

/* For the caller: the buffer after the last one, which goes back. 1, 0 at the end, or a code; or
 * PIPELINE_WAIT after a while without any. */
#define PIPELINE_WAIT 2
int pipeline_take(struct pipeline *p, const uint8_t **data, size_t *len, uint64_t *blob_bytes,
                  struct layer_error *err);

static inline bool pipeline_runs(const struct pipeline *p)
{
    return p->running;
}

static inline int pipeline_wake_fd(const struct pipeline *p)
{
    return p->wake_fd;
}

#endif
