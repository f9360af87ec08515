/* guest-test: */
/* inotify: which events come in which order, the flags of a watch, and a file that came with the
 * image. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

static _Alignas(struct inotify_event) char buf[8192];
static int in;

/* The next event must be this one; the rest stays in the queue. */
static uint32_t next(int wd, uint32_t mask, const char *name)
{
    static long have, at;
    if (at >= have) {
        have = read(in, buf, sizeof buf);
        at = 0;
        if (have <= 0) {
            FAIL("no event, want %x %s (errno %d)", mask, name, errno);
            have = 0;
            return 0;
        }
    }
    struct inotify_event *e = (void *)(buf + at);
    at += (long)sizeof *e + e->len;
    const char *got = e->len ? e->name : "";
    if (e->wd != wd || e->mask != mask || strcmp(got, name) != 0)
        FAIL("event %d %x %s, want %d %x %s", e->wd, e->mask, got, wd, mask, name);
    return e->cookie;
}

static void none(void)
{
    int n = -1;
    EQ(ioctl(in, FIONREAD, &n), 0);
    EQ(n, 0);
}

static void put(const char *path, const char *text, int flags)
{
    int fd = open(path, O_WRONLY | flags, 0644);
    CHECK(fd >= 0);
    EQ(write(fd, text, strlen(text)), (long)strlen(text));
    close(fd);
}

static void directory(void)
{
    EQ(mkdir("in-d", 0755), 0);
    int wd =
        inotify_add_watch(in, "in-d", IN_ALL_EVENTS & ~(IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE));
    CHECK(wd > 0);
    put("in-d/a", "x", O_CREAT);
    next(wd, IN_CREATE, "a");
    next(wd, IN_MODIFY, "a");
    next(wd, IN_CLOSE_WRITE, "a");
    EQ(chmod("in-d/a", 0600), 0);
    next(wd, IN_ATTRIB, "a");
    EQ(rename("in-d/a", "in-d/b"), 0);
    uint32_t cookie = next(wd, IN_MOVED_FROM, "a");
    CHECK(cookie != 0);
    EQ(next(wd, IN_MOVED_TO, "b"), cookie);
    EQ(rename("in-d/b", "in-out"), 0);
    next(wd, IN_MOVED_FROM, "b");
    EQ(rename("in-out", "in-d/c"), 0);
    next(wd, IN_MOVED_TO, "c");
    EQ(link("in-d/c", "in-d/c2"), 0);
    next(wd, IN_CREATE, "c2");
    EQ(symlink("c", "in-d/l"), 0);
    next(wd, IN_CREATE, "l");
    EQ(mkdir("in-d/sub", 0755), 0);
    next(wd, IN_CREATE | IN_ISDIR, "sub");
    EQ(rmdir("in-d/sub"), 0);
    next(wd, IN_DELETE | IN_ISDIR, "sub");
    EQ(unlink("in-d/l"), 0);
    next(wd, IN_DELETE, "l");
    EQ(unlink("in-d/c2"), 0);
    next(wd, IN_DELETE, "c2");
    EQ(unlink("in-d/c"), 0);
    next(wd, IN_DELETE, "c");
    EQ(rename("in-d", "in-e"), 0);
    next(wd, IN_MOVE_SELF, "");
    EQ(rmdir("in-e"), 0);
    next(wd, IN_DELETE_SELF, "");
    next(wd, IN_IGNORED, "");
    none();
    ERR(inotify_rm_watch(in, wd), EINVAL);
}

