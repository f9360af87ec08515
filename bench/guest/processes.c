/* Times, in microseconds, of what starts processes or goes between them:
 *     processes fork N | exec N PROGRAM | spawn N PROGRAM | pipe N | threads N | command N WORDS...
 * fork is fork, _exit and wait; exec the same with execve; spawn posix_spawn and wait; pipe and
 * threads a byte there and back; command the whole time of a program, the median of N. */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

static void forks(int n)
{
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static int succeeded(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void execs(int n, char **argv)
{
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execv(argv[0], argv);
            _exit(127);
        }
        if (!succeeded(pid))
            exit(1);
    }
}

static void spawns(int n, char **argv)
{
    for (int i = 0; i < n; i++) {
        pid_t pid;
        if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) || !succeeded(pid))
            exit(1);
    }
}

static int there[2], back[2];

static void *answers(void *arg)
{
    char c;
    while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
        ;
    return arg;
}

static void asks(int n)
{
    char c = 'x';
    for (int i = 0; i < n; i++) {
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
            exit(1);
    }
    close(there[1]);
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double command(int n, char **argv)
{
    double *took = calloc((size_t)n, sizeof *took);
    for (int i = 0; i < n; i++) {
        double start = bench_now();
        spawns(1, argv);
        took[i] = bench_now() - start;
    }
    qsort(took, (size_t)n, sizeof *took, by_time);
    return took[n / 2];
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int n = atoi(argv[2]);
    if (pipe(there) || pipe(back))
        return 1;
    if (!strcmp(argv[1], "command")) {
        printf("%.3f\n", command(n, argv + 3) * 1e6);
        return 0;
    }
    double start = bench_now();
    pthread_t thread;
    if (!strcmp(argv[1], "fork"))
        forks(n);
    else if (!strcmp(argv[1], "exec"))
        execs(n, argv + 3);
    else if (!strcmp(argv[1], "spawn"))
        spawns(n, argv + 3);
    else if (!strcmp(argv[1], "threads")) {
        pthread_create(&thread, NULL, answers, NULL);
        asks(n);
        pthread_join(thread, NULL);
    } else {
        pid_t pid = fork();
        if (pid == 0) {
            close(there[1]);
            answers(NULL);
            _exit(0);
        }
        asks(n);
        waitpid(pid, NULL, 0);
    }
    printf("%.3f\n", (bench_now() - start) / n * 1e6);
    return 0;
}
