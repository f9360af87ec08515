/*
 * proc_view.h - what /proc tells of a process: the caller's own, or another of the run.
 *
 * Of the own process it is the live object. Of another one it is a copy of that process's memory
 * (host/peer.h), taken part by part when it is asked for, so that a process pays nothing for being
 * looked at. The copy is of a moment while the other goes on: what belongs together is read again
 * until it agrees, and every count is bounded. A zombie, or a process that the host does not let us
 * look into, has what the table of numbers says (process/pid.h) and no more.
 */
#ifndef ELFUSE_FS_PROC_VIEW_H
#define ELFUSE_FS_PROC_VIEW_H

#include "linux/fs/path.h"
#include "linux/fs/synth.h"
#include "linux/mm/mm.h"
#include "linux/signal/signal.h"

struct proc_view {
    struct task *task; /* who asks */
    int32_t pid;       /* whose */
    int32_t host;      /* its number on the host */
    bool own, zombie;
    bool readable; /* proc is the process, not only what the table knows */
    /* The process. Pointers in it are the process's own: only for proc_view_read(). */
    const struct process *proc;
    struct process copy;
    struct mm mm;
    struct vma *vmas;
    struct sighand sighand;
};

/* 0, then proc_view_put(); -LINUX_ESRCH: there is no such process. */
int proc_view_get(struct proc_view *v, struct task *task, int32_t pid);
void proc_view_put(struct proc_view *v);

/* Its address space, with its lock free to take; NULL when it has none that can be seen. */
struct mm *proc_view_mm(struct proc_view *v);
/* Likewise. */
struct sighand *proc_view_sighand(struct proc_view *v);
/* Its file system context into *fs: umask, cwd; only the values are of use. */
bool proc_view_fs(struct proc_view *v, struct fs_context *fs);
/* A thread's mask and own pending signals. */
bool proc_view_task(struct proc_view *v, int32_t tid, struct task *task, struct sigstate *sig);
/* Copy len bytes at an address of the process's kernel side. */
bool proc_view_read(const struct proc_view *v, const void *at, void *buf, size_t len);
/* Append them; a string without its NUL. Nothing when they cannot be had. */
void proc_view_append(const struct proc_view *v, struct synth_text *t, const void *at, size_t len);
bool proc_view_string(const struct proc_view *v, const char *at, char *buf, size_t size);

/* Append what the program itself has at [start, end) now, up to the first page that it has not.
 * False: nothing. */
bool proc_view_append_guest(struct proc_view *v, struct synth_text *t, gva_t start, gva_t end);

/* The canonical guest path that a descriptor of it, which stands for a synthetic object, was opened
 * by. False: it stands for none. */
bool proc_view_synth_path(const struct proc_view *v, int fd, char *path);
/* Canonical guest path of what its descriptor fd, ours or the guest's, is open on: 0, or
 * -LINUX_ENOENT. *host, if not NULL, is the host's name for it. */
int proc_view_object(const struct proc_view *v, int fd, char *path, char *host);
/* Canonical guest path of its working directory, or its root: 0 or -errno. */
int proc_view_place(struct proc_view *v, bool root, char *path);

/* Number of a thread on the host; 0: it is none of the process's. */
int32_t proc_view_thread(const struct proc_view *v, int32_t tid);

/* The host's /proc/<pid>/`name`, of thread tid unless 0, as it is. */
void proc_view_host_file(const struct proc_view *v, int32_t tid, const char *name,
                         struct synth_text *t);

/* ptrace_may_access(): may the caller see what is in the process? With PTRACE_MODE_READ_FSCREDS. */
bool proc_view_allowed(const struct proc_view *v);

#endif
