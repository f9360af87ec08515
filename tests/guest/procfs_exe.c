/* /proc/<pid>/exe is the file that runs, whatever became of its name. */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

static void copy_to(int out)
{
    static char buf[1 << 16];
    int in = open("/proc/self/exe", O_RDONLY);
    long n;

    CHECK(in >= 0);
    while ((n = read(in, buf, sizeof buf)) > 0)
        EQ(write(out, buf, (size_t)n), n);
    close(in);
}

static void exe_is(const char *path, const char *want)
{
    char buf[PATH_MAX];
    long n = readlink(path, buf, sizeof buf - 1);

    buf[n > 0 ? n : 0] = '\0';
    if (strcmp(buf, want) != 0)
        FAIL("%s is \"%s\", want \"%s\" (errno %d)", path, buf, want, errno);
}

/* In the copy: say that it runs, and wait to be told to end. */
static int copy_main(void)
{
    char c;

    if (write(4, "r", 1) != 1)
        return 1;
    return read(3, &c, 1) == 1 ? 0 : 1;
}

static int down[2], up[2];

/* Start the copy by path, or by descriptor. */
static int start(const char *path, int fd)
{
    char c;

    OK(pipe(down));
    OK(pipe(up));
    int pid = fork();
    if (pid == 0) {
        char *argv[] = {"copy", "run", NULL}, *envp[] = {NULL};
        int in = dup(down[0]), out = dup(up[1]), file = fd >= 0 ? dup(fd) : -1;
        dup2(in, 3);
        dup2(out, 4);
        if (file >= 0) {
            dup2(file, 5);
            syscall(SYS_execveat, 5, "", argv, envp, AT_EMPTY_PATH);
        } else
            execve(path, argv, envp);
        _exit(127);
    }
    close(down[0]);
    close(up[1]);
    EQ(read(up[0], &c, 1), 1);
    return pid;
}

static void stop(int pid)
{
    int status = -1;

    EQ(write(down[1], "x", 1), 1);
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    close(down[1]);
    close(up[0]);
}

/* Both ways of looking: the link's text, and what opening it gives. */
static void check_exe(int pid, const char *want, const struct stat *file)
{
    char path[64], magic[4];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    exe_is(path, want);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    EQ(read(fd, magic, 4), 4);
    CHECK(memcmp(magic, "\177ELF", 4) == 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_ino, file->st_ino);
    EQ(st.st_size, file->st_size);
    EQ(stat(path, &st), 0);
    EQ(st.st_ino, file->st_ino);
    close(fd);
}

int main(int argc, char **argv)
{
    struct stat st;

    if (argc > 1)
        return copy_main();
    int fd = open("/tmp/exe-copy", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    copy_to(fd);
    EQ(fstat(fd, &st), 0);
    close(fd);
    int pid = start("/tmp/exe-copy", -1);
    check_exe(pid, "/tmp/exe-copy", &st);
    EQ(rename("/tmp/exe-copy", "/tmp/exe-renamed"), 0);
    check_exe(pid, "/tmp/exe-renamed", &st);
    EQ(unlink("/tmp/exe-renamed"), 0);
    check_exe(pid, "/tmp/exe-renamed (deleted)", &st);
    /* What is there now under that name is another file. */
    fd = open("/tmp/exe-renamed", O_CREAT | O_WRONLY, 0755);
    close(fd);
    check_exe(pid, "/tmp/exe-renamed (deleted)", &st);
    EQ(unlink("/tmp/exe-renamed"), 0);
    stop(pid);
    fd = memfd_create("program", 0);
    copy_to(fd);
    EQ(fstat(fd, &st), 0);
    pid = start(NULL, fd);
    close(fd);
    check_exe(pid, "/memfd:program (deleted)", &st);
    stop(pid);
    return done();
}
