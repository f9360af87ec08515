/*
 * The overlay: what the guest sees of upper over lower, and what is left in the upper directory, in
 * the form that a kernel overlayfs with userxattr reads. The lower directory must never change.
 */
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sched.h>

#include "fs_guest.h"

static void lower_tree(void)
{
    h_mkdir("low");
    h_mkdir("low2");
    h_mkdir("up");
    h_mkdir("work");
    h_mkdir("low/etc");
    h_mkdir("low/dir");
    h_mkdir("low/dir/sub");
    h_mkdir("low/empty");
    h_mkdir("low/usr");
    h_mkdir("low2/usr");
    h_mkdir("low2/etc");
    h_write("low/etc/passwd", "root");
    h_write("low/etc/motd", "motd");
    h_write("low2/etc/motd", "older motd");
    h_write("low2/etc/base", "base");
    h_write("low2/usr/tool", "tool");
    h_write("low/dir/one", "1");
    h_write("low/dir/two", "2");
    h_write("low/dir/sub/deep", "deep");
    h_owner("low/dir/two", "1000:100:04711:file");
    if (link(host_at("low/dir/one"), host_at("low/dir/hard")) < 0 ||
        symlink("one", host_at("low/dir/sym")) < 0)
        perror("low");
    if (setxattr(host_at("low/dir/two"), "user.note", "kept", 4, 0) < 0)
        perror("setxattr");
    struct timespec times[2] = {{1000000000, 5}, {1000000001, 6}};
    utimensat(AT_FDCWD, host_at("low/dir/two"), times, 0);
    utimensat(AT_FDCWD, host_at("low/dir"), times, 0);
}

static char *snapshot(const char *rel)
{
    static char out[2][65536];
    static int turn;
    char cmd[1024], *p = out[turn++ % 2];
    snprintf(cmd, sizeof cmd,
             "cd %s && find . -printf '%%p %%y %%m %%s %%l %%T@\\n' | sort && find . -type f | "
             "sort | xargs cat",
             host_at(rel));
    FILE *f = popen(cmd, "r");
    size_t n = fread(p, 1, 65535, f);
    p[n] = '\0';
    pclose(f);
    return p;
}

static void start_overlay(void)
{
    static const char *lower[2];
    static struct fs_context_spec spec = {.lower = lower, .nlower = 2};

    lower_tree();
    lower[0] = strdup(host_at("low"));
    lower[1] = strdup(host_at("low2"));
    spec.upper = strdup(host_at("up"));
    spec.work = strdup(host_at("work"));
    guest_start(&spec);
}

/* Either form that the kernel knows. */
static bool whiteout(const char *rel)
{
    struct stat st;
    if (lstat(host_at(rel), &st) < 0)
        return false;
    if (S_ISCHR(st.st_mode))
        return st.st_rdev == 0;
    return S_ISREG(st.st_mode) && st.st_size == 0 &&
           getxattr(host_at(rel), "user.overlay.whiteout", NULL, 0) >= 0;
}

static void opaque_is(const char *rel, const char *want)
{
    char v[8] = "";
    ssize_t n = getxattr(host_at(rel), "user.overlay.opaque", v, sizeof v - 1);
    CHECK_STR(n < 0 ? "" : v, want);
}

static void reading(void)
{
    struct linux_stat st;

    start_overlay();
    CHECK_STR(g_list("/"), "dir empty etc usr");
    CHECK_STR(g_list("/etc"), "base motd passwd");
    CHECK_STR(g_list("/dir"), "hard one sub sym two");
    CHECK_STR(g_read("/etc/motd"), "motd");
    CHECK_STR(g_read("/etc/base"), "base");
    CHECK_STR(g_read("/usr/tool"), "tool");
    CHECK_STR(g_read("/dir/sym"), "1");
    CHECK_STR(g_read("/dir/../dir/sub/../sym"), "1");
    CHECK_EQ(g_stat("/dir/two", &st), 0);
    CHECK_EQ(st.st_uid, 1000);
    CHECK_EQ(st.st_gid, 100);
    CHECK_EQ(st.st_mode, LINUX_S_IFREG | 04711);
    CHECK_EQ(g_open("/dir/one/x", 0, 0), -LINUX_ENOTDIR);
    CHECK_EQ(g_open("/none/x", 0, 0), -LINUX_ENOENT);
    CHECK(!h_exists("up/dir"));
}

