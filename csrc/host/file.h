/*
 * file.h - files and directories of the host.
 *
 * Flags, modes and structs are the arm64 Linux ones of linux/abi/fs.h; the implementation
 * translates. Every function returns 0 or a positive result, or a negative Linux errno. Descriptors
 * returned are close-on-exec unless the caller's flags are the guest's. All "nofollow" names are
 * single components or paths that the function itself keeps beneath the directory: nothing here
 * follows a symbolic link of a guest's tree.
 */
#ifndef ELFUSE_HOST_FILE_H
#define ELFUSE_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/abi/fs.h"

/* Open a path of the host itself (start-up, /proc of the host); follows links. */
int host_open_path(const char *path, int flags, uint32_t mode);

/*
 * Open rel beneath dirfd: no symbolic link is followed anywhere (-LINUX_ELOOP; with O_PATH a last
 * component that is a link is opened itself), rel has no "..", "" is the directory. One openat2
 * where the host has it, otherwise component by component. The _wait form may wait (FIFO, terminal)
 * and is cut short by a signal for the guest: -LINUX_ERESTARTSYS.
 */
int host_open_beneath(int dirfd, const char *rel, int flags, uint32_t mode);
int host_open_beneath_wait(int dirfd, const char *rel, int flags, uint32_t mode);
/* The fallback, for hosts without openat2; public for its test. */
int host_open_beneath_slow(int dirfd, const char *rel, int flags, uint32_t mode);
/* Whether openat2 is used; false turns it off (tests). */
void host_set_openat2(bool use);

/* A new open file description of the same file, through /proc/self/fd. */
int host_reopen(int fd, int flags);
int host_reopen_wait(int fd, int flags);
/* An O_PATH descriptor of the same file, above the boundary: unlike a duplicate's, its closing
 * gives up no record lock (fcntl) that the process holds on the file. */
int host_path_only(int fd);
/* Host path of what fd is open on, as /proc/self/fd shows it; length, or -errno. */
int64_t host_fd_path(int fd, char *buf, size_t size);
/* Target of the symbolic link that the O_PATH descriptor fd is open on. Not NUL-terminated. */
int64_t host_readlink_fd(int fd, char *buf, size_t size);
/* The same by host path, NUL-terminated: for the host's /proc. */
int64_t host_readlink_path(const char *path, char *buf, size_t size);

int host_statx_fd(int fd, struct linux_statx *st);
int host_statx_at(int dirfd, const char *name, struct linux_statx *st); /* nofollow */
int host_statfs_fd(int fd, struct linux_statfs *st);

int host_mkdirat(int dirfd, const char *name, uint32_t mode);
/* FIFO, socket or regular only. */
int host_mknodat(int dirfd, const char *name, uint32_t mode);
int host_unlinkat(int dirfd, const char *name, bool dir);
int host_symlinkat(const char *target, int dirfd, const char *name);
int host_linkat(int olddir, const char *oldname, int newdir, const char *newname);
/* Link the file that fd is open on (O_TMPFILE and others). */
int host_link_fd(int fd, int newdir, const char *newname);
int host_renameat2(int olddir, const char *oldname, int newdir, const char *newname,
                   unsigned flags);

/* These take any descriptor, O_PATH too, but none on a symbolic link (except utimens and chown). */
int host_chmod_fd(int fd, uint32_t mode);
int host_utimens_fd(int fd, const struct linux_timespec_fs times[2]); /* times NULL: now */
int host_truncate_fd(int fd, int64_t length);
int host_ftruncate(int fd, int64_t length);
int host_chown_fd(int fd, uint32_t uid, uint32_t gid);
int64_t host_getxattr_fd(int fd, const char *name, void *value, size_t size);
int host_setxattr_fd(int fd, const char *name, const void *value, size_t size, int flags);
int64_t host_listxattr_fd(int fd, char *list, size_t size);
/* Whether it may have extended attributes: false if it has none for sure. Cheap. */
bool host_has_xattrs(int fd);
int host_removexattr_fd(int fd, const char *name);

int64_t host_getdents64(int fd, void *buf, size_t size);

/* Copy all of in (from offset 0) to out, by reflink, copy_file_range or read/write. */
int host_copy_file(int in, int out, uint64_t size);

/* Open flags as the host's own number, for arguments of ioctls. */
int host_open_flags(int flags);

/* Memory with a descriptor, filled with data. name is for people. */
int host_memfd_content(const char *name, const void *data, size_t size);
/* An empty directory that has no name any more: stands for directories that exist only for the
 * guest. */
int host_unnamed_dir(void);

uint32_t host_euid(void);
uint32_t host_egid(void);

/* Set the process's umask to 0: the guest's is applied by the kernel in linux/. */
void host_umask_clear(void);

#endif
