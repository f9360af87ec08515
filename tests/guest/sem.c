/* guest-test: flags=-pthread */
/* System V semaphores: arguments, all or nothing, waiting in order, counts, timeouts, removal,
 * signals. */
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "guest.h"

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int set_of(int n)
{
    int id = semget(IPC_PRIVATE, n, 0600);
    CHECK(id >= 0);
    return id;
}

static int value(int id, int n)
{
    return semctl(id, n, GETVAL);
}

/* By which of the two calls. */
static long call = SYS_semop;

static int op(int id, int n, int by, int flags)
{
    struct sembuf b = {.sem_num = (unsigned short)n, .sem_op = (short)by, .sem_flg = (short)flags};
    return (int)syscall(call, id, &b, 1, NULL);
}

static int op_timed(int id, int n, int by, long ms)
{
    struct sembuf b = {.sem_num = (unsigned short)n, .sem_op = (short)by};
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    return semtimedop(id, &b, 1, &t);
}

static void keys(void)
{
    int key = 0x656c7301;
    ERR(semget(key, 2, 0600), ENOENT);
    int id = semget(key, 2, IPC_CREAT | 0640);
    CHECK(id >= 0);
    EQ(semget(key, 0, 0), id);
    EQ(semget(key, 2, IPC_CREAT | 0600), id);
    ERR(semget(key, 3, 0600), EINVAL);
    ERR(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    ERR(semget(key + 16, 32001, 0600), EINVAL);
    ERR(semget(key + 16, 0, 0600), ENOENT);
    ERR(semget(key + 16, 0, IPC_CREAT | 0600), EINVAL);
    ERR(semget(key, 32001, IPC_CREAT | IPC_EXCL | 0600), EINVAL);
    struct semid_ds ds;
    EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    EQ(ds.sem_nsems, 2);
    EQ(ds.sem_otime, 0);
    EQ(ds.sem_perm.mode & 0777, 0640);
    EQ(ds.sem_perm.__key, key);
    CHECK(labs(ds.sem_ctime - time(NULL)) < 5);
    ds.sem_perm.mode = 0600;
    EQ(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), 0);
    EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    EQ(ds.sem_perm.mode & 0777, 0600);
    ERR(syscall(SYS_semctl, id, 0, IPC_STAT, 8), EFAULT);
    ERR(syscall(SYS_semctl, id, 0, IPC_SET, 8), EFAULT);
    ERR(semctl(id, 0, 99), EINVAL);
    ERR(semctl(-1, 0, IPC_RMID), EINVAL);
    EQ(semctl(id, 0, IPC_RMID), 0);
    ERR(semctl(id, 0, IPC_RMID), EINVAL);
    ERR(semctl(id, 0, GETVAL), EINVAL);
    ERR(op(id, 0, 1, 0), EINVAL);
    ERR(semget(key, 0, 0), ENOENT);
}

