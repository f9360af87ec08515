/* guest-test: flags=-Wno-nonnull */
/* chroot(2): where paths, "..", links and getcwd lead from then on, and who may. */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "guest.h"

static void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    OK(fd);
    EQ(write(fd, text, strlen(text)), (long)strlen(text));
    close(fd);
}

static int has(const char *path, const char *text)
{
    char buf[64] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    return n >= 0 && strcmp(buf, text) == 0;
}

static void refused(void)
{
    gid_t none = 1;

    ERR(chroot("jail/none"), ENOENT);
    ERR(chroot("jail/etc/name"), ENOTDIR);
    ERR(chroot(""), ENOENT);
    ERR(chroot((char *)8), EFAULT);
    EQ(mkdir("locked", 0700), 0);
    EQ(setgroups(1, &none), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 0, 0), 0);
    EQ(seteuid(1000), 0);
    ERR(chroot("locked"), EACCES); /* the right to search comes first */
    ERR(chroot("jail"), EPERM);
    EQ(seteuid(0), 0);
}

int main(void)
{
    char cwd[4096], text[64];
    struct stat st, root;

    EQ(mkdir("jail", 0755), 0);
    EQ(mkdir("jail/etc", 0755), 0);
    EQ(mkdir("jail/deep", 0755), 0);
    EQ(mkdir("jail/deep/er", 0755), 0);
    put("jail/etc/name", "inside");
    put("secret", "outside");
    EQ(symlink("/etc/name", "jail/abs"), 0);
    EQ(symlink("../../../../secret", "jail/up"), 0);
    EQ(symlink("../../etc/name", "jail/deep/over"), 0);
    refused();
    int out = open(".", O_RDONLY | O_DIRECTORY), in = open("jail/deep/er", O_RDONLY | O_DIRECTORY);
    CHECK(out >= 0 && in >= 0);
    EQ(stat("jail", &root), 0);
    EQ(chroot("jail"), 0);
    /* The current directory is where it was: outside. */
    CHECK(has("secret", "outside"));
    CHECK(has("jail/etc/name", "inside"));
    CHECK(syscall(SYS_getcwd, cwd, sizeof cwd) > 0);
    CHECK(strncmp(cwd, "(unreachable)/", 14) == 0);
    CHECK(getcwd(cwd, sizeof cwd) == NULL && errno == ENOENT); /* as the C library tells it */
    CHECK(has("/etc/name", "inside"));
    CHECK(has("/abs", "inside"));
    CHECK(has("/deep/over", "inside"));
    CHECK(has("/../../etc/name", "inside"));
    ERR(open("/up", O_RDONLY), ENOENT);
    ERR(open("/secret", O_RDONLY), ENOENT);
    ERR(open("/deep/../../secret", O_RDONLY), ENOENT);
    EQ(stat("/", &st), 0);
    EQ(st.st_ino, root.st_ino);
    EQ(stat("/..", &st), 0);
    EQ(st.st_ino, root.st_ino);
    /* A link is followed from the new root, also when it is met outside. */
    EQ(symlinkat("/etc/name", out, "link"), 0);
    CHECK(has("link", "inside"));
    EQ(chdir("/deep/er"), 0);
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    CHECK(strcmp(cwd, "/deep/er") == 0);
    EQ(chdir("../../../.."), 0);
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    CHECK(strcmp(cwd, "/") == 0);
    EQ(fchdir(in), 0);
    CHECK(getcwd(cwd, sizeof cwd) != NULL && strcmp(cwd, "/deep/er") == 0);
    CHECK(openat(out, "secret", O_RDONLY) >= 0);
    /* Making and moving names. */
    put("/new", "made");
    EQ(rename("/new", "/deep/new"), 0);
    EQ(fstatat(out, "jail/deep/new", &st, 0), 0);
    EQ(st.st_size, 4);
    EQ(readlinkat(out, "jail/abs", text, sizeof text), 9);
    /* The root moves with its directory. */
    EQ(renameat(out, "jail", out, "prison"), 0);
    CHECK(has("/deep/new", "made"));
    ERR(openat(out, "jail/etc/name", O_RDONLY), ENOENT);
    /* One within the other, and the way out that a directory outside gives to root. */
    EQ(chroot("/deep"), 0);
    CHECK(has("/new", "made"));
    ERR(open("/etc/name", O_RDONLY), ENOENT);
    EQ(fchdir(out), 0);
    EQ(chroot("."), 0);
    CHECK(has("/secret", "outside"));
    CHECK(has("/prison/deep/new", "made"));
    return done();
}
