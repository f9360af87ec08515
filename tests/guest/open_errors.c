/* What openat(2) and truncate(2) say that has to do with neither the path nor rights on it: a
 * program that is running, a seal, a limit, a driver. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

#define SELF "/bin/open_errors"

/* What runs is not written, though rights on it would allow it. */
static void running(void)
{
    ERR(open(SELF, O_WRONLY), ETXTBSY);
    ERR(open(SELF, O_RDWR | O_CREAT, 0755), ETXTBSY);
    ERR(open(SELF, O_RDONLY | O_TRUNC), ETXTBSY);
    ERR(open("/proc/self/exe", O_WRONLY), ETXTBSY);
    ERR(truncate(SELF, 0), ETXTBSY);
    ERR(truncate("/proc/self/exe", 0), ETXTBSY);
    EQ(access(SELF, W_OK), 0);
    EQ(chmod(SELF, 0755), 0);
    EQ(rename(SELF, SELF "2"), 0);
    EQ(rename(SELF "2", SELF), 0);
}

/* Nor what another process runs, until it ends. `end` is what that waits for. */
static void running_elsewhere(void)
{
    int begun[2], end[2], status, from = open(SELF, O_RDONLY);
    char number[16], c;
    struct stat st;

    int to = open("copy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    EQ(fstat(from, &st), 0);
    EQ(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
    close(from);
    close(to);
    EQ(pipe2(begun, O_CLOEXEC), 0);
    EQ(pipe(end), 0);
    sprintf(number, "%d", end[0]);
    pid_t pid = fork();
    if (pid == 0) {
        close(end[1]);
        execl("copy", "copy", number, NULL);
        _exit(127);
    }
    close(begun[1]);
    EQ(read(begun[0], &c, 1), 0);
    ERR(open("copy", O_WRONLY), ETXTBSY);
    EQ(link("copy", "other"), 0);
    ERR(open("other", O_RDWR), ETXTBSY);
    EQ(unlink("copy"), 0);
    ERR(truncate("other", 0), ETXTBSY);
    close(end[1]);
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(truncate("other", 0), 0);
    close(begun[0]);
    close(end[0]);
}

static void drivers(void)
{
    EQ(mkfifo("fifo", 0600), 0);
    ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    ERR(open("/dev/null", O_RDONLY | O_DIRECTORY), ENOTDIR);
    ERR(open("/dev/full", O_CREAT | O_EXCL, 0600), EEXIST);
}

static void truncated(void)
{
    struct rlimit limit = {8192, 8192};
    int fd = open("file", O_CREAT | O_RDWR, 0644), sealed = memfd_create("m", MFD_ALLOW_SEALING);
    char path[64];

    EQ(ftruncate(sealed, 100), 0);
    EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    sprintf(path, "/proc/self/fd/%d", sealed);
    ERR(truncate(path, 10), EPERM);
    ERR(ftruncate(sealed, 10), EPERM);
    EQ(truncate(path, 200), 0);
    EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW), 0);
    ERR(truncate(path, 300), EPERM);
    EQ(truncate(path, 200), 0);
    close(sealed);
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EQ(truncate("file", 8192), 0);
    ERR(truncate("file", 8193), EFBIG);
    ERR(ftruncate(fd, 8193), EFBIG);
    EQ(truncate("file", 0), 0);
    close(fd);
    ERR(truncate("fifo", 0), EINVAL);
    ERR(truncate("/dev/null", 0), EINVAL);
    ERR(ftruncate(fd, 0), EBADF);
    fd = open(".", O_RDONLY);
    ERR(ftruncate(fd, 0), EINVAL);
    close(fd);
}

int main(int argc, char **argv)
{
    char c;

    if (argc > 1)
        return read(atoi(argv[1]), &c, 1) != 0;
    EQ(mkdir("open-errors", 0755), 0);
    EQ(chdir("open-errors"), 0);
    running();
    running_elsewhere();
    drivers();
    truncated();
    return done();
}
