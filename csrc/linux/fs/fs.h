/*
 * fs.h - what the rest of the kernel asks of the file system.
 *
 * Everything is rooted in the guest's root: whatever a guest path, a symbolic link or a magic link
 * says, the host file reached lies in a layer of one of the context's mounts (resolve.c). A context
 * belongs to the process; its functions may be called from any of its threads.
 */
#ifndef ELFUSE_FS_FS_H
#define ELFUSE_FS_FS_H

#include "linux/kernel.h"

enum fs_mount_type {
    FS_PLAIN,
    FS_OVERLAY,      /* merged here */
    FS_HOST_OVERLAY, /* merged by the host's kernel */
    FS_BIND,
    FS_TMPFS,
    FS_PROC,
    FS_DEV,
    FS_SYS
};

struct fs_mount_spec {
    enum fs_mount_type type; /* BIND, TMPFS, PROC, DEV, SYS */
    const char *target;      /* absolute guest path */
    const char *source;      /* absolute host path: BIND (file or directory), TMPFS (directory) */
    bool read_only;
};

struct fs_context_spec {
    const char *root;         /* a plain root, or NULL for an overlay of: */
    const char *const *lower; /* topmost first */
    size_t nlower;
    const char *upper, *work;
    bool host_overlay;  /* merged by the host's kernel, which wants all in one file system */
    bool host_volatile; /* ... and what is written need not survive a crash of the machine */
    bool read_only;
    const struct fs_mount_spec *mounts;
    size_t nmounts;
    const char *cwd; /* absolute guest path; created (0755) if missing */
    uint32_t umask;
};

/*
 * Build root, mounts, cwd. Raises the host's soft RLIMIT_NOFILE and clears the host's umask.
 * Returns 0 with *out owned by the caller, or -errno with one line about the cause in err.
 */
int fs_context_create(const struct fs_context_spec *spec, struct fs_context **out, char *err,
                      size_t err_size);
void fs_context_destroy(struct fs_context *fs);

/* Make the descriptor table of a process; see fdtable.h. NULL when out of memory. */
struct fd_table *fd_table_create(void);
void fd_table_destroy(struct fd_table *fds);

/*
 * For execve: open path (relative to dirfd as in execveat, flags LINUX_AT_EMPTY_PATH and
 * LINUX_AT_SYMLINK_NOFOLLOW) for reading after checking that it is a regular file that the task may
 * execute. Returns a private host descriptor owned by the caller, or -errno; canonical
 * (LINUX_PATH_MAX bytes) gets the guest path without symbolic links, for /proc/self/exe. suid/sgid,
 * when not NULL, get the mode's set-id owner or UINT32_MAX.
 */
int fs_open_exec(struct task *task, int dirfd, const char *path, int flags, char *canonical);

/*
 * Open a guest file for the kernel itself, read-only, as guest root (no permission checks):
 * /etc/passwd and the like. Returns a private host descriptor, or -errno.
 */
int fs_open_kernel(struct fs_context *fs, const char *path);

/* Guest path that fd (a guest descriptor) is open on, as /proc/self/fd/N shows it ("/a/b",
 * "pipe:[7]"). Length without the NUL, or -errno. */
int64_t fs_path_of(struct task *task, int fd, char *buf, size_t size);

/*
 * Guest path of a host path that a mapped file's /proc/self/maps line names (any layer of any
 * mount); length, or -LINUX_ENOENT when it lies in none.
 */
int64_t fs_guest_path(struct fs_context *fs, const char *host_path, char *buf, size_t size);

/*
 * Around a fork of the host process, which the calling thread makes: _prepare before it, _parent
 * after it in the parent (or when it failed), _child first thing in the child. Nothing of the file
 * system may be called in between; no lock is taken that is held while waiting. had_threads: the
 * parent had other tasks, whose calls may have had descriptors open.
 */
void fs_fork_prepare(struct process *proc);
void fs_fork_parent(struct process *proc);
void fs_fork_child(struct process *proc, bool had_threads);

/* umask(2) of the process, as new IPC objects need it. */
uint32_t fs_umask(const struct fs_context *fs);

#endif
