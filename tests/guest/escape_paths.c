/* guest-test: flags=-pthread,-Wno-format-truncation args=/canary */
/*
 * Ways out of the root: escape_paths CANARY [INODE], where CANARY is the host's path of a file
 * outside that says SECRET, one directory above the root. test_escapes.py puts it there, together
 * with a directory of links that lead to it (mounted at /vol), and looks afterwards whether
 * anything outside has changed. No way may read it, reach its inode, or make anything beside it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "guest.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static const char *canary, *name;
static unsigned long inode;
static int
    removing; /* attack_at() removes, too: not where a link itself would go that is used again */

static void judge(int dirfd, const char *path, int fd)
{
    char text[16] = "";
    struct stat st;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && inode && st.st_ino == inode)
        FAIL("%d %s: the canary itself", dirfd, path);
    if (pread(fd, text, 6, 0) == 6 && !strcmp(text, "SECRET"))
        FAIL("%d %s: the canary's text", dirfd, path);
    close(fd);
}

/* Read, write, look at and change what path names from dirfd. What is written is not the canary's
 * text. */
static void attack_at(int dirfd, const char *path)
{
    struct stat st;
    char target[256];
    struct {
        unsigned long flags, mode, resolve;
    } how = {O_RDONLY | O_NONBLOCK, 0, 0};
    judge(dirfd, path, openat(dirfd, path, O_RDONLY | O_NONBLOCK));
    judge(dirfd, path, openat(dirfd, path, O_PATH));
    judge(dirfd, path, openat(dirfd, path, O_PATH | O_NOFOLLOW));
    for (unsigned bit = 1; bit <= 0x20; bit <<= 1) {
        how.resolve = bit;
        judge(dirfd, path, (int)syscall(437 /* openat2 */, dirfd, path, &how, sizeof(how)));
    }
    if (fstatat(dirfd, path, &st, 0) == 0 && inode && st.st_ino == inode)
        FAIL("%d %s: stat reaches the canary", dirfd, path);
    int fd = openat(dirfd, path, O_WRONLY | O_TRUNC | O_NONBLOCK);
    if (fd >= 0) {
        (void)!write(fd, "OWNED\n", 6);
        close(fd);
    }
    faccessat(dirfd, path, W_OK, 0);
    (void)!readlinkat(dirfd, path, target, sizeof(target));
    fchmodat(dirfd, path, 0777, 0);
    utimensat(dirfd, path, NULL, 0);
    if (linkat(dirfd, path, AT_FDCWD, "/tmp/link-to-canary", AT_SYMLINK_FOLLOW) == 0) {
        judge(-1, "/tmp/link-to-canary", open("/tmp/link-to-canary", O_RDONLY | O_NONBLOCK));
        unlink("/tmp/link-to-canary");
    }
    linkat(AT_FDCWD, "/etc/passwd", dirfd, path, 0);
    symlinkat("/etc/passwd", dirfd, path);
    renameat(AT_FDCWD, "/tmp/nothing-there", dirfd, path);
    mkdirat(dirfd, path, 0777);
    if (mknodat(dirfd, path, S_IFIFO | 0666, 0) == 0 || removing)
        unlinkat(dirfd, path, 0);
    unlinkat(dirfd, path, AT_REMOVEDIR);
    if (dirfd == AT_FDCWD) {
        truncate(path, 0);
        int sock = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un sun = {.sun_family = AF_UNIX};
        snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
        bind(sock, (struct sockaddr *)&sun, sizeof(sun));
        close(sock);
    }
}
static void attack(const char *path)
{
    attack_at(AT_FDCWD, path);
}

static char buffer[4096];
#define PATH(...) (snprintf(buffer, sizeof(buffer), __VA_ARGS__), buffer)

