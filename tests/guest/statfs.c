/* guest-test: flags=-Wno-nonnull */
/* statfs and fstatfs: which descriptors and paths they take, and what they refuse first. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "guest.h"

#define BAD ((void *)8)

static char name[NAME_MAX + 2], path[PATH_MAX + 1];
static struct statfs fs;

static void paths(void)
{
    memset(name, 'n', sizeof name - 1);
    memset(path, '/', sizeof path - 1);
    close(open("file", O_CREAT | O_WRONLY, 0600));
    EQ(symlink("loop", "loop"), 0);
    EQ(symlink("/proc", "link"), 0);

    ERR(statfs("none", BAD), ENOENT); /* the path is looked at first */
    ERR(statfs("", &fs), ENOENT);
    ERR(statfs("file/x", &fs), ENOTDIR);
    ERR(statfs("file/", &fs), ENOTDIR);
    ERR(statfs("loop", &fs), ELOOP);
    ERR(statfs(name, &fs), ENAMETOOLONG);
    ERR(statfs(path, &fs), ENAMETOOLONG);
    ERR(statfs(BAD, &fs), EFAULT);
    ERR(statfs("file", BAD), EFAULT);
    ERR(statfs("/proc", BAD), EFAULT);
    EQ(statfs("link", &fs), 0); /* where the link leads */
    EQ(fs.f_type, PROC_SUPER_MAGIC);
    EQ(fs.f_namelen, NAME_MAX);
}

static void descriptors(void)
{
    int p[2], s[2], file = open("file", O_PATH), dir = open("/proc", O_RDONLY);

    ERR(fstatfs(-1, BAD), EBADF);
    ERR(fstatfs(999, &fs), EBADF);
    ERR(fstatfs(file, BAD), EFAULT);
    EQ(fstatfs(file, &fs), 0);
    EQ(fstatfs(dir, &fs), 0);
    EQ(fs.f_type, PROC_SUPER_MAGIC);
    EQ(pipe(p), 0);
    EQ(fstatfs(p[0], &fs), 0);
    EQ(fs.f_type, PIPEFS_MAGIC);
    EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    EQ(fstatfs(s[0], &fs), 0);
    EQ(fs.f_type, SOCKFS_MAGIC);
    close(file);
    ERR(fstatfs(file, &fs), EBADF);
}

static void refused(void)
{
    gid_t none = 1;

    EQ(mkdir("locked", 0700), 0);
    EQ(mkdir("locked/inner", 0777), 0);
    int inner = open("locked/inner", O_RDONLY);
    EQ(setgroups(1, &none), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(statfs("locked/inner", &fs), EACCES);
    ERR(statfs("locked/none", &fs), EACCES);
    EQ(statfs("locked", &fs), 0); /* it need not be searched itself */
    EQ(fstatfs(inner, &fs), 0);
}

int main(void)
{
    paths();
    descriptors();
    refused();
    return done();
}
