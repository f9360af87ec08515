/* procfs.h - inside procfs: tables of files and what fills them. */
#ifndef ELFUSE_FS_PROCFS_H
#define ELFUSE_FS_PROCFS_H

#include "linux/fs/synth.h"

/* What a per-task file is made for. */
struct proc_req {
    struct fs_context *fs;
    struct task *task; /* the caller */
    int32_t tid;       /* the thread the file is of */
};

typedef void proc_fill(const struct proc_req *req, struct synth_text *t);

/* A name below /proc/<pid>/. */
struct proc_entry {
    const char *name;
    uint32_t mode; /* with type */
    enum synth_jump jump;
    proc_fill *fill;
    int64_t (*write)(struct task *task, const struct synth_node *node, const char *data,
                     size_t len);
    bool process_only; /* not below task/<tid>/ */
};

extern const struct proc_entry proc_task_entries[];
extern const struct synth_entry proc_system_entries[];

/* Copy a file of the host's own /proc, as it is. */
void proc_host_file(struct synth_text *t, const char *path);

proc_fill proc_maps, proc_smaps, proc_smaps_rollup, proc_statm, proc_stat_task, proc_status,
    proc_mounts, proc_mountinfo, proc_limits;

#endif
