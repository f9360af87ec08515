/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Listing directories: every name once, offsets that can be gone back to, names that go while one
 * reads. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "guest.h"

#define FILES 300

static void name_of(char *buf, int i)
{
    sprintf(buf, "dirs-test/name-%d", i);
}

int main(void)
{
    char name[64], raw[4096];
    int seen[FILES] = {0}, dots = 0, n, others = 0;
    struct dirent *d;
    struct stat st;

    EQ(mkdir("dirs-test", 0755), 0);
    for (int i = 0; i < FILES; i++) {
        name_of(name, i);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        CHECK(fd >= 0);
        close(fd);
    }
    DIR *dir = opendir("dirs-test");
    CHECK(dir != NULL);
    while ((d = readdir(dir)) != NULL) {
        if (sscanf(d->d_name, "name-%d", &n) == 1 && n >= 0 && n < FILES) {
            seen[n]++;
            CHECK(d->d_type == DT_REG || d->d_type == DT_UNKNOWN);
            sprintf(name, "dirs-test/%s", d->d_name);
            EQ(stat(name, &st), 0);
            EQ(st.st_ino, d->d_ino);
        } else if (d->d_name[0] == '.')
            dots++;
        else
            others++;
    }
    EQ(dots, 2);
    EQ(others, 0);
    for (int i = 0; i < FILES; i++)
        EQ(seen[i], 1);

    /* Back to a remembered place. */
    rewinddir(dir);
    for (int i = 0; i < 50; i++)
        CHECK(readdir(dir) != NULL);
    long at = telldir(dir);
    d = readdir(dir);
    CHECK(d != NULL);
    strcpy(name, d->d_name);
    for (int i = 0; i < 100; i++)
        CHECK(readdir(dir) != NULL);
    seekdir(dir, at);
    d = readdir(dir);
    CHECK(d != NULL && strcmp(d->d_name, name) == 0);

    /* Removing what is read. */
    rewinddir(dir);
    n = 0;
    while ((d = readdir(dir)) != NULL)
        if (d->d_name[0] != '.') {
            EQ(unlinkat(dirfd(dir), d->d_name, 0), 0);
            n++;
        }
    EQ(n, FILES);
    closedir(dir);
    EQ(rmdir("dirs-test"), 0);

    int fd = open("/", O_RDONLY | O_DIRECTORY);
    ERR(syscall(SYS_getdents64, fd, raw, 1), EINVAL);
    ERR(syscall(SYS_getdents64, fd, 8, 4096), EFAULT);
    close(fd);
    ERR(syscall(SYS_getdents64, fd, raw, sizeof raw), EBADF);
    fd = open("/dev/null", O_RDONLY);
    ERR(syscall(SYS_getdents64, fd, raw, sizeof raw), ENOTDIR);
    close(fd);
    fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    CHECK(syscall(SYS_getdents64, fd, raw, sizeof raw) > 0);
    EQ(syscall(SYS_getdents64, fd, raw, sizeof raw), 0);
    close(fd);
    return done();
}