static void plain_paths(void)
{
    static const char *const prefixes[] = {
        "",
        "/",
        "/proc/self/root",
        "/proc/self/root/",
        "/proc/1/root/",
        "/proc/self/cwd/",
        "/proc/thread-self/root/",
        "/proc/self/fd/../root/",
        "/proc/self/task/1/root/",
        "/proc/1/cwd/",
        "/dev/fd/../",
        "/tmp/../",
        "/vol/",
        "/vol/../",
        "/dev/../",
        "/proc/../",
        "/etc/passwd/",
        "//",
        "/./",
        "/tmp/./",
    };
    static const char *const ups[] = {"",           "..",  "../..", "../../../../../../../../../..",
                                      "./..//../.", "...", ".. "};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        for (size_t k = 0; k < sizeof(ups) / sizeof(ups[0]); k++) {
            attack(PATH("%s%s/%s", prefixes[i], ups[k], name));
            attack(PATH("%s%s%s", prefixes[i], ups[k], canary));
        }
}

static void links(void)
{
    const char *targets[] = {canary, "/../canary", "../../../../canary",
                             "/proc/self/root/../canary", "/proc/self/cwd/../../canary"};
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s", canary);
    *strrchr(dir, '/') = 0;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        unlink("/tmp/out");
        unlink("/tmp/out2");
        OK(symlink(targets[i], "/tmp/out"));
        OK(symlink("out", "/tmp/out2"));
        attack("/tmp/out");
        attack("/tmp/out2");
        attack("/tmp/out/");
        attack("/tmp/out/../out2");
    }
    unlink("/tmp/dir");
    OK(symlink(dir[0] ? dir : "/..", "/tmp/dir"));
    attack(PATH("/tmp/dir/%s", name));
    attack(PATH("/tmp/dir/../%s", name));
    if (chdir("/tmp/dir") == 0) {
        attack(name);
        attack(PATH("../%s", name));
        OK(chdir("/tmp"));
    }
    attack("/vol/file"); /* links that were in a mounted directory before */
    attack("/vol/up");
    attack(PATH("/vol/dir/%s", name));
    attack(PATH("/vol/dirup/%s", name));
    attack(PATH("/vol/root/%s", name));
    if (chdir("/vol") == 0) {
        attack(PATH("../%s", name));
        attack(PATH("../../%s", name));
        attack(PATH("dirup/../%s", name));
        OK(chdir("/tmp"));
    }
}

static void descriptors(void)
{
    int root = open("/", O_RDONLY | O_DIRECTORY), vol = open("/vol", O_PATH | O_DIRECTORY),
        tmp = open("/tmp", O_PATH);
    int dirs[] = {root, vol, tmp, open("/proc", O_PATH), open("/dev", O_RDONLY | O_NONBLOCK)};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        if (dirs[i] < 0)
            continue;
        attack_at(dirs[i], PATH("../%s", name));
        attack_at(dirs[i], PATH("../../../%s", name));
        attack_at(dirs[i], canary);
        attack(PATH("/proc/self/fd/%d/../%s", dirs[i], name));
        attack(PATH("/proc/self/fd/%d/../../%s", dirs[i], name));
        attack(PATH("/proc/self/fd/%d%s", dirs[i], canary));
        if (fchdir(dirs[i]) == 0) {
            attack(PATH("../%s", name));
            attack(PATH("../../%s", name));
            OK(chdir("/tmp"));
        }
        close(dirs[i]);
    }
    /* A file without a name gets one outside? */
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0) {
        OK(write(fd, "OWNED\n", 6));
        char self[64];
        snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        linkat(AT_FDCWD, self, AT_FDCWD, PATH("/../planted"), AT_SYMLINK_FOLLOW);
        linkat(fd, "", AT_FDCWD, PATH("../../planted2"), AT_EMPTY_PATH);
        linkat(AT_FDCWD, self, AT_FDCWD, PATH("%s-planted", canary), AT_SYMLINK_FOLLOW);
        close(fd);
    }
    /* chroot inside, then ".." from a directory kept open: the classic way out. */
    if (mkdir("/tmp/jail", 0777) == 0 || errno == EEXIST) {
        int keep = open("/", O_RDONLY | O_DIRECTORY);
        attack_at(keep, PATH("../%s", name));
        close(keep);
    }
}

/* A directory that a walk stands in is moved up meanwhile, and swapped for a link that leads out.
 */
