/* Modes, owners, times and extended attributes of what came with the image. */
#include <sys/xattr.h>

#include "tree.h"

static void modes(void)
{
    struct stat before, after, parent, parent_after;
    OK(stat("dir/a", &before));
    OK(stat("dir", &parent));
    OK(chmod("dir/a", 0750));
    OK(stat("dir/a", &after));
    EQ(after.st_mode & 07777, 0750);
    EQ(after.st_ino, before.st_ino);
    EQ(after.st_size, before.st_size);
    EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    holds("dir/a", "a\n");
    OK(stat("dir", &parent_after)); /* nothing was made or removed in it */
    EQ(parent_after.st_mtim.tv_sec, parent.st_mtim.tv_sec);
    OK(chmod("dir/a", 04755));
    OK(stat("dir/a", &after));
    EQ(after.st_mode & 07777, 04755);
    OK(chmod("link", 0604)); /* through the link */
    OK(stat("file", &after));
    EQ(after.st_mode & 07777, 0604);
    OK(chmod("filled", 01700));
    OK(stat("filled", &after));
    EQ(after.st_mode & 07777, 01700);
    holds("filled/one", "1\n");
    EQ(size_of("filled"), 2);
}

static void owners(void)
{
    struct stat st;
    OK(stat("owned", &st));
    EQ(st.st_uid, 1001);
    EQ(st.st_gid, 1002);
    OK(chown("owned", 5, 6));
    OK(stat("owned", &st));
    EQ(st.st_uid, 5);
    EQ(st.st_gid, 6);
    holds("owned", "owned\n");
    OK(chown("dir/a", 7, -1)); /* which takes the set-id bit away */
    OK(stat("dir/a", &st));
    EQ(st.st_uid, 7);
    EQ(st.st_mode & 07777, 0755);
    OK(chown("empty", 8, 9));
    OK(stat("empty", &st));
    EQ(st.st_uid, 8);
    EQ(st.st_gid, 9);
    put("dir/made", "x");
    OK(stat("dir/made", &st));
    EQ(st.st_uid, 0);
}

static void times(void)
{
    struct stat st;
    struct timespec to[2] = {{1000000000, 5}, {1100000000, 7}};
    OK(utimensat(AT_FDCWD, "file", to, 0));
    OK(stat("file", &st));
    EQ(st.st_atim.tv_sec, 1000000000);
    EQ(st.st_mtim.tv_sec, 1100000000);
    EQ(st.st_mtim.tv_nsec, 7);
    holds("file", "0123456789");
    OK(utimensat(AT_FDCWD, "link", to, AT_SYMLINK_NOFOLLOW));
    OK(lstat("link", &st));
    EQ(st.st_mtim.tv_sec, 1100000000);
}

static void extended(void)
{
    char value[64] = "", list[256];
    EQ(getxattr("marked", "user.test", value, sizeof value), 5);
    OK(setxattr("marked", "user.more", "more", 4, XATTR_CREATE));
    EQ(getxattr("marked", "user.test", value, sizeof value), 5);
    CHECK(!memcmp(value, "image", 5));
    EQ(getxattr("marked", "user.more", value, sizeof value), 4);
    ERR(setxattr("marked", "user.test", "x", 1, XATTR_CREATE), EEXIST);
    OK(setxattr("marked", "user.test", "other", 5, XATTR_REPLACE));
    OK(removexattr("marked", "user.test"));
    ERR(getxattr("marked", "user.test", value, sizeof value), ENODATA);
    EQ(listxattr("marked", list, sizeof list), sizeof "user.more");
    EQ(strcmp(list, "user.more"), 0);
    OK(setxattr("filled", "user.dir", "d", 1, 0));
    EQ(getxattr("filled", "user.dir", value, sizeof value), 1);
    /* None of those that merging leaves behind. */
    OK(unlink("filled/one"));
    EQ(listxattr("filled", list, sizeof list), sizeof "user.dir");
    EQ(listxattr("file", list, sizeof list), 0);
    OK(unlink("file"));
    OK(mkdir("file", 0755));
    EQ(listxattr("file", list, sizeof list), 0);
}

int main(int argc, char **argv)
{
    enter(argc, argv);
    modes();
    owners();
    times();
    extended();
    return done();
}
