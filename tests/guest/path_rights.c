/* guest-test: flags=-Wno-nonnull */
/* What a user without rights gets of each call that takes a path, and what they are told of the
 * path first. The program makes the tree as root, and a child looks at it as user 1000. */
#include <sys/wait.h>

#include "path_calls.h"

static int locked, locked_path, in; /* as root opened them */

static void make(const char *path, mode_t mode, uid_t owner)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    close(fd);
    EQ(chmod(path, mode), 0);
    EQ(chown(path, owner, owner), 0);
}

static void tree(void)
{
    EQ(mkdir("path-rights", 0777), 0);
    EQ(chdir("path-rights"), 0);
    EQ(chmod(".", 0777), 0);
    make("file", 0644, 1000);
    EQ(mkdir("locked", 0700), 0);
    make("locked/in", 0666, 1000);
    EQ(mkdir("locked/dir", 0777), 0);
    EQ(symlink("locked/in", "to-locked"), 0);
    EQ(mkdir("shut", 0755), 0);
    make("shut/in", 0600, 0);
    make("shut/open", 0666, 0);
    EQ(symlink("in", "shut/link"), 0);
    EQ(mkdir("shut/full", 0755), 0);
    make("shut/full/in", 0644, 0);
    EQ(mkdir("sticky", 0777), 0);
    EQ(chmod("sticky", 01777), 0);
    make("sticky/in", 0666, 0);
    make("sticky/mine", 0600, 1000);
    EQ(mkdir("sticky/dir", 0777), 0);
    make("sticky/trap", 0666, 2000);
    EQ(mkdir("team", 0777), 0);
    EQ(chmod("team", 01770), 0);
    EQ(chown("team", 0, 1000), 0);
    make("team/trap", 0666, 2000);
    EQ(mkdir("alone", 0777), 0);
    EQ(chmod("alone", 01755), 0);
    make("alone/trap", 0666, 2000);
    locked = open("locked", O_RDONLY | O_DIRECTORY);
    locked_path = open("locked", O_PATH | O_DIRECTORY);
    in = open("shut/in", O_RDWR);
}

/* Nothing is looked up in a directory that may not be searched. */
static void searching(void)
{
    char name[300];

    each(0, 0, AT_FDCWD, "locked/in", EACCES);
    each(0, 0, AT_FDCWD, "locked/none", EACCES);
    each(0, 0, AT_FDCWD, "locked/dir/x", EACCES);
    each(0, 0, AT_FDCWD, "locked/none/x", EACCES);
    each(0, 0, AT_FDCWD, "locked/in/x", EACCES);
    each(FOLLOWS, 0, AT_FDCWD, "to-locked", EACCES);
    each(0, NO_DIRFD, locked, "in", EACCES);
    each(0, NO_DIRFD, locked, "none", EACCES);
    each(0, NO_DIRFD, locked_path, "in", EACCES);
    sprintf(name, "locked/%0256d", 0);
    each(0, 0, AT_FDCWD, name, EACCES);
    ERR(open("locked/.", O_RDONLY), EACCES);
    ERR(open("locked/..", O_RDONLY), EACCES);
    ERR(mkdir("locked/.", 0755), EACCES);
    ERR(rmdir("locked/.."), EACCES);
    ERR(openat(locked, ".", O_RDONLY), EACCES);
    ERR(openat(locked, "..", O_RDONLY), EACCES);
}

static void directory_closed(void)
{
    each(MAKES, 0, AT_FDCWD, "shut/new", EACCES);
    each(MAKES, 0, AT_FDCWD, "shut/in", EEXIST);
    ERR(open("shut/new", O_CREAT | O_WRONLY, 0600), EACCES);
    ERR(rename("file", "shut/new"), EACCES);
    ERR(rename("file", "shut/in"), EACCES);
    ERR(rename("file", "shut/full"), EACCES);
    each(REMOVES, 0, AT_FDCWD, "shut/in", EACCES);
    each(REMOVES, 0, AT_FDCWD, "shut/full", EACCES);
    each(REMOVES, 0, AT_FDCWD, "shut/none", ENOENT);
    ERR(renameat2(AT_FDCWD, "shut/in", AT_FDCWD, "file", RENAME_NOREPLACE), EEXIST);
    ERR(renameat2(AT_FDCWD, "shut/in", AT_FDCWD, "spare", RENAME_EXCHANGE), ENOENT);
    ERR(rename("shut/full", "shut/full/x"), EINVAL);
    ERR(rename("shut/full/in", "shut/full"), ENOTEMPTY);
    ERR(rename("shut/in/", "spare"), ENOTDIR);
    ERR(unlink("shut/full/"), EISDIR);
    ERR(rmdir("shut/in/"), EACCES);
    ERR(mknod("shut/new", S_IFCHR | 0600, 0x103), EACCES);
    ERR(mknod("new", S_IFCHR | 0600, 0x103), EPERM);
    ERR(mknod("file", S_IFCHR | 0600, 0x103), EEXIST);
    ERR(open("shut", O_TMPFILE | O_WRONLY, 0600), EACCES);
    ERR(mkdir("shut/new/", 0755), EACCES);
}

