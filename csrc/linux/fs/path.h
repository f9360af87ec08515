/*
 * path.h - inside the file system: mounts, their layers, and resolved paths.
 *
 * A place in the guest's tree is a canonical guest path: absolute, no symbolic link, no "." or
 * "..". The host file behind it is only ever opened as "canonical path below the mount's layer
 * directory" with a host call that follows no link (host_open_beneath), so nothing that is renamed
 * or replaced meanwhile can lead out of the layer.
 */
#ifndef ELFUSE_FS_PATH_H
#define ELFUSE_FS_PATH_H

#include "host/file.h"
#include "host/shared.h"
#include "host/thread.h"
#include "linux/fs/dircache.h"
#include "linux/fs/fs.h"

#define FS_MAX_LAYERS 128

struct synth_node;
struct synth_ops;

struct fs_layer {
    int fd;     /* private, O_PATH directory (or the file of a file bind) */
    char *path; /* its host path, owned; of a detached layer the one below its mount's root */
    size_t path_len;
    bool detached; /* no path of the host's leads there: mount_is_detached() */
};

struct fs_mount {
    enum fs_mount_type type;
    char *target; /* canonical guest path, "/" for the root; owned */
    size_t target_len;
    bool read_only;
    bool is_file; /* a bind mount of one file */
    uint32_t id;  /* as in mountinfo */
    /* Host-backed mounts: layers[0] takes writes; the others exist for overlays and are never
     * written. */
    struct fs_layer *layers;
    int nlayers;
    int work_fd; /* overlay: private O_PATH directory, else -1 */
    int made_fd; /* merged by the host: what it keeps of the guest's changes, else -1 */
    struct dir_cache *directories; /* overlay: owned; else NULL */
    struct fs_shared *shared;      /* the context's */
    const struct synth_ops *synth; /* PROC, DEV, SYS */
};

/* Owner and mode of a pseudo-terminal: devpts.c. */
struct fs_pts {
    _Atomic uint32_t uid, gid, mode;
};
#define FS_PTS_MAX 4096 /* the host's default of kernel.pty.max */

/* What the processes of a run share of their file system, in memory that each has. */
struct fs_shared {
    /* Copy-up, rename and whiteouts of overlays; owners, which are read and then written. A holder
     * may be killed at any point: each step leaves a tree that the guest can see, so there is
     * nothing to repair. */
    struct host_shared_mutex tree;
    uint64_t work_seq;               /* names in the work directory */
    _Atomic uint32_t login_sessions; /* how many /proc/<pid>/sessionid has seen */
    struct fs_pts pts[FS_PTS_MAX];
    /* Counts changes of directories, see dircache.h; odd while one is under way. Written with the
     * tree's lock. */
    uint64_t directories;
};

/* A directory that the process is in: its descriptor (private; synthetic directories use an unnamed
 * one) and mount, and its path when it is synthetic. */
struct fs_place {
    int fd;
    struct fs_mount *mount;
    char *synth;         /* owned */
    char *known;         /* its path, owned; right while the mount's directories have the number */
    uint64_t generation; /* ... of dir_generation() */
};

struct fs_context {
    struct fs_shared *shared;
    struct fs_mount *mounts; /* in order; later over earlier */
    int nmounts;
    uint64_t detached; /* linux_mkdev() of the files of a root that the host merges, or 0 */
    uint32_t umask;
    struct host_mutex cwd_lock; /* guards cwd and root */
    struct fs_place cwd;
    struct fs_place root; /* of chroot(2); fd -1: none was made */
    int empty_dir;        /* private: stands for synthetic directories */
    /* What was written to /proc/<pid>/oom_score_adj, and how low the unprivileged may go. */
    int32_t oom_score_adj, oom_score_adj_min;
    /* Likewise of loginuid and its session, each plus 1, and of coredump_filter's difference from
     * the default. */
    uint32_t login_uid, login_session, coredump_filter;
};

static inline void fs_tree_lock(struct fs_context *fs)
{
    host_shared_mutex_lock(&fs->shared->tree);
}
/* A directory of an overlay is about to be made, moved or removed: what is known of them counts no
 * more, from now on and again from when the lock is given back. With the tree's lock. */
void fs_tree_directories(struct fs_context *fs);
static inline void fs_tree_unlock(struct fs_context *fs)
{
    if (fs->shared->directories & 1) /* or left so by a holder that was killed */
        __atomic_fetch_add(&fs->shared->directories, 1, __ATOMIC_SEQ_CST);
    host_shared_mutex_unlock(&fs->shared->tree);
}

/* ---- mount.c ---- */

/* The mount that the canonical path lies in; *rel is the part below its target ("" for the target
 * itself, no leading slash), within path. */
