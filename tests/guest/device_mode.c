/* The host's device nodes are out of reach of fchmod, fchown and futimens through an open
 * descriptor. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "guest.h"

int main(void)
{
    static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
    for (int i = 0; i < 3; i++) {
        struct stat before, after;
        struct timespec times[2] = {{1, 0}, {1, 0}};
        int fd = open(names[i], O_RDWR);
        CHECK(fd >= 0);
        EQ(fstat(fd, &before), 0);
        CHECK(fchmod(fd, 0) == 0 || errno == EPERM);
        CHECK(chmod(names[i], 0) == 0 || errno == EPERM);
        CHECK(futimens(fd, times) == 0 || errno == EPERM);
        (void)!fchown(fd, 1000, 1000);
        int again = open(names[i], O_RDWR);
        CHECK(again >= 0);
        EQ(fstat(again, &after), 0);
        EQ(after.st_mode, before.st_mode);
        EQ(after.st_uid, before.st_uid);
        EQ(after.st_mtime, before.st_mtime);
        close(again);
        close(fd);
    }
    return done();
}