static void values(void)
{
    int id = set_of(3);
    unsigned short all[3] = {1, 2, 3};
    EQ(semctl(id, 0, SETALL, (union semun){.array = all}), 0);
    EQ(value(id, 1), 2);
    EQ(semctl(id, 2, SETVAL, (union semun){.val = 7}), 0);
    memset(all, 0, sizeof all);
    EQ(semctl(id, 0, GETALL, (union semun){.array = all}), 0);
    EQ(all[0], 1);
    EQ(all[2], 7);
    EQ(semctl(id, 2, GETPID), getpid());
    ERR(semctl(id, 3, GETVAL), EINVAL);
    ERR(semctl(id, -1, GETVAL), EINVAL);
    ERR(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
    ERR(semctl(id, 0, SETVAL, (union semun){.val = -1}), ERANGE);
    ERR(semctl(id, 3, SETVAL, (union semun){.val = 1}), EINVAL);
    ERR(semctl(id, 3, SETVAL, (union semun){.val = 32768}), ERANGE);
    ERR(semctl(id + 1, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
    ERR(semctl(-1, 0, SETVAL, (union semun){.val = 32768}), EINVAL);
    ERR(syscall(SYS_semctl, id + 1, 0, SETALL, 8), EINVAL);
    ERR(syscall(SYS_semctl, id + 1, 0, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_semctl, id + 1, 0, IPC_STAT, 8), EINVAL);
    all[1] = 40000;
    ERR(semctl(id, 0, SETALL, (union semun){.array = all}), ERANGE);
    ERR(syscall(SYS_semctl, id, 0, SETALL, 8), EFAULT);
    ERR(syscall(SYS_semctl, id, 0, GETALL, 8), EFAULT);
    EQ(value(id, 1), 2);
    struct seminfo info;
    CHECK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}) >= 0);
    EQ(info.semmni, 32000);
    EQ(info.semmsl, 32000);
    EQ(info.semopm, 500);
    EQ(info.semvmx, 32767);
    CHECK(semctl(0, 0, SEM_INFO, (union semun){.info = &info}) >= 0);
    CHECK(info.semusz >= 1);
    CHECK(info.semaem >= 3);
    EQ(semctl(id, 0, IPC_RMID), 0);
}

static void operations(void)
{
    int id = set_of(2);
    struct sembuf two[2] = {{0, 3, 0}, {1, -1, IPC_NOWAIT}};
    ERR(semop(id, two, 2), EAGAIN); /* none of it is done */
    EQ(value(id, 0), 0);
    two[1].sem_op = 1;
    EQ(semop(id, two, 2), 0);
    EQ(value(id, 0), 3);
    EQ(value(id, 1), 1);
    struct sembuf same[3] = {{0, -2, 0}, {0, -1, 0}, {0, 0, IPC_NOWAIT}};
    EQ(semop(id, same, 3), 0);
    EQ(value(id, 0), 0);
    ERR(op(id, 2, 1, 0), EFBIG);
    ERR(op(id, 1, 32767, 0), ERANGE);
    ERR(semop(id, two, 0), EINVAL);
    ERR(syscall(call, -1, 8, 501, NULL), E2BIG);
    ERR(syscall(call, -1, 8, 0, NULL), EINVAL);
    ERR(syscall(call, -1, 8, 1, NULL), EFAULT);
    ERR(syscall(call, -1, two, 1, NULL), EINVAL);
    ERR(syscall(SYS_semtimedop, -1, 8, 501, 8), EFAULT);
    ERR(syscall(SYS_semtimedop, id, two, 501, NULL), E2BIG);
    ERR(syscall(SYS_semtimedop, id, 8, 1, NULL), EFAULT);
    ERR(syscall(SYS_semtimedop, id, two, 1, 8), EFAULT);
    struct timespec bad = {0, 1000000000};
    ERR(semtimedop(id, two, 2, &bad), EINVAL);
    ERR(op(id, 1, 0, IPC_NOWAIT), EAGAIN);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    ERR(op_timed(id, 0, -1, 60), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 59);
    ERR(op_timed(id, 0, -1, 0), EAGAIN);
    struct semid_ds ds;
    EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    CHECK(labs(ds.sem_otime - time(NULL)) < 5);
    EQ(semctl(id, 0, IPC_RMID), 0);
}

struct waiter {
    int id, num, by, result, error;
    pthread_t thread;
};

static void *wait_for(void *arg)
{
    struct waiter *w = arg;
    errno = 0;
    w->result = op(w->id, w->num, w->by, 0);
    w->error = errno;
    return NULL;
}

/* Until n threads wait for it to grow (or to become zero). */
static void until(int id, int num, int cmd, int n)
{
    for (int i = 0; i < 2000 && semctl(id, num, cmd) != n; i++)
        usleep(1000);
    EQ(semctl(id, num, cmd), n);
}