struct fs_mount *mount_of(struct fs_context *fs, const char *path, const char **rel);
/* Whether a mount's target is path or lies below it. */
bool mount_at_or_below(struct fs_context *fs, const char *path);
static inline bool mount_is_host(const struct fs_mount *m)
{
    return m->synth == NULL;
}
/* Whether the file lies in the root that the host merges: its host path then means nothing but
 * there, and no other file's does. */
bool mount_is_detached(const struct fs_context *fs, int fd);
/* Which mount and layer a host path belongs to, preferring `hint`; *rel within host_path. NULL if
 * none. */
struct fs_mount *mount_of_host(struct fs_context *fs, struct fs_mount *hint, bool detached,
                               const char *host_path, int *layer, const char **rel);
/* The same of what fd is open on; host (LINUX_PATH_MAX) gets the path, which *rel lies in. NULL
 * also when it has no path. */
struct fs_mount *mount_of_fd(struct fs_context *fs, struct fs_mount *hint, int fd, char *host,
                             int *layer, const char **rel);
/* Whether rel came with the image: it lies in a lower layer, or is a name that the host, which
 * merges, has not been given by the guest. */
bool mount_from_image(const struct fs_mount *m, int layer, const char *rel);
/* Canonical guest path of rel in m. 0, -LINUX_ENAMETOOLONG. */
int mount_path(const struct fs_mount *m, const char *rel, char *buf);

/* ---- layer.c ---- */

struct layer_hit {
    int layer;             /* which layer the object is of */
    bool transients;       /* other descriptors were open when the result was */
    bool have_st;          /* st is the host's, of the result */
    struct linux_statx st; /* asked for on the way */
};

/*
 * Open rel in the mount's layers: host descriptor (not private), or -errno. flags must not create
 * or truncate; O_NOFOLLOW is implied, as is what host_open_beneath() says. -LINUX_ELOOP: a link is
 * in the way.
 */
int layer_open(struct fs_mount *m, const char *rel, int flags, struct layer_hit *hit);
/* As layer_open(O_PATH) among layers from `first` on that lie below rel's parents, honouring opaque
 * directories and whiteouts of the layers above: what rel would be if layers < first did not hold
 * it. */
int layer_open_below(struct fs_mount *m, const char *rel, int first, struct layer_hit *hit);
/* The directories that make up the merged directory rel, top first. Returns their number, or
 * -errno. Each is O_RDONLY|O_DIRECTORY. layers[i] says which layer. */
int layer_open_dirs(struct fs_mount *m, const char *rel, int fds[FS_MAX_LAYERS],
                    int layers[FS_MAX_LAYERS]);
/* Whether layers below the topmost contribute to the directory rel. */
bool layer_is_merged(struct fs_mount *m, const char *rel);
/* Whether the O_PATH descriptor fd, of which st is the stat, is a whiteout; either form. */
bool layer_is_whiteout(int fd, const struct linux_statx *st);

/* ---- resolve.c ---- */

#define FS_FOLLOW     0x01u /* follow a symbolic link in the last component */
#define FS_CREATE     0x02u /* the last component may be missing: fd is -1 then */
#define FS_EMPTY      0x04u /* an empty path is dirfd itself (AT_EMPTY_PATH) */
#define FS_NO_XDEV    0x08u /* openat2's restrictions */
#define FS_NO_MAGIC   0x10u
#define FS_NO_SYMLINK 0x20u
#define FS_BENEATH    0x40u
#define FS_IN_ROOT    0x80u
#define FS_NO_PERM    0x100u /* as guest root, for the kernel itself */
#define FS_NAME       0x200u /* the last component as a name, also with a slash behind it */

struct fs_path {
    char path[LINUX_PATH_MAX]; /* canonical; meaningless when mnt is NULL */
    struct fs_mount *mnt;      /* NULL: a descriptor's file that has no name in the guest's tree */
    const char *rel;           /* within path */
    int fd;                    /* O_PATH, -1: absent, or synthetic */
    struct layer_hit hit;
    /* The guest's view: owner and mode virtual. Of the object, or of its parent directory when the
     * object does not exist (FS_CREATE). */
    struct linux_statx st;
    uint32_t host_mode; /* the host's own mode bits */
    bool exists;
    bool trailing;        /* the path ended in a slash: must be a directory */
    int from_fd;          /* the guest descriptor that an empty path or a magic link named, or -1 */
    bool from_copied;     /* ... which is open on the lower file that this one was copied up from */
    struct fd_table *fds; /* ... and the table it is of */
    struct synth_node *node; /* synthetic objects; owned */
    struct fs_mount
        *anon; /* mnt is NULL: the mount whose layer (hit.layer) holds the file, or NULL */
};

