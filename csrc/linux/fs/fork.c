/* fork.c - the file system around a fork of the host process. */
#include "linux/fs/fd_calls.h"
#include "linux/fs/path.h"

void fs_fork_prepare(struct process *proc)
{
    host_mutex_lock(&proc->fs->cwd_lock);
    if (proc->fs->mounts[0].directories)
        dir_cache_fork_prepare(proc->fs->mounts[0].directories);
    fd_table_fork_prepare(proc->fds);
}

void fs_fork_parent(struct process *proc)
{
    fd_table_fork_parent(proc->fds);
    if (proc->fs->mounts[0].directories)
        dir_cache_fork_parent(proc->fs->mounts[0].directories);
    host_mutex_unlock(&proc->fs->cwd_lock);
}

void fs_fork_child(struct process *proc, bool had_threads)
{
    /* A lock that another process's thread waited for cannot be unlocked: made anew. */
    proc->fs->cwd_lock = (struct host_mutex){0};
    if (proc->fs->mounts[0].directories)
        dir_cache_fork_child(proc->fs->mounts[0].directories);
    fd_table_fork_child(proc->fds, had_threads);
}
