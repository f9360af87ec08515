/* guest-test: flags=-Wno-nonnull,-Wno-stringop-overread */
/* Extended attributes: name spaces, rights, the order of errors, file capabilities. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "guest.h"

static void order(void)
{
    char buf[64], name[300];
    const char *bad = (const char *)8;

    ERR(getxattr("none", "", buf, 1), ENOENT);
    ERR(getxattr("xr", "", buf, 1), ERANGE);
    ERR(getxattr("xr", bad, buf, 1), EFAULT);
    ERR(getxattr(bad, bad, buf, 1), EFAULT);
    memset(name, 'n', sizeof name);
    memcpy(name, "user.", 5);
    name[256] = '\0';
    ERR(getxattr("xr", name, buf, 1), ERANGE);
    ERR(setxattr("xr", name, "", 0, 0), ERANGE);
    ERR(removexattr("xr", name), ERANGE);
    ERR(setxattr("none", "user.x", "1", 1, 4), EINVAL);
    ERR(setxattr("xr", "", "1", 1, 4), EINVAL);
    ERR(setxattr("xr", "", bad, 70000, 0), ERANGE);
    ERR(setxattr("xr", "user.x", bad, 70000, 0), E2BIG);
    ERR(setxattr("xr", "nonsense", bad, 1, 0), EFAULT);
    ERR(setxattr("xr", "nonsense", "1", 1, 0), EOPNOTSUPP);
    ERR(setxattr("xr", "user", "1", 1, 0), EOPNOTSUPP);
    ERR(getxattr("xr", "nonsense.x", buf, 1), EOPNOTSUPP);
    ERR(removexattr("xr", "nonsense.x"), EOPNOTSUPP);
    ERR(setxattr("xr", "user.", "1", 1, 0), EINVAL);
    ERR(getxattr("xr", "user.", buf, 1), EINVAL);
    ERR(setxattr("xr", "user.x", "1", 1, XATTR_CREATE | XATTR_REPLACE), ENODATA);
    ERR(removexattr("xr", ""), ERANGE);
    ERR(removexattr("none", ""), ERANGE);
    ERR(removexattr("xr", bad), EFAULT);
    EQ(setxattr("xr", "user.x", "12", 2, 0), 0);
    ERR(getxattr("xr", "user.x", (void *)8, 64), EFAULT);
    ERR(listxattr("xr", (void *)8, 64), EFAULT);
    ERR(listxattr("none", buf, 64), ENOENT);
    int path = open("xr", O_PATH), fd = open("xr", O_RDONLY);
    ERR(fsetxattr(path, "user.x", "1", 1, 0), EBADF);
    ERR(fgetxattr(path, "user.x", buf, 1), EBADF);
    ERR(flistxattr(path, buf, 1), EBADF);
    ERR(fremovexattr(path, "user.x"), EBADF);
    EQ(fsetxattr(fd, "user.x", "123", 3, 0), 0); /* what counts is the file's mode */
    ERR(fsetxattr(-1, "user.x", "1", 1, 0), EBADF);
    close(path);
    close(fd);
    EQ(removexattr("xr", "user.x"), 0);
}

static void kinds(void)
{
    char buf[64];
    int p[2];

    EQ(symlink("xr", "xr-link"), 0);
    EQ(mkfifo("xr-fifo", 0600), 0);
    ERR(lsetxattr("xr-link", "user.x", "1", 1, 0), EPERM);
    ERR(lgetxattr("xr-link", "user.x", buf, 1), ENODATA);
    ERR(lremovexattr("xr-link", "user.x"), EPERM);
    ERR(setxattr("xr-fifo", "user.x", "1", 1, 0), EPERM);
    ERR(getxattr("xr-fifo", "user.x", buf, 1), ENODATA);
    EQ(llistxattr("xr-link", buf, 64), 0);
    EQ(listxattr("xr-fifo", buf, 64), 0);
    EQ(pipe(p), 0);
    ERR(fsetxattr(p[0], "user.x", "1", 1, 0), EPERM);
    ERR(fgetxattr(p[0], "user.x", buf, 1), ENODATA);
    ERR(setxattr("/proc/uptime", "user.x", "1", 1, 0), EOPNOTSUPP);
    ERR(getxattr("/proc/uptime", "user.x", buf, 1), EOPNOTSUPP);
    ERR(getxattr("/proc", "user.x", buf, 1), EOPNOTSUPP);
    EQ(mkdir("xr-dir", 01777), 0);
    EQ(chmod("xr-dir", 01777), 0);
    EQ(setxattr("xr-dir", "user.d", "1", 1, 0), 0);
    /* Root of a container is not root of the machine. */
    ERR(setxattr("xr", "trusted.x", "1", 1, 0), EPERM);
    ERR(getxattr("xr", "trusted.x", buf, 1), ENODATA);
    ERR(removexattr("xr", "trusted.x"), EPERM);
    ERR(setxattr("xr", "security.x", "1", 1, 0), EPERM);
    ERR(removexattr("xr", "security.x"), EPERM);
}