static void files(void)
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

    each(READS | CHANGES, 0, AT_FDCWD, "shut/in", EACCES);
    each(OWNERS_ONLY, 0, AT_FDCWD, "shut/in", EPERM);
    each(FOLLOWS, LOOKS | OWNERS_ONLY, AT_FDCWD, "shut/link", EACCES);
    each(OWNERS_ONLY, 0, AT_FDCWD, "shut/open", EPERM);
    EQ(utimensat(AT_FDCWD, "shut/open", now, 0), 0);
    ERR(open("shut/open", O_RDONLY | O_NOATIME), EPERM);
    ERR(open("shut/in", O_RDONLY | O_NOATIME), EACCES);
    now[0].tv_nsec = UTIME_OMIT;
    ERR(utimensat(AT_FDCWD, "shut/open", now, 0), EPERM);
    ERR(fchmod(in, 0644), EPERM);
    ERR(fchown(in, 1000, -1), EPERM);
    ERR(futimens(in, some_times), EPERM);
    ERR(syscall(SYS_utimensat, in, NULL, NULL, 0), EACCES); /* whatever it is open for */
    ERR(chown("file", 0, -1), EPERM);
    ERR(chown("file", -1, 7), EPERM);
    EQ(chown("file", 1000, 1000), 0);
    ERR(access("shut/in", R_OK | W_OK | X_OK), EACCES);
    EQ(access("shut/in", F_OK), 0);
    ERR(access("shut/open", X_OK), EACCES);
    ERR(open("shut/in", O_RDONLY | O_TRUNC), EACCES);
    ERR(open("shut/in", O_RDONLY | O_CREAT, 0600), EACCES);
    ERR(open("shut/in", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    ERR(open("shut/in", O_RDONLY | O_DIRECTORY), ENOTDIR);
    ERR(open("shut", O_WRONLY), EISDIR);
    ERR(truncate("shut/full", 0), EISDIR);
    /* Whose file it is comes before the place of the new name (fs.protected_hardlinks). */
    ERR(link("shut/in", "shut/new"), EPERM);
    ERR(link("shut/in", "new"), EPERM);
    ERR(link("shut/full", "shut/new"), EPERM);
    ERR(link("shut/open", "shut/new"), EACCES);
    EQ(link("shut/open", "new"), 0);
    ERR(link("file", "shut/new"), EACCES);
}

static void sticky(void)
{
    ERR(unlink("sticky/in"), EPERM);
    ERR(rmdir("sticky/dir"), EPERM);
    ERR(rmdir("sticky/in"), EPERM);
    ERR(unlink("sticky/dir"), EPERM);
    ERR(rename("sticky/in", "spare"), EPERM);
    ERR(rename("file", "sticky/in"), EPERM);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "sticky/in", AT_FDCWD, "spare", 0), EPERM);
    ERR(renameat2(AT_FDCWD, "sticky/in", AT_FDCWD, "file", RENAME_NOREPLACE), EEXIST);
    ERR(renameat2(AT_FDCWD, "file", AT_FDCWD, "sticky/in", RENAME_EXCHANGE), EPERM);
    EQ(rename("sticky/mine", "sticky/renamed"), 0);
    EQ(unlink("sticky/renamed"), 0);
}

/* fs.protected_regular: O_CREAT leads nobody, root neither, to what another user put in a sticky
 * directory that others can write, unless it is the directory's owner's. */
static void sticky_traps(void)
{
    int create = O_CREAT | O_WRONLY;

    for (int i = 0; i < 2; i++) {
        const char *trap = i ? "team/trap" : "sticky/trap";
        ERR(open(trap, create, 0600), EACCES);
        ERR(open(trap, create | O_EXCL, 0600), EEXIST);
        ERR(open(trap, create | O_TRUNC, 0600), EACCES);
        int fd = open(trap, O_WRONLY);
        CHECK(fd >= 0);
        close(fd);
    }
    int fd = open("sticky/in", create, 0600);
    CHECK(fd >= 0);
    close(fd);
    fd = open("alone/trap", create, 0600); /* nobody else can write here */
    CHECK(fd >= 0);
    close(fd);
    ERR(open("sticky/dir", create, 0600), EISDIR);
}

/* The file systems that make nothing. */
static void made_by_none(int rights)
{
    each(MAKES, MOVES, AT_FDCWD, "/proc/new", ENOENT);
    ERR(mkdir("/sys/new", 0755), rights ? EPERM : EACCES);
    ERR(mknod("/sys/new", S_IFIFO | 0600, 0), rights ? EPERM : EACCES);
    ERR(symlink("x", "/sys/new"), rights ? EPERM : EACCES);
    ERR(open("/sys/new", O_CREAT | O_WRONLY, 0600), EACCES);
    ERR(mkdir("/sys/kernel", 0755), EEXIST);
    ERR(link("file", "/sys/new"), EXDEV);
}

int main(void)
{
    int status;

    tree();
    sticky_traps();
    made_by_none(1);
    pid_t pid = fork();
    if (pid == 0) {
        EQ(setresgid(1000, 1000, 1000), 0);
        EQ(setresuid(1000, 1000, 1000), 0);
        searching();
        directory_closed();
        files();
        sticky();
        sticky_traps();
        made_by_none(0);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    return done();
}
