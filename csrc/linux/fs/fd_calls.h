/* fd_calls.h - inside the file system: what the descriptor calls share. */
#ifndef ELFUSE_FS_FD_CALLS_H
#define ELFUSE_FS_FD_CALLS_H

#include <stdbool.h>

#include "linux/fs/fdtable.h"

/* As fd_return, for calls that had other descriptors open meanwhile: POSIX wants the lowest free
 * number. */
int64_t fd_return_lowest(struct task *task, int64_t fd);
/* `to` is now a duplicate of `from`. */
void fd_table_dup(struct fd_table *fds, int from, int to);
uint64_t fd_table_limit(const struct fd_table *fds);
/* The number is not the guest's any more: before it is closed. */
void fd_table_forget(struct fd_table *fds, int fd);
/* The guest's next descriptor after fd (-1: the first), or -1. */
int fd_table_next(struct fd_table *fds, int fd);
/* The guest has taken a record lock (fcntl), which the closing of any descriptor of the file by
 * this process would give up. */
void fd_table_lock_records(struct fd_table *fds);
/* See fs_fork_prepare(). */
void fd_table_fork_prepare(struct fd_table *fds);
void fd_table_fork_parent(struct fd_table *fds);
void fd_table_fork_child(struct fd_table *fds, bool had_threads);

/* The descriptor argument of a call as int, or -LINUX_EBADF. */
static inline int fd_arg(uint64_t arg)
{
    return fd_is_guest(arg) ? (int)(uint32_t)arg : -LINUX_EBADF;
}

#endif