/*
 * Resolve a guest path. dirfd is LINUX_AT_FDCWD or a guest descriptor. Returns 0, the caller then
 * owns *out (fs_path_put), or -errno with nothing to free. task may be NULL for the kernel itself
 * (no dirfd, no magic links).
 */
int fs_resolve(struct fs_context *fs, struct task *task, int dirfd, const char *path,
               unsigned flags, struct fs_path *out);
void fs_path_put(struct fs_path *p);
/* Copy a path from the guest into buf[LINUX_PATH_MAX]: length or -errno. */
int64_t fs_user_path(struct task *task, char *buf, gva_t addr);
/* Resolve a path argument in guest memory. */
int fs_user_resolve(struct task *task, int dirfd, gva_t addr, unsigned flags, struct fs_path *out);
/* Canonical guest path of a directory descriptor (dirfd or LINUX_AT_FDCWD) -> buf, its mount. */
int fs_dir_path(struct fs_context *fs, struct task *task, int dirfd, char *buf);
/* Position of the guest descriptor's file in the tree: 0 with path in buf, or -LINUX_ENOENT. */
int fs_fd_position(struct fs_context *fs, struct task *task, int fd, char *buf);
/*
 * The canonical path that `path` would have if it held no symbolic link: 0 with it in buf and
 * *trailing, or -errno; -LINUX_ELOOP when it has a ".." and so must be walked.
 */
int fs_plain_path(struct fs_context *fs, struct task *task, int dirfd, const char *path, char *buf,
                  bool *trailing);