/* Files of layers have names in other images' trees, which are none of this one's. */
static void shared_with_other_images(void)
{
    struct linux_stat st, after;
    int64_t fd;

    start_overlay();
    h_mkdir("other");
    h_mkdir("low/s");
    h_write("low/s/single", "s");
    h_write("low/s/double", "d");
    h_owner("low/s/double", "5:6:0640:file:links-2");
    if (link(host_at("low/s/double"), host_at("low/s/again")) < 0 ||
        link(host_at("low/s/double"), host_at("other/double")) < 0 ||
        link(host_at("low/s/single"), host_at("other/single")) < 0 ||
        chmod(host_at("low/s/single"), 01604) < 0 || chmod(host_at("low/s/double"), 01600) < 0)
        perror("low/s");
    CHECK_EQ(g_stat("/s/single", &st), 0);
    CHECK_EQ(st.st_nlink, 1);
    CHECK_EQ(st.st_mode, LINUX_S_IFREG | 0604);
    fd = g_open("/s/single", LINUX_O_RDONLY, 0);
    CHECK_EQ(CALL(sys_fstat, fd, GUEST_BUF), 0);
    memcpy(&after, guest_buf(), sizeof after);
    CHECK_EQ(after.st_nlink, 1);
    CHECK_EQ(after.st_mode, LINUX_S_IFREG | 0604);
    g_close(fd);
    CHECK_EQ(g_write("/s/single", "copy"), 4);
    CHECK_EQ(g_stat("/s/single", &after), 0);
    CHECK_EQ(after.st_ino, st.st_ino); /* it has one name, so its number stays */
    CHECK_EQ(after.st_nlink, 1);
    CHECK_EQ(after.st_mode, LINUX_S_IFREG | 0604);

    CHECK_EQ(g_stat("/s/double", &st), 0);
    CHECK_EQ(st.st_nlink, 2);
    CHECK_EQ(st.st_mode, LINUX_S_IFREG | 0640);
    CHECK_EQ(st.st_uid, 5);
    CHECK_EQ(g_write("/s/double", "copy"), 4);
    CHECK_EQ(g_stat("/s/double", &st), 0);
    CHECK_EQ(st.st_nlink, 1); /* as overlayfs: the copy is a file of its own */
    CHECK_EQ(st.st_uid, 5);
    CHECK_EQ(CALL(sys_linkat, AT, guest_str("/s/double"), AT, guest_str("/s/third"), 0), 0);
    CHECK_EQ(g_stat("/s/third", &st), 0);
    CHECK_EQ(st.st_nlink, 2);
}

/* "x" says that a directory has whiteouts, not that it hides what is below. */
static void a_directory_with_whiteouts(void)
{
    start_overlay();
    h_write("low/etc/base", "");
    if (setxattr(host_at("low/etc"), "user.overlay.opaque", "x", 1, 0) < 0 ||
        setxattr(host_at("low/etc/base"), "user.overlay.whiteout", "y", 1, 0) < 0)
        perror("low/etc");
    h_write("low2/etc/deep", "deep");
    CHECK_STR(g_list("/etc"), "deep motd passwd");
    CHECK_EQ(g_open("/etc/base", 0, 0), -LINUX_ENOENT);
    CHECK_STR(g_read("/etc/deep"), "deep");
}

