/*
 * owner.c - uid, gid, mode and device numbers as the guest sees them.
 *
 * The host grants an ordinary user one uid and no device nodes, so what the guest set is kept with
 * the file in the attribute that containers/storage uses: "uid:gid:0mode:type", type file, dir,
 * symlink, pipe, socket, block-MAJOR-MINOR or char-MAJOR-MINOR. Without it the host's own owner
 * shows as root. Symbolic links, FIFOs and sockets cannot carry user.* attributes. Those that came
 * with an image are root's. Others show as the asking user's: nearly always that is who made them,
 * and their maker could not open a FIFO of root's, connect to its socket, touch its link, or
 * remove any of them from a sticky directory.
 *
 * A file of an image's layer has names in the trees of all images that share the layer, so the
 * host's link count says nothing. Its host mode has the sticky bit, which means nothing on a file
 * and which the guest's own files never have there; its count is 1, or what the attribute ends
 * with, ":links-N" (csrc/layer/raw.h, docs/adr/0009-layers.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/fs/path.h"

#define UNIX98_PTY_SLAVE_MAJOR 136 /* and the seven after it */

struct override {
    uint32_t uid, gid, mode; /* mode with type, 0 in the type bits when the attribute has none */
    uint64_t rdev;
    uint32_t links;
};

static bool parse_number(const char **s, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    const char *p = *s;

    if (*p < '0' || *p >= (char)('0' + base))
        return false;
    for (; *p >= '0' && *p < (char)('0' + base); p++) {
        v = v * base + (uint64_t)(*p - '0');
        if (v > max)
            return false;
    }
    *s = p;
    *out = v;
    return true;
}

static bool parse_device(const char *s, uint64_t *rdev)
{
    uint64_t major, minor;

    if (*s++ != '-' || !parse_number(&s, 10, 0xfff, &major) || *s++ != '-' ||
        !parse_number(&s, 10, 0xfffff, &minor))
        return false;
    *rdev = linux_mkdev((uint32_t)major, (uint32_t)minor);
    return *s == '\0';
}

/* Takes the count of links off the attribute's end. */
static uint32_t take_links(char *s)
{
    char *suffix = strstr(s, ":links-");
    const char *digits = suffix ? suffix + 7 : NULL;
    uint64_t links;

    if (suffix == NULL || !parse_number(&digits, 10, UINT32_MAX, &links) || *digits != '\0')
        return 1;
    *suffix = '\0';
    return (uint32_t)links;
}

/* The attribute is written by image tools as well as by us: anything malformed is as if absent. */
static bool parse_override(char *text, struct override *o)
{
    uint32_t links = take_links(text);
    const char *s = text;
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {
        {"file", LINUX_S_IFREG}, {"dir", LINUX_S_IFDIR},     {"symlink", LINUX_S_IFLNK},
        {"pipe", LINUX_S_IFIFO}, {"socket", LINUX_S_IFSOCK},
    };
    uint64_t uid, gid, mode;

    if (!parse_number(&s, 10, UINT32_MAX - 1, &uid) || *s++ != ':' ||
        !parse_number(&s, 10, UINT32_MAX - 1, &gid) || *s++ != ':' ||
        !parse_number(&s, 8, 0177777, &mode))
        return false;
    *o =
        (struct override){(uint32_t)uid, (uint32_t)gid, (uint32_t)mode & LINUX_S_IALLUGO, 0, links};
    if (*s == '\0')
        return true; /* the older form without a type */
    if (*s++ != ':')
        return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(s, types[i].name) == 0) {
            o->mode |= types[i].type;
            return true;
        }
    if (strncmp(s, "block", 5) == 0 && parse_device(s + 5, &o->rdev)) {
        o->mode |= LINUX_S_IFBLK;
        return true;
    }
    if (strncmp(s, "char", 4) == 0 && parse_device(s + 4, &o->rdev)) {
        o->mode |= LINUX_S_IFCHR;
        return true;
    }
    return false;
}

/* Whether it can carry no attribute, and so nobody knows who made it. Terminals are among them:
 * devpts gives them to the user who opens the pair. */
