#include "layer/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer/raw.h"

#define DEFAULT_ENTRIES (8u << 20)

int apply_fail_entry(struct apply *a, int error, const char *doing)
{
    if (error == ELOOP || error == ENOTDIR || error == ENAMETOOLONG)
        return layer_fail(a->err, LAYER_E_REFUSED, "%s %s: %s", doing, QUOTED(a->entry->path),
                          error == ELOOP     ? "too many symlinks on the way"
                          : error == ENOTDIR ? "a parent is not a directory"
                                             : "the path is too long");
    return layer_fail_sys(a->err, error, "%s %s", doing, QUOTED(a->entry->path));
}

bool apply_wrote(const struct apply *a, dev_t dev, ino_t ino, const char *name)
{
    return idset_get(&a->written, idset_key(&a->written, dev, ino, name), NULL);
}

static int mark_written(struct apply *a, dev_t dev, ino_t ino, const char *name)
{
    return idset_put(&a->written, idset_key(&a->written, dev, ino, name), 0);
}

/* The directory that was recorded is gone and the host gave its inode to another one. */
static bool reuse_record(struct dir_record *record, const char *path, const struct stat *st)
{
    char *copy = strdup(path);

    if (!copy)
        return false;
    free(record->path);
    *record = (struct dir_record){copy, st->st_dev, st->st_ino, st->st_mtim, 0, false};
    return true;
}

struct dir_record *apply_record(struct apply *a, const char *path, const struct stat *st)
{
    uint64_t key = idset_key(&a->dir_index, st->st_dev, st->st_ino, "");
    struct dir_record *record;
    size_t index;

    if (idset_get(&a->dir_index, key, &index)) {
        record = &a->dirs[index];
        return strcmp(record->path, path) == 0 || reuse_record(record, path, st) ? record : NULL;
    }
    if (a->dir_count == a->dir_room) {
        size_t room = a->dir_room ? a->dir_room * 2 : 256;
        struct dir_record *grown = realloc(a->dirs, room * sizeof(*grown));

        if (!grown)
            return NULL;
        a->dirs = grown;
        a->dir_room = room;
    }
    record = &a->dirs[a->dir_count];
    *record = (struct dir_record){strdup(path), st->st_dev, st->st_ino, st->st_mtim, 0, false};
    if (!record->path || idset_put(&a->dir_index, key, a->dir_count) < 0) {
        free(record->path);
        return NULL;
    }
    a->dir_count++;
    return record;
}

/* A missing parent is this layer's work as well, as old as the entry that needs it. */
static int on_create(void *arg, int parent_fd, const char *parent_path, const char *name, bool made)
{
    struct apply *a = arg;
    struct dir_record *record;
    char path[LAYER_PATH_MAX];
    struct stat st;

    if (!made) {
        if (fstat(parent_fd, &st) < 0)
            return -errno;
        if (!apply_record(a, parent_path, &st) || mark_written(a, st.st_dev, st.st_ino, name) < 0)
            return -ENOMEM;
        return 0;
    }
    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if ((size_t)snprintf(path, sizeof(path), "%s%s%s", parent_path, *parent_path ? "/" : "",
                         name) >= sizeof(path))
        return -ENAMETOOLONG;
    record = apply_record(a, path, &st);
    if (!record)
        return -ENOMEM;
    record->mtime = (struct timespec){a->entry->mtime, a->entry->mtime_nsec};
    record->mode = 0755; /* whatever the umask made of it */
    record->has_mode = true;
    return 0;
}

/* Learnt by a file without a name. Where the file system has none, nothing is taken for granted. */
static mode_t lost_bits(int root_fd)
{
    int fd = openat(root_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0777);
    struct stat st;
    mode_t lost = 0777;

    if (fd < 0)
        return lost;
    if (fstat(fd, &st) == 0)
        lost = 0777 & ~st.st_mode;
    close(fd);
    return lost;
}

int apply_init(struct apply *a, const struct layer_request *req, struct tar *tar,
               struct layer_stats *stats, struct layer_error *err)
{
    int rc;

