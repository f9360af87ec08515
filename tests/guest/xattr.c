/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Extended attributes in the user name space. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "guest.h"

int main(void)
{
    char buf[256];
    int fd = open("xa", O_CREAT | O_RDWR, 0644);

    EQ(setxattr("xa", "user.one", "1", 1, 0), 0);
    EQ(setxattr("xa", "user.two", "22", 2, XATTR_CREATE), 0);
    ERR(setxattr("xa", "user.two", "22", 2, XATTR_CREATE), EEXIST);
    ERR(setxattr("xa", "user.three", "3", 1, XATTR_REPLACE), ENODATA);
    EQ(fsetxattr(fd, "user.two", "222", 3, XATTR_REPLACE), 0);
    EQ(getxattr("xa", "user.two", buf, sizeof buf), 3);
    CHECK(memcmp(buf, "222", 3) == 0);
    EQ(getxattr("xa", "user.two", NULL, 0), 3);
    ERR(getxattr("xa", "user.two", buf, 1), ERANGE);
    ERR(getxattr("xa", "user.none", buf, sizeof buf), ENODATA);
    EQ(fgetxattr(fd, "user.one", buf, sizeof buf), 1);
    EQ(lgetxattr("xa", "user.one", buf, sizeof buf), 1);
    EQ(listxattr("xa", buf, sizeof buf), 18);
    EQ(flistxattr(fd, NULL, 0), 18);
    ERR(listxattr("xa", buf, 5), ERANGE);
    EQ(removexattr("xa", "user.one"), 0);
    ERR(removexattr("xa", "user.one"), ENODATA);
    EQ(llistxattr("xa", buf, sizeof buf), 9);
    CHECK(memcmp(buf, "user.two", 9) == 0);
    EQ(fremovexattr(fd, "user.two"), 0);
    EQ(flistxattr(fd, buf, sizeof buf), 0);
    EQ(lsetxattr("xa", "user.l", "", 0, 0), 0);
    EQ(lgetxattr("xa", "user.l", buf, sizeof buf), 0);
    EQ(lremovexattr("xa", "user.l"), 0);
    ERR(setxattr("xa", "nonsense", "1", 1, 0), EOPNOTSUPP);
    ERR(setxattr("xa", "user.x", "1", 70000, 0), E2BIG);
    ERR(setxattr("xa-none", "user.x", "1", 1, 0), ENOENT);
    ERR(setxattr("xa", "user.x", (void *)8, 1, 0), EFAULT);
    memset(buf, 'n', sizeof buf);
    memcpy(buf, "user.", 5);
    buf[sizeof buf - 1] = '\0';
    OK(setxattr("xa", buf, "", 0, 0));
    /* Links carry none. */
    EQ(symlink("xa", "xl"), 0);
    ERR(lsetxattr("xl", "user.x", "1", 1, 0), EPERM);
    EQ(setxattr("xl", "user.x", "1", 1, 0), 0);
    EQ(getxattr("xa", "user.x", NULL, 0), 1);
    close(fd);
    EQ(unlink("xl"), 0);
    EQ(unlink("xa"), 0);
    return done();
}
