/*
 * layer.h - apply an OCI layer blob onto a directory tree.
 *
 * Contract
 *  - The tree and the blob are hostile. Nothing outside root_fd is read, written, linked or
 * removed, whatever symlinks the tree or the layer holds: a symlinked parent is resolved as if
 * root_fd were "/".
 *  - Entries apply in order, as onto one tree: a duplicate replaces the earlier one, a late
 * whiteout never removes what this same layer wrote.
 *  - Success means that digest, size and diffID were all verified. After a failure the tree is
 * unspecified and must be discarded.
 *  - The process's umask stays as it is until the call returns.
 *  - All descriptors stay the caller's. Calls on different trees may run at once; one tree has one
 * caller.
 *  - Functions return 0 or a negative enum layer_code and then fill *err; or, where said, -errno.
 */
#ifndef ELFUSE_LAYER_LAYER_H
#define ELFUSE_LAYER_LAYER_H

#include <stdint.h>

enum layer_code {
    LAYER_OK = 0,
    LAYER_E_SYSTEM = -1,      /* the host refused: err->sys is its errno */
    LAYER_E_FORMAT = -2,      /* not a well-formed gzip, zstd or tar */
    LAYER_E_DIGEST = -3,      /* digest, size or diffID is not the one demanded */
    LAYER_E_LIMIT = -4,       /* past one of the limits below */
    LAYER_E_REFUSED = -5,     /* well-formed, but not what an honest layer holds */
    LAYER_E_UNSUPPORTED = -6, /* unknown entry types, sparse formats, digest algorithms */
    LAYER_E_CANCELLED = -7,   /* tick() asked for it */
};

/* message names the entry and the cause, in one line, with unprintable bytes escaped. */
struct layer_error {
    int code;
    int sys;
    char message[768];
};

enum layer_owner {
    /* Files belong to the caller; uid, gid, mode and device numbers that the host's own metadata
     * does not show go into the xattr LAYER_OVERRIDE_XATTR. setuid and setgid are never set on the
     * host's file. */
    LAYER_OWNER_VIRTUAL,
    /* uid, gid and mode are applied to the files: needs CAP_CHOWN. */
    LAYER_OWNER_HOST,
};

/* "uid:gid:0mode[:type]", decimal and octal; type is pipe, char-MAJOR-MINOR or block-MAJOR-MINOR,
 * absent for files and directories. A file without it shows as 0:0 with the host's mode. Also
 * podman's key. */
#define LAYER_OVERRIDE_XATTR "user.containers.override_stat"

#define LAYER_PATH_MAX 4096       /* with the NUL, as Linux's PATH_MAX */
#define LAYER_PAX_MAX  (1u << 20) /* bytes of one extended header, as Go's archive/tar */

struct layer_limits {  /* 0: the default */
    uint64_t entries;  /* default 8 Mi */
    uint64_t tar_size; /* default 1 TiB */
    uint64_t ratio;    /* tar bytes a blob byte, past the first GiB; default 4096 */
};

struct layer_request {
    int blob_fd;             /* read from its offset to its end; a pipe will do */
    int root_fd;             /* O_RDONLY | O_DIRECTORY */
    const char *blob_digest; /* "sha256:hex" or "sha512:hex"; NULL: neither verified nor computed */
    int64_t blob_size;       /* -1: not verified */
    const char *diff_id;     /* of the uncompressed bytes; NULL: computed, not verified */
    enum layer_owner owner;
    struct layer_limits limits;
    /* Called on the caller's thread, about every 4 MiB of blob and ten times a second while waiting
     * for more of it; non-zero cancels. May be NULL. */
    int (*tick)(void *arg, uint64_t blob_bytes);
    void *tick_arg;
};

struct layer_stats {
    uint64_t blob_size, tar_size;
    char blob_digest[160], diff_id[160];
    uint64_t files, directories, symlinks, hardlinks, whiteouts, others;
    uint64_t dropped_xattrs; /* refused by the file system, or not a layer's to set */
};

int layer_extract(const struct layer_request *req, struct layer_stats *stats,
                  struct layer_error *err);

/* A descriptor of path inside root_fd, as openat2(RESOLVE_IN_ROOT) would give it: absolute paths,
 * ".." and symlinks stay inside. flags and mode as open(2); O_CLOEXEC is added. Returns it, or
 * -errno. */
int layer_open_in_root(int root_fd, const char *path, int flags, unsigned mode);

/* Removes name (no slash) in dir_fd and all below, whatever its modes and depth, never following a
 * symlink. Returns 0 or -errno; a name that is not there is -ENOENT. */
int layer_remove_tree(int dir_fd, const char *name);

#endif