    memset(a, 0, sizeof(*a));
    a->req = req;
    a->tar = tar;
    a->stats = stats;
    a->err = err;
    a->max_entries = req->limits.entries ? req->limits.entries : DEFAULT_ENTRIES;
    walk_init(&a->at, req->root_fd);
    a->at.on_create = on_create;
    a->at.arg = a;
    a->lost = req->owner == LAYER_OWNER_VIRTUAL ? lost_bits(req->root_fd) : 0777;
    rc = handles_init(&a->open, req->root_fd);
    if (rc == 0)
        rc = idset_init(&a->written);
    if (rc == 0)
        rc = idset_init(&a->dir_index);
    return rc < 0 ? layer_fail_sys(err, -rc, "starting the extraction") : 0;
}

void apply_free(struct apply *a)
{
    handles_free(&a->open);
    idset_free(&a->written);
    idset_free(&a->dir_index);
    for (size_t i = 0; i < a->dir_count; i++)
        free(a->dirs[i].path);
    free(a->dirs);
}

int apply_parent(struct apply *a, bool create)
{
    struct handle *parent;
    struct stat st;
    int rc;

    if (a->at_valid && strcmp(a->dir, a->at_path) == 0)
        return 1;
    if (!a->at_valid)
        handles_forget(&a->open);
    a->at_valid = false;
    a->at.create = create && !a->req->raw;
    rc = handles_reach(&a->open, &a->at, a->dir, &parent);
    if (a->req->raw && (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP))
        return raw_depends(a, "lies in a directory that the layer has not named before");
    if ((rc == -ENOENT || rc == -ENOTDIR) && !create)
        return 0;
    if (rc < 0)
        return apply_fail_entry(a, -rc, "reaching the parent of");
    if (!parent->recorded) {
        if (fstat(parent->fd, &st) < 0)
            return apply_fail_entry(a, errno, "reaching the parent of");
        if (!apply_record(a, parent->done, &st))
            return apply_fail_entry(a, ENOMEM, "remembering the parent of");
        parent->recorded = true;
    }
    walk_from(&a->at, parent->fd, parent->done);
    memcpy(a->at_path, a->dir, strlen(a->dir) + 1);
    a->at_dev = parent->dev;
    a->at_ino = parent->ino;
    a->at_valid = true;
    return 1;
}

/*
 * "./a//b/" -> "a/b", "/a" -> "a". ".." has no honest use in a layer and two meanings (before or
 * after the symlinks), so it is refused.
 */
static int normalise(struct apply *a, const char *path, char out[LAYER_PATH_MAX], const char *what)
{
    size_t at = 0;

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && memcmp(path, "..", 2) == 0)
            return layer_fail(a->err, LAYER_E_REFUSED, "%s %s has \"..\" in it", what,
                              QUOTED(a->entry->path));
        if (len && !(len == 1 && *path == '.')) {
            if (at + 1 + len + 1 > LAYER_PATH_MAX)
                return layer_fail(a->err, LAYER_E_REFUSED, "%s %s is longer than %d bytes", what,
                                  QUOTED(a->entry->path), LAYER_PATH_MAX - 1);
            if (at)
                out[at++] = '/';
            memcpy(out + at, path, len);
            at += len;
        }
        path += len + (path[len] == '/');
    }
    out[at] = 0;
    return 0;
}

static int set_path(struct apply *a)
{
    char *slash;
    int rc = normalise(a, a->entry->path, a->path, "the entry");

    if (rc < 0)
        return rc;
    memcpy(a->dir_buf, a->path, strlen(a->path) + 1);
    slash = strrchr(a->dir_buf, '/');
    if (slash)
        *slash = 0;
    a->dir = slash ? a->dir_buf : "";
    a->name = slash ? slash + 1 : a->dir_buf;
    return 0;
}

