/*
 * spec.h - the launch spec (docs/launch-spec.md): one JSON document, judged whole before anything
 * is done.
 */
#ifndef ELFUSE_LAUNCH_SPEC_H
#define ELFUSE_LAUNCH_SPEC_H

#include "linux/fs/fs.h"
#include "linux/kernel.h"
#include "vcpu/vcpu.h"

#define SPEC_MAX_SIZE    (16u << 20)
#define SPEC_MAX_NESTING 8

struct spec_rlimit {
    int resource; /* LINUX_RLIMIT_* */
    uint64_t soft, hard;
};

/* Strings belong to the document and live until spec_free(). */
struct launch_spec {
    struct fs_context_spec fs;
    const char **argv, **envp; /* end with NULL */
    struct cred cred;
    const char *hostname;
    struct spec_rlimit *rlimits;
    size_t nrlimits;
    bool strace, verbose, init;
    enum vcpu_engine engine;
    bool no_cache;
    const char *cache; /* the directory, or NULL: the environment says */
    int *keep_fds;
    size_t nkeep_fds;

    struct json_object *document;
    struct fs_mount_spec *mounts;
    const char **lower;
};

/* 0, or -LINUX_EINVAL with the cause in err. Call spec_free() in either case. */
int spec_parse(struct launch_spec *spec, const char *text, size_t len, char *err, size_t err_size);
void spec_free(struct launch_spec *spec);

#endif
