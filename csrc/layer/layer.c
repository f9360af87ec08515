#include "layer/layer.h"

#include <string.h>

#include "layer/apply.h"

static int apply_all(struct apply *a, struct tar *tar)
{
    const struct tar_entry *entry;
    int rc;

    while ((rc = tar_next(tar, &entry)) > 0) {
        rc = apply_entry(a, entry);
        if (rc < 0)
            return rc;
    }
    return rc;
}

int layer_extract(const struct layer_request *req, struct layer_stats *stats,
                  struct layer_error *err)
{
    struct stream *stream = NULL;
    struct tar *tar = NULL;
    struct apply apply;
    int rc;

    memset(stats, 0, sizeof(*stats));
    memset(err, 0, sizeof(*err));
    rc = stream_open(&stream, req, err);
    if (rc == 0)
        rc = tar_open(&tar, stream);
    if (rc == 0) {
        rc = apply_init(&apply, req, tar, stats, err);
        if (rc == 0)
            rc = apply_all(&apply, tar);
        /* That it does not stand alone is kept for good, so it must be true of the right blob. */
        if (rc == LAYER_E_DEPENDS) {
            int verified = stream_finish(stream, stats);

            rc = verified < 0 ? verified : rc;
        }
        /* Verified before modes and times: a blob that is not the one demanded is not worth them.
         */
        if (rc == 0)
            rc = stream_finish(stream, stats);
        if (rc == 0)
            rc = apply_finish(&apply);
        apply_free(&apply);
    }
    if (rc == LAYER_E_FORMAT) {
        stream_explain(stream);
        rc = err->code;
    }
    tar_close(tar);
    stream_close(stream);
    return rc;
}
