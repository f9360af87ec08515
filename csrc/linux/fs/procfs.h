/* procfs.h - inside procfs: tables of files and what fills them. */
#ifndef ELFUSE_FS_PROCFS_H
#define ELFUSE_FS_PROCFS_H

#include "linux/fs/proc_view.h"

/* What a file of a process is made for. */
struct proc_req {
    struct fs_context *fs;
    struct task *task; /* the caller */
    struct proc_view *view;
    int32_t tid; /* the thread the file is of: the number that its directory has */
    bool nested; /* below task/<tid>/: of the thread alone */
};

/* 0, or the -errno that opening the file fails with. */
typedef int proc_fill(const struct proc_req *req, struct synth_text *t);
/* How much was taken, or -errno. data ends with a NUL that is not counted. */
typedef int64_t proc_write(const struct proc_req *req, const char *data, size_t len);

/* Who may open a file of another process, beyond what its mode says. */
enum proc_guard {
    PROC_OPEN,
    PROC_LOOK,  /* who ptrace_may_access() lets read: -LINUX_EACCES */
    PROC_ATTACH /* the same, told by -LINUX_EPERM */
};

/* A name below /proc/<pid>/. */
struct proc_entry {
    const char *name;
    uint32_t mode; /* with type */
    enum proc_guard guard;
    enum synth_jump jump;
    proc_fill *fill; /* of a file; or of a link, its target */
    proc_write *write;
    enum { PROC_BOTH, PROC_PROCESS, PROC_THREAD } where;
};

extern const struct proc_entry proc_task_entries[];
extern const struct synth_entry proc_system_entries[];

/* Append a file of the host's own /proc, as it is; nothing when it cannot be read. */
void proc_host_file(struct synth_text *t, const char *path);

proc_fill proc_maps, proc_smaps, proc_smaps_rollup, proc_statm, proc_stat_process, proc_status,
    proc_mounts, proc_mountinfo, proc_mountstats, proc_limits, proc_net_unix;

/* Fields of the host's stat of a process or (tid) thread, numbered from 1 as in proc(5); the state
 * as its letter. False when it is gone. */
#define PROC_STAT_FIELDS 53
bool proc_host_stat(const struct proc_view *v, int32_t tid, long long field[PROC_STAT_FIELDS]);
/* Its parent's number; 0 outside the run. */
int32_t proc_parent(const struct proc_view *v, const long long host[PROC_STAT_FIELDS]);
/* Thread numbers, first thread first, into n[max]: how many there are. */
uint32_t proc_threads(const struct proc_view *v, int32_t *n, uint32_t max);
/* Name of the thread, with a NUL. */
void proc_name(const struct proc_view *v, int32_t tid, char name[17]);

/* ---- proc_fd.c: descriptors of any process of the run ---- */

/* 0 with node filled in as a link or (info) a file, or -LINUX_ENOENT. */
int proc_fd_lookup(const struct proc_view *v, int fd, bool info, struct synth_node *node);
int proc_fd_list(const struct proc_view *v, const char *prefix, bool info, struct dir_list *list);
int proc_fd_info(const struct proc_view *v, int fd, struct synth_text *t);
/* What the link shows: length or -errno. */
int64_t proc_fd_path(const struct proc_view *v, int fd, char *buf, size_t size);
/* Where it leads: 0 with a guest path in buf, or a host descriptor (O_PATH) or -errno. */
int proc_fd_follow(const struct proc_view *v, int fd, char *buf);
/* A text that the host writes about a file of ours, with its process numbers made the guest's. */
void proc_fd_translate(struct process *proc, const char *line, size_t len, struct synth_text *t);

#endif