/* Whatever stands where the entry goes, a tree as well: the later one wins. */
static int clear_name(struct apply *a)
{
    struct stat st;
    int rc = 0;

    a->replaced = true;
    if (fstatat(a->at.fd, a->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        a->at_valid = false; /* a path may have led through it */
    if (unlinkat(a->at.fd, a->name, 0) < 0)
        rc = errno == EISDIR || errno == EPERM ? layer_remove_tree(a->at.fd, a->name) : -errno;
    return rc < 0 && rc != -ENOENT ? apply_fail_entry(a, -rc, "replacing what was at") : 0;
}

/* -1 with errno, as the call itself, after a second try with the place cleared. */
enum making { MAKE_FILE, MAKE_FIFO, MAKE_SYMLINK, MAKE_DIR };

static int make_once(struct apply *a, enum making what)
{
    mode_t mode = meta_creation_mode(a);
    int dir = a->at.fd;

    switch (what) {
    case MAKE_FILE:
        return openat(dir, a->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    case MAKE_FIFO: return mkfifoat(dir, a->name, mode);
    case MAKE_SYMLINK: return symlinkat(a->entry->link, dir, a->name);
    case MAKE_DIR: return mkdirat(dir, a->name, mode);
    }
    return -1;
}

static bool is_directory(const struct apply *a)
{
    struct stat st;

    return fstatat(a->at.fd, a->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* The descriptor of a file, 0 for the rest, 1 for a directory that was there, or a code. */
static int make(struct apply *a, enum making what)
{
    int fd = make_once(a, what);

    if (fd < 0 && errno == EEXIST) {
        int rc = what == MAKE_DIR && is_directory(a);

        if (rc > 0)
            return rc;
        rc = clear_name(a);
        if (rc < 0)
            return rc;
        fd = make_once(a, what);
    }
    return fd < 0 ? apply_fail_entry(a, errno, "creating") : fd;
}

static int write_body(struct apply *a, int fd)
{
    const uint8_t *data;
    size_t len;
    int rc;

    while ((rc = tar_body(a->tar, &data, &len)) > 0) {
        off_t at = (off_t)tar_body_offset(a->tar);

        while (len) {
            ssize_t done = pwrite(fd, data, len, at);

            if (done < 0 && errno == EINTR)
                continue;
            if (done < 0)
                return apply_fail_entry(a, errno, "writing");
            data += done;
            at += done;
            len -= (size_t)done;
        }
    }
    if (rc == 0 && a->entry->sparse && ftruncate(fd, (off_t)a->entry->size) < 0)
        return apply_fail_entry(a, errno, "making a hole in");
    return rc;
}

/* Files, and devices as empty ones: no node is made on the host, whoever asks. */
static int apply_file(struct apply *a)
{
    int fd = make(a, MAKE_FILE), rc;

    if (fd < 0)
        return fd;
    rc = write_body(a, fd);
    if (rc == 0)
        rc = meta_apply(a, fd, false);
    if (close(fd) < 0 && rc == 0)
        rc = apply_fail_entry(a, errno, "writing");
    return rc;
}

static int apply_fifo(struct apply *a)
{
    struct stat st;
    int rc = make(a, MAKE_FIFO), fd;

    if (rc < 0)
        return rc;
    fd = openat(a->at.fd, a->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        rc = apply_fail_entry(a, fd < 0 ? errno : EBUSY, "opening");
    else
        rc = meta_apply(a, fd, false);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int apply_symlink(struct apply *a)
{
    const struct tar_entry *e = a->entry;
    struct timespec times[2] = {{e->mtime, e->mtime_nsec}, {e->mtime, e->mtime_nsec}};
    int rc;

    if (!*e->link)
        return layer_fail(a->err, LAYER_E_FORMAT, "the symlink %s has no target", QUOTED(e->path));
    rc = make(a, MAKE_SYMLINK);
    if (rc < 0)
        return rc;
    /* A symlink can carry no user xattr: under virtual ownership it is root's. */
    if (a->req->owner == LAYER_OWNER_HOST &&
        fchownat(a->at.fd, a->name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return apply_fail_entry(a, errno, "changing the owner of");
    if (utimensat(a->at.fd, a->name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return apply_fail_entry(a, errno, "setting the time of");
    return 0;
}

/* linkat(2), after a second try with the place cleared. -errno, or a code in *code. */
static int link_from(struct apply *a, int dir_fd, const char *name, int *code)
{
    struct stat from, here;

    if (linkat(dir_fd, name, a->at.fd, a->name, 0) == 0)
        return 0;
    if (errno != EEXIST) {
        int error = errno;

        if (fstatat(dir_fd, name, &from, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(from.st_mode))
            return -EISDIR;
        return -error;
    }
    if (fstatat(dir_fd, name, &from, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISDIR(from.st_mode))
        return -EISDIR;
    if (fstatat(a->at.fd, a->name, &here, AT_SYMLINK_NOFOLLOW) == 0 && here.st_dev == from.st_dev &&
        here.st_ino == from.st_ino)
        return 0; /* linked so already, or to itself */
    *code = clear_name(a);
    if (*code < 0)
        return 0;
    return linkat(dir_fd, name, a->at.fd, a->name, 0) < 0 ? -errno : 0;
}

/* The link's target is a path in the tree, never one of the host's: each symlink on the way is
 * resolved inside. */
static int apply_hardlink(struct apply *a)
{
    char target[LAYER_PATH_MAX], *slash;
    struct handle *dir;
    struct walk w;
    int code = 0, rc = normalise(a, a->entry->link, target, "the hard link's target");

    if (rc < 0)
        return rc;
    slash = strrchr(target, '/');
    if (slash)
        *slash = 0;
    walk_init(&w, a->req->root_fd);
    rc = *target ? handles_reach(&a->open, &w, slash ? target : "", &dir) : -EISDIR;
    if (rc == 0 && a->req->raw && raw_is_whiteout(dir->fd, slash ? slash + 1 : target) != 0)
        rc = -ENOENT;
    if (rc == 0)
        rc = link_from(a, dir->fd, slash ? slash + 1 : target, &code);
    if (code < 0)
        return code;
    if (a->req->raw && (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP))
        return raw_depends(a, "is a hard link to what the layer has not");
    if (rc < 0)
        return layer_fail(a->err, LAYER_E_REFUSED, "the hard link %s leads to %s, which is %s",
                          QUOTED(a->entry->path), QUOTED(a->entry->link),
                          rc == -EISDIR                     ? "a directory"
                          : rc == -ENOENT || rc == -ENOTDIR ? "not in the tree"
                                                            : "not to be linked");
    return 0;
}

static int record_entry(struct apply *a, int fd, const char *path)
{
    const struct tar_entry *e = a->entry;
    struct dir_record *record;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return apply_fail_entry(a, errno, "reading");
    record = apply_record(a, path, &st);
    if (!record)
        return apply_fail_entry(a, ENOMEM, "remembering");
    record->mtime = (struct timespec){e->mtime, e->mtime_nsec};
    record->mode = meta_host_mode(a, e);
    record->has_mode = true;
    return 0;
}

/* A directory's children are next: it stays open. */
static int keep_open(struct apply *a, int fd, const char *done)
{
    struct handle *handle = handles_keep(&a->open, a->path, done, fd);

    if (!handle)
        return apply_fail_entry(a, ENOMEM, "remembering");
    handle->recorded = true;
    return 0;
}

static int apply_directory(struct apply *a)
{
    char path[LAYER_PATH_MAX];
    const char *parent = a->at.done;
    int fd, rc, old = make(a, MAKE_DIR);

    if (old < 0)
        return old;
    if ((size_t)snprintf(path, sizeof(path), "%s%s%s", parent, *parent ? "/" : "", a->name) >=
        sizeof(path))
        return apply_fail_entry(a, ENAMETOOLONG, "creating");
    fd = openat(a->at.fd, a->name, WALK_DIR_FLAGS);
    if (fd < 0)
        return apply_fail_entry(a, errno, "opening");
    rc = meta_apply(a, fd, old);
    if (rc == 0 && a->req->raw && a->replaced)
        rc = raw_opaque(a, fd);
    if (rc == 0)
        rc = record_entry(a, fd, path);
    if (rc == 0 && a->at_valid)
        return keep_open(a, fd, path);
    close(fd);
    return rc;
}

static int apply_root(struct apply *a)
{
    int rc;

    if (a->entry->type != TAR_DIR)
        return layer_fail(a->err, LAYER_E_REFUSED,
                          "the entry %s would replace the root by something else",
                          QUOTED(a->entry->path));
    a->stats->directories++;
    a->stats->has_root = true;
    rc = meta_apply(a, a->req->root_fd, true);
    return rc < 0 ? rc : record_entry(a, a->req->root_fd, "");
}

static int apply_kind(struct apply *a)
{
    struct layer_stats *stats = a->stats;

    switch (a->entry->type) {
    case TAR_FILE: stats->files++; return apply_file(a);
    case TAR_CHAR:
    case TAR_BLOCKDEV: stats->others++; return apply_file(a);
    case TAR_FIFO: stats->others++; return apply_fifo(a);
    case TAR_HARDLINK: stats->hardlinks++; return apply_hardlink(a);
    case TAR_SYMLINK: stats->symlinks++; return apply_symlink(a);
    case TAR_DIR: stats->directories++; return apply_directory(a);
    }
    return layer_fail(a->err, LAYER_E_UNSUPPORTED, "%s has an unknown type",
                      QUOTED(a->entry->path));
}

int apply_entry(struct apply *a, const struct tar_entry *entry)
{
    int rc;

    a->entry = entry;
    a->replaced = false;
    if (++a->entries > a->max_entries)
        return layer_fail_limit(a->err, "entries", "the layer has more than %llu entries",
                                (unsigned long long)a->max_entries);
    rc = set_path(a);
    if (rc < 0)
        return rc;
    if (!*a->path)
        return apply_root(a);
    rc = whiteout_apply(a);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = apply_parent(a, true);
    if (rc < 0)
        return rc;
    rc = mark_written(a, a->at_dev, a->at_ino, a->name);
    return rc < 0 ? apply_fail_entry(a, -rc, "remembering") : apply_kind(a);
}

/* One directory's mode and mtime, if it is still the directory that was recorded. */
static int finish_directory(struct apply *a, const struct dir_record *d)
{
    struct timespec times[2] = {d->mtime, d->mtime};
    char path[LAYER_PATH_MAX], *slash;
    const char *name;
    struct handle *parent;
    struct stat st;
    struct walk w;
    int fd;

    memcpy(path, d->path, strlen(d->path) + 1);
    slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    name = slash ? slash + 1 : *path ? path : ".";
    walk_init(&w, a->req->root_fd);
    if (handles_reach(&a->open, &w, slash ? path : "", &parent) < 0 ||
        fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
        st.st_dev != d->dev || st.st_ino != d->ino)
        return 0; /* removed or replaced since */
    if (d->has_mode && (st.st_mode & 07777) != d->mode) {
        fd = openat(parent->fd, name, WALK_DIR_FLAGS);
        if (fd < 0 || fchmod(fd, d->mode) < 0) {
            int error = errno;

            if (fd >= 0)
                close(fd);
            return layer_fail_sys(a->err, error, "setting the mode of %s", QUOTED(d->path));
        }
        close(fd);
    }
    if (utimensat(parent->fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return layer_fail_sys(a->err, errno, "setting the time of %s", QUOTED(d->path));
    return 0;
}

int apply_finish(struct apply *a)
{
    int rc = a->req->raw ? raw_finish(a) : 0;

    handles_forget(&a->open);
    /* From the last: a mode that shuts its owner out comes after what lies below. */
    for (size_t i = a->dir_count; i > 0 && rc == 0; i--)
        rc = finish_directory(a, &a->dirs[i - 1]);
    return rc;
}
