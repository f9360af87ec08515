/* guest-test: flags=-pthread */
/* /proc of other processes: what ps, top, pgrep and lsof read. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

static char text[1 << 16];

/* The file's length, or -errno of what failed: opening or reading. */
static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n, len = 0;

    text[0] = '\0';
    if (fd < 0)
        return -errno;
    while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
        len += n;
    int error = errno;
    close(fd);
    text[len] = '\0';
    return n < 0 ? -error : len;
}

static const char *name_of(int pid, const char *file)
{
    static char path[4][128];
    static int at;
    char *p = path[at++ % 4];

    snprintf(p, sizeof path[0], "/proc/%d/%s", pid, file);
    return p;
}

#define FILE_OF(pid, file) slurp(name_of(pid, file))

/* Field of status; "" when it is not there. */
static const char *status(int pid, const char *key)
{
    static char value[256];
    char line[64];

    value[0] = '\0';
    FILE_OF(pid, "status");
    snprintf(line, sizeof line, "\n%s:\t", key);
    const char *s = strstr(text, line);
    if (s) {
        s += strlen(line);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(s, "\n"), s);
    }
    return value;
}

struct stat_line {
    int pid, ppid, pgrp, session, threads;
    char comm[32], state;
    unsigned long long vsize, start_code, arg_start;
};

static struct stat_line stat_of(int pid)
{
    struct stat_line s = {0};

    FILE_OF(pid, "stat");
    const char *end = strrchr(text, ')');
    if (end == NULL || sscanf(text, "%d (%31[^)])", &s.pid, s.comm) != 2)
        return s;
    sscanf(end + 2,
           "%c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %*u %llu %*d "
           "%*u %llu",
           &s.state, &s.ppid, &s.pgrp, &s.session, &s.threads, &s.vsize, &s.start_code);
    const char *at = end + 2;
    for (int field = 3; at && field < 48; field++)
        at = strchr(at + 1, ' ');
    if (at)
        s.arg_start = strtoull(at, NULL, 10);
    return s;
}

static bool listed(const char *dir, int number)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool found = false;
    char path[300];
    struct stat st;

    while (d && (e = readdir(d)) != NULL) {
        if (atoi(e->d_name) != number || e->d_name[0] == '.')
            continue;
        found = true;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        EQ(lstat(path, &st), 0);
        EQ(st.st_ino, e->d_ino);
    }
    if (d)
        closedir(d);
    return found;
}

static bool state_becomes(int pid, char state)
{
    for (int i = 0; i < 2000; i++) {
        if (stat_of(pid).state == state)
            return true;
        usleep(1000);
    }
    return false;
}

static void link_is(int pid, const char *name, const char *want)
{
    char buf[PATH_MAX];
    long n = readlink(name_of(pid, name), buf, sizeof buf - 1);

    buf[n > 0 ? n : 0] = '\0';
    if (strcmp(buf, want) != 0)
        FAIL("%s of %d is \"%s\", want \"%s\" (errno %d)", name, pid, buf, want, errno);
}

