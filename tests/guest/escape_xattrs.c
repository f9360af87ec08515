/* guest-test: */
/*
 * The attributes in which elfuse keeps the guest's view of a file (its owner, mode and device
 * number, and what an overlay's upper layer hides) can be neither seen nor made by the guest: a
 * forged one would give a later run another owner or another tree.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "guest.h"

static const char *const hidden[] = {
    "user.containers.override_stat",   "user.overlay.opaque",
    "user.overlay.whiteout",           "user.overlay.elfuse.origin",
    "user.overlay.redirect",           "user.overlay.metacopy",
    "user.overlay.overlay.opaque",     "user.overlay.elfuse.anything",
    "user.elfuse.security.capability",
};
static const char *const foreign[] = {"trusted.overlay.opaque", "trusted.x", "security.capability",
                                      "security.selinux"};

static void not_listed(const char *path)
{
    char names[4096];
    ssize_t n = listxattr(path, names, sizeof(names));
    CHECK(n >= 0);
    for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
        CHECK(!strstr(p, "override_stat") && !strstr(p, "overlay"));
    n = llistxattr(path, names, sizeof(names));
    for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
        CHECK(!strstr(p, "override_stat") && !strstr(p, "overlay"));
}

static void each(const char *path, int fd, const char *name)
{
    char value[256];
    ERR(setxattr(path, name, "0:0:0755", 8, 0), EPERM);
    ERR(setxattr(path, name, "y", 1, XATTR_CREATE), EPERM);
    ERR(lsetxattr(path, name, "y", 1, XATTR_REPLACE), EPERM);
    ERR(fsetxattr(fd, name, "y", 1, 0), EPERM);
    CHECK(getxattr(path, name, value, sizeof(value)) < 0);
    CHECK(lgetxattr(path, name, value, 0) < 0);
    CHECK(fgetxattr(fd, name, value, sizeof(value)) < 0);
    CHECK(removexattr(path, name) < 0);
    CHECK(lremovexattr(path, name) < 0);
    CHECK(fremovexattr(fd, name) < 0);
}

int main(void)
{
    struct stat st;
    const char *paths[] = {"/tmp/file", "/tmp/dir", "/etc/passwd", "/etc", "/"};
    int fd = open("/tmp/file", O_CREAT | O_RDWR, 0640);
    OK(fd);
    OK(mkdir("/tmp/dir", 0750));
    OK(chown("/tmp/file", 1234, 5678)); /* kept in the attribute */
    OK(chmod("/tmp/file", 04755));
    OK(chown("/tmp/dir", 7, 8));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int at = open(paths[i], O_RDONLY);
        OK(at);
        not_listed(paths[i]);
        for (size_t k = 0; k < sizeof(hidden) / sizeof(hidden[0]); k++)
            each(paths[i], at, hidden[k]);
        for (size_t k = 0; k < sizeof(foreign) / sizeof(foreign[0]); k++) {
            CHECK(setxattr(paths[i], foreign[k], "y", 1, 0) < 0);
            CHECK(fsetxattr(at, foreign[k], "y", 1, 0) < 0);
        }
        not_listed(paths[i]);
        close(at);
    }
    /* And the view has stayed. */
    OK(stat("/tmp/file", &st));
    EQ(st.st_uid, 1234);
    EQ(st.st_gid, 5678);
    EQ(st.st_mode & 07777, 04755);
    OK(stat("/tmp/dir", &st));
    EQ(st.st_uid, 7);
    /* A copy of the file, attributes and all, as cp -a makes it, has no way to carry it either. */
    OK(rename("/tmp/file", "/tmp/renamed"));
    not_listed("/tmp/renamed");
    OK(link("/tmp/renamed", "/tmp/linked"));
    not_listed("/tmp/linked");
    /* Names of the host's that stand for something in an overlay do nothing in a guest's hands. */
    ERR(open("/tmp/.wh.x/y", O_RDONLY), ENOENT);
    return done();
}
