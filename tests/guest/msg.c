/* guest-test: flags=-pthread */
/* System V messages: types, sizes, full and empty queues, waiting, removal, rights. */
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <time.h>

#include "guest.h"

struct message {
    long type;
    char text[8192];
};

static struct message m;

static int send(int id, long type, const char *text, int flags)
{
    struct message out = {.type = type};
    strcpy(out.text, text);
    return msgsnd(id, &out, strlen(text), flags);
}

static long receive(int id, long type, int flags)
{
    memset(&m, 0, sizeof m);
    return msgrcv(id, &m, sizeof m.text, type, flags);
}

static int queue(void)
{
    int id = msgget(IPC_PRIVATE, 0600);
    CHECK(id >= 0);
    return id;
}

static void keys(void)
{
    int key = 0x656c6d01;
    ERR(msgget(key, 0600), ENOENT);
    int id = msgget(key, IPC_CREAT | 0640);
    CHECK(id >= 0);
    EQ(msgget(key, 0), id);
    ERR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    struct msqid_ds ds;
    EQ(msgctl(id, IPC_STAT, &ds), 0);
    EQ(ds.msg_qbytes, 16384);
    EQ(ds.msg_qnum, 0);
    EQ(ds.msg_lspid, 0);
    EQ(ds.msg_perm.mode & 0777, 0640);
    ERR(syscall(SYS_msgctl, id, IPC_STAT, 8), EFAULT);
    ERR(msgctl(id, 99, &ds), EINVAL);
    ERR(msgctl(-1, IPC_STAT, &ds), EINVAL);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
    ERR(msgctl(id, IPC_STAT, &ds), EINVAL);
    ERR(send(id, 1, "x", 0), EINVAL);
    ERR(receive(id, 0, 0), EINVAL);
    struct msginfo info;
    CHECK(msgctl(0, IPC_INFO, (void *)&info) >= 0);
    EQ(info.msgmax, 8192);
    EQ(info.msgmnb, 16384);
    EQ(info.msgmni, 32000);
}

