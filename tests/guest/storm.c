/* guest-test: process=second flags=-pthread roots=plain */
/*
 * Processes and threads send each other signals for a while as they compute, read and write, fork
 * and exec, and are stopped and continued: nobody hangs, dies or is lost, no registers are mixed
 * up, and every real-time signal arrives.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

enum { PROCESSES = 5, THREADS = 3, MILLISECONDS = 1500, PATIENCE = 60 };

struct board {
    _Atomic int stop, ready, at_rest;
    _Atomic long sent, received, others, forks, execs;
    _Atomic int pid[PROCESSES], tid[PROCESSES][THREADS];
};
static struct board *board;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGRTMIN) {
        if (info->si_code != SI_QUEUE || info->si_value.sival_int != 4711)
            FAIL("code %d, value %d", info->si_code, info->si_value.sival_int);
        board->received++;
    } else {
        board->others++;
    }
    /* What a handler does to the vector registers must not show. */
    __asm__ volatile("movi v0.16b, #255\n movi v8.16b, #255\n movi v31.16b, #255\n" ::
                         : "v0", "v8", "v31");
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* The same number each time, by way of integer and vector registers. */
static void compute(void)
{
    uint64_t h = 1;
    double d = 1.0;
    for (int i = 1; i < 3000; i++) {
        h = (h ^ (uint64_t)i) * 0x100000001b3ull;
        d = d * 0.5 + i;
    }
    if (h != 0x7e7ec3005941265bull)
        FAIL("computed %llx", (unsigned long long)h);
    if (d != 5996.0)
        FAIL("computed %f", d);
}

static void through_pipe(void)
{
    int p[2];
    uint32_t out = 0x12345678, in = 0;
    if (pipe(p)) {
        FAIL("pipe, errno %d", errno);
        return;
    }
    EQ(write(p[1], &out, sizeof out), sizeof out);
    EQ(read(p[0], &in, sizeof in), sizeof in);
    EQ(in, out);
    close(p[0]);
    close(p[1]);
}

static void have_child(uint32_t r)
{
    int status = -1;
    pid_t pid = fork();
    if (pid < 0) {
        FAIL("fork, errno %d", errno);
        return;
    }
    if (pid == 0) {
        compute();
        if (r & 1)
            execl("/proc/self/exe", "storm", "leaf", NULL);
        _exit(r & 1 ? 98 : 23);
    }
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    EQ(got, pid);
    EQ(status, (r & 1 ? 24 : 23) << 8);
    if (r & 1)
        board->execs++;
    else
        board->forks++;
}

static void act(uint32_t r, int me)
{
    int peer = (int)(r >> 8) % PROCESSES, thread = (int)(r >> 16) % THREADS;
    pid_t pid = board->pid[peer];
    switch (r & 15) {
    case 0:
    case 1:
    case 2: EQ(kill(pid, SIGUSR1), 0); break;
    case 3:
    case 4:
    case 5:
        if (sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 4711}) == 0)
            board->sent++;
        else
            EQ(errno, EAGAIN);
        break;
    case 6:
    case 7: EQ(syscall(SYS_tgkill, pid, board->tid[peer][thread], SIGUSR2), 0); break;
    case 8: EQ(kill(0, SIGWINCH), 0); break; /* also the children, who ignore it */
    case 9:
    case 10: through_pipe(); break;
    case 11: have_child(r >> 20); break;
    case 12: {
        struct timespec ts = {0, 300000};
        nanosleep(&ts, NULL);
        break;
    }
    case 13:
        if (peer != me && thread == 0) {
            EQ(kill(pid, SIGSTOP), 0);
            EQ(kill(pid, SIGCONT), 0);
        }
        break;
    default: compute();
    }
}

struct who {
    int process, thread;
};

static void *work(void *arg)
{
    const struct who *who = arg;
    uint32_t seed = (uint32_t)(who->process * 100 + who->thread + 1);
    board->tid[who->process][who->thread] = (int)syscall(SYS_gettid);
    board->ready++;
    while (board->ready < PROCESSES * THREADS)
        usleep(1000);
    while (!board->stop)
        act(next(&seed), who->process);
    board->at_rest++;
    return NULL;
}

static int process(int n)
{
    pthread_t t[THREADS];
    struct who who[THREADS];
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&sa.sa_mask);
    for (int i = 0; i < 4; i++)
        sigaction((int[]){SIGUSR1, SIGUSR2, SIGRTMIN, SIGWINCH}[i], &sa, NULL);
    board->pid[n] = getpid();
    for (int i = 0; i < THREADS; i++) {
        who[i] = (struct who){n, i};
        if (i)
            EQ(pthread_create(&t[i], NULL, work, &who[i]), 0);
    }
    work(&who[0]);
    /* All are at rest before the first one ends, and all that was sent has come. */
    for (int i = 0; i < PATIENCE * 1000; i++) {
        if (board->at_rest == PROCESSES * THREADS && board->received == board->sent)
            break;
        usleep(1000);
    }
    for (int i = 1; i < THREADS; i++)
        pthread_join(t[i], NULL);
    fflush(stdout);
    return guest_failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "leaf") == 0)
        return 24;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setpgid(0, 0);
    signal(SIGWINCH, SIG_IGN);
    alarm(2 * PATIENCE);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            signal(SIGWINCH, SIG_DFL);
            _exit(process(i));
        }
    }
    while (board->ready < PROCESSES * THREADS)
        usleep(1000);
    usleep(MILLISECONDS * 1000);
    board->stop = 1;
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        pid_t pid;
        while ((pid = wait(&status)) < 0 && errno == EINTR)
            ;
        CHECK(pid > 0);
        EQ(status, 0);
    }
    ERR(wait(NULL), ECHILD);
    EQ(board->received, board->sent);
    EQ(board->at_rest, PROCESSES * THREADS);
    CHECK(board->sent > 0 && board->others > 0 && board->forks > 0 && board->execs > 0);
    return done();
}
