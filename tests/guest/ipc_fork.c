/* System V IPC between processes: semaphores that the dead give back, segments that outlive their
 * creator, messages from one to another. */
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static int op(int id, int n, int by, int flags)
{
    struct sembuf b = {.sem_num = (unsigned short)n, .sem_op = (short)by, .sem_flg = (short)flags};
    return semop(id, &b, 1);
}

static int value(int id, int n)
{
    return semctl(id, n, GETVAL);
}

static int status_of(pid_t pid)
{
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

static void until(int id, int num, int cmd, int n)
{
    for (int i = 0; i < 3000 && semctl(id, num, cmd) != n; i++)
        usleep(1000);
    EQ(semctl(id, num, cmd), n);
}

static long nattch(int id)
{
    struct shmid_ds ds;
    return shmctl(id, IPC_STAT, &ds) ? -1 : (long)ds.shm_nattch;
}

static void undo(void)
{
    int id = semget(IPC_PRIVATE, 2, 0600);
    EQ(semctl(id, 0, SETVAL, (union semun){.val = 3}), 0);
    pid_t pid = fork();
    if (pid == 0) {
        op(id, 0, -2, SEM_UNDO);
        op(id, 1, 5, SEM_UNDO);
        op(id, 1, -1, 0);
        _exit(value(id, 0) == 1 && value(id, 1) == 4 ? 0 : 1);
    }
    EQ(status_of(pid), 0);
    EQ(value(id, 0), 3);
    EQ(value(id, 1), 0); /* 4 - 5 stays at zero */
    EQ(semctl(id, 0, GETPID), pid);

    /* Killed with it held, while another waits for it. */
    EQ(semctl(id, 0, SETVAL, (union semun){.val = 1}), 0);
    pid_t holder = fork();
    if (holder == 0) {
        op(id, 0, -1, SEM_UNDO);
        for (;;)
            pause();
    }
    for (int i = 0; i < 3000 && value(id, 0); i++)
        usleep(1000);
    pid_t waiter = fork();
    if (waiter == 0)
        _exit(op(id, 0, -1, SEM_UNDO) == 0 ? 0 : 1);
    until(id, 0, GETNCNT, 1);
    kill(holder, SIGKILL);
    EQ(status_of(holder), SIGKILL);
    EQ(status_of(waiter), 0);
    EQ(value(id, 0), 1);

    /* Undo values are the process's own: not the child's, and gone when the value is set. */
    EQ(op(id, 0, 1, SEM_UNDO), 0);
    pid = fork();
    if (pid == 0)
        _exit(0);
    EQ(status_of(pid), 0);
    EQ(value(id, 0), 2);
    pid = fork();
    if (pid == 0) {
        op(id, 0, 4, SEM_UNDO);
        semctl(id, 0, SETVAL, (union semun){.val = 7});
        _exit(0);
    }
    EQ(status_of(pid), 0);
    EQ(value(id, 0), 7);
    EQ(semctl(id, 0, IPC_RMID), 0);
}

static void waiters(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    pid_t killed = fork();
    if (killed == 0) {
        op(id, 0, -1, 0);
        _exit(0);
    }
    until(id, 0, GETNCNT, 1);
    kill(killed, SIGKILL);
    EQ(status_of(killed), SIGKILL);
    EQ(semctl(id, 0, GETNCNT), 0);
    EQ(op(id, 0, 1, 0), 0);
    EQ(value(id, 0), 1); /* nobody took it */
    EQ(op(id, 0, -1, 0), 0);
    pid_t one = fork();
    if (one == 0)
        _exit(op(id, 0, -1, 0) == 0 ? 0 : errno);
    until(id, 0, GETNCNT, 1);
    EQ(op(id, 0, 1, 0), 0);
    EQ(status_of(one), 0);
    one = fork();
    if (one == 0)
        _exit(op(id, 0, -1, 0) == 0 ? 0 : errno);
    until(id, 0, GETNCNT, 1);
    EQ(semctl(id, 0, IPC_RMID), 0);
    EQ(status_of(one), EIDRM << 8);
}

/* Processes that are killed anywhere leave the value as it was. */
static void storm(void)
{
    int id = semget(IPC_PRIVATE, 2, 0600);
    int qid = msgget(IPC_PRIVATE, 0600);
    EQ(semctl(id, 0, SETVAL, (union semun){.val = 2}), 0);
    for (int round = 0; round < 20; round++) {
        pid_t pid[4];
        for (int i = 0; i < 4; i++) {
            pid[i] = fork();
            if (pid[i] == 0) {
                long m[2] = {1, 2};
                for (;;) {
                    struct sembuf both[2] = {{0, -1, SEM_UNDO}, {1, 1, SEM_UNDO}};
                    semop(id, both, 2);
                    msgsnd(qid, m, sizeof m[1], IPC_NOWAIT);
                    msgrcv(qid, m, sizeof m[1], 0, IPC_NOWAIT);
                    both[0].sem_op = 1;
                    both[1].sem_op = -1;
                    semop(id, both, 2);
                }
            }
        }
        usleep((useconds_t)(2000 + round * 700));
        for (int i = 0; i < 4; i++)
            kill(pid[i], SIGKILL);
        for (int i = 0; i < 4; i++)
            EQ(status_of(pid[i]), SIGKILL);
        EQ(value(id, 0), 2);
        EQ(value(id, 1), 0);
        EQ(semctl(id, 0, GETNCNT), 0);
        struct msqid_ds ds;
        EQ(msgctl(qid, IPC_STAT, &ds), 0);
        EQ(ds.__msg_cbytes, ds.msg_qnum * sizeof(long));
    }
    EQ(op(id, 0, -2, IPC_NOWAIT), 0);
    EQ(semctl(id, 0, IPC_RMID), 0);
    EQ(msgctl(qid, IPC_RMID, NULL), 0);
}

static void segments(void)
{
    int key = 0x656c7302, id;
    pid_t maker = fork();
    if (maker == 0) {
        int made = shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0600);
        char *p = shmat(made, NULL, 0);
        strcpy(p + 9000, "left behind");
        _exit(0);
    }
    EQ(status_of(maker), 0);
    id = shmget(key, 10000, 0);
    CHECK(id >= 0);
    struct shmid_ds ds;
    EQ(shmctl(id, IPC_STAT, &ds), 0);
    EQ(ds.shm_nattch, 0);
    EQ(ds.shm_cpid, maker);
    EQ(ds.shm_lpid, maker);
    char *p = shmat(id, NULL, 0);
    CHECK(!strcmp(p + 9000, "left behind"));
    EQ(nattch(id), 1);
    int go = semget(IPC_PRIVATE, 2, 0600);
    pid_t child = fork();
    if (child == 0) {
        int ok = nattch(id) == 2;
        p[0] = 'c';
        op(go, 0, 1, 0);
        op(go, 1, -1, 0);
        /* Its removal by the parent, which has detached it, leaves it here. */
        ok = ok && p[1] == 'p' && nattch(id) == 1;
        shmdt(p);
        ok = ok && nattch(id) == -1 && errno == EINVAL;
        _exit(ok ? 0 : 1);
    }
    EQ(op(go, 0, -1, 0), 0);
    EQ(p[0], 'c');
    EQ(nattch(id), 2);
    p[1] = 'p';
    EQ(shmctl(id, IPC_RMID, NULL), 0);
    ERR(shmget(key, 0, 0), ENOENT);
    EQ(shmdt(p), 0);
    EQ(nattch(id), 1);
    EQ(op(go, 1, 1, 0), 0);
    EQ(status_of(child), 0);
    ERR(shmctl(id, IPC_STAT, &ds), EINVAL);

    /* Killed with it attached. */
    id = shmget(IPC_PRIVATE, 4096, 0600);
    child = fork();
    if (child == 0) {
        p = shmat(id, NULL, 0);
        op(go, 0, 1, 0);
        for (;;)
            pause();
    }
    EQ(op(go, 0, -1, 0), 0);
    EQ(nattch(id), 1);
    EQ(shmctl(id, IPC_RMID, NULL), 0);
    EQ(nattch(id), 1);
    kill(child, SIGKILL);
    EQ(status_of(child), SIGKILL);
    EQ(nattch(id), -1);
    EQ(semctl(go, 0, IPC_RMID), 0);
}