static bool is_nameless(const struct linux_statx *st)
{
    switch (st->stx_mode & LINUX_S_IFMT) {
    case LINUX_S_IFLNK:
    case LINUX_S_IFIFO:
    case LINUX_S_IFSOCK: return true;
    case LINUX_S_IFCHR:
        return st->stx_rdev_major >= UNIX98_PTY_SLAVE_MAJOR &&
               st->stx_rdev_major < UNIX98_PTY_SLAVE_MAJOR + 8;
    default: return false;
    }
}

void owner_apply(int fd, bool lower, struct linux_statx *st)
{
    char value[96];
    struct override o;
    int64_t n = -1;
    uint32_t type = st->stx_mode & LINUX_S_IFMT;
    const struct cred *asker = current && !lower && is_nameless(st) ? &current->proc->cred : NULL;

    if (st->stx_uid == host_euid())
        st->stx_uid = asker ? asker->fsuid : 0;
    if (st->stx_gid == host_egid())
        st->stx_gid = asker ? asker->fsgid : 0;
    if (fd >= 0 && (type == LINUX_S_IFREG || type == LINUX_S_IFDIR))
        n = host_getxattr_fd(fd, OWNER_XATTR, value, sizeof value - 1);
    bool shared = type == LINUX_S_IFREG && (st->stx_mode & LINUX_S_ISVTX);
    if (shared) {
        st->stx_mode &= (uint16_t)~LINUX_S_ISVTX;
        st->stx_nlink = st->stx_nlink > 0;
    }
    if (n <= 0)
        return;
    value[n] = '\0';
    if (!parse_override(value, &o))
        return;
    st->stx_uid = o.uid;
    st->stx_gid = o.gid;
    if (shared && st->stx_nlink > 0)
        st->stx_nlink = o.links;
    /* A directory stays one, whatever the attribute says: it could not be listed otherwise. */
    if (type == LINUX_S_IFREG && (o.mode & LINUX_S_IFMT) != 0 && !LINUX_S_ISDIR(o.mode) &&
        !LINUX_S_ISLNK(o.mode))
        type = o.mode & LINUX_S_IFMT;
    st->stx_mode = (uint16_t)(type | (o.mode & LINUX_S_IALLUGO));
    if (LINUX_S_ISCHR(type) || LINUX_S_ISBLK(type)) {
        st->stx_rdev_major = linux_major(o.rdev);
        st->stx_rdev_minor = linux_minor(o.rdev);
    }
}

bool cred_in_group(const struct cred *cred, uint32_t gid)
{
    if (cred->fsgid == gid)
        return true;
    for (uint32_t i = 0; i < cred->ngroups; i++)
        if (cred->groups[i] == gid)
            return true;
    return false;
}

bool fs_capable(const struct cred *cred, int cap)
{
    /* setfsuid(2) to another user gives up what concerns files, as long as it lasts. */
    if (cap <= FS_CAP_FSETID && cred->fsuid != 0 && cred->euid == 0)
        return false;
    return cred->cap_effective >> cap & 1;
}

int owner_may(const struct cred *cred, const struct linux_statx *st, int mask)
{
    uint32_t mode = st->stx_mode, bits = mode;

    if (cred->fsuid == st->stx_uid)
        bits >>= 6;
    else if (cred_in_group(cred, st->stx_gid))
        bits >>= 3;
    if ((mask & ~(int)(bits & 7)) == 0)
        return 0;
    bool is_dir = LINUX_S_ISDIR(mode);
    if (is_dir ? !(mask & FS_MAY_WRITE) : mask == FS_MAY_READ)
        if (fs_capable(cred, FS_CAP_DAC_READ_SEARCH))
            return 0;
    /* All but executing a file that nobody may execute. */
    if (is_dir || !(mask & FS_MAY_EXEC) || (mode & 0111))
        if (fs_capable(cred, FS_CAP_DAC_OVERRIDE))
            return 0;
    return -LINUX_EACCES;
}

bool owner_is(const struct cred *cred, const struct linux_statx *st)
{
    return cred->fsuid == st->stx_uid || fs_capable(cred, FS_CAP_FOWNER);
}

