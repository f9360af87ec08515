/* guest-test: */
/* Processes that change one tree at once, and one that is killed while it does. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

#define WORKERS 4
#define ROUNDS  40

static char name[128];

static const char *f(const char *format, int a, int b)
{
    static char buf[4][128];
    static int turn;
    char *p = buf[turn++ % 4];
    snprintf(p, sizeof buf[0], format, a, b);
    return p;
}

static void at_once(void (*fn)(int worker))
{
    int status;

    fflush(stdout);
    for (int i = 0; i < WORKERS; i++)
        if (fork() == 0) {
            guest_failed = 0;
            fn(i);
            fflush(stdout);
            _exit(guest_failed != 0);
        }
    for (int i = 0; i < WORKERS; i++) {
        CHECK(wait(&status) > 0);
        EQ(status, 0);
    }
}

/* Everybody appends to each file, some of which the image brought. */
static void append(int worker)
{
    char c = (char)('a' + worker);
    int passwd = open("/etc/passwd", O_WRONLY | O_APPEND);
    if (passwd >= 0) {
        EQ(write(passwd, "#", 1), 1);
        close(passwd);
    }
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(f("log%d", i, 0), O_WRONLY | O_APPEND | O_CREAT, 0644);
        CHECK(fd >= 0);
        EQ(write(fd, &c, 1), 1);
        close(fd);
    }
}

/* Each name is made, moved and removed by exactly one. */
static void compete(int worker)
{
    int won = 0;

    for (int i = 0; i < ROUNDS; i++) {
        if (rename(f("log%d", i, 0), f("to%d-%d", i, worker)) == 0)
            won++;
        else
            EQ(errno, ENOENT);
        if (mkdir(f("dir%d", i, 0), 0755) < 0)
            EQ(errno, EEXIST);
        int fd = open(f("dir%d/x%d", i, worker), O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0)
            EQ(errno, ENOENT);
        else {
            close(fd);
            EQ(unlink(f("dir%d/x%d", i, worker)), 0);
        }
        if (rmdir(f("dir%d", i, 0)) < 0)
            CHECK(errno == ENOENT || errno == ENOTEMPTY);
        fd = open(f("once%d", i, 0), O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd >= 0) {
            close(fd);
            close(open(f("made%d-%d", i, worker), O_CREAT | O_WRONLY, 0644));
        } else
            EQ(errno, EEXIST);
        /* Replaced, never missing. */
        snprintf(name, sizeof name, "new-%d", worker);
        fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
        EQ(write(fd, "whole", 5), 5);
        close(fd);
        EQ(rename(name, "current"), 0);
        char buf[8];
        fd = open("current", O_RDONLY);
        CHECK(fd >= 0);
        EQ(read(fd, buf, 8), 5);
        close(fd);
    }
}

static int count(const char *prefix)
{
    struct dirent *d;
    int n = 0;
    DIR *dir = opendir(".");

    while ((d = readdir(dir)))
        n += strncmp(d->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

static void killed(void)
{
    for (int i = 0; i < 12; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            for (;;) {
                (void)rename("k-a", "k-d/b");
                (void)rename("k-d/b", "k-a");
                (void)rename("k-d", "k-e");
                (void)rename("k-e", "k-d");
            }
        usleep((useconds_t)(1000 + i * 1700));
        EQ(kill(pid, SIGKILL), 0);
        EQ(waitpid(pid, NULL, 0), pid);
        bool d = access("k-d", F_OK) == 0, e = access("k-e", F_OK) == 0;
        EQ(d + e, 1);
        if (e)
            EQ(rename("k-e", "k-d"), 0);
        if (access("k-a", F_OK) < 0)
            EQ(rename("k-d/b", "k-a"), 0);
        EQ(access("k-d/keep", F_OK), 0);
    }
}

/* A child goes on where its parent stopped listing. */
static void listing(void)
{
    char buf[256];
    int dir = open("/etc", O_RDONLY | O_DIRECTORY), parent = 0, status;

    if (dir < 0)
        return;
    long n = syscall(SYS_getdents64, dir, buf, 64);
    CHECK(n > 0);
    for (long at = 0; at < n; at += *(unsigned short *)(buf + at + 16))
        parent++;
    fflush(stdout);
    if (fork() == 0) {
        int mine = 0;
        while ((n = syscall(SYS_getdents64, dir, buf, sizeof buf)) > 0)
            for (long at = 0; at < n; at += *(unsigned short *)(buf + at + 16))
                mine++;
        _exit(mine);
    }
    wait(&status);
    EQ(syscall(SYS_getdents64, dir, buf, sizeof buf), 0); /* the child has read to the end */
    DIR *all = opendir("/etc");
    int total = 0;
    while (readdir(all))
        total++;
    closedir(all);
    EQ(parent + WEXITSTATUS(status), total);
}

int main(void)
{
    struct stat st;

    EQ(mkdir("stress", 0755), 0);
    EQ(chdir("stress"), 0);
    EQ(mkdir("k-d", 0755), 0);
    close(open("k-d/keep", O_CREAT | O_WRONLY, 0644));
    close(open("k-a", O_CREAT | O_WRONLY, 0644));
    close(open("current", O_CREAT | O_WRONLY, 0644));
    long before = stat("/etc/passwd", &st) == 0 ? st.st_size : 0;
    at_once(append);
    for (int i = 0; i < ROUNDS; i++) {
        EQ(stat(f("log%d", i, 0), &st), 0);
        EQ(st.st_size, WORKERS);
    }
    if (before && stat("/etc/passwd", &st) == 0 && access("/etc/passwd", W_OK) == 0)
        EQ(st.st_size, before + WORKERS);
    at_once(compete);
    EQ(count("log"), 0);
    EQ(count("to"), ROUNDS);
    EQ(count("once"), ROUNDS);
    EQ(count("made"), ROUNDS);
    killed();
    listing();
    return done();
}
