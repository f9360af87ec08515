/*
 * fdtable.h - what is known about each guest descriptor beyond the host's own state.
 *
 * Guest descriptor N is host descriptor N, so the host keeps offset, flags and file. Metadata
 * exists only for descriptors that the host cannot describe: directories (which mount they are of,
 * merged listing) and files of procfs and the like. It is one reference-counted object for all
 * duplicates.
 *
 * Locking: the table's own lock, held only for look-ups and pointer updates; never while waiting.
 */
#ifndef ELFUSE_FS_FDTABLE_H
#define ELFUSE_FS_FDTABLE_H

#include "host/io.h"
#include "linux/kernel.h"

struct fd_meta;

/* Of a number from host_fd_plain() on: whether the calling task's process has been given it. */
bool fd_is_given(uint32_t fd);

/* Whether fd is a number that a guest call may pass to the host. Where ours may be among them, only
 * those are that the guest has been given. */
static inline bool fd_is_guest(uint64_t fd)
{
    return (uint32_t)fd < (uint32_t)host_fd_plain() || fd_is_given((uint32_t)fd);
}

/* The same number, or one that the host does not have either: where the host is to judge something
 * else before it. */
static inline int fd_or_none(uint64_t fd)
{
    return fd_is_guest(fd) ? (int)fd : -1;
}

/*
 * A call made host descriptor fd (or failed, fd < 0): the result for the guest. -LINUX_EMFILE, with
 * fd closed, when it is not below the guest's limit (RLIMIT_NOFILE, host_fd_most()). Every call
 * that makes a descriptor returns through this.
 */
int64_t fd_return(struct task *task, int64_t fd);
/* Close what fd_return() gave: the guest is not told of it. */
void fd_discard(struct task *task, int fd);
/* The lowest number from `from` on that the guest may have, or -LINUX_EMFILE: for calls that Linux
 * lets do nothing without one. */
int fd_table_free(const struct fd_table *fds, int from);

/* A call on fd, a guest's number, failed with err before the host was asked: -LINUX_EBADF if fd is
 * not open or only a path, which Linux looks at first, or err. */
int64_t fd_error(int fd, int64_t err);

/* The guest's RLIMIT_NOFILE soft limit changed. */
void fd_table_set_limit(struct fd_table *fds, uint64_t limit);
uint64_t fd_table_limit(const struct fd_table *fds);

/* Close-on-exec at execve: closes what the guest marked, never ours. */
void fd_table_exec(struct task *task);

/* Metadata of fd, with a reference for the caller (fd_meta_put), or NULL. */
struct fd_meta *fd_meta_get(struct fd_table *fds, int fd);
void fd_meta_put(struct fd_meta *meta);
/* Attach meta (takes over the caller's reference; NULL detaches) to fd. */
void fd_meta_set(struct fd_table *fds, int fd, struct fd_meta *meta);
/* Whether fd has metadata; a plain load, for the hot paths. */
bool fd_meta_any(struct fd_table *fds, int fd);
/* Which file system that is made for the guest fd is of: its number in statfs; 0: none. The host's
 * descriptor is of memory, which can do more than the guest's. */
uint32_t fd_synth_magic(struct fd_table *fds, int fd);

#endif
