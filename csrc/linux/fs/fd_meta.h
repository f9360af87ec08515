/* fd_meta.h - inside the file system: the metadata object and directory listings. */
#ifndef ELFUSE_FS_FD_META_H
#define ELFUSE_FS_FD_META_H

#include <stdatomic.h>

#include "linux/fs/fdtable.h"
#include "linux/fs/path.h"
#include "linux/fs/synth.h"

/* A descriptor whose reading is not the host's (event/signalfd.c). Called without locks. */
struct fd_special {
    int64_t (*read)(struct task *task, void *data, int fd, gva_t buf, uint64_t count);
    void (*release)(void *data); /* the last descriptor of it is closed */
};

struct fd_meta {
    atomic_int refs;
    const struct fd_special *special; /* or NULL */
    void *data;                       /* its */
    struct fs_mount *mnt;             /* of a directory; NULL for files */
    char *path;                       /* synthetic objects: canonical guest path; owned */
    struct synth_node node;           /* with path: what it is */
    /* Of a directory of an overlay: its path, owned, and when it was right; see struct fs_place. */
    struct host_mutex known_lock;
    char *known;
    uint64_t generation;
    /* Directories whose listing is ours (merged or synthetic): a snapshot, taken at the first
     * getdents and after a rewind, so that offsets stay valid while names come and go. The offset
     * is the descriptor's own on the host: duplicates and children have it in common. */
    bool listed;
    struct host_mutex lock; /* guards list */
    bool listing;           /* list is being made */
    struct dir_list *list;
};

struct fd_meta *fd_meta_new(void);
/* Whether fd is such a one: what the host has there is not what the guest has. */
bool fd_is_special(struct fd_table *fds, int fd);
/* Where, in the process that v shows, the metadata of its descriptor fd lies; NULL: it has none. */
struct proc_view;
const struct fd_meta *fd_table_peer_meta(const struct proc_view *v, int fd);
/* Whether it has been given descriptor fd: others are ours, or of a call that is under way, and not
 * to be seen. */
bool fd_table_peer_given(const struct proc_view *v, int fd);

struct dir_list *dir_list_new(void);
void dir_list_free(struct dir_list *list);
/* Whether name is in the list, hidden ones too. */
bool dir_list_has(const struct dir_list *list, const char *name);
/* Add a name that later ones must not show through, and that is not listed itself. */
int dir_list_hide(struct dir_list *list, const char *name);
/* Number of names that are listed. */
size_t dir_list_count(const struct dir_list *list);
/* Its entries, hidden ones too, and the name of one: NULL for a hidden one. */
size_t dir_list_size(const struct dir_list *list);
const char *dir_list_name(const struct dir_list *list, size_t i);
/* Write entries from position *pos as linux_dirent64 into buf; bytes written, or -LINUX_EINVAL if
 * not even one fits. */
int64_t dir_list_emit(const struct dir_list *list, uint64_t *pos, void *buf, size_t size);

/* The merged listing of a host directory with several layers (or one that may hold whiteouts). */
int dir_list_merged(struct fs_context *fs, struct fs_mount *m, const char *rel,
                    struct dir_list **out);

#endif
