/*
 * Paths of a plain root: what Linux's rules say, and that nothing leads out of the root. The secret
 * lies beside the root, in the directory that holds it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "fs_guest.h"
#include "host/file.h"

static void start_plain(void)
{
    static struct fs_mount_spec mounts[] = {
        {FS_PROC, "/proc", NULL, false},        {FS_DEV, "/dev", NULL, false},
        {FS_SYS, "/sys", NULL, false},          {FS_BIND, "/bound", NULL, false},
        {FS_BIND, "/etc/injected", NULL, true},
    };
    static struct fs_context_spec spec = {.mounts = mounts, .nmounts = 5};

    h_write("secret", "secret");
    h_mkdir("root");
    h_mkdir("root/etc");
    h_mkdir("root/usr");
    h_mkdir("root/usr/bin");
    h_write("root/etc/hosts", "hosts");
    h_write("root/usr/bin/tool", "tool");
    h_mkdir("elsewhere");
    h_write("elsewhere/file", "elsewhere");
    h_write("injected", "injected");
    spec.root = strdup(host_at("root"));
    mounts[3].source = strdup(host_at("elsewhere"));
    mounts[4].source = strdup(host_at("injected"));
    guest_start(&spec);
}

static void rules(void)
{
    struct linux_stat st;
    char longname[300], longpath[5000];

    start_plain();
    CHECK_STR(g_read("/etc/hosts"), "hosts");
    CHECK_STR(g_read("//etc/./../etc//hosts"), "hosts");
    CHECK_STR(g_read("/../../../etc/hosts"), "hosts");
    CHECK_EQ(g_open("", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/etc/hosts/", 0, 0), -LINUX_ENOTDIR);
    CHECK_EQ(g_open("/etc/hosts/x", 0, 0), -LINUX_ENOTDIR);
    CHECK_EQ(g_open("/etc/hosts/..", 0, 0), -LINUX_ENOTDIR);
    CHECK_EQ(g_open("/etc/none/x", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/etc/none/", LINUX_O_CREAT | LINUX_O_WRONLY, 0644), -LINUX_EISDIR);
    CHECK_EQ(g_open("/etc", LINUX_O_WRONLY, 0), -LINUX_EISDIR);
    CHECK_EQ(g_open("/etc", LINUX_O_CREAT, 0), -LINUX_EISDIR);
    CHECK_EQ(g_open("/etc/hosts", LINUX_O_DIRECTORY, 0), -LINUX_ENOTDIR);
    memset(longname, 'n', 256);
    longname[256] = '\0';
    CHECK_EQ(g_open(longname, 0, 0), -LINUX_ENAMETOOLONG);
    longname[255] = '\0';
    CHECK_EQ(g_open(longname, 0, 0), -LINUX_ENOENT);
    for (int i = 0; i < 4999; i++)
        longpath[i] = i % 2 ? 'a' : '/';
    longpath[4999] = '\0';
    CHECK_EQ(g_open(longpath, 0, 0), -LINUX_ENAMETOOLONG);
    longpath[4095] = '\0';
    CHECK_EQ(g_open(longpath, 0, 0), -LINUX_ENOENT);

    CHECK_EQ(g_symlink("/usr/bin", "/bin"), 0);
    CHECK_STR(g_read("/bin/tool"), "tool");
    CHECK_STR(g_read("bin/../bin/tool"), "tool");
    CHECK_EQ(g_stat("/bin/", &st), 0);
    CHECK(LINUX_S_ISDIR(st.st_mode));
    CHECK_EQ(g_lstat("/bin", &st), 0);
    CHECK(LINUX_S_ISLNK(st.st_mode));
    CHECK_EQ(g_lstat("/bin/", &st), 0);
    CHECK(LINUX_S_ISDIR(st.st_mode));
    CHECK_EQ(g_symlink("loop", "/loop"), 0);
    CHECK_EQ(g_open("/loop", 0, 0), -LINUX_ELOOP);
    CHECK_EQ(g_open("/bin", LINUX_O_NOFOLLOW, 0), -LINUX_ELOOP);
    int64_t fd = g_open("/bin", LINUX_O_NOFOLLOW | LINUX_O_PATH, 0);
    CHECK(fd >= 0);
    CHECK_EQ(g_fstat(fd, &st), 0);
    CHECK(LINUX_S_ISLNK(st.st_mode));
    g_close(fd);
    /* Forty links are followed, forty-one are not. */
    CHECK_EQ(g_symlink("/etc/hosts", "/l0"), 0);
    for (int i = 1; i <= 40; i++) {
        char from[16], to[16];
        snprintf(to, sizeof to, "l%d", i - 1);
        snprintf(from, sizeof from, "/l%d", i);
        CHECK_EQ(g_symlink(to, from), 0);
    }
    CHECK_STR(g_read("/l39"), "hosts");
    CHECK_EQ(g_open("/l40", 0, 0), -LINUX_ELOOP);
    /* Creating through a dangling link makes its target, unless O_EXCL. */
    CHECK_EQ(g_symlink("/etc/made", "/dangling"), 0);
    CHECK_EQ(g_open("/dangling", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/dangling", LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_WRONLY, 0644),
             -LINUX_EEXIST);
    CHECK_EQ(g_write("/dangling", "made"), 4);
    CHECK_STR(g_read("/etc/made"), "made");
    CHECK_EQ(g_mkdir("/dangling", 0755), -LINUX_EEXIST);
    CHECK_EQ(g_mkdir("/new/", 0755), 0);
    CHECK_EQ(g_mkdir("/new", 0755), -LINUX_EEXIST);
    CHECK_EQ(g_mkdir("/", 0755), -LINUX_EEXIST);
    CHECK_EQ(g_rmdir("/new/."), -LINUX_EINVAL);
    CHECK_EQ(g_rmdir("/new/.."), -LINUX_ENOTEMPTY);
    CHECK_EQ(g_unlink("/new"), -LINUX_EISDIR);
    CHECK_EQ(g_rmdir("/etc/hosts"), -LINUX_ENOTDIR);
    CHECK_EQ(g_rmdir("/etc"), -LINUX_EBUSY); /* a mount point lies in it */
    CHECK_EQ(g_rename("/new", "/new/sub"), -LINUX_EINVAL);
    CHECK_EQ(g_rename("/new/.", "/x"), -LINUX_EBUSY);
    CHECK_EQ(g_rename("/etc/made", "/new"), -LINUX_EISDIR);
    CHECK_EQ(g_rename("/new", "/etc/made"), -LINUX_ENOTDIR);
    CHECK_EQ(g_rename("/new", "/newer"), 0);
    CHECK_EQ(g_rmdir("/newer"), 0);
}

