/* guest-test: flags=-Wno-nonnull,-Wno-stringop-overflow,-Wno-stringop-overread */
/* Extended attributes by path, by link and by descriptor: each way is refused as the others are. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "guest.h"

enum way { PATH, LINK, FD, WAYS };

static int fd;
static char large[60000];

static int set(enum way way, const char *name, const void *value, size_t size, int flags)
{
    return way == PATH   ? setxattr("xc", name, value, size, flags)
           : way == LINK ? lsetxattr("xc", name, value, size, flags)
                         : fsetxattr(fd, name, value, size, flags);
}

static long get(enum way way, const char *name, void *value, size_t size)
{
    return way == PATH   ? getxattr("xc", name, value, size)
           : way == LINK ? lgetxattr("xc", name, value, size)
                         : fgetxattr(fd, name, value, size);
}

static long list(enum way way, char *names, size_t size)
{
    return way == PATH   ? listxattr("xc", names, size)
           : way == LINK ? llistxattr("xc", names, size)
                         : flistxattr(fd, names, size);
}

static int drop(enum way way, const char *name)
{
    return way == PATH   ? removexattr("xc", name)
           : way == LINK ? lremovexattr("xc", name)
                         : fremovexattr(fd, name);
}

static void each(enum way way)
{
    char buf[64], longest[256] = "user.";
    memset(longest + 5, 'n', 250);
    longest[255] = 0;

    ERR(set(way, "user.a", "12", 2, XATTR_REPLACE), ENODATA);
    ERR(get(way, "user.a", buf, sizeof buf), ENODATA);
    ERR(drop(way, "user.a"), ENODATA);
    EQ(set(way, "user.a", "12", 2, XATTR_CREATE), 0);
    ERR(set(way, "user.a", "12", 2, XATTR_CREATE), EEXIST);
    ERR(set(way, "user.a", "12", 2, 4), EINVAL);
    ERR(set(way, "", "12", 2, 0), ERANGE);
    ERR(get(way, "user.a", buf, 1), ERANGE);
    ERR(list(way, buf, 6), ERANGE);
    EQ(list(way, buf, 7), 7);
    EQ(list(way, NULL, 0), 7);
    ERR(set(way, "none.a", "1", 1, 0), EOPNOTSUPP);
    ERR(set(way, "none.a", "1", 1, XATTR_REPLACE), EOPNOTSUPP);
    ERR(get(way, "none.a", buf, 1), EOPNOTSUPP);
    ERR(drop(way, "none.a"), EOPNOTSUPP);
    EQ(get(way, longest, buf, 1), -1);
    EQ(errno, ENODATA);
    ERR(set(way, "trusted.a", "1", 1, 0), EPERM);
    ERR(drop(way, "trusted.a"), EPERM);
    /* How much fits the file system says: ext4 has a block for all of them. */
    int r = set(way, "user.large", large, sizeof large, 0);
    CHECK(r == 0 || errno == ENOSPC);
    if (r == 0)
        EQ(drop(way, "user.large"), 0);
    ERR(set(way, "user.large", large, 65537, 0), E2BIG);
    EQ(drop(way, "user.a"), 0);
    EQ(list(way, buf, 1), 0);
}

/* Where no attributes are, there are no names of any: that is no error. */
static void without(void)
{
    char buf[64];
    int proc = open("/proc/uptime", O_RDONLY);

    EQ(listxattr("/proc/uptime", buf, sizeof buf), 0);
    EQ(llistxattr("/proc/self", buf, sizeof buf), 0);
    EQ(flistxattr(proc, buf, sizeof buf), 0);
    ERR(fgetxattr(proc, "user.a", buf, sizeof buf), EOPNOTSUPP);
    ERR(lgetxattr("/proc/uptime", "user.a", buf, sizeof buf), EOPNOTSUPP);
    ERR(lgetxattr("/proc/self", "user.a", buf, sizeof buf), ENODATA); /* a link: not asked */
    ERR(fsetxattr(proc, "user.a", "1", 1, 0), EOPNOTSUPP);
    ERR(fremovexattr(proc, "user.a"), EOPNOTSUPP);
    close(proc);
}

/* By descriptor it is looked at first; by path the name is, and what is to be set. */
static void order(void)
{
    const void *bad = (void *)8;

    ERR(fsetxattr(-1, bad, bad, 70000, 4), EBADF);
    ERR(fgetxattr(-1, bad, NULL, 0), EBADF);
    ERR(fremovexattr(-1, bad), EBADF);
    ERR(fsetxattr(fd, bad, bad, 70000, 4), EINVAL);
    ERR(fsetxattr(fd, bad, bad, 70000, 0), EFAULT);
    ERR(fsetxattr(fd, "user.a", bad, 70000, 0), E2BIG);
    ERR(lsetxattr(bad, bad, bad, 70000, 0), EFAULT);
    ERR(lsetxattr("none", "user.a", bad, 70000, 0), E2BIG);
    ERR(lremovexattr("none", ""), ERANGE);
    ERR(lgetxattr("none", "", NULL, 0), ENOENT);
    ERR(flistxattr(-1, (void *)8, 64), EBADF);
}

int main(void)
{
    fd = open("xc", O_CREAT | O_RDWR, 0644);
    CHECK(fd >= 0);
    for (enum way way = PATH; way < WAYS; way++)
        each(way);
    order();
    without();
    return done();
}
