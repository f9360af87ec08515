/*
 * devpts.h - the pseudo-terminals of the run. They are the host's, with the host's numbers; the
 * guest sees those of which a process of the run has either end open or which is its controlling
 * terminal. Owner and mode are the run's own affair: kept in memory that its processes share.
 */
#ifndef ELFUSE_FS_DEVPTS_H
#define ELFUSE_FS_DEVPTS_H

#include "linux/fs/path.h"

#define DEVPTS_MAJOR 136

/* fn is called on each number, maybe more than once, until it returns non-zero, which is the
 * result. */
int devpts_for_each(struct task *task, int (*fn)(void *arg, int number), void *arg);

/* A master was opened by the task as host descriptor fd: its other end is the task's user's. */
void devpts_opened(struct task *task, int fd);

/* If st is of a terminal of these: give it the owner and mode it has for the guest. */
void devpts_apply(struct linux_statx *st);
/* Change them, UINT32_MAX leaves one as it is; false: it is none. */
bool devpts_change(struct fs_context *fs, const struct linux_statx *st, uint32_t uid, uint32_t gid,
                   uint32_t mode);

#endif
