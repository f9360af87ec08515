#include "layer/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "layer/inflate.h"

#define RATIO_FROM    (1ull << 30)
#define DEFAULT_RATIO 4096
#define DEFAULT_TAR   (1ull << 40)
#define TICK_EVERY    (4u << 20)
#define THREAD_FROM   (256u << 10) /* bytes of the blob */

struct stream {
    const struct layer_request *req; /* borrowed, as is err */
    struct layer_error *err;
    struct pipeline pipe;
    struct source source; /* source, inflater and size are the pipeline's while it runs */
    struct inflater inflater;
    uint64_t size; /* of the tar so far */
    uint64_t max_size, max_ratio;
    const uint8_t *data; /* uncompressed bytes not yet consumed */
    size_t len;
    uint64_t next_tick;
    bool alone; /* small, or the host gave no thread */
};

struct layer_error *stream_error(struct stream *s)
{
    return s->err;
}

/* The filling stage: one buffer of the tar, within the limits. */
static int fill(void *arg, uint8_t *buf, size_t *len, struct layer_error *err)
{
    struct stream *s = arg;
    int rc = inflater_next(&s->inflater, buf, RING_BUF, len, err);
    uint64_t used = s->source.size - s->inflater.in_len; /* reading ahead earns nothing */

    if (rc <= 0)
        return rc;
    s->size += *len;
    if (s->size > s->max_size)
        return layer_fail_limit(err, "tar_size", "the layer is larger than %" PRIu64 " bytes",
                                s->max_size);
    if (s->size > RATIO_FROM && s->size / s->max_ratio > used)
        return layer_fail_limit(err, "ratio", "the layer expands more than %" PRIu64 " times",
                                s->max_ratio);
    return 1;
}

int stream_open(struct stream **out, const struct layer_request *req, struct layer_error *err)
{
    struct stream *s = calloc(1, sizeof(*s));
    int rc = 0;

    *out = s;
    if (!s)
        return layer_fail_sys(err, ENOMEM, "no memory for the stream");
    s->req = req;
    s->err = err;
    s->max_size = req->limits.tar_size ? req->limits.tar_size : DEFAULT_TAR;
    s->max_ratio = req->limits.ratio ? req->limits.ratio : DEFAULT_RATIO;
    s->next_tick = TICK_EVERY;
    pipeline_init(&s->pipe, fill, s);
    source_init(&s->source, req, &s->pipe);
    inflater_init(&s->inflater, &s->source);
    if (req->blob_digest)
        rc = digest_init(&s->pipe.blob.digest, req->blob_digest, "the blob's digest", err);
    return rc < 0 ? rc : digest_init(&s->pipe.tar.digest, req->diff_id, "the diffID", err);
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    pipeline_free(&s->pipe);
    inflater_free(&s->inflater);
    free(s);
}

/* A thread costs a small layer more than it gives. */
static bool on_thread(struct stream *s)
{
    if (pipeline_runs(&s->pipe) || s->alone)
        return !s->alone;
    if (s->source.size < THREAD_FROM && s->source.known < THREAD_FROM)
        return false;
    s->alone = !pipeline_start(&s->pipe);
    return !s->alone;
}

static int tick(struct stream *s, uint64_t blob_bytes, bool now)
{
    if (!s->req->tick || (blob_bytes < s->next_tick && !now))
        return 0;
    s->next_tick = blob_bytes + TICK_EVERY;
    if (s->req->tick(s->req->tick_arg, blob_bytes))
        return layer_fail(s->err, LAYER_E_CANCELLED, "cancelled");
    return 0;
}

static int next_alone(struct stream *s)
{
    uint8_t *buf;
    int rc = pipeline_space(&s->pipe, &s->pipe.tar, &buf, s->err);

    if (rc < 0)
        return rc;
    rc = fill(s, buf, &s->len, s->err);
    if (rc <= 0) {
        s->len = 0;
        return rc;
    }
    s->data = buf;
    rc = pipeline_put(&s->pipe, &s->pipe.tar, s->len, s->err);
    if (rc == 0)
        rc = tick(s, s->source.size, false);
    return rc < 0 ? rc : 1;
}

static int next_taken(struct stream *s)
{
    uint64_t blob_bytes;
    int rc;

    do {
        rc = pipeline_take(&s->pipe, &s->data, &s->len, &blob_bytes, s->err);
        if (rc >= 0 && tick(s, blob_bytes, rc == PIPELINE_WAIT) < 0)
            return s->err->code;
    } while (rc == PIPELINE_WAIT);
    return rc;
}

int stream_peek(struct stream *s, const uint8_t **data, size_t *len)
{
    int rc = 1;

    if (!s->len)
        rc = on_thread(s) ? next_taken(s) : next_alone(s);
    *data = s->data;
    *len = rc > 0 ? s->len : 0;
    return rc;
}

void stream_consume(struct stream *s, size_t len)
{
    s->data += len;
    s->len -= len;
}

int stream_read(struct stream *s, void *buf, size_t len)
{
    uint8_t *to = buf;
    size_t got = 0;

    while (got < len) {
        const uint8_t *data;
        size_t have;
        int rc = stream_peek(s, &data, &have);

        if (rc == 0 && got == 0)
            return 0;
        if (rc == 0)
            return layer_fail(s->err, LAYER_E_FORMAT, "the tar ends in the middle of a block");
        if (rc < 0)
            return rc;
        if (have > len - got)
            have = len - got;
        memcpy(to + got, data, have);
        stream_consume(s, have);
        got += have;
    }
    return 1;
}

int stream_skip_some(struct stream *s, uint64_t *len)
{
    while (*len) {
        const uint8_t *data;
        size_t have;
        int rc = stream_peek(s, &data, &have);

        if (rc <= 0)
            return rc;
        if (have > *len)
            have = (size_t)*len;
        stream_consume(s, have);
        *len -= have;
    }
    return 0;
}

int stream_skip(struct stream *s, uint64_t len)
{
    int rc = stream_skip_some(s, &len);

    if (rc == 0 && len)
        return layer_fail(s->err, LAYER_E_FORMAT, "the tar ends in the middle of an entry");
    return rc;
}

int stream_finish(struct stream *s, struct layer_stats *stats)
{
    struct digest *digest = &s->pipe.tar.digest;
    const uint8_t *data;
    size_t have;
    int rc;

    while ((rc = stream_peek(s, &data, &have)) > 0)
        stream_consume(s, have);
    if (rc < 0)
        return rc;
    pipeline_stop(&s->pipe);
    if (s->pipe.hash_err.code) {
        *s->err = s->pipe.hash_err;
        return s->err->code;
    }
    rc = source_finish(&s->source, stats->blob_digest, s->err);
    if (rc < 0)
        return rc;
    rc = digest_final(digest, stats->diff_id, s->err);
    if (rc < 0)
        return rc;
    stats->blob_size = s->source.size;
    stats->tar_size = s->size;
    if (!digest_matches(digest, stats->diff_id))
        return layer_fail(s->err, LAYER_E_DIGEST, "the layer's diffID is %s, not %s",
                          stats->diff_id, digest->want);
    return 0;
}

void stream_explain(struct stream *s)
{
    char text[DIGEST_TEXT_SIZE];
    struct layer_error digest = {0};

    pipeline_stop(&s->pipe);
    s->alone = true;
    if (s->req->blob_digest && source_finish(&s->source, text, &digest) == LAYER_E_DIGEST)
        *s->err = digest;
}