static void copy_up(void)
{
    struct linux_stat before, after;
    char value[64];

    start_overlay();
    char *low = snapshot("low");
    CHECK_EQ(g_stat("/dir/two", &before), 0);
    int64_t fd = g_open("/dir/two", LINUX_O_RDONLY, 0);
    CHECK_EQ(g_write("/dir/sub/deep", "changed"), 7);
    CHECK_STR(g_read("/dir/sub/deep"), "changed");
    int64_t w = g_open("/dir/two", LINUX_O_RDWR | LINUX_O_APPEND, 0);
    CHECK_EQ(CALL(sys_write, w, guest_str("22"), 2), 2);
    g_close(w);
    CHECK_STR(g_read("/dir/two"), "222");
    g_close(fd);
    CHECK_EQ(g_stat("/dir/two", &after), 0);
    CHECK_EQ(after.st_ino, before.st_ino);
    CHECK_EQ(after.st_dev, before.st_dev);
    CHECK_EQ(after.st_uid, 1000);
    CHECK_EQ(after.st_mode & 0777, 0711);
    CHECK_EQ(getxattr(host_at("up/dir/two"), "user.note", value, sizeof value), 4);
    struct stat up;
    CHECK_EQ(stat(host_at("up/dir"), &up), 0);
    CHECK_EQ(up.st_mtime, 1000000001);
    /* chmod of an open file of the lower layer. */
    fd = g_open("/etc/passwd", LINUX_O_RDONLY, 0);
    CHECK_EQ(CALL(sys_fchmod, fd, 0600), 0);
    CHECK_EQ(g_stat("/etc/passwd", &after), 0);
    CHECK_EQ(after.st_mode & 0777, 0600);
    CHECK_EQ(g_fstat(fd, &before), 0);
    CHECK_EQ(before.st_mode & 0777, 0600);
    CHECK_EQ(before.st_ino, after.st_ino);
    CHECK_EQ(CALL(sys_read, fd, GUEST_BUF, 64), 4);
    g_close(fd);
    /* Only the name that was written is copied. */
    CHECK_EQ(g_write("/dir/one", "new"), 3);
    CHECK_STR(g_read("/dir/hard"), "1");
    CHECK_EQ(g_link("/dir/hard", "/dir/hard2"), 0);
    CHECK_STR(g_read("/dir/hard2"), "1");
    CHECK_EQ(g_link("/dir/sym", "/dir/sym2"), 0);
    CHECK_STR(g_readlink("/dir/sym2"), "one");
    CHECK_EQ(CALL(sys_truncate, guest_str("/etc/base"), 2), 0);
    CHECK_STR(g_read("/etc/base"), "ba");
    CHECK_EQ(CALL(sys_fchownat, AT, guest_str("/usr/tool"), 5, 6, 0), 0);
    CHECK_EQ(g_stat("/usr/tool", &after), 0);
    CHECK_EQ(after.st_uid, 5);
    CHECK_STR(g_list("/dir"), "hard hard2 one sub sym sym2 two");
    CHECK_STR(snapshot("low"), low);
    CHECK_EQ(access(host_at("work"), F_OK), 0);
    CHECK_EQ(rmdir(host_at("work")), 0); /* nothing is left in it */
}