int owner_may_delete(const struct cred *cred, const struct linux_statx *dir,
                     const struct linux_statx *victim)
{
    int r = owner_may(cred, dir, FS_MAY_WRITE | FS_MAY_EXEC);

    if (r == 0 && (dir->stx_mode & LINUX_S_ISVTX) && cred->fsuid != victim->stx_uid &&
        cred->fsuid != dir->stx_uid && !fs_capable(cred, FS_CAP_FOWNER))
        r = -LINUX_EPERM;
    return r;
}

uint32_t owner_host_mode(uint32_t mode)
{
    /* We must be able to open what we made; a set-id bit on the host would name a host user. */
    uint32_t type = mode & LINUX_S_IFMT;

    mode &= 0777u | LINUX_S_ISVTX;
    if (type == LINUX_S_IFDIR)
        return mode | 0700;
    return (mode & 0777u) | 0600;
}

int owner_store(int fd, uint32_t uid, uint32_t gid, uint32_t mode, uint64_t rdev)
{
    struct linux_statx host;
    char value[96], type[40];
    int r = host_statx_fd(fd, &host);

    if (r < 0)
        return r;
    uint32_t host_type = host.stx_mode & LINUX_S_IFMT, kind = mode & LINUX_S_IFMT;
    if (host_type != LINUX_S_IFREG && host_type != LINUX_S_IFDIR)
        return 0; /* links, FIFOs and sockets carry none */
    uint32_t default_uid = host.stx_uid == host_euid() ? 0 : host.stx_uid;
    uint32_t default_gid = host.stx_gid == host_egid() ? 0 : host.stx_gid;
    if (uid == default_uid && gid == default_gid && mode == host.stx_mode) {
        r = host_removexattr_fd(fd, OWNER_XATTR);
        return r == -LINUX_ENODATA || r == -LINUX_EOPNOTSUPP ? 0 : r;
    }
    switch (kind) {
    case LINUX_S_IFDIR: snprintf(type, sizeof type, "dir"); break;
    case LINUX_S_IFIFO: snprintf(type, sizeof type, "pipe"); break;
    case LINUX_S_IFSOCK: snprintf(type, sizeof type, "socket"); break;
    case LINUX_S_IFBLK:
    case LINUX_S_IFCHR:
        snprintf(type, sizeof type, "%s-%u-%u", kind == LINUX_S_IFBLK ? "block" : "char",
                 linux_major(rdev), linux_minor(rdev));
        break;
    default: snprintf(type, sizeof type, "file"); break;
    }
    int n = snprintf(value, sizeof value, "%u:%u:0%o:%s", uid, gid, mode & LINUX_S_IALLUGO, type);
    r = host_setxattr_fd(fd, OWNER_XATTR, value, (size_t)n, 0);
    /* A bind mount of a file system without user attributes: what the host keeps is all there is.
     */
    return r == -LINUX_EOPNOTSUPP ? -LINUX_EPERM : r;
}

void owner_new(const struct cred *cred, const struct linux_statx *dir, uint32_t *uid, uint32_t *gid,
               uint32_t *mode)
{
    *uid = cred->fsuid;
    *gid = cred->fsgid;
    if (dir->stx_mode & LINUX_S_ISGID) {
        *gid = dir->stx_gid;
        if (LINUX_S_ISDIR(*mode))
            *mode |= LINUX_S_ISGID;
        else if ((*mode & (LINUX_S_ISGID | 0010)) == (LINUX_S_ISGID | 0010) &&
                 !cred_in_group(cred, *gid) && !fs_capable(cred, FS_CAP_FSETID))
            *mode &= ~(uint32_t)LINUX_S_ISGID; /* mode_strip_sgid() */
    }
}

bool owner_xattr_hidden(const char *name)
{
    return strcmp(name, OWNER_XATTR) == 0 || strncmp(name, "user.overlay.", 13) == 0 ||
           strncmp(name, OWNER_KEPT_PREFIX, strlen(OWNER_KEPT_PREFIX)) == 0;
}