static void waiting(void)
{
    int id = set_of(2);
    struct waiter a = {.id = id, .by = -2}, b = {.id = id, .by = -1}, z = {.id = id, .num = 1};
    EQ(op(id, 1, 1, 0), 0);
    pthread_create(&a.thread, NULL, wait_for, &a);
    until(id, 0, GETNCNT, 1);
    pthread_create(&b.thread, NULL, wait_for, &b);
    until(id, 0, GETNCNT, 2);
    pthread_create(&z.thread, NULL, wait_for, &z);
    until(id, 1, GETZCNT, 1);
    EQ(semctl(id, 1, GETNCNT), 0);
    /* Who raises it does not get it back: it is the waiter's, who is first. */
    EQ(op(id, 0, 1, 0), 0);
    ERR(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
    pthread_join(b.thread, NULL);
    EQ(b.result, 0);
    EQ(op(id, 0, 3, 0), 0);
    pthread_join(a.thread, NULL);
    EQ(a.result, 0);
    EQ(value(id, 0), 1);
    EQ(op(id, 1, -1, 0), 0);
    pthread_join(z.thread, NULL);
    EQ(z.result, 0);
    /* SETVAL and SETALL let go, too. */
    a.by = -5;
    pthread_create(&a.thread, NULL, wait_for, &a);
    until(id, 0, GETNCNT, 1);
    EQ(semctl(id, 0, SETVAL, (union semun){.val = 9}), 0);
    pthread_join(a.thread, NULL);
    EQ(value(id, 0), 4);
    pthread_create(&a.thread, NULL, wait_for, &a);
    until(id, 0, GETNCNT, 1);
    EQ(semctl(id, 0, IPC_RMID), 0);
    pthread_join(a.thread, NULL);
    EQ(a.result, -1);
    EQ(a.error, EIDRM);
}

static volatile int caught;
static void on_signal(int sig)
{
    caught = sig;
}

static void *tell(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void interrupted(void)
{
    int id = set_of(1);
    pthread_t self = pthread_self(), t;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, tell, &self);
    ERR(op(id, 0, -1, 0), EINTR); /* in spite of SA_RESTART */
    pthread_join(t, NULL);
    EQ(caught, SIGUSR1);
    EQ(semctl(id, 0, GETNCNT), 0);
    caught = 0;
    pthread_create(&t, NULL, tell, &self);
    ERR(op_timed(id, 0, -1, 5000), EINTR);
    pthread_join(t, NULL);
    EQ(semctl(id, 0, IPC_RMID), 0);
}

static void rights(void)
{
    int key = 0x656c7302, id = semget(key, 1, IPC_CREAT | 0600),
        open = semget(IPC_PRIVATE, 1, 0604);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(semget(key, 1, 0400), EACCES);
    ERR(semget(key, 2, 0400), EINVAL);
    ERR(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    EQ(semget(key, 1, 0), id); /* no right is asked for */
    ERR(op(id, 0, 1, 0), EACCES);
    ERR(op(id, 1, 1, 0), EFBIG);
    ERR(syscall(SYS_semop, id, 8, 1), EFAULT);
    call = SYS_semop;
    ERR(op(id, 0, 1, 0), EACCES);
    ERR(semctl(id, 0, GETVAL), EACCES);
    ERR(semctl(id, 0, SETVAL, (union semun){.val = 1}), EACCES);
    ERR(semctl(id, 0, IPC_RMID), EPERM);
    EQ(op(open, 0, 0, 0), 0);
    ERR(op(open, 0, 1, 0), EACCES);
    EQ(value(open, 0), 0);
    struct semid_ds ds;
    ERR(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), EACCES);
    EQ(semctl(open, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    ERR(semctl(open, 0, IPC_SET, (union semun){.buf = &ds}), EPERM);
}

int main(void)
{
    keys();
    values();
    operations();
    waiting();
    interrupted();
    call = SYS_semtimedop;
    operations();
    waiting();
    interrupted();
    rights();
    return done();
}