static void removing(void)
{
    start_overlay();
    char *low = snapshot("low");
    CHECK_EQ(g_unlink("/etc/motd"), 0);
    CHECK_EQ(g_open("/etc/motd", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_unlink("/etc/motd"), -LINUX_ENOENT);
    CHECK_STR(g_list("/etc"), "base passwd");
    CHECK(whiteout("up/etc/motd"));
    opaque_is("up/etc", "x");
    opaque_is("up", "x");
    CHECK_EQ(g_write("/etc/motd", "again"), 5);
    CHECK_STR(g_read("/etc/motd"), "again");
    CHECK_EQ(g_unlink("/etc/motd"), 0);
    CHECK_STR(g_list("/etc"), "base passwd");
    CHECK_EQ(g_rmdir("/dir"), -LINUX_ENOTEMPTY);
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK_EQ(g_rmdir("/dir/sub"), 0);
    CHECK_EQ(g_open("/dir/sub/deep", 0, 0), -LINUX_ENOENT);
    CHECK(whiteout("up/dir/sub"));
    CHECK_EQ(g_mkdir("/dir/sub", 0755), 0);
    opaque_is("up/dir/sub", "y");
    CHECK_STR(g_list("/dir/sub"), "");
    CHECK_EQ(g_open("/dir/sub/deep", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_symlink("x", "/dir/sub/deep"), 0);
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK(!h_exists("up/dir/sub/deep"));
    CHECK_EQ(g_unlink("/dir/one"), 0);
    CHECK_EQ(g_unlink("/dir/two"), 0);
    CHECK_EQ(g_unlink("/dir/hard"), 0);
    CHECK_EQ(g_unlink("/dir/sym"), 0);
    CHECK_EQ(g_rmdir("/dir/sub"), 0);
    CHECK_STR(g_list("/dir"), "");
    CHECK_EQ(g_rmdir("/dir"), 0);
    CHECK_STR(g_list("/"), "empty etc usr");
    CHECK_EQ(g_symlink("etc", "/dir"), 0);
    CHECK_STR(g_read("/dir/passwd"), "root");
    CHECK_STR(snapshot("low"), low);
}

static void renaming(void)
{
    struct linux_stat a, b;

    start_overlay();
    char *low = snapshot("low");
    CHECK_EQ(g_stat("/dir/two", &a), 0);
    CHECK_EQ(g_rename("/dir/two", "/etc/two"), 0);
    CHECK_EQ(g_open("/dir/two", 0, 0), -LINUX_ENOENT);
    CHECK_STR(g_read("/etc/two"), "2");
    CHECK_EQ(g_stat("/etc/two", &b), 0);
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK(whiteout("up/dir/two"));
    CHECK_EQ(g_rename("/etc/two", "/etc/passwd"), 0);
    CHECK_STR(g_read("/etc/passwd"), "2");
    CHECK_STR(g_list("/etc"), "base motd passwd");
    CHECK_EQ(g_mkdir("/new", 0755), 0);
    CHECK_EQ(g_write("/new/file", "f"), 1);
    CHECK_EQ(g_rename("/new", "/newer"), 0);
    CHECK_STR(g_read("/newer/file"), "f");
    CHECK_EQ(g_rename("/newer", "/dir"), -LINUX_ENOTEMPTY);
    CHECK_EQ(g_rename("/newer", "/empty"), 0);
    CHECK_STR(g_list("/empty"), "file");
    CHECK_EQ(g_rename("/empty", "/moved"), 0);
    CHECK_STR(g_list("/"), "dir etc moved usr");
    CHECK(whiteout("up/empty"));
    /* A directory of ours at a place where a lower one was. */
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK_EQ(g_rmdir("/dir/sub"), 0);
    CHECK_EQ(g_rename("/moved", "/dir/sub"), 0);
    CHECK_STR(g_list("/dir/sub"), "file");
    opaque_is("up/dir/sub", "y");
    /* The directory in use moves with its name. */
    CHECK_EQ(g_chdir("/dir/sub"), 0);
    CHECK_EQ(g_rename("/dir/sub", "/there"), 0);
    CHECK_EQ(CALL(sys_getcwd, GUEST_BUF, 4096), 7);
    CHECK_STR(guest_buf(), "/there");
    CHECK_STR(g_read("file"), "f");
    CHECK_STR(g_read("../etc/motd"), "motd");
    CHECK_EQ(CALL(sys_renameat2, AT, guest_str("/etc/motd"), AT, guest_str("/etc/base"),
                  LINUX_RENAME_EXCHANGE),
             0);
    CHECK_STR(g_read("/etc/motd"), "base");
    CHECK_STR(g_read("/etc/base"), "motd");
    CHECK_EQ(CALL(sys_renameat2, AT, guest_str("/etc/motd"), AT, guest_str("/etc/base"),
                  LINUX_RENAME_NOREPLACE),
             -LINUX_EEXIST);
    CHECK_STR(snapshot("low"), low);
}

/* A directory of the image's moves with all that it holds, and what was merged is so no more. */
static void renaming_a_lower_directory(void)
{
    struct linux_stat a, b;

    start_overlay();
    char *low = snapshot("low");
    CHECK_EQ(g_stat("/dir/sub/deep", &a), 0);
    CHECK_EQ(g_write("/dir/added", "add"), 3);
    CHECK_EQ(g_unlink("/dir/hard"), 0);
    CHECK_EQ(g_rename("/dir", "/other"), 0);
    CHECK_STR(g_list("/"), "empty etc other usr");
    CHECK_STR(g_list("/other"), "added one sub sym two");
    CHECK_STR(g_read("/other/sub/deep"), "deep");
    CHECK_STR(g_read("/other/sym"), "1");
    CHECK_EQ(g_stat("/other/sub/deep", &b), 0);
    CHECK_EQ(a.st_ino, b.st_ino);
    CHECK_EQ(g_stat("/other/two", &b), 0);
    CHECK_EQ(b.st_uid, 1000);
    CHECK_EQ(g_open("/dir/one", 0, 0), -LINUX_ENOENT);
    CHECK(whiteout("up/dir"));
    opaque_is("up/other/sub", "y");
    /* Back, over the whiteout. */
    CHECK_EQ(g_rename("/other", "/dir"), 0);
    CHECK_STR(g_list("/dir"), "added one sub sym two");
    CHECK_STR(g_list("/"), "dir empty etc usr");
    /* Two layers that merge; onto an empty directory that held lower names. */
    CHECK_EQ(g_rename("/usr", "/empty"), 0);
    CHECK_STR(g_list("/empty"), "tool");
    CHECK_EQ(g_rename("/etc", "/dir/sub"), -LINUX_ENOTEMPTY);
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK_EQ(g_rename("/etc", "/dir/sub"), 0);
    CHECK_STR(g_list("/dir/sub"), "base motd passwd");
    CHECK_STR(g_read("/dir/sub/base"), "base");
    CHECK_STR(g_list("/"), "dir empty");
    CHECK_EQ(
        CALL(sys_renameat2, AT, guest_str("/dir"), AT, guest_str("/empty"), LINUX_RENAME_EXCHANGE),
        0);
    CHECK_STR(g_list("/dir"), "tool");
    CHECK_STR(g_list("/empty"), "added one sub sym two");
    CHECK_EQ(g_rename("/empty/sub", "/empty/sub/x"), -LINUX_EINVAL);
    CHECK_EQ(g_rename("/empty/sub", "/empty"), -LINUX_ENOTEMPTY);
    CHECK_STR(snapshot("low"), low);
    CHECK_EQ(rmdir(host_at("work")), 0); /* nothing is left in it */
}

/* Descriptors that were open before. */
static void open_while_changed(void)
{
    struct linux_stat st, up;

    start_overlay();
    char *low = snapshot("low");
    /* A file without a name any more has attributes and a size all the same. */
    int64_t fd = g_open("/etc/motd", LINUX_O_RDONLY, 0), twin = CALL(sys_dup, fd);
    CHECK_EQ(CALL(sys_read, fd, GUEST_BUF, 1), 1);
    CHECK_EQ(g_unlink("/etc/motd"), 0);
    CHECK_EQ(CALL(sys_fchmod, fd, 0600), 0);
    CHECK_EQ(g_fstat(fd, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(g_fstat(twin, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(CALL(sys_read, twin, GUEST_BUF, 8), 3); /* they share the offset still */
    CHECK_EQ(CALL(sys_read, fd, GUEST_BUF, 8), 0);
    CHECK_EQ(CALL(sys_linkat, fd, guest_str(""), AT, guest_str("/back"), LINUX_AT_EMPTY_PATH),
             -LINUX_ENOENT);
    g_close(fd);
    g_close(twin);
    /* A name that is another file's by now does not lead a descriptor's change to that file. */
    fd = g_open("/dir/two", LINUX_O_RDONLY, 0);
    CHECK_EQ(g_write("/dir/new", "n"), 1);
    CHECK_EQ(g_rename("/dir/new", "/dir/two"), 0);
    CHECK_EQ(CALL(sys_fchown, fd, 77, 77), 0);
    CHECK_EQ(g_stat("/dir/two", &st), 0);
    CHECK_EQ(st.st_uid, 0);
    CHECK_EQ(g_fstat(fd, &st), 0);
    CHECK_EQ(st.st_uid, 77);
    g_close(fd);
    /* Copied up since by somebody else: the change reaches both. */
    fd = g_open("/etc/passwd", LINUX_O_RDONLY, 0);
    CHECK_EQ(g_write("/etc/passwd", "rootroot"), 8);
    CHECK_EQ(CALL(sys_fchmod, fd, 0640), 0);
    CHECK_EQ(g_fstat(fd, &st), 0);
    CHECK_EQ(g_stat("/etc/passwd", &up), 0);
    CHECK_EQ(st.st_mode & 0777, 0640);
    CHECK_EQ(up.st_mode & 0777, 0640);
    CHECK_EQ(st.st_size, 8);
    g_close(fd);
    /* Paths below a directory that was removed. */
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK_EQ(g_rmdir("/dir/sub"), 0);
    CHECK_EQ(g_write("/dir/sub/x", "x"), -LINUX_ENOENT);
    CHECK_EQ(g_mkdir("/dir/sub/x", 0755), -LINUX_ENOENT);
    CHECK_EQ(g_rename("/dir/one", "/dir/sub/x"), -LINUX_ENOENT);
    CHECK_STR(snapshot("low"), low);
    CHECK_EQ(rmdir(host_at("work")), 0);
}

/* Lower files must not be reached for writing through a descriptor that the guest holds. */
static void no_way_down(void)
{
    char path[64];

    start_overlay();
    char *low = snapshot("low");
    int64_t fd = g_open("/etc/motd", LINUX_O_RDONLY, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)fd);
    /* No procfs in this guest: by dirfd and AT_EMPTY_PATH. */
    CHECK_EQ(CALL(sys_fchown, fd, 7, 7), 0);
    CHECK_EQ(CALL(sys_fsetxattr, fd, guest_str("user.x"), guest_str("v"), 1, 0), 0);
    CHECK_EQ(CALL(sys_utimensat, fd, 0, 0, 0), 0);
    CHECK_EQ(CALL(sys_ftruncate, fd, 0), -LINUX_EINVAL);
    CHECK_EQ(CALL(sys_linkat, fd, guest_str(""), AT, guest_str("/linked"), LINUX_AT_EMPTY_PATH), 0);
    CHECK_STR(g_read("/linked"), "motd");
    CHECK_EQ(CALL(sys_setxattr, guest_str("/etc/base"), guest_str("user.overlay.opaque"),
                  guest_str("y"), 1, 0),
             -LINUX_EPERM);
    CHECK_EQ(CALL(sys_setxattr, guest_str("/etc/base"), guest_str(OWNER_XATTR), guest_str("0:0:0"),
                  5, 0),
             -LINUX_EPERM);
    CHECK_EQ(CALL(sys_getxattr, guest_str("/dir/two"), guest_str(OWNER_XATTR), 0, 0),
             -LINUX_ENODATA);
    CHECK_EQ(CALL(sys_listxattr, guest_str("/dir/two"), GUEST_BUF, 4096), 10);
    CHECK(memcmp(guest_buf(), "user.note", 10) == 0);
    CHECK_STR(snapshot("low"), low);
}

static void tmpfile_and_nodes(void)
{
    struct linux_stat st;
    char path[64];

    start_overlay();
    int64_t fd = g_open("/etc", LINUX_O_TMPFILE | LINUX_O_RDWR, 0640);
    CHECK(fd >= 0);
    CHECK_EQ(CALL(sys_write, fd, guest_str("tmp"), 3), 3);
    CHECK_EQ(CALL(sys_linkat, fd, guest_str(""), AT, guest_str("/etc/kept"), LINUX_AT_EMPTY_PATH),
             0);
    CHECK_STR(g_read("/etc/kept"), "tmp");
    snprintf(path, sizeof path, "/etc/dev");
    CHECK_EQ(CALL(sys_mknodat, AT, guest_str(path), LINUX_S_IFCHR | 0600, 0x10a), 0);
    CHECK_EQ(g_stat(path, &st), 0);
    CHECK_EQ(st.st_mode, LINUX_S_IFCHR | 0600);
    CHECK_EQ(st.st_rdev, 0x10a);
    CHECK_EQ(g_open(path, 0, 0), -LINUX_ENXIO);
    CHECK_EQ(CALL(sys_mknodat, AT, guest_str("/etc/fifo"), LINUX_S_IFIFO | 0600, 0), 0);
    CHECK_EQ(g_stat("/etc/fifo", &st), 0);
    CHECK(LINUX_S_ISFIFO(st.st_mode));
    CHECK_EQ(CALL(sys_mknodat, AT, guest_str("/etc/reg"), 0644, 0), 0);
    CHECK_EQ(g_stat("/etc/reg", &st), 0);
    CHECK(LINUX_S_ISREG(st.st_mode));
}

static void listing_is_stable(void)
{
    char name[64], seen[200] = {0};
    int64_t got, fd;
    int found = 0;

    start_overlay();
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "/dir/file-%03d", i);
        CHECK_EQ(g_write(name, ""), 0);
    }
    fd = g_open("/dir", LINUX_O_DIRECTORY, 0);
    while ((got = CALL(sys_getdents64, fd, GUEST_BUF, 512)) > 0)
        for (int64_t at = 0; at < got;) {
            struct linux_dirent64 *d = (void *)((char *)guest_buf() + at);
            int n;
            at += d->d_reclen;
            if (sscanf(d->d_name, "file-%d", &n) == 1) {
                CHECK(n >= 0 && n < 200 && !seen[n]);
                seen[n] = 1;
                found++;
                char copy[64];
                snprintf(copy, sizeof copy, "/dir/file-%03d", n);
                char save[512];
                memcpy(save, guest_buf(), sizeof save);
                CHECK_EQ(g_unlink(copy), 0); /* rm -r lists and removes in turn */
                memcpy(guest_buf(), save, sizeof save);
            }
        }
    CHECK_EQ(got, 0);
    CHECK_EQ(found, 200);
    CHECK_EQ(CALL(sys_lseek, fd, 0, LINUX_SEEK_SET), 0);
    CHECK(CALL(sys_getdents64, fd, GUEST_BUF, 4096) > 0);
    CHECK_EQ(CALL(sys_getdents64, fd, GUEST_BUF, 8), 0);
    g_close(fd);
    CHECK_STR(g_list("/dir"), "hard one sub sym two");
}

/* A kernel overlayfs over what we wrote must show the same tree. Needs root and a host that allows
 * mounting. */
static void kernel_agrees(void)
{
    char opt[2048], ours[4096], cmd[1024], theirs[4096];

    if (getuid() != 0 || unshare(CLONE_NEWNS) < 0) {
        CHECK(true);
        return;
    }
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    start_overlay();
    CHECK_EQ(g_unlink("/etc/motd"), 0);
    CHECK_EQ(g_unlink("/dir/sub/deep"), 0);
    CHECK_EQ(g_rmdir("/dir/sub"), 0);
    CHECK_EQ(g_mkdir("/dir/sub", 0755), 0);
    CHECK_EQ(g_write("/dir/sub/other", "o"), 1);
    CHECK_EQ(g_rename("/dir/two", "/usr/two"), 0);
    CHECK_EQ(g_rmdir("/empty"), 0);
    snprintf(ours, sizeof ours, "%s|", g_list("/"));
    strcat(ours, g_list("/etc"));
    strcat(strcat(ours, "|"), g_list("/dir"));
    strcat(strcat(ours, "|"), g_list("/dir/sub"));
    strcat(strcat(ours, "|"), g_list("/usr"));
    h_mkdir("mnt");
    h_mkdir("up2");
    h_mkdir("work2");
    snprintf(opt, sizeof opt, "userxattr,lowerdir=%s:%s:%s,upperdir=%s,workdir=%s", host_at("up"),
             host_at("low"), strdup(host_at("low2")), strdup(host_at("up2")),
             strdup(host_at("work2")));
    if (mount("overlay", host_at("mnt"), "overlay", 0, opt) < 0) {
        fprintf(stderr, "no overlayfs with userxattr here: not compared\n");
        return;
    }
    snprintf(cmd, sizeof cmd,
             "cd %s && for d in . etc dir dir/sub usr; do LC_ALL=C ls $d | tr '\\n' ' ' | sed 's/ "
             "$//'; echo; done | paste -sd'|' | tr -d '\\n'",
             host_at("mnt"));
    FILE *f = popen(cmd, "r");
    size_t n = fread(theirs, 1, sizeof theirs - 1, f);
    theirs[n] = '\0';
    pclose(f);
    CHECK_STR(theirs, ours);
    umount(host_at("mnt"));
}

int main(void)
{
    RUN(reading);
    RUN(shared_with_other_images);
    RUN(a_directory_with_whiteouts);
    RUN(copy_up);
    RUN(removing);
    RUN(renaming);
    RUN(renaming_a_lower_directory);
    RUN(open_while_changed);
    RUN(no_way_down);
    RUN(tmpfile_and_nodes);
    RUN(listing_is_stable);
    in_child(kernel_agrees, false);
    return check_done("fs_overlay");
}
