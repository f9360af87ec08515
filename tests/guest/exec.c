/* guest-test: flags=-pthread */
/* execve: arguments, environment, close-on-exec, signal state, from a thread. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "guest.h"

static char self[4096];

static void *exec_from_thread(void *arg)
{
    char *argv[] = {self, "second", "two words", "", NULL};
    char *envp[] = {"A=1", "B=", NULL};
    execve(self, argv, envp);
    FAIL("execve: errno %d", errno);
    return arg;
}

static void on_signal(int sig)
{
    (void)sig;
}

static void first(void)
{
    OK(mkdir("/tmp", 01777) == -1 && errno != EEXIST ? -1 : 0);
    int keep = dup(0), gone = open("/", O_RDONLY | O_CLOEXEC);
    EQ(keep, 3);
    EQ(gone, 4);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, on_signal);
    signal(SIGHUP, SIG_IGN);
    kill(getpid(), SIGUSR2);
    stack_t st = {.ss_sp = malloc(65536), .ss_size = 65536};
    OK(sigaltstack(&st, NULL));
    fflush(stdout);
    pthread_t t;
    pthread_create(&t, NULL, exec_from_thread, NULL);
    for (;;)
        pause();
}

static int second(int argc, char **argv, char **envp)
{
    EQ(argc, 4);
    CHECK(!strcmp(argv[2], "two words") && !strcmp(argv[3], ""));
    CHECK(envp[0] && !strcmp(envp[0], "A=1") && envp[1] && !strcmp(envp[1], "B=") && !envp[2]);
    EQ(getpid(), syscall(SYS_gettid));
    OK(fcntl(3, F_GETFD));
    ERR(fcntl(4, F_GETFD), EBADF);
    struct sigaction sa;
    sigaction(SIGUSR1, NULL, &sa);
    CHECK(sa.sa_handler == SIG_DFL);
    sigaction(SIGHUP, NULL, &sa);
    CHECK(sa.sa_handler == SIG_IGN);
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    CHECK(sigismember(&set, SIGUSR2));
    sigpending(&set);
    CHECK(sigismember(&set, SIGUSR2));
    stack_t st;
    OK(sigaltstack(NULL, &st));
    EQ(st.ss_flags, SS_DISABLE);
    char link[4096] = "";
    CHECK(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0);
    CHECK(strstr(link, "exec"));
    return done();
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1)
        return second(argc, argv, envp);
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        snprintf(self, sizeof(self), "%s", argv[0]);
    first();
}
