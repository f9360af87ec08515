/* Sends signals to all that it can name: everybody, its group, every number and every group of
 * numbers. Prints which numbers and groups took one. For tests/faults/test_processes.py. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int sig = SIGUSR1;
    signal(sig, SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    usleep(20000);
    for (int pid = 2; pid < 4194304; pid++) {
        if (kill(pid, sig) == 0)
            printf("process %d\n", pid);
        if (kill(-pid, sig) == 0)
            printf("group %d\n", pid);
        siginfo_t info = {.si_signo = sig, .si_code = SI_QUEUE};
        if (syscall(SYS_rt_sigqueueinfo, pid, sig, &info) == 0 && pid != child)
            printf("queue %d\n", pid);
        if (pid > 40000 && pid % 1000)
            pid += 7;
    }
    for (int i = 1; i < argc; i++) {
        int pid = atoi(argv[i]);
        if (kill(pid, SIGKILL) == 0 || kill(-pid, SIGKILL) == 0 ||
            syscall(SYS_tkill, pid, SIGKILL) == 0 || syscall(SYS_pidfd_open, pid, 0) >= 0 ||
            setpgid(pid, pid) == 0 || getpgid(pid) >= 0 || getsid(pid) >= 0 ||
            setpgid(child, pid) == 0)
            printf("host process %d\n", pid);
    }
    kill(0, sig);
    kill(-1, SIGKILL);
    while (wait(NULL) > 0)
        ;
    /* The last: its group, which the host shares with others. */
    fflush(stdout);
    kill(0, SIGKILL);
    return 1;
}