static volatile int stop;
static void *mover(void *arg)
{
    while (!stop) {
        rename("/tmp/r/a/b", "/b");
        rename("/b", "/tmp/r/a/b");
        syscall(SYS_renameat2, AT_FDCWD, "/tmp/r/x", AT_FDCWD, "/tmp/r/lx", RENAME_EXCHANGE);
        rename("/vol/deep/d", "/vol/d");
        rename("/vol/d", "/vol/deep/d");
        sched_yield();
    }
    return NULL;
}

static void moved(void)
{
    char dir[4096], up[4096];
    pthread_t thread;
    snprintf(dir, sizeof(dir), "%s", canary);
    *strrchr(dir, '/') = 0;
    mkdir("/tmp/r", 0777);
    mkdir("/tmp/r/a", 0777);
    mkdir("/tmp/r/a/b", 0777);
    mkdir("/tmp/r/a/b/c", 0777);
    mkdir("/tmp/r/x", 0777);
    mkdir("/vol/deep", 0777);
    mkdir("/vol/deep/d", 0777);
    mkdir("/vol/deep/d/e", 0777);
    unlink("/tmp/r/lx");
    OK(symlink(dir[0] ? dir : "/..", "/tmp/r/lx"));
    int c = open("/tmp/r/a/b/c", O_RDONLY | O_DIRECTORY),
        e = open("/vol/deep/d/e", O_RDONLY | O_DIRECTORY);
    OK(pthread_create(&thread, NULL, mover, NULL));
    for (int i = 0; i < 300; i++) {
        int ups = 1 + i % 7;
        up[0] = 0;
        for (int k = 0; k < ups; k++)
            strcat(up, "../");
        strcat(up, name);
        judge(c, up, openat(c, up, O_RDONLY | O_NONBLOCK));
        judge(e, up, openat(e, up, O_RDONLY | O_NONBLOCK));
        judge(-1, "a/b/c/..", open(PATH("/tmp/r/a/b/c/%s", up), O_RDONLY | O_NONBLOCK));
        judge(-1, "deep/d/e/..", open(PATH("/vol/deep/d/e/%s", up), O_RDONLY | O_NONBLOCK));
        judge(-1, "x", open(PATH("/tmp/r/x/%s", name), O_RDONLY | O_NONBLOCK));
        judge(-1, "lx", open(PATH("/tmp/r/lx/%s", name), O_RDONLY | O_NONBLOCK));
        int fd = open(PATH("/tmp/r/x/%s", name), O_WRONLY | O_TRUNC | O_NONBLOCK);
        if (fd >= 0) {
            (void)!write(fd, "OWNED\n", 6);
            close(fd);
        }
        unlink(PATH("/tmp/r/x/%s-gone", name));
        if (i % 16 == 0 && fchdir(c) == 0) {
            judge(-2, up, open(up, O_RDONLY | O_NONBLOCK));
            attack(PATH("%s", up));
        }
    }
    stop = 1;
    pthread_join(thread, NULL);
    OK(chdir("/tmp"));
    if (c >= 0)
        close(c);
    if (e >= 0)
        close(e);
}

/* A socket outside that listens cannot be reached by its path. */
static void sockets(void)
{
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s", canary);
    *strrchr(dir, '/') = 0;
    const char *paths[] = {"/../listening",           "../listening",
                           "../../../listening",      "/proc/self/root/../listening",
                           PATH("%s/listening", dir), "/vol/socket",
                           "/tmp/dir/listening"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct sockaddr_un sun = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (strlen(paths[i]) < sizeof(sun.sun_path)) {
            strcpy(sun.sun_path, paths[i]);
            if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
                FAIL("connected to %s", paths[i]);
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    canary = argc > 1 ? argv[1] : "/canary";
    inode = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    name = strrchr(canary, '/') + 1;
    OK(chdir("/tmp"));
    sockets();
    removing = 1;
    plain_paths();
    removing = 0;
    links();
    sockets();
    removing = 1;
    descriptors();
    removing = 0;
    moved();
    return done();
}
