/* Starts so many processes and threads at once, that many times, and says how many were alive
 * together: many PROCESSES THREADS ROUNDS. For tests/faults/test_processes.py. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int *alive;
static pthread_barrier_t together;

static void *thread(void *arg)
{
    (void)arg;
    atomic_fetch_add(alive + 1, 1);
    pthread_barrier_wait(&together);
    return NULL;
}

static int round_of(int processes, int threads)
{
    int hold[2], failed = 0;
    alive[0] = alive[1] = 0;
    if (pipe(hold))
        return 1;
    for (int i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("fork");
            failed++;
        }
        if (pid == 0) {
            char c;
            close(hold[1]);
            atomic_fetch_add(alive, 1);
            _exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
        }
    }
    pthread_t *made = calloc((size_t)threads, sizeof *made);
    pthread_barrier_init(&together, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&made[i], NULL, thread, NULL)) {
            perror("pthread_create");
            exit(1);
        }
    }
    while (alive[0] < processes - failed || alive[1] < threads)
        usleep(1000);
    printf("%d processes, %d threads\n", alive[0], alive[1]);
    fflush(stdout);
    close(hold[1]);
    pthread_barrier_wait(&together);
    for (int i = 0; i < threads; i++)
        pthread_join(made[i], NULL);
    pthread_barrier_destroy(&together);
    free(made);
    close(hold[0]);
    int status, ended = 0;
    while (wait(&status) > 0)
        ended += status == 0;
    return ended == processes ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    alive = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = atoi(argv[3]); i > 0; i--) {
        if (round_of(atoi(argv[1]), atoi(argv[2])))
            return 1;
    }
    return 0;
}
