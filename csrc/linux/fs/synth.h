/*
 * synth.h - file systems that exist only for the guest: procfs, devfs, sysfs.
 *
 * A node is found by its path below the mount, each time anew, so nothing is cached that could go
 * stale. Files are made when they are opened, and again when they are read from the start: the
 * content goes into a memfd (read, lseek and mmap are then the host's), device files are the host's
 * own.
 */
#ifndef ELFUSE_FS_SYNTH_H
#define ELFUSE_FS_SYNTH_H

#include "linux/fs/path.h"

enum synth_jump {
    SYNTH_NO_JUMP,
    SYNTH_JUMP_FD,
    SYNTH_JUMP_CWD,
    SYNTH_JUMP_ROOT,
    SYNTH_JUMP_EXE,
    SYNTH_JUMP_NODE /* a file that has no other name: follow() makes the node that file */
};

struct synth_node {
    const struct synth_ops *ops;
    uint32_t mode; /* with type */
    uint64_t ino;
    uint64_t rdev;        /* devices */
    uint32_t uid, gid;    /* of the guest's */
    enum synth_jump jump; /* a magic link: where following it goes */
    int fd;               /* JUMP_FD, fdinfo */
    int32_t pid, tid;     /* procfs: the process and thread that the node is of */
    bool nested;          /* procfs: below task/<tid> */
    int kind;             /* the file system's own */
    const void *entry;    /* likewise */
};

/* Growing text, for file contents and directory listings. Failure to grow is remembered. */
struct synth_text {
    char *data;
    size_t len, cap;
    bool failed;
};
void synth_printf(struct synth_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void synth_append(struct synth_text *t, const void *data, size_t len);

/* The content of a file of the host's /proc or /sys, as it is. 0 or -errno. */
int synth_append_file(struct synth_text *t, const char *path);

/* Turn the text into an open file with the access mode of flags; frees it. */
int synth_text_open(struct synth_text *t, const char *name, int flags);
/* Put new text into a file that synth_text_open() has made; frees it. 0 or -errno. */
int synth_text_renew(struct synth_text *t, int fd);
/* The descriptor is about to be read from its start again: what it says then is of that moment. 0,
 * or the -errno that reading it fails with. */
int synth_rewound(struct task *task, int fd);
/* A read of the descriptor, which is open on node: 0, or the -errno that it fails with. */
int synth_before_read(struct task *task, const struct synth_node *node, int fd);
/* Inode number from the path below the mount. */
uint64_t synth_ino(const char *rel);

/* A fixed tree: each row a path below the mount ("" is the root); ended by a NULL path. */
struct synth_entry {
    const char *path;
    uint32_t mode;    /* with type */
    const char *text; /* the link's target, a fixed content, or a host path (devices) */
    uint64_t rdev;
    /* Content that is made when the file is opened. */
    void (*fill)(struct fs_context *fs, struct task *task, struct synth_text *t);
    bool host; /* text is the path of the host's file whose content it has; without that, no name */
};
/* The content that a file's row says. 0 or -LINUX_ENOENT. */
int synth_table_fill(const struct synth_entry *e, struct fs_context *fs, struct task *task,
                     struct synth_text *t);
const struct synth_entry *synth_table_find(const struct synth_entry *table, const char *rel);
struct dir_list;
int synth_table_list(const struct synth_entry *table, const char *dir, struct dir_list *list);

/* Adds one name to a listing. */
struct dir_list;
int dir_list_add(struct dir_list *list, const char *name, uint64_t ino, uint8_t type);

struct synth_ops {
    uint32_t fs_magic;
    uint32_t dev_minor; /* st_dev is 0:minor */
    const char *fs_name;
    /* rel "" is the root. 0 with *node filled (ops too), or -errno. */
    int (*lookup)(struct fs_context *fs, struct task *task, const char *rel,
                  struct synth_node *node);
    int (*list)(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct dir_list *list);
    /* A descriptor for a file; guest's number space. */
    int (*open)(struct fs_context *fs, struct task *task, const struct synth_node *node, int flags);
    /* The content of a file that open() would make now. NULL: open files do not change. */
    int (*fill)(struct fs_context *fs, struct task *task, const struct synth_node *node,
                struct synth_text *t);
    /* May a file that is open be read from its start now? 0 or -errno. NULL: always. */
    int (*check)(struct task *task, const struct synth_node *node);
    int64_t (*readlink)(struct fs_context *fs, struct task *task, const struct synth_node *node,
                        char *buf, size_t size);
    /* Where a magic link of another process leads (the caller's own are the resolver's): a guest
     * path in path[LINUX_PATH_MAX], or *fd >= 0, an O_PATH descriptor which the caller then owns.
     * NULL: there are none. */
    int (*follow)(struct fs_context *fs, struct task *task, struct synth_node *node, char *path,
                  int *fd);
    /* For objects that the host knows better (devices): st as fstat of the open file gives it.
     * NULL: none are. */
    int (*stat)(const struct synth_node *node, struct linux_statx *st);
    /* Write to an open file of this node; NULL if none can be written. */
    int64_t (*write)(struct task *task, const struct synth_node *node, const char *data,
                     size_t len);
};

extern const struct synth_ops procfs_ops, devfs_ops, sysfs_ops;
/* A directory that exists only because a mount lies below it. */
extern const struct synth_ops phantom_ops;

void synth_stat(const struct synth_node *node, struct linux_statx *st);

#endif
