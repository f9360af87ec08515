/* guest-test: reference=qemu */
/* Watching a directory and a file. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "guest.h"

#define BAD ((char *)8)

/* What a second watch of the same object does, and what it may be of. */
static void masks(int in)
{
    _Alignas(struct inotify_event) char buf[512];
    struct inotify_event *e = (void *)buf;
    int file = open("watched/file", O_CREAT | O_WRONLY, 0600);
    EQ(symlink("file", "watched/link"), 0);
    int wd = inotify_add_watch(in, "watched/file", IN_MODIFY);
    CHECK(wd > 0);
    EQ(inotify_add_watch(in, "watched/link", IN_ATTRIB), wd); /* instead of the first mask */
    EQ(write(file, "x", 1), 1);
    ERR(read(in, buf, sizeof buf), EAGAIN);
    EQ(inotify_add_watch(in, "watched/file", IN_MODIFY | IN_MASK_ADD), wd);
    ERR(inotify_add_watch(in, "watched/file", IN_MODIFY | IN_MASK_CREATE), EEXIST);
    ERR(inotify_add_watch(in, "watched/file", IN_MODIFY | IN_ONLYDIR), ENOTDIR);
    EQ(write(file, "y", 1), 1);
    ERR(read(in, buf, 8), EINVAL); /* no room for an event */
    EQ(read(in, buf, sizeof buf), sizeof *e);
    CHECK(e->wd == wd && e->mask == IN_MODIFY && e->len == 0 && e->cookie == 0);
    EQ(fchmod(file, 0640), 0);
    EQ(read(in, buf, sizeof buf), sizeof *e);
    EQ(e->mask, IN_ATTRIB);
    int link = inotify_add_watch(in, "watched/link", IN_DELETE_SELF | IN_DONT_FOLLOW);
    CHECK(link > 0 && link != wd);
    EQ(inotify_rm_watch(in, link), 0);
    EQ(read(in, buf, sizeof buf), sizeof *e);
    CHECK(e->wd == link && e->mask == IN_IGNORED);
    EQ(inotify_rm_watch(in, wd), 0);
    EQ(read(in, buf, sizeof buf), sizeof *e);
    CHECK(e->wd == wd && e->mask == IN_IGNORED);
    EQ(inotify_add_watch(in, "watched/file", IN_CLOSE | IN_ONESHOT) > wd, 1);
    close(file);
    EQ(read(in, buf, sizeof buf), 2 * sizeof *e);
    EQ(e[0].mask, IN_CLOSE_WRITE);
    EQ(e[1].mask, IN_IGNORED);
    EQ(unlink("watched/file"), 0);
    EQ(unlink("watched/link"), 0);
    ERR(read(in, buf, sizeof buf), EAGAIN);
}

int main(void)
{
    _Alignas(struct inotify_event) char buf[4096];
    int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    CHECK(in >= 0);
    EQ(fcntl(in, F_GETFD), FD_CLOEXEC);
    EQ(mkdir("watched", 0755), 0);
    int wd = inotify_add_watch(in, "watched", IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE);
    CHECK(wd > 0);
    ERR(read(in, buf, sizeof buf), EAGAIN);
    int fd = open("watched/new", O_CREAT | O_WRONLY, 0600);
    close(fd);
    EQ(rename("watched/new", "watched/newer"), 0);
    EQ(unlink("watched/newer"), 0);
    unsigned seen = 0;
    long n;
    while ((n = read(in, buf, sizeof buf)) > 0)
        for (char *p = buf; p < buf + n;) {
            struct inotify_event *e = (void *)p;
            EQ(e->wd, wd);
            if (e->mask & IN_CREATE)
                CHECK(strcmp(e->name, "new") == 0);
            if (e->mask & IN_DELETE)
                CHECK(strcmp(e->name, "newer") == 0);
            seen |= e->mask;
            p += sizeof *e + e->len;
        }
    EQ(seen & (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE),
       IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE);
    EQ(inotify_rm_watch(in, wd), 0);
    ERR(inotify_rm_watch(in, wd), EINVAL);
    EQ(read(in, buf, sizeof buf), sizeof(struct inotify_event));
    ERR(inotify_add_watch(in, "none", IN_CREATE), ENOENT);
    ERR(inotify_add_watch(in, "watched", 0), EINVAL);
    ERR(inotify_init1(1), EINVAL);
    ERR(inotify_init1(IN_NONBLOCK | 1), EINVAL);
    ERR(inotify_add_watch(0, BAD, IN_CREATE), EINVAL); /* no inotify descriptor */
    ERR(inotify_add_watch(900, BAD, IN_CREATE), EBADF);
    ERR(inotify_add_watch(-1, "watched", IN_CREATE), EBADF);
    ERR(inotify_add_watch(900, BAD, 0), EINVAL);
    ERR(inotify_add_watch(in, BAD, IN_CREATE), EFAULT);
    ERR(inotify_add_watch(in, "", IN_CREATE), ENOENT);
    ERR(inotify_add_watch(in, "watched/none/x", IN_CREATE), ENOENT);
    ERR(inotify_add_watch(in, "watched", IN_MASK_ADD | IN_MASK_CREATE | IN_CREATE), EINVAL);
    ERR(inotify_rm_watch(0, 1), EINVAL);
    ERR(inotify_rm_watch(900, 1), EBADF);
    ERR(read(in, buf, 8), EAGAIN);
    masks(in);
    close(in);
    EQ(rmdir("watched"), 0);
    return done();
}
