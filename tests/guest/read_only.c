/* guest-test: flags=-Wno-nonnull */
/* A mount that refuses writes: which calls it refuses, with EROFS, and what they see before that.
 */
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "path_calls.h"

static void paths(void)
{
    each(MAKES, 0, AT_FDCWD, "new", EROFS);
    each(MAKES, 0, AT_FDCWD, "dir/new", EROFS);
    each(REMOVES, 0, AT_FDCWD, "file", EROFS);
    each(REMOVES, 0, AT_FDCWD, "dir", EROFS);
    each(CHANGES | OWNERS_ONLY, 0, AT_FDCWD, "file", EROFS);
    ERR(rename("file", "dir/new"), EROFS);
    ERR(rename("file", "dir"), EROFS);
    /* Whether the name is there is asked first of what makes one, and not of what removes one. */
    each(MAKES, MOVES, AT_FDCWD, "dir", EEXIST);
    each(REMOVES, 0, AT_FDCWD, "none", EROFS);
    each(CHANGES | OWNERS_ONLY, CREATES, AT_FDCWD, "none", ENOENT);
    each(CREATES, 0, AT_FDCWD, "none", EROFS);
    each(MAKES | REMOVES | CHANGES | OWNERS_ONLY, 0, AT_FDCWD, "none/x", ENOENT);
    each(MAKES | REMOVES | CHANGES | OWNERS_ONLY, 0, AT_FDCWD, "file/x", ENOTDIR);
    ERR(unlink("."), EISDIR);
    ERR(rmdir("."), EINVAL);
    ERR(rename(".", "new"), EBUSY);
    ERR(unlink("file/"), EROFS);
    ERR(mkdir("new/", 0755), EROFS);
    ERR(symlink("x", "new/"), ENOENT);
    /* From one mount to another is refused as such. */
    ERR(rename("file", "/tmp/new"), EXDEV);
    ERR(rename("none", "/tmp/new"), EXDEV);
    ERR(rename("/bin/read_only", "new"), EXDEV);
    ERR(link("file", "/tmp/new"), EXDEV);
    ERR(link("/bin/read_only", "new"), EROFS);
    ERR(link("dir", "new"), EROFS);
}

static void opening(void)
{
    int fd = open("file", O_RDONLY | O_CREAT, 0600);

    CHECK(fd >= 0);
    ERR(ftruncate(fd, 0), EINVAL);
    ERR(fchmod(fd, 0600), EROFS);
    ERR(fchown(fd, 1, 1), EROFS);
    ERR(fchown(fd, -1, -1), EROFS);
    ERR(futimens(fd, NULL), EROFS);
    EQ(fsync(fd), 0);
    close(fd);
    ERR(open("file", O_RDWR), EROFS);
    ERR(open("file", O_RDONLY | O_TRUNC), EROFS);
    ERR(open("file", O_WRONLY | O_DIRECTORY), ENOTDIR);
    ERR(open("file", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    ERR(open("new", O_RDONLY | O_CREAT, 0600), EROFS);
    ERR(open("new/", O_RDONLY | O_CREAT, 0600), EISDIR);
    ERR(open("dir", O_WRONLY), EISDIR);
    ERR(open("dir", O_RDONLY | O_CREAT, 0600), EISDIR);
    ERR(open(".", O_TMPFILE | O_WRONLY, 0600), EROFS);
    ERR(truncate("dir", 0), EISDIR);
    ERR(truncate("file", -1), EINVAL);
    ERR(access("dir", W_OK), EROFS);
    EQ(access("file", R_OK), 0);
    ERR(access("file", X_OK), EACCES);
    ERR(access("file", W_OK | X_OK), EACCES);
}

static void others(void)
{
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    struct sockaddr_un address = {AF_UNIX, "socket"};
    struct statfs fs;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ERR(bind(fd, (struct sockaddr *)&address, sizeof(address)), EROFS);
    close(fd);
    EQ(utimensat(AT_FDCWD, "file", omit, 0), 0);
    EQ(statfs(".", &fs), 0);
    CHECK(fs.f_flags & 1 /* ST_RDONLY */);
    EQ(statfs("/tmp", &fs), 0);
    CHECK(!(fs.f_flags & 1));
}

/* Who has no right on the object: some calls ask that first. */
static void unprivileged(void)
{
    each(MAKES, 0, AT_FDCWD, "new", EROFS);
    each(REMOVES, 0, AT_FDCWD, "file", EROFS);
    each(OWNERS_ONLY, 0, AT_FDCWD, "file", EROFS);
    ERR(truncate("file", 0), EROFS);
    ERR(utimensat(AT_FDCWD, "file", NULL, 0), EROFS);
    ERR(open("new", O_WRONLY | O_CREAT, 0600), EROFS);
    ERR(open("file", O_RDONLY | O_TRUNC), EROFS);
    ERR(open(".", O_TMPFILE | O_WRONLY, 0600), EROFS);
    ERR(open("file", O_WRONLY), EACCES);
    ERR(access("file", W_OK), EACCES);
}

int main(void)
{
    int status;

    EQ(chdir("/ro"), 0);
    paths();
    opening();
    others();
    pid_t pid = fork();
    if (pid == 0) {
        EQ(setresgid(1000, 1000, 1000), 0);
        EQ(setresuid(1000, 1000, 1000), 0);
        unprivileged();
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    return done();
}