static int wait_for(int pid)
{
    int status = -1;

    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

static int p[2];

/* A child that has set itself up as `name` and waits to be killed. */
static int start(const char *name, void (*setup)(void))
{
    int ready[2];
    char c;

    OK(pipe(ready));
    int pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, name);
        if (setup)
            setup();
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(int pid)
{
    OK(kill(pid, SIGKILL));
    EQ(wait_for(pid), SIGKILL);
}

static void living(void)
{
    int pid = start("a child)", NULL);
    char buf[64];

    CHECK(listed("/proc", pid));
    CHECK(listed("/proc", getpid()));
    CHECK(state_becomes(pid, 'S'));
    struct stat_line s = stat_of(pid);
    EQ(s.pid, pid);
    EQ(s.ppid, getpid());
    EQ(s.pgrp, getpgid(pid));
    EQ(s.session, getsid(pid));
    EQ(s.threads, 1);
    CHECK(strcmp(s.comm, "a child") == 0);
    CHECK(s.vsize > 4096 && s.start_code > 1 && s.arg_start > 1);
    CHECK(FILE_OF(pid, "comm") == 9 && strcmp(text, "a child)\n") == 0);
    CHECK(strcmp(status(pid, "State"), "S (sleeping)") == 0);
    EQ(atoi(status(pid, "PPid")), getpid());
    EQ(atoi(status(pid, "Tgid")), pid);
    EQ(atoi(status(pid, "Threads")), 1);
    CHECK(strcmp(status(pid, "Uid"), "0\t0\t0\t0") == 0);
    CHECK(atol(status(pid, "VmRSS")) > 0);
    snprintf(buf, sizeof buf, "%d", pid);
    CHECK(strcmp(status(pid, "NSpid"), buf) == 0);
    long size = FILE_OF(getpid(), "cmdline");
    CHECK(size > 0);
    char own[256];
    memcpy(own, text, sizeof own);
    EQ(FILE_OF(pid, "cmdline"), size);
    CHECK(memcmp(text, own, (size_t)size < sizeof own ? (size_t)size : sizeof own) == 0);
    char cwd[PATH_MAX], exe[PATH_MAX];
    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    long n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    link_is(pid, "cwd", cwd);
    link_is(pid, "exe", exe);
    link_is(pid, "root", "/");
    int fd = open(name_of(pid, "exe"), O_RDONLY);
    CHECK(fd >= 0 && read(fd, own, 4) == 4 && memcmp(own, "\177ELF", 4) == 0);
    close(fd);
    CHECK(FILE_OF(pid, "environ") > 0 && strstr(text, "PATH=") != NULL);
    CHECK(FILE_OF(pid, "auxv") >= 16);
    CHECK(FILE_OF(pid, "maps") > 0 && strstr(text, "[stack]") && strstr(text, exe));
    CHECK(FILE_OF(pid, "smaps") > 0 && strstr(text, "\nRss:"));
    CHECK(FILE_OF(pid, "limits") > 0 && strstr(text, "Max open files"));
    CHECK(FILE_OF(pid, "io") > 0 && strstr(text, "rchar: "));
    CHECK(FILE_OF(pid, "cgroup") > 0);
    CHECK(FILE_OF(pid, "mountinfo") > 0);
    EQ(FILE_OF(pid, "stack"), -EACCES);
    CHECK(FILE_OF(pid, "statm") > 0 && atol(text) > 10);
    ERR(open(name_of(pid, "comm"), O_WRONLY | O_DIRECTORY), ENOTDIR);
    struct stat st;
    EQ(stat(name_of(pid, "task"), &st), 0);
    CHECK(listed(name_of(pid, "task"), pid));
    ERR(stat(name_of(pid, "nothing"), &st), ENOENT);
    end(pid);
    ERR(stat(name_of(pid, ""), &st), ENOENT);
    CHECK(!listed("/proc", pid));
}

static void own_program(void)
{
    OK(chdir("/"));
    OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
    umask(0137);
    signal(SIGUSR1, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR2);
    setpgid(0, 0);
    setenv("NOT_SEEN", "x", 1);
}

static void changed(void)
{
    int pid = start("changed", own_program);

    link_is(pid, "cwd", "/");
    CHECK(strcmp(status(pid, "Umask"), "0137") == 0);
    EQ(strtoull(status(pid, "SigIgn"), NULL, 16) >> (SIGUSR1 - 1) & 1, 1);
    EQ(strtoull(status(pid, "SigBlk"), NULL, 16), 1ull << (SIGUSR2 - 1));
    EQ(strtoull(status(pid, "ShdPnd"), NULL, 16), 1ull << (SIGUSR2 - 1));
    EQ(stat_of(pid).pgrp, pid);
    EQ(atoi(status(pid, "NSpgid")), pid);
    OK(kill(pid, SIGSTOP));
    int st;
    EQ(waitpid(pid, &st, WUNTRACED), pid);
    EQ(stat_of(pid).state, 'T');
    CHECK(strcmp(status(pid, "State"), "T (stopped)") == 0);
    OK(kill(pid, SIGCONT));
    CHECK(state_becomes(pid, 'S'));
    end(pid);
}

extern char **environ;
static char *first_argument;

/* setproctitle(): over the arguments and into the environment. */
static void retitle(void)
{
    static char *empty[] = {NULL};
    size_t args = strlen(first_argument) + 1;

    environ = empty;
    memset(first_argument, 'x', args + 2);
    memcpy(first_argument, "title:", 6);
    first_argument[args + 2] = '\0';
}

static void blank(void)
{
    memset(first_argument, ' ', strlen(first_argument));
    *first_argument = 'y';
}

static void titles(void)
{
    long size = FILE_OF(getpid(), "cmdline");
    int pid = start("titled", retitle);

    EQ(FILE_OF(pid, "cmdline"), size + 3);
    CHECK(strncmp(text, "title:xx", 8) == 0);
    end(pid);
    pid = start("blank", blank);
    EQ(FILE_OF(pid, "cmdline"), size);
    CHECK(strncmp(text, "y  ", 3) == 0);
    end(pid);
}

static long getdents_of(int dir)
{
    char buf[1024];
    long n = syscall(SYS_getdents64, dir, buf, sizeof buf);

    return n < 0 ? -errno : n;
}

static void zombie(void)
{
    char buf[PATH_MAX];
    int pid = fork();

    if (pid == 0)
        _exit(0);
    int fd = open(name_of(pid, "stat"), O_RDONLY);
    int dir = open(name_of(pid, ""), O_RDONLY | O_DIRECTORY);
    int fds = open(name_of(pid, "fd"), O_RDONLY | O_DIRECTORY);
    CHECK(state_becomes(pid, 'Z'));
    CHECK(listed("/proc", pid));
    struct stat_line s = stat_of(pid);
    EQ(s.ppid, getpid());
    EQ(s.vsize, 0);
    CHECK(strcmp(status(pid, "State"), "Z (zombie)") == 0);
    CHECK(status(pid, "VmRSS")[0] == '\0');
    EQ(FILE_OF(pid, "cmdline"), 0);
    EQ(FILE_OF(pid, "maps"), 0);
    EQ(FILE_OF(pid, "smaps"), 0);
    EQ(FILE_OF(pid, "environ"), -ESRCH);
    EQ(FILE_OF(pid, "auxv"), -ESRCH);
    EQ(FILE_OF(pid, "smaps_rollup"), -ESRCH);
    CHECK(FILE_OF(pid, "statm") > 0 && strcmp(text, "0 0 0 0 0 0 0\n") == 0);
    CHECK(FILE_OF(pid, "comm") > 0);
    ERR(readlink(name_of(pid, "exe"), buf, sizeof buf), ENOENT);
    ERR(readlink(name_of(pid, "cwd"), buf, sizeof buf), ENOENT);
    ERR(readlink(name_of(pid, "root"), buf, sizeof buf), ENOENT);
    CHECK(!listed(name_of(pid, "fd"), 0));
    EQ(lseek(fd, 0, SEEK_SET), 0); /* what was open says what is now */
    long n = read(fd, buf, sizeof buf - 1);
    buf[n > 0 ? n : 0] = '\0';
    CHECK(strstr(buf, ") Z ") != NULL);
    EQ(wait_for(pid), 0);
    ERR(open(name_of(pid, "stat"), O_RDONLY), ENOENT);
    EQ(read(fd, buf, sizeof buf), 0); /* it is at its end */
    EQ(lseek(fd, 0, SEEK_SET), 0);
    ERR(read(fd, buf, sizeof buf), ESRCH);
    ERR(pread(fd, buf, sizeof buf, 0), ESRCH);
    close(fd);
    EQ(getdents_of(dir), -ENOENT);
    EQ(getdents_of(fds), -ENOENT);
    close(dir);
    close(fds);
}

static void orphan(void)
{
    int told[2], pid = -1;
    char c = 0;

    OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    OK(pipe(told));
    int middle = fork();
    if (middle == 0) {
        pid = fork();
        if (pid == 0) {
            while (getppid() == middle)
                usleep(1000);
            for (;;)
                pause();
        }
        if (write(told[1], &pid, sizeof pid) != sizeof pid)
            _exit(1);
        pause();
    }
    EQ(read(told[0], &pid, sizeof pid), sizeof pid);
    EQ(stat_of(pid).ppid, middle);
    snprintf(text, sizeof text, "/proc/%d/task/%d/children", middle, middle);
    char path[128];
    strcpy(path, text);
    CHECK(slurp(path) > 0 && atoi(text) == pid);
    end(middle);
    EQ(stat_of(pid).ppid, getpid());
    EQ(atoi(status(pid, "PPid")), getpid());
    end(pid);
    OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
    (void)c;
    close(told[0]);
    close(told[1]);
}

static void *sleeper(void *tid)
{
    *(int *)tid = (int)syscall(SYS_gettid);
    prctl(PR_SET_NAME, "sleeper");
    if (write(p[1], "t", 1) == 1)
        pause();
    return NULL;
}

static int *shared_tid;

static void threads(void)
{
    pthread_t t;

    pthread_create(&t, NULL, sleeper, shared_tid);
    char c;
    if (read(p[0], &c, 1) != 1)
        _exit(1);
}

static void threaded(void)
{
    struct stat st;
    char path[128];

    shared_tid = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(pipe(p));
    int pid = start("threaded", threads), tid = *shared_tid;
    EQ(stat_of(pid).threads, 2);
    EQ(atoi(status(pid, "Threads")), 2);
    CHECK(listed(name_of(pid, "task"), pid));
    CHECK(listed(name_of(pid, "task"), tid));
    CHECK(!listed("/proc", tid));
    EQ(stat(name_of(tid, ""), &st), 0); /* there, though not listed */
    EQ(stat_of(tid).pid, tid);
    EQ(atoi(status(tid, "Tgid")), pid);
    EQ(atoi(status(tid, "Pid")), tid);
    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", pid, tid);
    CHECK(slurp(path) > 0 && strcmp(text, "sleeper\n") == 0);
    snprintf(path, sizeof path, "/proc/%d/task/%d/task", pid, tid);
    ERR(stat(path, &st), ENOENT);
    snprintf(path, sizeof path, "/proc/%d/task/%d", pid, getpid());
    ERR(stat(path, &st), ENOENT);
    end(pid);
    close(p[0]);
    close(p[1]);
}

static void descriptors(void)
{
    char buf[PATH_MAX], want[64];
    struct stat a, b;
    int file = open("peer-file", O_CREAT | O_RDWR | O_TRUNC, 0600);

    EQ(write(file, "0123456789", 10), 10);
    OK(pipe(p));
    int pid = start("files", NULL);
    char name[32];
    snprintf(name, sizeof name, "fd/%d", file);
    CHECK(getcwd(buf, sizeof buf - 16) != NULL);
    strcat(buf, strcmp(buf, "/") == 0 ? "peer-file" : "/peer-file");
    link_is(pid, name, buf);
    CHECK(listed(name_of(pid, "fd"), file));
    CHECK(listed(name_of(pid, "fdinfo"), file));
    int again = open(name_of(pid, name), O_RDONLY);
    CHECK(again >= 0);
    EQ(read(again, buf, 16), 10);
    OK(fstat(again, &a));
    OK(fstat(file, &b));
    EQ(a.st_ino, b.st_ino);
    close(again);
    OK(unlink("peer-file"));
    again = open(name_of(pid, name), O_RDONLY); /* without a name, but open */
    CHECK(again >= 0 && read(again, buf, 16) == 10);
    close(again);
    OK(lstat(name_of(pid, name), &a));
    EQ(a.st_mode, S_IFLNK | 0700);
    snprintf(name, sizeof name, "fd/%d", p[1]);
    OK(lstat(name_of(pid, name), &a));
    EQ(a.st_mode, S_IFLNK | 0300);
    again = open(name_of(pid, name), O_WRONLY);
    CHECK(again >= 0 && write(again, "x", 1) == 1 && read(p[0], buf, 4) == 1);
    close(again);
    OK(fstat(p[0], &a));
    snprintf(want, sizeof want, "pipe:[%lu]", (unsigned long)a.st_ino);
    link_is(pid, name, want);
    snprintf(name, sizeof name, "fdinfo/%d", file);
    CHECK(FILE_OF(pid, name) > 0 && strstr(text, "pos:\t10\n"));
    unsigned flags = 0;
    const char *s = strstr(text, "flags:\t");
    CHECK(s && sscanf(s, "flags:\t%o", &flags) == 1);
    EQ(flags & ~0400000u, O_RDWR); /* arm64's O_LARGEFILE */
    snprintf(name, sizeof name, "fd/%d", 777);
    ERR(lstat(name_of(pid, name), &a), ENOENT);
    int pidfd = pidfd_open(pid, 0);
    snprintf(name, sizeof name, "fdinfo/%d", pidfd);
    snprintf(want, sizeof want, "\nPid:\t%d\n", pid);
    CHECK(FILE_OF(getpid(), name) > 0 && strstr(text, want));
    snprintf(want, sizeof want, "\nNSpid:\t%d\n", pid);
    CHECK(strstr(text, want) != NULL);
    end(pid);
    CHECK(FILE_OF(getpid(), name) > 0 && strstr(text, "\nPid:\t-1\n"));
    close(pidfd);
    close(file);
    close(p[0]);
    close(p[1]);
}

static void drop(void)
{
    OK(setresgid(1001, 1001, 1001));
    OK(setresuid(1000, 1000, 1000));
    OK(prctl(PR_SET_DUMPABLE, 1));
}

/* ptrace_may_access() and the owners of files. */
static void other_user(void)
{
    char buf[PATH_MAX];
    struct stat st;
    int root = start("root", NULL), user = start("user", drop), result;

    EQ(stat(name_of(user, ""), &st), 0);
    EQ(st.st_uid, 1000);
    EQ(st.st_gid, 1001);
    EQ(stat(name_of(user, "environ"), &st), 0);
    EQ(st.st_uid, 1000);
    CHECK(strcmp(status(user, "Uid"), "1000\t1000\t1000\t1000") == 0);
    int pid = fork();
    if (pid == 0) {
        guest_failed = 0;
        drop();
        EQ(FILE_OF(root, "environ"), -EACCES);
        EQ(FILE_OF(root, "maps"), -EACCES);
        EQ(FILE_OF(root, "smaps"), -EACCES);
        EQ(FILE_OF(root, "auxv"), -EACCES);
        EQ(FILE_OF(root, "io"), -EACCES);
        EQ(FILE_OF(root, "personality"), -EACCES);
        ERR(readlink(name_of(root, "exe"), buf, sizeof buf), EACCES);
        ERR(readlink(name_of(root, "cwd"), buf, sizeof buf), EACCES);
        ERR(readlink(name_of(root, "root"), buf, sizeof buf), EACCES);
        ERR(readlink(name_of(root, "ns/pid"), buf, sizeof buf), EACCES);
        ERR(readlink(name_of(root, "fd/0"), buf, sizeof buf), EACCES);
        ERR(open(name_of(root, "fd"), O_RDONLY | O_DIRECTORY), EACCES);
        ERR(open(name_of(root, "cwd/."), O_RDONLY | O_DIRECTORY), EACCES);
        CHECK(FILE_OF(root, "cmdline") > 0);
        CHECK(FILE_OF(root, "status") > 0);
        CHECK(FILE_OF(root, "statm") > 0);
        CHECK(FILE_OF(root, "limits") > 0);
        struct stat_line s = stat_of(root);
        EQ(s.start_code, 1);
        EQ(s.arg_start, 0);
        CHECK(s.vsize > 0);
        EQ(FILE_OF(user, "environ") > 0, 1);
        CHECK(FILE_OF(user, "maps") > 0);
        CHECK(readlink(name_of(user, "exe"), buf, sizeof buf) > 0);
        CHECK(listed(name_of(user, "fd"), 0));
        ERR(open(name_of(root, "oom_score_adj"), O_WRONLY), EACCES);
        _exit(guest_failed != 0);
    }
    result = wait_for(pid);
    EQ(result, 0);
    end(root);
    end(user);
}

static int put(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0)
        return -1;
    int r = write(fd, value, strlen(value)) == (long)strlen(value) ? 0 : -1;
    int error = errno;
    close(fd);
    errno = error;
    return r;
}