static void flags(void)
{
    put("in-f", "1", O_CREAT);
    int wd = inotify_add_watch(in, "in-f", IN_MODIFY);
    ERR(inotify_add_watch(in, "in-f", IN_ATTRIB | IN_MASK_CREATE), EEXIST);
    ERR(inotify_add_watch(in, "in-f", IN_ATTRIB | IN_MASK_CREATE | IN_MASK_ADD), EINVAL);
    ERR(inotify_add_watch(in, "in-f", IN_ATTRIB | IN_ONLYDIR), ENOTDIR);
    EQ(inotify_add_watch(in, "in-f", IN_ATTRIB | IN_MASK_ADD), wd);
    EQ(chmod("in-f", 0600), 0);
    next(wd, IN_ATTRIB, "");
    put("in-f", "2", 0);
    next(wd, IN_MODIFY, "");
    EQ(inotify_add_watch(in, "in-f", IN_ATTRIB), wd); /* in place of what was */
    put("in-f", "3", 0);
    none();
    EQ(inotify_rm_watch(in, wd), 0);
    next(wd, IN_IGNORED, "");
    wd = inotify_add_watch(in, "in-f", IN_MODIFY | IN_ONESHOT);
    put("in-f", "4", 0);
    next(wd, IN_MODIFY, "");
    next(wd, IN_IGNORED, "");
    put("in-f", "5", 0);
    none();
    EQ(symlink("in-f", "in-l"), 0);
    wd = inotify_add_watch(in, "in-l", IN_DELETE_SELF | IN_DONT_FOLLOW);
    CHECK(wd > 0);
    EQ(unlink("in-l"), 0);
    next(wd, IN_DELETE_SELF, "");
    next(wd, IN_IGNORED, "");
    /* The same twice is one event. */
    wd = inotify_add_watch(in, "in-f", IN_MODIFY);
    int fd = open("in-f", O_WRONLY);
    EQ(write(fd, "a", 1), 1);
    EQ(write(fd, "b", 1), 1);
    close(fd);
    next(wd, IN_MODIFY, "");
    none();
    ERR(read(in, buf, sizeof buf), EAGAIN);
    put("in-f", "6", 0);
    ERR(read(in, buf, 8), EINVAL); /* too small for the next event */
    next(wd, IN_MODIFY, "");
    EQ(inotify_rm_watch(in, wd), 0);
    next(wd, IN_IGNORED, "");
}

/* Another process writes to what nobody has written to before. */
static void image(void)
{
    if (access("/etc/passwd", W_OK) < 0)
        return;
    int wd = inotify_add_watch(in, "/etc/passwd", IN_MODIFY | IN_CLOSE_WRITE), status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        put("/etc/passwd", "#\n", O_APPEND);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    next(wd, IN_MODIFY, "");
    next(wd, IN_CLOSE_WRITE, "");
    EQ(inotify_rm_watch(in, wd), 0);
    next(wd, IN_IGNORED, "");
}

/* What may not be read may not be watched; nobody asks who may write or search it. */
static void refused(void)
{
    static char name[NAME_MAX + 2], path[PATH_MAX + 1];
    struct rlimit none = {0, 0};
    gid_t group = 1;

    memset(name, 'n', sizeof name - 1);
    memset(path, '/', sizeof path - 1);
    ERR(inotify_add_watch(in, name, IN_MODIFY), ENAMETOOLONG);
    ERR(inotify_add_watch(in, path, IN_MODIFY), ENAMETOOLONG);
    EQ(symlink("loop", "loop"), 0);
    ERR(inotify_add_watch(in, "loop", IN_MODIFY), ELOOP);
    OK(inotify_add_watch(in, "loop", IN_MODIFY | IN_DONT_FOLLOW));
    put("unread", "", O_CREAT);
    EQ(chmod("unread", 0622), 0);
    EQ(mkdir("searched", 0711), 0);
    EQ(mkdir("listed", 0744), 0);
    EQ(mkdir("locked", 0700), 0);
    EQ(setgroups(1, &group), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(inotify_add_watch(in, "unread", IN_MODIFY), EACCES);
    ERR(inotify_add_watch(in, "unread", IN_MODIFY | IN_ONLYDIR), ENOTDIR);
    ERR(inotify_add_watch(in, "searched", IN_CREATE), EACCES);
    ERR(inotify_add_watch(in, "locked/none", IN_CREATE), EACCES);
    OK(inotify_add_watch(in, "listed", IN_CREATE));
    EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    ERR(inotify_init1(0), EMFILE);
    ERR(inotify_init1(1), EINVAL);
}

int main(void)
{
    in = inotify_init1(IN_NONBLOCK);
    CHECK(in >= 0);
    ERR(inotify_add_watch(in, "none", IN_MODIFY), ENOENT);
    ERR(inotify_add_watch(in, (char *)8, IN_MODIFY), EFAULT);
    ERR(inotify_add_watch(-1, ".", IN_MODIFY), EBADF);
    ERR(inotify_add_watch(in, ".", 0), EINVAL);
    directory();
    flags();
    image();
    refused();
    return done();
}