static void capabilities(void)
{
    struct vfs_cap_data cap = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE}, got;
    char names[64];
    struct stat st;

    cap.data[0].permitted = 1u << CAP_NET_RAW;
    ERR(getxattr("xr", "security.capability", &got, sizeof got), ENODATA);
    ERR(removexattr("xr", "security.capability"), ENODATA);
    ERR(setxattr("xr", "security.capability", "y", 1, 0), EINVAL);
    ERR(setxattr("xr", "security.capability", &cap, 12, 0), EINVAL);
    cap.magic_etc = 0x01000000;
    ERR(setxattr("xr", "security.capability", &cap, sizeof cap, 0), EINVAL);
    cap.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
    EQ(setxattr("xr", "security.capability", &cap, sizeof cap, 0), 0);
    EQ(getxattr("xr", "security.capability", &got, sizeof got), (long)sizeof got);
    EQ(memcmp(&cap, &got, sizeof got), 0);
    ERR(getxattr("xr", "security.capability", &got, 4), ERANGE);
    ERR(setxattr("xr", "security.capability", &cap, sizeof cap, XATTR_CREATE), EEXIST);
    EQ(listxattr("xr", names, sizeof names), 20);
    CHECK(strcmp(names, "security.capability") == 0);
    EQ(chmod("xr", 0755), 0);
    EQ(getxattr("xr", "security.capability", NULL, 0), (long)sizeof got);
    EQ(rename("xr", "xr2"), 0);
    EQ(getxattr("xr2", "security.capability", NULL, 0), (long)sizeof got);
    EQ(rename("xr2", "xr"), 0);
    /* A new owner takes them away. */
    EQ(chown("xr", 0, 0), 0);
    ERR(getxattr("xr", "security.capability", &got, sizeof got), ENODATA);
    EQ(setxattr("xr", "security.capability", &cap, sizeof cap, 0), 0);
    EQ(removexattr("xr", "security.capability"), 0);
    EQ(listxattr("xr", names, sizeof names), 0);
    /* Set-user-ID goes with any chown of a file, even of nothing. */
    EQ(chmod("xr", 06755), 0);
    EQ(chown("xr", -1, -1), 0);
    EQ(stat("xr", &st), 0);
    EQ(st.st_mode & 07777, 0755);
    EQ(chmod("xr", 02745), 0);
    EQ(chown("xr", 0, -1), 0);
    EQ(stat("xr", &st), 0);
    EQ(st.st_mode & 07777, 02745); /* mandatory locking's mark, of old */
}

static void unprivileged(void)
{
    char buf[8];
    gid_t none = 1;
    struct vfs_cap_data cap = {.magic_etc = VFS_CAP_REVISION_2};

    EQ(chmod("xr", 0600), 0);
    EQ(mkdir("xr-open", 0777), 0);
    EQ(chmod("xr-open", 0777), 0);
    EQ(setgroups(1, &none), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(setxattr("xr", "user.x", "1", 1, 0), EACCES);
    ERR(getxattr("xr", "user.x", buf, 1), EACCES);
    ERR(getxattr("xr", "nonsense", buf, 1), EACCES);
    ERR(getxattr("xr", "trusted.x", buf, 1), ENODATA);
    ERR(removexattr("xr", "user.x"), EACCES);
    EQ(listxattr("xr", buf, 8), 0);
    ERR(setxattr("xr", "security.capability", &cap, sizeof cap, 0), EPERM);
    ERR(setxattr("xr-dir", "user.d", "2", 1, 0), EPERM); /* another's sticky directory */
    EQ(getxattr("xr-dir", "user.d", buf, 1), 1);
    int fd = open("xr-open/own", O_CREAT | O_RDWR, 0400);
    CHECK(fd >= 0);
    ERR(fsetxattr(fd, "user.x", "1", 1, 0), EACCES);
    EQ(fchmod(fd, 0200), 0);
    EQ(fsetxattr(fd, "user.x", "1", 1, 0), 0);
    ERR(fgetxattr(fd, "user.x", buf, 1), EACCES);
}

int main(void)
{
    close(open("xr", O_CREAT | O_WRONLY, 0644));
    order();
    kinds();
    capabilities();
    unprivileged();
    return done();
}