static void settings(void)
{
    int pid = start("settings", NULL);

    EQ(FILE_OF(pid, "oom_score_adj"), 2);
    OK(put(name_of(pid, "oom_score_adj"), "500"));
    CHECK(FILE_OF(pid, "oom_score_adj") > 0 && atoi(text) == 500);
    CHECK(FILE_OF(pid, "oom_adj") > 0 && atoi(text) == 8);
    CHECK(FILE_OF(pid, "oom_score") > 0 && atoi(text) > 700);
    CHECK(slurp("/proc/self/oom_score_adj") > 0 && atoi(text) == 0);
    ERR(put(name_of(pid, "oom_score_adj"), "1001"), EINVAL);
    ERR(put(name_of(pid, "oom_score_adj"), "none"), EINVAL);
    ERR(put(name_of(pid, "comm"), "x"), EINVAL);
    end(pid);
    OK(put("/proc/self/oom_score_adj", "300"));
    pid = start("heir", NULL);
    CHECK(FILE_OF(pid, "oom_score_adj") > 0 && atoi(text) == 300);
    end(pid);
    OK(put("/proc/self/oom_score_adj", "0"));
    CHECK(slurp("/proc/self/coredump_filter") > 0 && strcmp(text, "00000033\n") == 0);
    OK(put("/proc/self/coredump_filter", "0x7f"));
    CHECK(slurp("/proc/self/coredump_filter") > 0 && strcmp(text, "0000007f\n") == 0);
    OK(put("/proc/self/timerslack_ns", "70000"));
    EQ(prctl(PR_GET_TIMERSLACK), 70000);
    CHECK(slurp("/proc/self/timerslack_ns") > 0 && atoi(text) == 70000);
}

int main(int argc, char **argv)
{
    first_argument = argv[0];
    EQ(argc, 1);
    living();
    changed();
    titles();
    zombie();
    orphan();
    threaded();
    descriptors();
    other_user();
    settings();
    return done();
}