static void types(void)
{
    int id = queue();
    EQ(send(id, 3, "three", 0), 0);
    EQ(send(id, 1, "one", 0), 0);
    EQ(send(id, 2, "two", 0), 0);
    EQ(send(id, 1, "one again", 0), 0);
    struct msqid_ds ds;
    EQ(msgctl(id, IPC_STAT, &ds), 0);
    EQ(ds.msg_qnum, 4);
    EQ(ds.__msg_cbytes, 20);
    EQ(ds.msg_lspid, getpid());
    EQ(receive(id, 2, 0), 3);
    CHECK(m.type == 2 && !strcmp(m.text, "two"));
    EQ(receive(id, -2, 0), 3);
    CHECK(m.type == 1 && !strcmp(m.text, "one"));
    EQ(receive(id, 1, MSG_EXCEPT), 5);
    CHECK(m.type == 3);
    EQ(msgrcv(id, &m, 3, 0, MSG_NOERROR), 3);
    CHECK(m.type == 1 && !memcmp(m.text, "one", 3));
    ERR(receive(id, 0, IPC_NOWAIT), ENOMSG);
    EQ(send(id, 5, "long enough", 0), 0);
    ERR(msgrcv(id, &m, 3, 0, 0), E2BIG);
    EQ(msgrcv(id, &m, 100, 0, MSG_COPY | IPC_NOWAIT), 11);
    ERR(msgrcv(id, &m, 3, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
    ERR(msgrcv(id, &m, 3, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), EINVAL);
    ERR(msgrcv(id, &m, 100, 1, MSG_COPY | IPC_NOWAIT), ENOMSG);
    ERR(msgrcv(id, &m, 100, 0, MSG_COPY), EINVAL);
    ERR(receive(id, 4, IPC_NOWAIT), ENOMSG);
    ERR(receive(id, -4, IPC_NOWAIT), ENOMSG);
    EQ(receive(id, 5, 0), 11);
    EQ(send(id, 1, "", 0), 0);
    EQ(receive(id, 0, 0), 0);
    ERR(send(id, 0, "x", 0), EINVAL);
    ERR(send(id, -1, "x", 0), EINVAL);
    ERR(msgsnd(id, &m, 8193, 0), EINVAL);
    ERR(syscall(SYS_msgsnd, -1, 8, 8193, 0), EFAULT); /* the type is read first */
    ERR(msgsnd(-1, &m, -1, 0), EINVAL);
    ERR(msgrcv(id, (void *)8, -1, 0, 0), EINVAL);
    ERR(syscall(SYS_msgrcv, id, 8, 100, 0, IPC_NOWAIT), ENOMSG);
    ERR(syscall(SYS_msgrcv, id, 8, 100, 0, IPC_NOWAIT | MSG_COPY), EFAULT); /* it is read */
    ERR(msgctl(id + 1, IPC_STAT, (void *)8), EINVAL);
    ERR(msgctl(id + 1, IPC_SET, (void *)8), EFAULT);
    ERR(syscall(SYS_msgsnd, id, 8, 1, 0), EFAULT);
    EQ(send(id, 1, "lost", 0), 0);
    ERR(syscall(SYS_msgrcv, id, 8, 100, 0, 0), EFAULT); /* it is gone all the same */
    ERR(receive(id, 0, IPC_NOWAIT), ENOMSG);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void full(void)
{
    int id = queue();
    struct message big = {.type = 1};
    EQ(msgsnd(id, &big, 8192, IPC_NOWAIT), 0);
    EQ(msgsnd(id, &big, 8192, IPC_NOWAIT), 0);
    ERR(msgsnd(id, &big, 1, IPC_NOWAIT), EAGAIN);
    EQ(msgsnd(id, &big, 0, IPC_NOWAIT), 0);
    struct msqid_ds ds;
    EQ(msgctl(id, IPC_STAT, &ds), 0);
    ds.msg_qbytes = 4;
    EQ(msgctl(id, IPC_SET, &ds), 0);
    for (int i = 0; i < 3; i++)
        CHECK(receive(id, 0, IPC_NOWAIT) >= 0);
    for (int i = 0; i < 4; i++)
        EQ(msgsnd(id, &big, 0, IPC_NOWAIT), 0);
    ERR(msgsnd(id, &big, 0, IPC_NOWAIT), EAGAIN); /* as many messages as bytes */
    EQ(msgctl(id, IPC_RMID, NULL), 0);
}

struct waiter {
    int id;
    long type, result;
    int error;
    size_t size;
    struct message got;
    pthread_t thread;
};

static void *wait_for(void *arg)
{
    struct waiter *w = arg;
    errno = 0;
    w->result = w->size ? msgsnd(w->id, &w->got, w->size, 0)
                        : msgrcv(w->id, &w->got, sizeof w->got.text, w->type, 0);
    w->error = errno;
    return NULL;
}

static void waiting(void)
{
    static struct waiter two, any, sender;
    int id = queue();
    two = (struct waiter){.id = id, .type = 2};
    any = (struct waiter){.id = id};
    pthread_create(&two.thread, NULL, wait_for, &two);
    usleep(30000);
    pthread_create(&any.thread, NULL, wait_for, &any);
    usleep(30000);
    EQ(send(id, 1, "for any", 0), 0);
    pthread_join(any.thread, NULL);
    EQ(any.result, 7);
    EQ(send(id, 2, "for two", 0), 0);
    pthread_join(two.thread, NULL);
    EQ(two.result, 7);
    CHECK(!memcmp(two.got.text, "for two", 7));

    sender = (struct waiter){.id = id, .size = 8192, .got.type = 3};
    EQ(msgsnd(id, &sender.got, 8192, 0), 0);
    EQ(msgsnd(id, &sender.got, 8192, 0), 0);
    pthread_create(&sender.thread, NULL, wait_for, &sender);
    usleep(30000);
    EQ(receive(id, 0, 0), 8192);
    pthread_join(sender.thread, NULL);
    EQ(sender.result, 0);
    pthread_create(&sender.thread, NULL, wait_for, &sender);
    two = (struct waiter){.id = id, .type = 9};
    pthread_create(&two.thread, NULL, wait_for, &two);
    usleep(200000);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
    pthread_join(sender.thread, NULL);
    pthread_join(two.thread, NULL);
    EQ(sender.error, EIDRM);
    EQ(two.error, EIDRM);
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
    int id = queue();
    pthread_t self = pthread_self(), t;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, tell, &self);
    ERR(receive(id, 0, 0), EINTR); /* in spite of SA_RESTART */
    pthread_join(t, NULL);
    EQ(caught, SIGUSR1);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void rights(void)
{
    int id = msgget(IPC_PRIVATE, 0604);
    struct msqid_ds ds;
    EQ(msgctl(id, IPC_STAT, &ds), 0);
    ds.msg_perm.uid = 1000;
    EQ(msgctl(id, IPC_SET, &ds), 0);
    int key = 0x656c6d02, other = msgget(IPC_PRIVATE, 0604), locked = msgget(key, IPC_CREAT | 0600);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ds.msg_qbytes = 100000;
    ERR(msgctl(id, IPC_SET, &ds), EPERM); /* more than msgmnb */
    ds.msg_qbytes = 100;
    EQ(msgctl(id, IPC_SET, &ds), 0);
    EQ(send(id, 1, "mine", 0), 0);
    ERR(send(other, 1, "x", 0), EACCES);
    ERR(receive(other, 0, IPC_NOWAIT), ENOMSG);
    ERR(msgctl(other, IPC_RMID, NULL), EPERM);
    ERR(msgctl(other, IPC_SET, &ds), EPERM);
    ERR(msgget(key, 0400), EACCES);
    ERR(msgget(key, IPC_CREAT | 0200), EACCES);
    ERR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    EQ(msgget(key, IPC_CREAT), locked); /* no right is asked for */
    ERR(receive(locked, 0, IPC_NOWAIT), EACCES);
    ERR(receive(locked, 0, MSG_COPY), EINVAL);
    ERR(send(locked, 1, "x", IPC_NOWAIT), EACCES);
    ERR(msgctl(locked, IPC_STAT, &ds), EACCES);
    ERR(syscall(SYS_msgctl, locked, IPC_STAT, 8), EACCES);
    ERR(syscall(SYS_msgctl, locked, IPC_SET, 8), EFAULT);
    EQ(msgctl(id, IPC_RMID, NULL), 0);
}

int main(void)
{
    keys();
    types();
    full();
    waiting();
    interrupted();
    rights();
    return done();
}
