/* sysv.c - System V and POSIX messages, semaphores and shared memory. Keys are private and
 * identifiers wrong where their numbers would differ from run to run. */
#include "calls.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>

static void messages(void)
{
    struct {
        long type;
        char text[40];
    } m = {5, "a message that is longer than shown"}, got;
    int q = (int)CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
    CALL(msgget, 0x1234567, 0600);
    CALL(msgsnd, q, &m, 3, 0);
    CALL(msgsnd, q, &m, 40, IPC_NOWAIT);
    CALL(msgrcv, q, &got, 3, 0L, MSG_NOERROR);
    CALL(msgrcv, q, &got, 40, -9L, 0);
    CALL(msgrcv, q, &got, 40, 0L, IPC_NOWAIT);
    CALL(msgsnd, q, NULL, 1, 0);
    struct msqid_ds ds;
    CALL(msgctl, q, IPC_SET, &(struct msqid_ds){.msg_qbytes = 100});
    CALL(msgctl, q, IPC_STAT, &ds);
    CALL(msgctl, q, IPC_RMID, NULL);
    CALL(msgctl, -1, IPC_STAT, NULL);
}

static void semaphores(void)
{
    struct sembuf ops[] = {{0, 1, 0}, {1, -1, IPC_NOWAIT | SEM_UNDO}, {0, 0, SEM_UNDO}};
    struct timespec ts = {0, 5};
    unsigned short all[2] = {4, 5};
    int s = (int)CALL(semget, IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0600);
    CALL(semop, s, ops, 1);
    CALL(semop, s, ops, 2);
    CALL(semtimedop, s, ops + 2, 1, &ts);
    CALL(semop, -1, ops, 3);
    CALL(semctl, s, 0, GETVAL, 0L);
    CALL(semctl, s, 0, SETVAL, 7L);
    CALL(semctl, s, 0, SETALL, all);
    struct semid_ds ds = {0};
    ds.sem_perm.mode = 0640;
    CALL(semctl, s, 0, IPC_SET, &ds);
    CALL(semctl, s, 0, IPC_RMID, 0L);
}

static void memory(void)
{
    struct shmid_ds ds = {0};
    int s = (int)CALL(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0640);
    void *at = (void *)CALL(shmat, s, NULL, SHM_RDONLY);
    CALL(shmdt, at);
    CALL(shmctl, s, SHM_LOCK, NULL);
    CALL(shmctl, s, IPC_SET, &ds);
    CALL(shmctl, s, IPC_STAT, &ds);
    CALL(shmctl, s, IPC_RMID, NULL);
    CALL(shmctl, s, IPC_STAT, &ds);
    CALL(shmat, -1, (void *)0x10000000, SHM_RND | SHM_EXEC);
}

static void queues(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 100}, old;
    struct timespec past = {1, 5};
    char buf[100];
    unsigned priority;
    CALL(mq_open, "no such queue", O_RDWR, 0, NULL);
    int q = (int)CALL(mq_open, "elfuse-strace", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
    CALL(mq_timedsend, q, "hello", 5L, 7, NULL);
    CALL(mq_timedreceive, q, buf, 100L, &priority, &past);
    CALL(mq_timedreceive, q, buf, 100L, NULL, NULL);
    attr.mq_flags = 0;
    CALL(mq_getsetattr, q, &attr, &old);
    CALL(mq_notify, q, NULL);
    CALL(mq_unlink, "elfuse-strace");
}

int main(void)
{
    begin();
    queues();
    messages();
    semaphores();
    memory();
    end();
    return 0;
}
