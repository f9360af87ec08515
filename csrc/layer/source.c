#include "layer/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_EVERY (4u << 20)

int source_init(struct source *src, const struct layer_request *req, struct layer_error *err)
{
    memset(src, 0, sizeof(*src));
    src->req = req;
    src->next_tick = TICK_EVERY;
    src->buf = malloc(SOURCE_BUF);
    if (!src->buf)
        return layer_fail_sys(err, ENOMEM, "no memory for the blob's buffer");
    return digest_init(&src->digest, req->blob_digest, "the blob's digest", err);
}

void source_free(struct source *src)
{
    digest_free(&src->digest);
    free(src->buf);
}

int source_next(struct source *src, const uint8_t **data, size_t *len, struct layer_error *err)
{
    const struct layer_request *req = src->req;
    ssize_t got;

    if (src->at_end)
        return 0;
    do
        got = read(req->blob_fd, src->buf, SOURCE_BUF);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return layer_fail_sys(err, errno, "reading the blob");
    if (got == 0) {
        src->at_end = true;
        return 0;
    }
    src->size += (uint64_t)got;
    if (req->blob_size >= 0 && src->size > (uint64_t)req->blob_size)
        return layer_fail(err, LAYER_E_DIGEST,
                          "the blob is longer than the %" PRId64 " bytes demanded", req->blob_size);
    if (req->tick && src->size >= src->next_tick) {
        src->next_tick = src->size + TICK_EVERY;
        if (req->tick(req->tick_arg, src->size))
            return layer_fail(err, LAYER_E_CANCELLED, "cancelled");
    }
    *data = src->buf;
    *len = (size_t)got;
    return digest_update(&src->digest, src->buf, (size_t)got, err) < 0 ? err->code : 1;
}

int source_finish(struct source *src, char text[DIGEST_TEXT_SIZE], struct layer_error *err)
{
    const uint8_t *data;
    size_t len;
    int rc;

    while ((rc = source_next(src, &data, &len, err)) > 0)
        ;
    if (rc < 0)
        return rc;
    rc = digest_final(&src->digest, text, err);
    if (rc < 0)
        return rc;
    if (src->req->blob_size >= 0 && src->size != (uint64_t)src->req->blob_size)
        return layer_fail(err, LAYER_E_DIGEST,
                          "the blob has %" PRIu64 " bytes, not the %" PRId64 " demanded", src->size,
                          src->req->blob_size);
    if (!digest_matches(&src->digest, text))
        return layer_fail(err, LAYER_E_DIGEST, "the blob's digest is %s, not %s", text,
                          src->digest.want);
    return 0;
}
