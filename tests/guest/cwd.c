/* guest-test: flags=-Wno-nonnull */
/* The current directory: where it may not be, by name and by descriptor, and what its name is. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

static char name[NAME_MAX + 2], path[PATH_MAX + 1];

static void names(void)
{
    memset(name, 'n', sizeof name - 1);
    memset(path, '/', sizeof path - 1);
    EQ(symlink("loop", "loop"), 0);
    EQ(symlink("none", "dangling"), 0);
    close(open("file", O_CREAT | O_WRONLY, 0600));

    ERR(chdir("loop"), ELOOP);
    ERR(chdir("loop/x"), ELOOP);
    ERR(chdir("dangling"), ENOENT);
    ERR(chdir(name), ENAMETOOLONG);
    ERR(chdir(path), ENAMETOOLONG);
    ERR(chdir(""), ENOENT);
    ERR(chdir((char *)8), EFAULT);
    ERR(chdir("file"), ENOTDIR);
    ERR(chdir("file/x"), ENOTDIR);
    ERR(chroot("loop"), ELOOP);
    ERR(chroot("dangling"), ENOENT);
    ERR(chroot(name), ENAMETOOLONG);
    ERR(chroot(path), ENAMETOOLONG);
    path[PATH_MAX - 1] = 0;
    EQ(chdir(path), 0); /* all slashes, and not too many */
    EQ(chdir("/tmp"), 0);
}

static void descriptors(void)
{
    int file = open("file", O_RDONLY), dir = open(".", O_PATH);

    ERR(fchdir(-1), EBADF);
    ERR(fchdir(file), ENOTDIR);
    EQ(fchdir(dir), 0);
    close(dir);
    ERR(fchdir(dir), EBADF);
    close(file);
}

/* What is asked first of who may not: whether it is a directory, whether it may be searched. */
static void refused(void)
{
    gid_t none = 1;

    EQ(mkdir("locked", 0700), 0);
    EQ(mkdir("listed", 0744), 0);
    EQ(mkdir("locked/inner", 0777), 0);
    int locked = open("locked", O_RDONLY), listed = open("listed", O_PATH),
        inner = open("locked/inner", O_RDONLY), file = open("file", O_RDONLY);
    EQ(setgroups(1, &none), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(chdir("locked"), EACCES);
    ERR(chdir("listed"), EACCES);
    ERR(chdir("locked/none"), EACCES);
    ERR(fchdir(locked), EACCES);
    ERR(fchdir(listed), EACCES);
    ERR(fchdir(file), ENOTDIR);
    ERR(chroot("file"), ENOTDIR);
    ERR(chroot("locked"), EACCES);
    ERR(chroot("/tmp"), EPERM);
    EQ(fchdir(inner), 0);
    CHECK(getcwd(path, sizeof path) != NULL); /* nobody asks who may search what is above */
    CHECK(strcmp(path, "/tmp/locked/inner") == 0);
    ERR(chdir(".."), EACCES);
    EQ(chdir("."), 0);
}

static void lengths(void)
{
    ERR(syscall(SYS_getcwd, path, 0), ERANGE);
    ERR(syscall(SYS_getcwd, path, 4), ERANGE);
    ERR(syscall(SYS_getcwd, 8, 4), ERANGE); /* before the buffer is looked at */
    ERR(syscall(SYS_getcwd, 8, sizeof path), EFAULT);
    EQ(syscall(SYS_getcwd, path, 5), 5);
}

/* A name that is itself not too long, but for the mark of what lies outside of the root. */
static void outside(void)
{
    EQ(mkdir("root", 0755), 0);
    for (int left = PATH_MAX - 6 - 4; left > 1; left -= NAME_MAX + 1) {
        memset(name, 'd', NAME_MAX);
        name[left - 1 < NAME_MAX ? left - 1 : NAME_MAX] = 0;
        EQ(mkdir(name, 0777), 0);
        EQ(chdir(name), 0);
    }
    EQ(chroot("/tmp/root"), 0);
    ERR(syscall(SYS_getcwd, path, sizeof path), ENAMETOOLONG);
    ERR(syscall(SYS_getcwd, path, 1), ENAMETOOLONG);
    EQ(chdir("/"), 0);
    EQ(syscall(SYS_getcwd, path, 2), 2);
}

int main(void)
{
    names();
    descriptors();
    lengths();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        outside();
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    int status = -1;
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    refused();
    return done();
}
