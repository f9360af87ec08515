/* Pseudo-terminals as other processes see them: names, owners, the controlling terminal. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "guest.h"

static char slave[64];

static int open_master(int *number)
{
    int zero = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY);

    CHECK(master >= 0);
    EQ(ioctl(master, TIOCSPTLCK, &zero), 0);
    EQ(ioctl(master, TIOCGPTN, number), 0);
    snprintf(slave, sizeof slave, "/dev/pts/%d", *number);
    return master;
}

static bool listed(int number)
{
    DIR *d = opendir("/dev/pts");
    struct dirent *e;
    char name[16];
    bool found = false;

    snprintf(name, sizeof name, "%d", number);
    while (d && (e = readdir(d)) != NULL)
        found |= strcmp(e->d_name, name) == 0;
    if (d)
        closedir(d);
    return found;
}

/* In a child of its own. */
static void in_child(void (*fn)(int arg), int arg)
{
    int status = -1, pid = fork();

    if (pid == 0) {
        guest_failed = 0;
        fn(arg);
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static void stranger(int number)
{
    struct stat st;

    for (int fd = 3; fd < 20; fd++)
        close(fd);
    CHECK(listed(number));
    EQ(stat(slave, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    EQ(st.st_rdev, makedev(136, (unsigned)number));
    int fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0 && isatty(fd));
}

static void user(int unused)
{
    struct stat st;
    int number;

    OK(setresgid(1001, 1001, 1001));
    OK(setresuid(1000, 1000, 1000));
    int master = open_master(&number);
    EQ(stat(slave, &st), 0);
    EQ(st.st_uid, 1000);
    EQ(st.st_mode & 0700, 0600);
    int fd = open(slave, O_RDWR | O_NOCTTY);
    CHECK(fd >= 0);
    EQ(fchmod(fd, 0600), 0); /* mesg n */
    EQ(stat(slave, &st), 0);
    EQ(st.st_mode, S_IFCHR | 0600);
    ERR(fchown(fd, 0, -1), EPERM);
    close(fd);
    close(master);
}

static void refused(int unused)
{
    OK(setresgid(1001, 1001, 1001));
    OK(setresuid(1000, 1000, 1000));
    ERR(open(slave, O_RDWR | O_NOCTTY), EACCES);
    ERR(chmod(slave, 0666), EPERM);
}

static void welcome(int unused)
{
    OK(setresgid(1001, 1001, 1001));
    OK(setresuid(1000, 1000, 1000));
    CHECK(open(slave, O_RDWR | O_NOCTTY) >= 0);
}

/* The login of another user: sshd, su. */
static void given_away(void)
{
    struct stat st, by_fd;
    int number, master = open_master(&number), fd = open(slave, O_RDWR | O_NOCTTY);

    EQ(stat(slave, &st), 0);
    EQ(st.st_uid, 0);
    in_child(stranger, number);
    in_child(refused, 0);
    EQ(chown(slave, 1000, 7), 0);
    EQ(chmod(slave, 0620), 0);
    EQ(stat(slave, &st), 0);
    EQ(st.st_uid, 1000);
    EQ(st.st_gid, 7);
    EQ(st.st_mode, S_IFCHR | 0620);
    EQ(fstat(fd, &by_fd), 0);
    EQ(by_fd.st_uid, 1000);
    EQ(by_fd.st_gid, 7);
    EQ(by_fd.st_ino, st.st_ino);
    EQ(by_fd.st_dev, st.st_dev);
    in_child(welcome, 0);
    close(fd);
    close(master);
    CHECK(!listed(number));
    ERR(open(slave, O_RDWR), ENOENT);
}

static void session(int unused)
{
    int number, tty = -1, foreground = -1;
    char line[1024];

    OK(setsid());
    ERR(open("/dev/tty", O_RDWR), ENXIO);
    int master = open_master(&number);
    int fd = open(slave, O_RDWR | O_NOCTTY);
    ERR(open("/dev/tty", O_RDWR), ENXIO);
    EQ(ioctl(fd, TIOCSCTTY, 0), 0);
    int again = open("/dev/tty", O_RDWR);
    CHECK(again >= 0 && isatty(again));
    int f = open("/proc/self/stat", O_RDONLY);
    long n = read(f, line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    const char *end = strrchr(line, ')');
    CHECK(end && sscanf(end + 2, "%*c %*d %*d %*d %d %d", &tty, &foreground) == 2);
    EQ(tty, (number & 0xff) | 136 << 8);
    EQ(foreground, getpid());
    close(f);
    close(again);
    close(fd);
    CHECK(listed(number));
    signal(SIGHUP, SIG_IGN);
    close(master);
}

int main(void)
{
    given_away();
    in_child(user, 0);
    in_child(session, 0);
    return done();
}
