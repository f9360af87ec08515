/*
 * init.c - the reference machine's init: runs each job of /jobs in a container of its own and
 * writes what came of it to the results port, then turns the machine off.
 *
 * A job is a line of fields between tabs: name, uid, process ("first" or "second"), seconds, and
 * the arguments. The program is /programs/NAME, its standard input /stdin/NAME if there is one.
 * Its result is a line "NAME STATUS SECONDS OUTPUT-LENGTH ERROR-LENGTH" and the two texts. STATUS
 * is 128+N for a signal, or one of those below.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS  16
#define TIMED_OUT 1000 /* no status of a process is as large */
#define UNSTARTED 1001

struct job {
    const char *name;
    unsigned uid;
    bool second;
    int seconds;
    char *argv[MAX_ARGS + 2];
    int in, out, err;
    int ready; /* a pipe, for the number of the container's first process */
};

static bool contained; /* in a job's process: its end is not the machine's */

static void fatal(const char *format, ...)
{
    int error = errno;
    va_list list;
    va_start(list, format);
    fprintf(stderr, "reference init: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, ": %s\n", strerror(error));
    va_end(list);
    fflush(stderr);
    if (!contained)
        reboot(RB_POWER_OFF);
    _exit(1);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fatal("%s", #call);                                                                    \
    } while (0)

static int text_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

static void copy_program(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    struct stat st;
    if (in < 0 || out < 0 || fstat(in, &st))
        fatal("%s to %s", from, to);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        if (n <= 0)
            fatal("copying %s", from);
        left -= n;
    }
    close(in);
    close(out);
}

/* The tree of GuestRoot in tests/guest/harness.py, at the current directory. */
static void make_tree(const char *name)
{
    static const char *const dirs[] = {"bin", "tmp", "etc", "proc", "sys", "dev", "root"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        MUST(mkdir(dirs[i], 0755));
    MUST(chmod("tmp", 01777));
    MUST(text_to("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"));
    MUST(text_to("etc/group", "root:x:0:\napp:x:1000:\n"));
    char from[PATH_MAX], to[PATH_MAX];
    snprintf(from, sizeof(from), "/programs/%s", name);
    snprintf(to, sizeof(to), "bin/%s", name);
    copy_program(from, to);
}

/* A mount that refuses writes, of a file system that takes them. */
static void make_ro(void)
{
    MUST(mkdir("ro", 0755));
    MUST(mkdir("ro/dir", 0755));
    MUST(text_to("ro/file", "read-only\n"));
    MUST(mount("ro", "ro", NULL, MS_BIND, NULL));
    MUST(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static void make_dev(void)
{
    static const struct {
        const char *name;
        unsigned major, minor;
    } nodes[] = {
        {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
        {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
    };
    static const char *const links[][2] = {
        {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
        {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
    };
    MUST(mount("dev", "dev", "tmpfs", MS_NOSUID, "mode=755"));
    MUST(chdir("dev"));
    umask(0);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        MUST(mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
    umask(022);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        MUST(symlink(links[i][1], links[i][0]));
    MUST(mkdir("pts", 0755));
    MUST(mkdir("shm", 0755));
    MUST(mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"));
    MUST(mount("shm", "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777"));
    MUST(chdir(".."));
}

static void start_loopback(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    MUST(fd);
    MUST(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
}

static void run_program(const struct job *job)
{
    static char *const env[] = {"PATH=/bin", "HOME=/root", "GUEST=yes", NULL};
    char path[PATH_MAX];
    sigset_t none;
    struct rlimit stack = {8 << 20, 1ul << 40};
    snprintf(path, sizeof(path), "/bin/%s", job->name);
    MUST(setsid());
    MUST(setrlimit(RLIMIT_STACK, &stack));
    if (job->uid) {
        MUST(setresgid(job->uid, job->uid, job->uid));
        MUST(setresuid(job->uid, job->uid, job->uid));
    }
    MUST(chdir("/tmp"));
    MUST(dup2(job->in, 0));
    MUST(dup2(job->out, 1));
    MUST(dup2(job->err, 2));
    MUST(close_range(3, ~0u, 0));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, job->argv, env);
    fatal("execve %s", path);
}

/* A process that is not the namespace's first has no signal that is ignored for that. */
static void run_second(const struct job *job)
{
    pid_t pid = fork(), ended;
    MUST(pid);
    if (pid == 0)
        run_program(job);
    int status = 0;
    while ((ended = wait(&status)) != pid)
        if (ended < 0)
            fatal("wait");
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/*
 * The container's first process. It has every capability over what is its own, its users and
 * processes, and none over the machine's mounts and network: as the root of a container that an
 * ordinary user started, which is what elfuse gives a guest.
 */
static void first_process(const struct job *job, int go)
{
    char byte;
    if (read(go, &byte, 1) != 1)
        fatal("the container is not ready");
    MUST(chdir("/"));
    MUST(sethostname("guest", 5));
    if (job->second)
        run_second(job);
    run_program(job);
}

static int map_users(pid_t pid)
{
    static const char *const files[] = {"uid_map", "gid_map"};
    for (int i = 0; i < 2; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
        if (text_to(path, "0 0 4294967295"))
            return -1;
    }
    return 0;
}

/* /proc shows the processes of who mounts it: so this is done by a visitor, whose number is given
 * back. */
static void mount_proc(pid_t first)
{
    int namespace = (int)syscall(SYS_pidfd_open, first, 0), status;
    MUST(namespace);
    MUST(setns(namespace, CLONE_NEWPID));
    pid_t visitor = fork();
    MUST(visitor);
    if (visitor == 0) {
        MUST(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
        MUST(text_to("proc/sys/kernel/ns_last_pid", "1"));
        _exit(0);
    }
    if (waitpid(visitor, &status, 0) != visitor || status)
        fatal("/proc was not mounted");
    close(namespace);
}

/* Makes the container's root and its first process: tells that one's number, and how it ends. */
static void container(const struct job *job, const char *root)
{
    int go[2], status;
    contained = true;
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    MUST(mkdir(root, 0755));
    MUST(mount(root, root, NULL, MS_BIND, NULL));
    MUST(chdir(root));
    make_tree(job->name);
    MUST(mount("sys", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    make_dev();
    make_ro();
    start_loopback();
    MUST(pipe2(go, O_CLOEXEC));
    pid_t pid = (pid_t)syscall(SYS_clone,
                               CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD,
                               NULL, NULL, NULL, NULL);
    MUST(pid);
    if (pid == 0) {
        close(go[1]);
        first_process(job, go[0]);
    }
    MUST(map_users(pid));
    mount_proc(pid);
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(umount2(".", MNT_DETACH));
    MUST(write(job->ready, &pid, sizeof(pid)));
    MUST(write(go[1], "", 1));
    MUST(waitpid(pid, &status, 0));
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* The container's status when it ends in time; else its first process is ended, and everything in
 * the namespace with it. */
static int wait_for(pid_t pid, pid_t first, int seconds)
{
    struct pollfd end = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
    int status;
    bool late = poll(&end, 1, seconds * 1000) == 0;
    if (late)
        kill(first, SIGKILL);
    close(end.fd);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return UNSTARTED;
    return late ? TIMED_OUT : WEXITSTATUS(status);
}

static int run_job(struct job *job)
{
    int ready[2], status = UNSTARTED;
    char root[PATH_MAX];
    pid_t first;
    snprintf(root, sizeof(root), "/run/%s", job->name);
    MUST(pipe2(ready, O_CLOEXEC));
    job->ready = ready[1];
    pid_t pid =
        (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL);
    MUST(pid);
    if (pid == 0) {
        close(ready[0]);
        container(job, root);
    }
    close(ready[1]);
    if (read(ready[0], &first, sizeof(first)) == sizeof(first))
        status = wait_for(pid, first, job->seconds);
    else
        waitpid(pid, NULL, 0);
    close(ready[0]);
    return status;
}

/* A pipe that holds the text of the program's standard input and then ends. */
static int standard_input(const char *name)
{
    char path[PATH_MAX], text[60 << 10];
    int pair[2];
    snprintf(path, sizeof(path), "/stdin/%s", name);
    MUST(pipe2(pair, O_CLOEXEC));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof(text));
        if (n < 0 || write(pair[1], text, (size_t)n) != n)
            fatal("%s", path);
        close(fd);
    }
    close(pair[1]);
    return pair[0];
}

static void send_file(int port, int fd)
{
    char buf[4096];
    off_t at = 0;
    for (ssize_t n; (n = pread(fd, buf, sizeof(buf), at)) > 0; at += n)
        if (write(port, buf, (size_t)n) != n)
            fatal("results port");
}

static void report(int port, const struct job *job, int status, double seconds)
{
    struct stat out, err;
    MUST(fstat(job->out, &out));
    MUST(fstat(job->err, &err));
    dprintf(port, "%s %d %.3f %lld %lld\n", job->name, status, seconds, (long long)out.st_size,
            (long long)err.st_size);
    send_file(port, job->out);
    send_file(port, job->err);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void do_line(int port, char *line)
{
    struct job job = {.name = strsep(&line, "\t")};
    char *uid = strsep(&line, "\t"), *process = strsep(&line, "\t"), *seconds = strsep(&line, "\t");
    char own[PATH_MAX];
    if (!seconds)
        fatal("not a job: %s", job.name);
    job.uid = (unsigned)strtoul(uid, NULL, 10);
    job.second = !strcmp(process, "second");
    job.seconds = atoi(seconds);
    snprintf(own, sizeof(own), "/bin/%s", job.name);
    job.argv[0] = own;
    for (int i = 1; line && i <= MAX_ARGS; i++)
        job.argv[i] = strsep(&line, "\t");
    job.in = standard_input(job.name);
    job.out = open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    job.err = open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    MUST(job.out);
    MUST(job.err);
    double began = now();
    int status = run_job(&job);
    report(port, &job, status, now() - began);
    close(job.in);
    close(job.out);
    close(job.err);
}

static void load_module(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd);
    MUST(syscall(SYS_finit_module, fd, "", 0));
    close(fd);
}

/* The initramfs becomes the disk: a root that a container's pivot_root() can leave. */
static void enter_disk(void)
{
    MUST(mkdir("/disk", 0755));
    MUST(mount("dev", "/dev", "devtmpfs", 0, NULL));
    load_module("/virtio_blk.ko");
    MUST(mount("/dev/vda", "/disk", "ext4", MS_NOATIME, NULL));
    MUST(mount("/dev", "/disk/dev", NULL, MS_MOVE, NULL));
    MUST(chdir("/disk"));
    MUST(mount(".", "/", NULL, MS_MOVE, NULL));
    MUST(chroot("."));
    MUST(chdir("/"));
    MUST(mount("proc", "/proc", "proc", 0, NULL));
    /* As systemd sets them. */
    MUST(text_to("/proc/sys/fs/protected_fifos", "1"));
    MUST(text_to("/proc/sys/fs/protected_regular", "2"));
    /* /proc/PID/cgroup is empty until somebody has asked for a hierarchy. */
    MUST(mount("cgroup", "/cgroup", "cgroup2", 0, NULL));
}

/* The port comes up on its own, after the driver: for up to ten seconds. */
static int results_port(void)
{
    int port = -1;
    for (int i = 0; port < 0 && i < 1000; i++) {
        glob_t found;
        if (glob("/dev/vport*p1", 0, NULL, &found) == 0)
            port = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
        else
            usleep(10000);
        globfree(&found);
    }
    return port;
}

int main(void)
{
    enter_disk();
    int port = results_port();
    FILE *jobs = fopen("/jobs", "re");
    if (port < 0 || !jobs)
        fatal("results port or /jobs");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, jobs)) > 0) {
        line[n - 1] = 0;
        do_line(port, line);
    }
    reboot(RB_POWER_OFF);
    return 1;
}
