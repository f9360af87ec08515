/* guest-test: flags=-Wno-nonnull */
/* openat2(2): its struct, the RESOLVE flags, and what it refuses that openat(2) lets pass. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "guest.h"

static long at(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static long with(uint64_t flags, uint64_t mode)
{
    struct open_how how = {.flags = flags, .mode = mode};
    long fd = syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how);
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static void struct_rules(void)
{
    struct {
        struct open_how how;
        uint64_t more[2];
    } big = {.how = {.flags = O_RDONLY}};
    static char page[8192];

    ERR(syscall(SYS_openat2, AT_FDCWD, "file", &big, 23), EINVAL);
    ERR(syscall(SYS_openat2, AT_FDCWD, "file", &big, 0), EINVAL);
    long fd = syscall(SYS_openat2, AT_FDCWD, "file", &big, sizeof big);
    CHECK(fd >= 0);
    close((int)fd);
    big.more[1] = 1;
    ERR(syscall(SYS_openat2, AT_FDCWD, "file", &big, sizeof big), E2BIG);
    ERR(syscall(SYS_openat2, AT_FDCWD, "file", page, 4097), E2BIG);
    ERR(syscall(SYS_openat2, AT_FDCWD, "file", (void *)8, 24), EFAULT);
    ERR(syscall(SYS_openat2, AT_FDCWD, (char *)8, page, 24), EFAULT);
    ERR(with(0x10000000, 0), EINVAL);
    ERR(with(1ull << 33, 0), EINVAL);
    ERR(with(O_RDONLY, 0644), EINVAL);
    ERR(with(O_CREAT, 010000), EINVAL);
    EQ(with(O_CREAT, 07777), 0);
    ERR(with(O_PATH | O_RDWR, 0), EINVAL);
    ERR(with(O_PATH | O_TRUNC, 0), EINVAL);
    EQ(with(O_PATH | O_NOFOLLOW | O_CLOEXEC, 0), 0);
    ERR(with(O_CREAT | O_DIRECTORY, 0644), EINVAL);
    ERR(with(O_TMPFILE, 0644), EINVAL); /* not for writing */
    ERR(with(O_TMPFILE & ~O_DIRECTORY, 0644), EINVAL);
    ERR(at(AT_FDCWD, "file", O_RDONLY, 0x40), EINVAL);
    ERR(at(AT_FDCWD, "file", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
    ERR(at(AT_FDCWD, "", O_RDONLY, 0), ENOENT);
    ERR(at(AT_FDCWD, "file", O_CREAT, RESOLVE_CACHED), EAGAIN);
    ERR(at(AT_FDCWD, "file", O_TRUNC | O_WRONLY, RESOLVE_CACHED), EAGAIN);
}

static void resolving(int dir)
{
    /* Beneath: neither up nor away. */
    EQ(at(dir, "in/f", O_RDONLY, RESOLVE_BENEATH), 0);
    EQ(at(dir, "in/../in/f", O_RDONLY, RESOLVE_BENEATH), 0);
    EQ(at(dir, "rel", O_RDONLY, RESOLVE_BENEATH), 0);
    ERR(at(dir, "../file", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    ERR(at(dir, "..", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    ERR(at(dir, "in/../../d/in", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    ERR(at(dir, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    ERR(at(dir, "abs", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    ERR(at(dir, "up", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    EQ(at(dir, ".", O_RDONLY, RESOLVE_BENEATH), 0);
    ERR(at(dir, "none", O_RDONLY, RESOLVE_BENEATH), ENOENT);
    /* In root: the directory is "/". */
    EQ(at(dir, "/in/f", O_RDONLY, RESOLVE_IN_ROOT), 0);
    EQ(at(dir, "../../in/f", O_RDONLY, RESOLVE_IN_ROOT), 0);
    EQ(at(dir, "abs", O_RDONLY, RESOLVE_IN_ROOT), 0);
    EQ(at(dir, "up", O_RDONLY, RESOLVE_IN_ROOT), 0);
    EQ(at(dir, "/..", O_RDONLY, RESOLVE_IN_ROOT), 0);
    ERR(at(dir, "/file", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
    /* No links at all; in the last place only O_NOFOLLOW with O_PATH opens one. */
    EQ(at(dir, "in/f", O_RDONLY, RESOLVE_NO_SYMLINKS), 0);
    ERR(at(dir, "rel", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    ERR(at(dir, "indir/f", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    EQ(at(dir, "rel", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS), 0);
    ERR(at(dir, "rel", O_RDONLY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS), ELOOP);
    EQ(at(dir, "rel", O_RDONLY, RESOLVE_NO_MAGICLINKS), 0);
    /* Magic links. */
    EQ(at(AT_FDCWD, "/proc/self/cwd/file", O_RDONLY, 0), 0);
    ERR(at(AT_FDCWD, "/proc/self/cwd/file", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    ERR(at(AT_FDCWD, "/proc/self/root", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    ERR(at(AT_FDCWD, "/proc/self/cwd/file", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    EQ(at(AT_FDCWD, "/proc/self/cwd", O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS), 0);
    /* Other mounts. */
    int root = open("/", O_PATH | O_DIRECTORY), proc = open("/proc", O_PATH | O_DIRECTORY);
    EQ(at(root, "proc", O_PATH, 0), 0);
    ERR(at(root, "proc", O_PATH, RESOLVE_NO_XDEV), EXDEV);
    ERR(at(root, "proc/self", O_PATH, RESOLVE_NO_XDEV), EXDEV);
    ERR(at(proc, "..", O_PATH, RESOLVE_NO_XDEV), EXDEV);
    EQ(at(proc, "uptime", O_PATH, RESOLVE_NO_XDEV), 0);
    EQ(at(dir, "in/f", O_RDONLY, RESOLVE_NO_XDEV), 0);
    EQ(at(dir, "..", O_RDONLY, RESOLVE_NO_XDEV), 0);
    EQ(at(proc, "/tmp", O_PATH, RESOLVE_NO_XDEV),
       0); /* where an absolute path starts is no mount crossed */
    close(root);
    close(proc);
    /* Relative to what is no directory. */
    int fd = open("file", O_RDONLY);
    ERR(at(fd, "x", O_RDONLY, RESOLVE_BENEATH), ENOTDIR);
    ERR(at(-1, "x", O_RDONLY, RESOLVE_BENEATH), EBADF);
    ERR(at(-1, "x", O_RDONLY, 0), EBADF);
    close(fd);
}

static void making(int dir)
{
    struct open_how how = {
        .flags = O_CREAT | O_EXCL | O_RDWR, .mode = 0666, .resolve = RESOLVE_BENEATH};
    struct stat st;

    long fd = syscall(SYS_openat2, dir, "in/new", &how, sizeof how);
    CHECK(fd >= 0);
    EQ(fstat((int)fd, &st), 0);
    EQ(st.st_mode & 07777, 0644);
    close((int)fd);
    ERR(syscall(SYS_openat2, dir, "in/new", &how, sizeof how), EEXIST);
    ERR(syscall(SYS_openat2, dir, "../new", &how, sizeof how), EXDEV);
    how.flags = O_CREAT | O_RDWR;
    how.resolve = RESOLVE_IN_ROOT;
    fd = syscall(SYS_openat2, dir, "/../made", &how, sizeof how);
    CHECK(fd >= 0);
    close((int)fd);
    EQ(access("d/made", F_OK), 0);
    /* A link that leads to a name that is missing is made where it leads. */
    EQ(symlinkat("/in/through", dir, "hole"), 0);
    fd = syscall(SYS_openat2, dir, "hole", &how, sizeof how);
    CHECK(fd >= 0);
    close((int)fd);
    EQ(access("d/in/through", F_OK), 0);
    how.resolve = RESOLVE_BENEATH;
    EQ(symlinkat("../outside", dir, "hole2"), 0);
    ERR(syscall(SYS_openat2, dir, "hole2", &how, sizeof how), EXDEV);
    ERR(access("outside", F_OK), ENOENT);
}

int main(void)
{
    EQ(mkdir("o2", 0755), 0);
    EQ(chdir("o2"), 0);
    EQ(mkdir("d", 0755), 0);
    EQ(mkdir("d/in", 0755), 0);
    close(open("file", O_CREAT | O_WRONLY, 0644));
    close(open("d/in/f", O_CREAT | O_WRONLY, 0644));
    EQ(symlink("in/f", "d/rel"), 0);
    EQ(symlink("in", "d/indir"), 0);
    EQ(symlink("/in/f", "d/abs"), 0);
    EQ(symlink("../../in/f", "d/up"), 0);
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    struct_rules();
    resolving(dir);
    making(dir);
    return done();
}
