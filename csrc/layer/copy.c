#include "layer/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

/* linux/fs.h's FICLONE. Another kernel has no such ioctl, and says so. */
#define CLONE_FILE _IOW(0x94, 9, int)
#define LIST_SIZE  65536 /* XATTR_LIST_MAX */
#define VALUE_SIZE 65536 /* XATTR_SIZE_MAX */
#define COPY_BUF   (256u << 10)

static bool starts(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_moved(const char *name)
{
    return starts(name, "user.") && !starts(name, "user.overlay.");
}

static int copy_value(int from, int to, const char *name)
{
    char *value = malloc(VALUE_SIZE);
    ssize_t len = value ? fgetxattr(from, name, value, VALUE_SIZE) : -1;
    int rc = 0;

    if (!value)
        return -ENOMEM;
    if (len < 0 || fsetxattr(to, name, value, (size_t)len, 0) < 0)
        rc = -errno;
    free(value);
    return rc;
}

static int each_xattr(int fd, int (*act)(int fd, int to, const char *name), int to)
{
    char few[256], *list = few;
    ssize_t len = flistxattr(fd, few, sizeof(few));
    int rc = 0;

    if (len < 0 && errno == ENOTSUP)
        return 0;
    if (len < 0 && errno == ERANGE) {
        list = malloc(LIST_SIZE);
        if (!list)
            return -ENOMEM;
        len = flistxattr(fd, list, LIST_SIZE);
    }
    if (len < 0)
        rc = -errno;
    for (const char *name = list; rc == 0 && name < list + len; name += strlen(name) + 1)
        if (is_moved(name))
            rc = act(fd, to, name);
    if (list != few)
        free(list);
    return rc;
}

static int drop_value(int fd, int to, const char *name)
{
    (void)to;
    return fremovexattr(fd, name) < 0 ? -errno : 0;
}

int copy_xattrs(int from, int to, bool old)
{
    int rc = old ? each_xattr(to, drop_value, -1) : 0;

    return rc < 0 ? rc : each_xattr(from, copy_value, to);
}

int copy_times_and_mode(int to, const struct stat *st)
{
    struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
        return -errno;
    return 0;
}

static int copy_bytes(int from, int to)
{
    char *buf = malloc(COPY_BUF);
    ssize_t got = 0;
    int rc = buf ? 0 : -ENOMEM;

    while (rc == 0 && (got = read(from, buf, COPY_BUF)) != 0) {
        if (got < 0 && errno != EINTR)
            rc = -errno;
        for (ssize_t done = 0; rc == 0 && done < got;) {
            ssize_t more = write(to, buf + done, (size_t)(got - done));

            if (more < 0 && errno != EINTR)
                rc = -errno;
            done += more > 0 ? more : 0;
        }
    }
    free(buf);
    return rc;
}

static int copy_data(int from, int to)
{
    return ioctl(to, CLONE_FILE, from) == 0 ? 0 : copy_bytes(from, to);
}

int copy_file(int from_dir, const char *name, int to_dir, const char *to_name)
{
    int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), to, rc;
    struct stat st;

    if (from < 0)
        return -errno;
    to = openat(to_dir, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    rc = to < 0 || fstat(from, &st) < 0 ? -errno : copy_data(from, to);
    if (rc == 0)
        rc = copy_xattrs(from, to, false);
    if (rc == 0)
        rc = copy_times_and_mode(to, &st);
    close(from);
    if (to >= 0 && close(to) < 0 && rc == 0)
        rc = -errno;
    return rc;
}
