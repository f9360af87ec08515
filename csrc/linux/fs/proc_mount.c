/* proc_mount.c - mounts, mountinfo and mountstats: the run's mounts, the same for each process. */
#include <string.h>

#include "host/file.h"
#include "linux/fs/procfs.h"

static const char *type_of(const struct fs_mount *m)
{
    return m->synth                                              ? m->synth->fs_name
           : m->type == FS_OVERLAY || m->type == FS_HOST_OVERLAY ? "overlay"
           : m->type == FS_TMPFS                                 ? "tmpfs"
                                                                 : "ext4";
}

static const char *source_of(const struct fs_mount *m)
{
    return m->type == FS_PLAIN || m->type == FS_BIND ? "/dev/root" : type_of(m);
}

/* As mangle() of the kernel: what would break the columns, in octal. */
static void mangled(struct synth_text *t, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\#", *s))
            synth_printf(t, "\\%03o", (unsigned char)*s);
        else
            synth_append(t, s, 1);
    }
}

int proc_mounts(const struct proc_req *r, struct synth_text *t)
{
    for (int i = 0; i < r->fs->nmounts; i++) {
        const struct fs_mount *m = &r->fs->mounts[i];
        synth_printf(t, "%s ", source_of(m));
        mangled(t, m->target);
        synth_printf(t, " %s %s,nosuid,nodev,relatime 0 0\n", type_of(m),
                     m->read_only ? "ro" : "rw");
    }
    return 0;
}

int proc_mountinfo(const struct proc_req *r, struct synth_text *t)
{
    for (int i = 0; i < r->fs->nmounts; i++) {
        const struct fs_mount *m = &r->fs->mounts[i];
        struct linux_statx st = {0};
        if (m->synth)
            st.stx_dev_minor = m->synth->dev_minor;
        else
            host_statx_fd(m->layers[0].fd, &st);
        synth_printf(t, "%u %u %u:%u / ", m->id, i ? r->fs->mounts[0].id : 1, st.stx_dev_major,
                     st.stx_dev_minor);
        mangled(t, m->target);
        synth_printf(t, " %s,nosuid,nodev,relatime - %s %s %s\n", m->read_only ? "ro" : "rw",
                     type_of(m), source_of(m), m->read_only ? "ro" : "rw");
    }
    return 0;
}

int proc_mountstats(const struct proc_req *r, struct synth_text *t)
{
    for (int i = 0; i < r->fs->nmounts; i++) {
        const struct fs_mount *m = &r->fs->mounts[i];
        synth_printf(t, "device %s mounted on ", source_of(m));
        mangled(t, m->target);
        synth_printf(t, " with fstype %s\n", type_of(m));
    }
    return 0;
}
