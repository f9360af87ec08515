/* guest-test: reference=qemu */
/* Watching a directory and a file. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "guest.h"

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
    ERR(inotify_add_watch(in, "none", IN_CREATE), ENOENT);
    ERR(inotify_add_watch(in, "watched", 0), EINVAL);
    ERR(inotify_init1(1), EINVAL);
    ERR(inotify_add_watch(0, "watched", IN_CREATE), EINVAL);
    close(in);
    EQ(rmdir("watched"), 0);
    return done();
}