static void bound(void)
{
    struct linux_stat st;

    start_plain();
    CHECK_STR(g_read("/bound/file"), "elsewhere");
    CHECK_STR(g_read("/bound/../etc/hosts"), "hosts");
    CHECK_STR(g_read("/etc/injected"), "injected");
    CHECK_EQ(g_open("/etc/injected", LINUX_O_WRONLY, 0), -LINUX_EROFS);
    CHECK_EQ(g_unlink("/etc/injected"), -LINUX_EROFS);
    CHECK_EQ(g_rename("/bound/file", "/file"), -LINUX_EXDEV);
    CHECK_EQ(g_link("/bound/file", "/file"), -LINUX_EXDEV);
    CHECK_EQ(g_rename("/bound", "/b"), -LINUX_EBUSY);
    CHECK_EQ(g_chdir("/bound"), 0);
    CHECK_EQ(CALL(sys_getcwd, GUEST_BUF, 4096), 7);
    CHECK_STR(guest_buf(), "/bound");
    CHECK_STR(g_read("../etc/hosts"), "hosts");
    CHECK_STR(g_read("file"), "elsewhere");
    CHECK_EQ(g_mkdir("sub", 0755), 0);
    CHECK_EQ(g_chdir("sub"), 0);
    CHECK_EQ(g_rmdir("/bound/sub"), 0);
    CHECK_EQ(CALL(sys_getcwd, GUEST_BUF, 4096), -LINUX_ENOENT);
    CHECK_EQ(g_open("x", LINUX_O_CREAT | LINUX_O_WRONLY, 0644), -LINUX_ENOENT);
    CHECK_EQ(g_stat(".", &st), 0);
    CHECK_EQ(st.st_nlink, 0);
}

