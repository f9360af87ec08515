/* processes.c - children: how they begin, what they do meanwhile, how they end. */
#include "calls.h"

#include <sys/resource.h>
#include <sys/wait.h>

/* x86-64's fork() and vfork() are clone() too. */
static int new_process(unsigned long flags)
{
#ifdef __aarch64__
    return (int)CALL(clone, flags, NULL, NULL, 0, NULL);
#else
    return (int)CALL(clone, flags, NULL, NULL, NULL, 0);
#endif
}

static void ends_by(int how)
{
    static int *volatile nowhere = (int *)8;
    struct timespec ts = {0, 20000000};
    int status = 0, pid = new_process(SIGCHLD);
    if (pid == 0) {
        CALL(nanosleep, &ts, NULL);
        if (how == SIGSEGV)
            *nowhere = 1;
        if (how >= 0)
            CALL(kill, getpid(), how);
        CALL(exit_group, -how);
    }
    CALL(wait4, pid, &status, 0, NULL);
}

int main(int argc, char **argv)
{
    struct rusage usage;
    siginfo_t info;
    int status;
    if (argc > 1)
        return 0;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    begin();
    CALL(wait4, -1, &status, WNOHANG, &usage);
    ends_by(-3);
    ends_by(SIGKILL);
    ends_by(SIGTERM);
    ends_by(SIGSEGV);
    int pid = new_process(SIGCHLD);
    if (pid == 0) {
        CALL(execve, "nowhere", ((char *[]){"nowhere", "a \"b\"", NULL}), NULL);
        CALL(execve, argv[0], ((char *[]){argv[0], "x", NULL}), ((char *[]){"A=1", "B=2", NULL}));
        _exit(9);
    }
    CALL(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, &usage);
    CALL(wait4, pid, &status, WNOHANG | WUNTRACED, NULL);
    end();
    return 0;
}
