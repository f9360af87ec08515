/* fork, vfork, clone and clone3 of a process, and what the child has of its parent. guest-test:
 * flags=-pthread */
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "guest.h"

extern char **environ;

static int status_of(pid_t pid)
{
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

/* Runs fn in a child: its exit status. */
static int in_child(int (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    int status = status_of(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int own_value = 1;
static int *shared_value;

static int changes_memory(void)
{
    if (own_value != 1 || *shared_value != 1)
        return 1;
    own_value = 2;
    *shared_value = 2;
    return 0;
}

static void memory(void)
{
    shared_value = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *shared_value = 1;
    EQ(in_child(changes_memory), 0);
    EQ(own_value, 1);
    EQ(*shared_value, 2);
}

static pid_t parent_pid;

static int numbers_of_child(void)
{
    return getppid() == parent_pid && getpid() != parent_pid &&
                   getpid() == (pid_t)syscall(SYS_gettid)
               ? 0
               : 1;
}

static void on_usr1(int sig)
{
    (void)sig;
}

static int pending_of_child(void)
{
    sigset_t set;
    sigpending(&set);
    if (sigismember(&set, SIGUSR1))
        return 1;
    struct sigaction sa;
    sigaction(SIGUSR1, NULL, &sa);
    if (sa.sa_handler != on_usr1)
        return 2;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, SIGUSR1) ? 0 : 3;
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_usr1};
    sigset_t set, old;
    sigaction(SIGUSR1, &sa, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    EQ(in_child(pending_of_child), 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* The offset is shared, the descriptor is not. */
static int fd;
static int uses_descriptor(void)
{
    char c;
    return lseek(fd, 3, SEEK_SET) == 3 && read(fd, &c, 1) == 1 && close(fd) == 0 ? 0 : 1;
}

static void descriptors(void)
{
    char path[] = "/tmp/forkXXXXXX";
    fd = mkstemp(path);
    unlink(path);
    EQ(write(fd, "abcdefgh", 8), 8);
    EQ(in_child(uses_descriptor), 0);
    EQ(lseek(fd, 0, SEEK_CUR), 4);
    close(fd);
}

static void statuses(void)
{
    static const int fatal[] = {SIGTERM, SIGKILL, SIGABRT, SIGSEGV, SIGUSR2, SIGHUP};
    for (unsigned i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            raise(fatal[i]);
            _exit(1);
        }
        int status = status_of(pid);
        CHECK(WIFSIGNALED(status));
        EQ(WTERMSIG(status), fatal[i]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        *(volatile int *)8 = 1;
        _exit(1);
    }
    int status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    pid = fork();
    if (pid == 0) {
        raise(SIGRTMAX);
        _exit(1);
    }
    status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGRTMAX);
    pid = fork();
    if (pid == 0)
        syscall(SYS_exit_group, 0x1234);
    EQ(WEXITSTATUS(status_of(pid)), 0x34);
}

static volatile int vfork_value;
static int vfork_bytes[3000];

static void vforks(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        vfork_value = 42;
        for (int i = 0; i < 3000; i += 7)
            vfork_bytes[i] = i;
        _exit(5);
    }
    EQ(WEXITSTATUS(status_of(pid)), 5);
    EQ(vfork_value, 42);
    int wrong = 0;
    for (int i = 0; i < 3000; i++)
        wrong += vfork_bytes[i] != (i % 7 ? 0 : i);
    EQ(wrong, 0);
    char *missing[] = {"/bin/missing", NULL};
    pid = -7;
    EQ(posix_spawn(&pid, "/bin/missing", NULL, NULL, missing, environ), ENOENT);
    ERR(waitpid(-1, NULL, 0), ECHILD);
}

/* The raw calls, with the numbers where the flags want them. */
static void flags(void)
{
    int parent_tid = 0, child_tid = 0;
    int *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0L,
                       &parent_tid, 0L, at);
    if (pid == 0)
        _exit(*at == getpid() && parent_tid == 0 ? 0 : 1);
    EQ(status_of((pid_t)pid), 0);
    EQ(parent_tid, pid);
    EQ(child_tid, 0);
    EQ(*at, pid);
    struct clone_args args = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                              .parent_tid = (uintptr_t)&parent_tid,
                              .child_tid = (uintptr_t)at,
                              .exit_signal = SIGCHLD};
    *at = 99;
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        syscall(SYS_exit, 3);
    EQ(WEXITSTATUS(status_of((pid_t)pid)), 3);
    EQ(parent_tid, pid);
    EQ(*at, 99); /* only where somebody is left in that memory */
    ERR(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0L, 0L, 0L, 0L), EINVAL);
    ERR(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0L, 0L, 0L, 0L), EINVAL); /* the first's */
    ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_VM | SIGCHLD, 0L, 0L, 0L, 0L), EINVAL);
    args = (struct clone_args){.flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND};
    ERR(syscall(SYS_clone3, &args, sizeof args), EINVAL);
    args = (struct clone_args){.exit_signal = 65};
    ERR(syscall(SYS_clone3, &args, sizeof args), EINVAL);
    munmap(at, 4096);
}

static void cleared_handlers(void)
{
    struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    signal(SIGUSR2, SIG_IGN);
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        struct sigaction one, two;
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGUSR2, NULL, &two);
        _exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 0 : 1);
    }
    EQ(status_of((pid_t)pid), 0);
    signal(SIGUSR2, SIG_DFL);
}

/* From a thread that is not the first, while others run: the child has one thread, and can make
 * more. */
static volatile int stop;
static void *busy(void *arg)
{
    while (!stop)
        free(malloc(100));
    return arg;
}

static void *nothing(void *arg)
{
    return arg;
}

static int has_one_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL))
        return 1;
    return pthread_join(thread, NULL);
}

static void *forks(void *arg)
{
    for (int i = 0; i < 10; i++)
        EQ(in_child(has_one_thread), 0);
    return arg;
}

static void from_threads(void)
{
    pthread_t others[3], forker[2];
    for (int i = 0; i < 3; i++)
        pthread_create(&others[i], NULL, busy, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&forker[i], NULL, forks, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(forker[i], NULL);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(others[i], NULL);
}

/* The grandchild outlives its parent: it comes to the first process (or a subreaper). */
static void orphans(void)
{
    int ends[2], gone[2];
    OK(pipe(ends));
    OK(pipe(gone));
    EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            char c;
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            signal(SIGUSR1, on_usr1);
            /* An orphan is told, and by then it has another parent. */
            close(gone[1]);
            while (getppid() != parent_pid)
                usleep(1000);
            pid_t me[2] = {getpid(), getppid()};
            (void)!read(gone[0], &c, 1);
            (void)!write(ends[1], me, sizeof me);
            _exit(9);
        }
        usleep(20000);
        _exit(0);
    }
    EQ(status_of(pid), 0);
    close(gone[1]);
    pid_t said[2] = {0, 0};
    EQ(read(ends[0], said, sizeof said), sizeof said);
    EQ(said[1], getpid());
    EQ(WEXITSTATUS(status_of(said[0])), 9);
    EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int main(void)
{
    parent_pid = getpid();
    memory();
    EQ(in_child(numbers_of_child), 0);
    signals();
    descriptors();
    statuses();
    vforks();
    flags();
    cleared_handlers();
    from_threads();
    orphans();
    return done();
}