/* The parent ends at once; the child has the segment from it alone. */
static void inherited(void)
{
    int result[2];
    CHECK(pipe(result) == 0);
    for (int i = 0; i < 10; i++) {
        char answer = 0;
        pid_t first = fork();
        if (first == 0) {
            int id = shmget(IPC_PRIVATE, 4096, 0600);
            char *p = shmat(id, NULL, 0);
            p[100] = 'k';
            shmctl(id, IPC_RMID, NULL);
            if (fork() == 0) {
                for (int k = 0; k < 3000 && nattch(id) == 2; k++)
                    usleep(1000);
                answer = p[100] == 'k' && nattch(id) == 1 ? 'y' : 'n';
                write(result[1], &answer, 1);
            }
            _exit(0);
        }
        EQ(status_of(first), 0);
        EQ(read(result[0], &answer, 1), 1);
        EQ(answer, 'y');
    }
}

static void executed(const char *self)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600), sem = semget(IPC_PRIVATE, 1, 0600);
    char arg[2][16];
    sprintf(arg[0], "%d", id);
    sprintf(arg[1], "%d", sem);
    pid_t child = fork();
    if (child == 0) {
        shmat(id, NULL, 0);
        op(sem, 0, 1, SEM_UNDO);
        execl(self, self, arg[0], arg[1], NULL);
        _exit(99);
    }
    EQ(status_of(child), 0);
    EQ(value(sem, 0), 0);
    EQ(shmctl(id, IPC_RMID, NULL), 0);
    EQ(semctl(sem, 0, IPC_RMID), 0);
}

/* What is attached is not after execve; what is to be undone still is. */
static int after_exec(int id, int sem)
{
    return nattch(id) == 0 && value(sem, 0) == 1 ? 0 : 1;
}

static void messages(void)
{
    int id = msgget(IPC_PRIVATE, 0600);
    struct {
        long type;
        int number;
    } m;
    pid_t child = fork();
    if (child == 0) {
        int next = 0;
        while (msgrcv(id, &m, sizeof m.number, 0, 0) == sizeof m.number && m.type == 1)
            next += m.number == next;
        _exit(next == 5000 ? 0 : 1);
    }
    for (int i = 0; i < 5000; i++) {
        m.type = 1;
        m.number = i;
        EQ(msgsnd(id, &m, sizeof m.number, 0), 0);
    }
    m.type = 2;
    EQ(msgsnd(id, &m, sizeof m.number, 0), 0);
    EQ(status_of(child), 0);
    struct msqid_ds ds;
    EQ(msgctl(id, IPC_STAT, &ds), 0);
    EQ(ds.msg_lrpid, child);
    EQ(ds.msg_qnum, 0);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return after_exec(atoi(argv[1]), atoi(argv[2]));
    undo();
    waiters();
    storm();
    segments();
    inherited();
    executed("/proc/self/exe");
    messages();
    return done();
}
