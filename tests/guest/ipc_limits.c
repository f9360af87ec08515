/* How many objects of each kind there may be: System V's queues, sets and segments, and message
 * queues with names. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "guest.h"

#define MSGMNI 32000
#define SEMMNI 32000
#define SHMMNI 4096

static void messages(void)
{
    int n = 0, id, last = -1;
    while (n <= MSGMNI && (id = msgget(IPC_PRIVATE, 0600)) >= 0) {
        last = id;
        n++;
    }
    EQ(errno, ENOSPC);
    EQ(n, MSGMNI);
    ERR(msgget(0x656c0001, IPC_CREAT | 0600), ENOSPC);
    ERR(msgget(0x656c0001, 0600), ENOENT);
    EQ(msgctl(last, IPC_RMID, NULL), 0);
    id = msgget(0x656c0001, IPC_CREAT | 0600);
    CHECK(id >= 0 && id != last); /* the same place, another number */
}

static void semaphores(void)
{
    int n = 0, id, last = -1;
    while (n <= SEMMNI && (id = semget(IPC_PRIVATE, 1, 0600)) >= 0) {
        last = id;
        n++;
    }
    EQ(errno, ENOSPC);
    EQ(n, SEMMNI);
    ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    EQ(semctl(last, 0, IPC_RMID), 0);
    OK(semget(IPC_PRIVATE, 1, 0600));
}

static void segments(void)
{
    int n = 0, id, last = -1;
    while (n <= SHMMNI && (id = shmget(IPC_PRIVATE, 1, 0600)) >= 0) {
        last = id;
        n++;
    }
    EQ(errno, ENOSPC);
    EQ(n, SHMMNI);
    ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    EQ(shmctl(last, IPC_RMID, NULL), 0);
    OK(shmget(IPC_PRIVATE, 1, 0600));
}

static int queues_max(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/fs/mqueue/queues_max", O_RDONLY);
    CHECK(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return atoi(text);
}

/* Root may make more on Linux, so it is another who asks. */
static void queues(void)
{
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1}, bad = {.mq_maxmsg = 0};
    int n = 0, max = queues_max();
    char name[32];
    for (; n <= max; n++) {
        snprintf(name, sizeof name, "/elf-%d", n);
        mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
        if (q < 0)
            break;
        mq_close(q);
    }
    EQ(errno, ENOSPC);
    EQ(n, max);
    ERR(mq_open(name, O_CREAT | O_RDWR, 0600, &bad), ENOSPC);
    ERR(mq_open(name, O_RDWR), ENOENT);
    ERR(mq_open("/elf-0", O_CREAT | O_EXCL | O_RDWR, 0600, &attr), EEXIST);
    EQ(mq_close(mq_open("/elf-0", O_CREAT | O_RDWR, 0600, &attr)), 0);
    EQ(mq_unlink("/elf-0"), 0);
    OK(mq_open(name, O_CREAT | O_RDWR, 0600, &attr));
}

int main(void)
{
    messages();
    semaphores();
    segments();
    EQ(setresuid(1000, 1000, 1000), 0);
    queues();
    return done();
}