/* Everything that has been used to get out of a root. */
static void escapes(void)
{
    struct linux_stat st;
    char up[1024] = "";

    start_plain();
    for (int i = 0; i < 60; i++)
        strcat(up, "../");
    strcat(up, "secret");
    CHECK_EQ(g_open(up, 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_symlink(up, "/up"), 0);
    CHECK_EQ(g_open("/up", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_symlink(host_at("secret"), "/abs"), 0);
    CHECK_EQ(g_open("/abs", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/proc/self/root/../secret", 0, 0), -LINUX_ENOENT);
    CHECK_STR(g_read("/proc/self/root/etc/hosts"), "hosts");
    CHECK_STR(g_read("/proc/1/root/proc/self/cwd/etc/hosts"), "hosts");
    CHECK_EQ(g_open("/proc/self/cwd/../../secret", 0, 0), -LINUX_ENOENT);
    CHECK_STR(g_readlink("/proc/self/root"), "/");
    int64_t fd = g_open("/etc", LINUX_O_DIRECTORY, 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/../../../secret", (int)fd);
    CHECK_EQ(g_open(path, 0, 0), -LINUX_ENOENT);
    snprintf(path, sizeof path, "/proc/self/fd/%d/../etc/hosts", (int)fd);
    CHECK_STR(g_read(path), "hosts");
    CHECK_EQ(CALL(sys_openat, fd, guest_str("../../secret"), 0), -LINUX_ENOENT);
    CHECK_EQ(CALL(sys_fchdir, fd), 0);
    CHECK_EQ(g_open("../../secret", 0, 0), -LINUX_ENOENT);
    g_close(fd);
    CHECK_EQ(g_open("/dev/fd/../../secret", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/dev/kmsg", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/dev/mem", 0, 0), -LINUX_ENOENT);
    CHECK_EQ(g_open("/sys/kernel/debug", 0, 0), -LINUX_ENOENT);
    /* A directory of the host that was inherited is not a way in. */
    int host = open(guest_base, O_RDONLY | O_DIRECTORY);
    CHECK_EQ(CALL(sys_openat, host, guest_str("secret"), 0), -LINUX_ENOENT);
    snprintf(path, sizeof path, "/proc/self/fd/%d/secret", host);
    CHECK_EQ(g_open(path, 0, 0), -LINUX_ENOENT);
    CHECK_EQ(CALL(sys_fchdir, host), -LINUX_ENOENT);
    close(host);
    /* Our own descriptors are not the guest's. */
    for (int n = host_fd_boundary(); n < host_fd_boundary() + 40; n++) {
        CHECK_EQ(CALL(sys_openat, n, guest_str("secret"), 0), -LINUX_EBADF);
        CHECK_EQ(CALL(sys_dup, n), -LINUX_EBADF);
        CHECK_EQ(CALL(sys_fchdir, n), -LINUX_EBADF);
        CHECK_EQ(g_close(n), -LINUX_EBADF);
        snprintf(path, sizeof path, "/proc/self/fd/%d", n);
        CHECK_EQ(g_lstat(path, &st), -LINUX_ENOENT);
    }
    /* A real device node in the tree is not opened, whoever made it. */
    if (mknod(host_at("root/null"), S_IFCHR | 0666, 0x103) == 0)
        CHECK_EQ(g_open("/null", 0, 0), -LINUX_EACCES);
}

/* A parent is moved out of the root and back while another thread walks through it. */
static atomic_bool stop;

static void *mover(void *arg)
{
    char in[512], out[512];

    (void)arg;
    snprintf(in, sizeof in, "%s/root/a/b", guest_base);
    snprintf(out, sizeof out, "%s/b", guest_base);
    while (!atomic_load(&stop)) {
        if (rename(in, out) < 0 || rename(out, in) < 0)
            break;
    }
    return NULL;
}

static void *swapper(void *arg)
{
    char link[512], dir[512];

    (void)arg;
    snprintf(link, sizeof link, "%s/root/swaplink", guest_base);
    snprintf(dir, sizeof dir, "%s/root/swap", guest_base);
    while (!atomic_load(&stop))
        if (renameat2(AT_FDCWD, link, AT_FDCWD, dir, RENAME_EXCHANGE) < 0)
            break;
    return NULL;
}

static void races(void)
{
    pthread_t t[2];

    start_plain();
    h_mkdir("root/a");
    h_mkdir("root/a/b");
    h_mkdir("root/a/b/c");
    h_mkdir("root/swap");
    h_write("root/swap/secret", "fake");
    CHECK_EQ(symlink(guest_base, host_at("root/swaplink")), 0);
    int64_t fd = g_open("/a/b/c", LINUX_O_DIRECTORY, 0);
    CHECK(fd >= 0);
    pthread_create(&t[0], NULL, mover, NULL);
    pthread_create(&t[1], NULL, swapper, NULL);
    for (int i = 0; i < 20000; i++) {
        int64_t got = CALL(sys_openat, fd, guest_str("../../secret"), 0);
        CHECK(got < 0);
        got = g_open("/a/b/c/../../../secret", 0, 0);
        CHECK(got < 0);
        got = g_open("/swap/secret", 0, 0);
        if (got >= 0) {
            CHECK_EQ(CALL(sys_read, got, GUEST_BUF, 64), 4);
            CHECK(memcmp(guest_buf(), "fake", 4) == 0);
            g_close(got);
        }
        if (i % 4 == 0)
            CHECK(g_open("/swap/../../secret", 0, 0) < 0);
    }
    atomic_store(&stop, true);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}

static void without_openat2(void)
{
    host_set_openat2(false);
    rules();
}

static void escapes_without_openat2(void)
{
    host_set_openat2(false);
    escapes();
}

static void openat2_flags(void)
{
    start_plain();
    CHECK_EQ(g_symlink("/etc", "/usr/etc"), 0);
    CHECK_EQ(g_symlink("bin", "/usr/sbin"), 0);
    int64_t usr = g_open("/usr", LINUX_O_DIRECTORY, 0);
    struct {
        const char *path;
        uint64_t resolve;
        int64_t want;
    } cases[] = {
        {"bin/tool", LINUX_RESOLVE_BENEATH, 0},
        {"sbin/tool", LINUX_RESOLVE_BENEATH, 0},
        {"bin/../../etc/hosts", LINUX_RESOLVE_BENEATH, -LINUX_EXDEV},
        {"/etc/hosts", LINUX_RESOLVE_BENEATH, -LINUX_EXDEV},
        {"etc/hosts", LINUX_RESOLVE_BENEATH, -LINUX_EXDEV},
        {"etc/hosts", LINUX_RESOLVE_IN_ROOT, -LINUX_ELOOP},
        {"/bin/tool", LINUX_RESOLVE_IN_ROOT, 0},
        {"../../bin/tool", LINUX_RESOLVE_IN_ROOT, 0},
        {"sbin/tool", LINUX_RESOLVE_NO_SYMLINKS, -LINUX_ELOOP},
        {"bin/tool", LINUX_RESOLVE_NO_SYMLINKS, 0},
        {"/proc/version", LINUX_RESOLVE_NO_XDEV, -LINUX_EXDEV},
        {"/proc/self/cwd", LINUX_RESOLVE_NO_MAGICLINKS, -LINUX_ELOOP},
        {"bin/tool", LINUX_RESOLVE_BENEATH | LINUX_RESOLVE_IN_ROOT, -LINUX_EINVAL},
        {"bin/tool", 0x1000, -LINUX_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct linux_open_how how = {LINUX_O_RDONLY, 0, cases[i].resolve};
        gva_t path = guest_str(cases[i].path);
        memcpy(guest_buf(), &how, sizeof how);
        int64_t r = CALL(sys_openat2, usr, path, GUEST_BUF, sizeof how);
        int64_t want = cases[i].want;
        if (r >= 0) {
            g_close(r);
            r = 0;
        }
        if (r != want)
            fprintf(stderr, "case %zu: %s\n", i, cases[i].path);
        CHECK_EQ(r, want);
    }
}

int main(void)
{
    RUN(rules);
    RUN(bound);
    RUN(escapes);
    RUN(races);
    RUN(openat2_flags);
    RUN(without_openat2);
    RUN(escapes_without_openat2);
    return check_done("fs_resolve");
}
