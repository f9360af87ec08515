#include "layer/source.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MSEC 100

void source_init(struct source *src, const struct layer_request *req, struct pipeline *pipe)
{
    off_t at = lseek(req->blob_fd, 0, SEEK_CUR);
    struct stat st;

    *src = (struct source){.req = req, .pipe = pipe};
    src->regular = fstat(req->blob_fd, &st) == 0 && S_ISREG(st.st_mode);
    if (src->regular && at >= 0 && st.st_size > at)
        src->known = (uint64_t)(st.st_size - at);
}

static int cancelled(struct layer_error *err)
{
    return layer_fail(err, LAYER_E_CANCELLED, "cancelled");
}

/* A writer that stalls keeps neither a thread that is asked to end nor a caller who wants to. */
static int wait_for_bytes(struct source *src, struct layer_error *err)
{
    const struct layer_request *req = src->req;
    bool threads = pipeline_runs(src->pipe);
    struct pollfd fds[2] = {{req->blob_fd, POLLIN, 0}, {pipeline_wake_fd(src->pipe), POLLIN, 0}};

    while (!src->regular) {
        int ready = poll(fds, threads ? 2 : 1, threads ? -1 : TICK_MSEC);

        if (threads && fds[1].revents)
            return cancelled(err);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            break; /* read(2) says what is the matter */
        if (!threads && req->tick && req->tick(req->tick_arg, src->size))
            return cancelled(err);
    }
    return 0;
}

static ssize_t read_some(struct source *src, uint8_t *buf, struct layer_error *err)
{
    ssize_t got;

    do {
        int rc = wait_for_bytes(src, err);

        if (rc < 0)
            return rc;
        got = read(src->req->blob_fd, buf, RING_BUF);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? layer_fail_sys(err, errno, "reading the blob") : got;
}

int source_next(struct source *src, const uint8_t **data, size_t *len, struct layer_error *err)
{
    const struct layer_request *req = src->req;
    uint8_t *buf;
    ssize_t got;
    int rc;

    if (src->at_end)
        return 0;
    rc = pipeline_space(src->pipe, &src->pipe->blob, &buf, err);
    if (rc < 0)
        return rc;
    got = read_some(src, buf, err);
    if (got < 0)
        return (int)got;
    if (got == 0) {
        src->at_end = true;
        return 0;
    }
    src->size += (uint64_t)got;
    if (req->blob_size >= 0 && src->size > (uint64_t)req->blob_size)
        return layer_fail(err, LAYER_E_DIGEST,
                          "the blob is longer than the %" PRId64 " bytes demanded", req->blob_size);
    *data = buf;
    *len = (size_t)got;
    rc = pipeline_put(src->pipe, &src->pipe->blob, (size_t)got, err);
    return rc < 0 ? rc : 1;
}

int source_finish(struct source *src, char text[DIGEST_TEXT_SIZE], struct layer_error *err)
{
    struct digest *digest = &src->pipe->blob.digest;
    const uint8_t *data;
    size_t len;
    int rc;

    while ((rc = source_next(src, &data, &len, err)) > 0)
        ;
    text[0] = 0;
    if (rc == 0 && src->req->blob_digest)
        rc = digest_final(digest, text, err);
    if (rc < 0)
        return rc;
    if (src->req->blob_size >= 0 && src->size != (uint64_t)src->req->blob_size)
        return layer_fail(err, LAYER_E_DIGEST,
                          "the blob has %" PRIu64 " bytes, not the %" PRId64 " demanded", src->size,
                          src->req->blob_size);
    if (src->req->blob_digest && !digest_matches(digest, text))
        return layer_fail(err, LAYER_E_DIGEST, "the blob's digest is %s, not %s", text,
                          digest->want);
    return 0;
}
