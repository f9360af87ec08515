/*
 * below_init.c - the program of a run with an init. `orphan`: what it makes is adopted and reaped
 * by process 1. `status N`: ends with N. `signal`: says "ready", and ends when SIGTERM has come,
 * with its own status. `abort`: dies of SIGABRT. `last`: leaves a process behind that sleeps.
 */
#include "../guest.h"
#include <fcntl.h>
#include <sys/wait.h>

static volatile sig_atomic_t terminated;

static void on_term(int sig)
{
    terminated = 1;
}

static int orphan(void)
{
    int ends[2];
    EQ(getpid(), 2);
    EQ(getppid(), 1);
    OK(pipe(ends));
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            close(ends[0]);
            while (getppid() == 3) /* until the child has ended */
                usleep(1000);
            pid_t self[2] = {getpid(), getppid()};
            _exit(write(ends[1], self, sizeof self) != sizeof self);
        }
        _exit(0);
    }
    EQ(child, 3);
    EQ(waitpid(child, NULL, 0), child);
    close(ends[1]);
    pid_t told[2] = {0};
    EQ(read(ends[0], told, sizeof told), sizeof told);
    EQ(told[1], 1);
    for (int i = 0; i < 2000 && kill(told[0], 0) == 0; i++)
        usleep(1000);
    ERR(kill(told[0], 0), ESRCH); /* no zombie is left of it */
    ERR(waitpid(-1, NULL, 0), ECHILD);
    OK(kill(1, 0));
    return guest_failed;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "orphan"))
        return orphan();
    if (!strcmp(what, "status"))
        return atoi(argv[2]);
    if (!strcmp(what, "abort"))
        abort();
    if (!strcmp(what, "last")) {
        if (fork() == 0)
            pause();
        return 0;
    }
    signal(SIGTERM, on_term);
    printf("ready\n");
    fflush(stdout);
    while (!terminated)
        usleep(1000);
    printf("terminated\n");
    return 3;
}