/* The last component of a path given by the guest: LAST_NORM, "." , "..", or only slashes. */
enum fs_last { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
enum fs_last fs_last_kind(const char *path);
static inline const char *fs_name(const struct fs_path *p)
{
    const char *n = p->path, *s;
    for (s = p->path; *s; s++)
        if (*s == '/')
            n = s + 1;
    return n;
}

/* ---- overlay.c: changes; plain mounts take the same calls ---- */

/* May the object's mount be written: 0 or -LINUX_EROFS. */
int fs_writable(const struct fs_path *p);
/* And does nobody run the regular file? Or -LINUX_ETXTBSY. */
int fs_write_access(struct task *task, const struct fs_path *p);
/* Bring the object into the writable layer and reopen p->fd there. */
int fs_copy_up(struct fs_context *fs, struct fs_path *p);
/* O_PATH descriptor of the parent directory in the writable layer, brought there if needed. */
int fs_parent_writable(struct fs_context *fs, const struct fs_path *p);
int fs_mkdir(struct fs_context *fs, struct fs_path *p, uint32_t host_mode);
/* Create with type LINUX_S_IFREG, S_IFIFO, S_IFSOCK. */
int fs_mknod(struct fs_context *fs, struct fs_path *p, uint32_t host_mode);
/* Create by make(arg, dir, name), which makes what must not exist: 0, -LINUX_EEXIST ... */
typedef int fs_make_fn(void *arg, int dir, const char *name);
int fs_make(struct fs_context *fs, struct fs_path *p, fs_make_fn *make, void *arg);
int fs_symlink(struct fs_context *fs, struct fs_path *p, const char *target);
/* Create a regular file that must not exist and open it with flags (no O_CREAT needed). Returns the
 * fd. */
int fs_create(struct fs_context *fs, struct fs_path *p, int flags, uint32_t host_mode);
int fs_link(struct fs_context *fs, struct fs_path *from, struct fs_path *to);
int fs_unlink(struct fs_context *fs, struct fs_path *p);
int fs_rmdir(struct fs_context *fs, struct fs_path *p);
/* A directory into itself, or onto one that it lies in: an error. */
int fs_rename_within(const struct fs_path *from, const struct fs_path *to, bool exchange);
int fs_rename(struct fs_context *fs, struct fs_path *from, struct fs_path *to, unsigned flags);
/* Look p up again by its canonical path: p->fd and its stat. */
int fs_path_refresh(struct fs_path *p);
/* Whether the object, of which st is the host's stat, came with the image: asked for by
 * owner_apply(), so that it is only right of those that carry no attribute. */
bool fs_from_image(const struct fs_path *p, const struct linux_statx *st);
/* Whether p is what the descriptor is open on, or has been copied up from it. */
bool fs_path_is_fd(struct fs_path *p, int fd);
/* The guest's view of p's parent directory (p->mnt is not NULL). */
int fs_parent_stat(struct fs_context *fs, struct task *task, const struct fs_path *p,
                   struct linux_statx *st);
/* What an upper object was copied up from. */
#define ORIGIN_XATTR "user.overlay.elfuse.origin"
struct fs_origin {
    uint64_t dev; /* major << 32 | minor */
    uint64_t ino;
    uint64_t shown; /* the object keeps the number; not when the lower file has several names */
};
void fs_apply_origin(struct fs_mount *m, int layer, int fd, struct linux_statx *st);
/* Fill st with the guest's view of what guest descriptor fd is open on. */
int fs_stat_fd(struct task *task, int fd, struct linux_statx *st);

/* ---- cwd.c ---- */

/* Make the directory p the current one (place is &fs->cwd) or the root (&fs->root). */
int fs_set_place(struct fs_context *fs, struct fs_place *place, struct fs_path *p);
/* Where it is by now: canonical path -> buf, or -LINUX_ENOENT. */
int fs_place_path(struct fs_context *fs, struct fs_place *place, char *buf);
/* The root's canonical path -> buf: "/" unless chroot(2) was called. 0 or -errno. */
int fs_root_path(struct fs_context *fs, char *buf);
/* A canonical path as the process names it, in place: its root's is "/". False: it lies outside of
 * the root, and is as it was. */
bool fs_path_below_root(struct fs_context *fs, char *path);

/* ---- open.c ---- */

/* Open for the guest: a descriptor of its number space, or -errno. resolve: FS_* restrictions. */
int64_t fs_open(struct task *task, int dirfd, const char *path, int flags, uint32_t mode,
                unsigned resolve);
/* Record owner and mode of a new object; host_mode is what it was made with. */
int fs_new_owner(int fd, uint32_t uid, uint32_t gid, uint32_t mode, uint32_t host_mode);

/* ---- owner.c ---- */

#define FS_MAY_EXEC  1
#define FS_MAY_WRITE 2
#define FS_MAY_READ  4

/* Make st, as the host filled it for fd (-1: it has no attributes), the guest's view. lower: the
 * object lies in a read-only layer, which only matters for those that cannot carry the attribute.
 */
void owner_apply(int fd, bool lower, struct linux_statx *st);
/* capabilities(7) of the file system, and those that calls here ask for. */
#define FS_CAP_CHOWN           0
#define FS_CAP_DAC_OVERRIDE    1
#define FS_CAP_DAC_READ_SEARCH 2
#define FS_CAP_FOWNER          3
#define FS_CAP_FSETID          4
#define FS_CAP_SYS_CHROOT      18
#define FS_CAP_SYS_ADMIN       21
#define FS_CAP_MKNOD           27
#define FS_CAP_LEASE           28
#define FS_CAP_SETFCAP         31
bool fs_capable(const struct cred *cred, int cap);

/* Linux's generic_permission() on the guest's view: 0 or -LINUX_EACCES. */
int owner_may(const struct cred *cred, const struct linux_statx *st, int mask);
/* May cred change attributes of the object: owner or CAP_FOWNER. */
bool owner_is(const struct cred *cred, const struct linux_statx *st);
/* sticky directories, as Linux's may_delete(). */
int owner_may_delete(const struct cred *cred, const struct linux_statx *dir,
                     const struct linux_statx *victim);
bool cred_in_group(const struct cred *cred, uint32_t gid);
/* The mode the host gets for a virtual mode: usable by us, no set-id bits. */
uint32_t owner_host_mode(uint32_t mode);
/* Write the guest's view (uid, gid, mode with type, rdev) to the file, or remove it where the
 * host's own state says the same. */
int owner_store(int fd, uint32_t uid, uint32_t gid, uint32_t mode, uint64_t rdev);
/* Owner for an object that cred creates in dir (set-group-ID directories give their group). */
void owner_new(const struct cred *cred, const struct linux_statx *dir, uint32_t *uid, uint32_t *gid,
               uint32_t *mode);
#define OWNER_XATTR "user.containers.override_stat"
/* Attributes of the guest's that the host would not grant it, under this and their name. */
#define OWNER_KEPT_PREFIX "user.elfuse."
/* Whether the guest must not see or touch the attribute. */
bool owner_xattr_hidden(const char *name);

/* ---- tree.c ---- */

/* For bind(2) of AF_UNIX: make the socket that make(arg, ...) binds, at a guest path that must be
 * free. -LINUX_EEXIST: it is not. */
int fs_make_socket(struct task *task, const char *path, fs_make_fn *make, void *arg);

/* ---- synth.h has the synthetic file systems ---- */

/* Parts of path, joined and cut at LINUX_PATH_MAX; 0 or -LINUX_ENAMETOOLONG. */
int path_join(char *dst, const char *dir, const char *name, size_t name_len);
void path_pop(char *path);

#endif
