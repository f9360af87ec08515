/* guest-test: flags=-pthread */
/* POSIX message queues: names, attributes, priorities, waiting, poll, notification, processes. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

#define NAME "/elf-queue"

static char text[8192];

static mqd_t make(long maxmsg, long msgsize, int flags)
{
    struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};
    return mq_open(NAME, O_CREAT | flags, 0600, &attr);
}

static int readiness(mqd_t q)
{
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
    EQ(poll(&p, 1, 0) >= 0, 1);
    return p.revents;
}

static void names(void)
{
    mq_unlink(NAME);
    ERR(mq_open(NAME, O_RDWR), ENOENT);
    ERR(mq_unlink(NAME), ENOENT);
    ERR(syscall(SYS_mq_unlink, "a/b"), EACCES);
    ERR(syscall(SYS_mq_unlink, ".."), EACCES);
    ERR(syscall(SYS_mq_unlink, ""), ENOENT);
    ERR(syscall(SYS_mq_unlink, 8), EFAULT);
    ERR(make(0, 10, O_RDWR), EINVAL);
    ERR(make(10, 0, O_RDWR), EINVAL);
    ERR(make(11, 10, O_RDWR), EINVAL); /* fs.mqueue.msg_max */
    ERR(make(10, 8193, O_RDWR), EINVAL);
    ERR(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    ERR(syscall(SYS_mq_open, "/a", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    ERR(syscall(SYS_mq_open, "..", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    ERR(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
    ERR(syscall(SYS_mq_open, 8, O_CREAT | O_RDWR, 0600, NULL), EFAULT);
    ERR(syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, 8), EFAULT);
    memset(text, 'n', 256);
    text[256] = 0;
    ERR(syscall(SYS_mq_unlink, text), ENAMETOOLONG);
    ERR(syscall(SYS_mq_open, text, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
    mqd_t q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
    CHECK(q >= 0);
    EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
    ERR(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
    ERR(mq_open(NAME, O_RDWR | O_WRONLY), EINVAL);
    struct mq_attr attr;
    EQ(mq_getattr(q, &attr), 0);
    EQ(attr.mq_maxmsg, 10);
    EQ(attr.mq_msgsize, 8192);
    EQ(attr.mq_curmsgs, 0);
    EQ(attr.mq_flags, 0);
    attr.mq_flags = O_NONBLOCK;
    EQ(mq_setattr(q, &attr, NULL), 0);
    EQ(mq_getattr(q, &attr), 0);
    EQ(attr.mq_flags, O_NONBLOCK);
    ERR(mq_receive(q, text, sizeof text, NULL), EAGAIN);
    attr.mq_flags = 1;
    ERR(mq_setattr(q, &attr, NULL), EINVAL);
    ERR(mq_setattr(99, &attr, NULL), EINVAL);
    ERR(mq_getattr(99, &attr), EBADF);
    ERR(syscall(SYS_mq_getsetattr, q, 8, NULL), EFAULT);
    ERR(syscall(SYS_mq_getsetattr, q, NULL, 8), EFAULT);
    EQ(syscall(SYS_mq_getsetattr, q, NULL, NULL), 0);
    ERR(mq_getattr(0, &attr), EBADF);
    /* It lives on without its name. */
    EQ(mq_send(q, "kept", 4, 0), 0);
    EQ(mq_unlink(NAME), 0);
    mqd_t other = mq_open(NAME, O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL);
    ERR(mq_receive(other, text, sizeof text, NULL), EAGAIN);
    EQ(mq_receive(q, text, sizeof text, NULL), 4);
    EQ(mq_close(q), 0);
    EQ(mq_close(other), 0);
    EQ(mq_unlink(NAME), 0);
}

static void messages(void)
{
    unsigned prio;
    mqd_t q = make(3, 16, O_RDWR | O_NONBLOCK), ro = mq_open(NAME, O_RDONLY),
          wo = mq_open(NAME, O_WRONLY | O_NONBLOCK);
    EQ(readiness(q), POLLOUT);
    EQ(mq_send(q, "low", 3, 1), 0);
    EQ(readiness(q), POLLIN | POLLOUT);
    EQ(mq_send(q, "high", 4, 9), 0);
    EQ(mq_send(wo, "low again", 9, 1), 0);
    EQ(readiness(q), POLLIN);
    ERR(mq_send(wo, "more", 4, 1), EAGAIN);
    ERR(mq_send(q, text, 17, 1), EMSGSIZE);
    ERR(mq_send(q, "x", 1, 32768), EINVAL);
    ERR(mq_send(ro, "x", 1, 1), EBADF);
    ERR(mq_send(99, "x", 1, 1), EBADF);
    ERR(mq_send(99, "x", 1, 32768), EINVAL);
    ERR(mq_send(0, "x", 1, 1), EBADF);
    ERR(mq_receive(wo, text, 16, NULL), EBADF);
    ERR(mq_receive(q, text, 15, NULL), EMSGSIZE);
    EQ(mq_receive(ro, text, 16, &prio), 4);
    EQ(prio, 9);
    EQ(mq_receive(q, text, 16, &prio), 3);
    EQ(prio, 1);
    CHECK(!memcmp(text, "low", 3));
    EQ(mq_receive(q, text, 16, NULL), 9);
    ERR(mq_receive(q, text, 16, NULL), EAGAIN);
    EQ(mq_send(q, "", 0, 0), 0);
    EQ(mq_receive(q, text, 16, &prio), 0);
    EQ(mq_send(q, "x", 1, 0), 0);
    ERR(syscall(SYS_mq_timedreceive, q, 8, 16, NULL, NULL), EFAULT);
    ERR(syscall(SYS_mq_timedsend, q, 8, 4, 0, NULL), EFAULT);
    EQ(readiness(q), POLLOUT); /* it was taken all the same */
    struct timespec bad = {0, 1000000000}, soon;
    ERR(mq_timedreceive(ro, text, 16, NULL, &bad), EINVAL);
    ERR(mq_timedreceive(99, text, 16, NULL, &bad), EINVAL);
    ERR(mq_timedreceive(99, text, 16, NULL, (void *)8), EFAULT);
    ERR(mq_timedsend(99, text, 16, 0, &bad), EINVAL);
    ERR(mq_timedsend(99, text, 16, 32768, (void *)8), EFAULT);
    clock_gettime(CLOCK_REALTIME, &soon);
    ERR(mq_timedreceive(ro, text, 16, NULL, &soon), ETIMEDOUT);
    soon.tv_nsec += 50000000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_sec++;
        soon.tv_nsec -= 1000000000;
    }
    ERR(mq_timedreceive(ro, text, 16, NULL, &soon), ETIMEDOUT);
    struct timespec now, past = {1, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
    char shown[100] = "";
    mqd_t full = mq_open(NAME, O_RDWR);
    for (int i = 0; i < 3; i++)
        EQ(mq_timedsend(full, "x", 1, 0, &past), 0); /* nobody has to wait */
    ERR(mq_timedsend(full, "x", 1, 0, &past), ETIMEDOUT);
    ERR(mq_timedsend(full, "x", 1, 0, &bad), EINVAL);
    ERR(mq_timedsend(full, "x", 17, 0, &bad), EINVAL);
    ERR(mq_timedsend(wo, "x", 1, 0, &past), EAGAIN);
    for (int i = 0; i < 3; i++)
        EQ(mq_receive(full, text, 16, NULL), 1);
    mq_close(full);
    EQ(mq_send(q, "12345", 5, 0), 0);
    CHECK(pread(q, shown, sizeof shown - 1, 0) > 0 || read(q, shown, sizeof shown - 1) > 0);
    CHECK(!strncmp(shown, "QSIZE:5 ", 8));
    mq_close(q);
    mq_close(ro);
    mq_close(wo);
    mq_unlink(NAME);
}

static volatile sig_atomic_t caught, code, value, sender;
static void on_signal(int sig, siginfo_t *info, void *context)
{
    code = info->si_code;
    value = info->si_value.sival_int;
    sender = info->si_pid;
    caught = sig;
}

static void *send_later(void *arg)
{
    usleep(50000);
    EQ(mq_send(*(mqd_t *)arg, "late", 4, 0), 0);
    return NULL;
}

static void *signal_later(void *arg)
{
    usleep(50000);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void waiting(void)
{
    mqd_t q = make(1, 16, O_RDWR);
    pthread_t t, self = pthread_self();
    pthread_create(&t, NULL, send_later, &q);
    EQ(mq_receive(q, text, 16, NULL), 4);
    pthread_join(t, NULL);
    EQ(mq_send(q, "first", 5, 0), 0);
    pthread_create(&t, NULL, send_later, &q);
    usleep(100000);
    EQ(mq_receive(q, text, 16, NULL), 5);
    pthread_join(t, NULL);
    EQ(mq_receive(q, text, 16, NULL), 4);
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signal_later, &self);
    ERR(mq_receive(q, text, 16, NULL), EINTR);
    pthread_join(t, NULL);
    mq_close(q);
    mq_unlink(NAME);
}

static void notice(void)
{
    mqd_t q = make(2, 16, O_RDWR);
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR2, &sa, NULL);
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 77};
    struct sigevent odd = {.sigev_notify = 9};
    ERR(mq_notify(q, &odd), EINVAL);
    odd = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    ERR(mq_notify(q, &odd), EINVAL);
    ERR(mq_notify(99, &event), EBADF);
    ERR(mq_notify(99, &odd), EINVAL);
    ERR(syscall(SYS_mq_notify, 99, 8), EFAULT);
    ERR(mq_notify(99, NULL), EBADF);
    ERR(mq_notify(0, &event), EBADF);
    EQ(mq_notify(q, &event), 0);
    ERR(mq_notify(q, &event), EBUSY);
    caught = 0;
    EQ(mq_send(q, "a", 1, 0), 0);
    EQ(caught, SIGUSR2);
    EQ(code, SI_MESGQ);
    EQ(value, 77);
    EQ(sender, getpid());
    caught = 0;
    EQ(mq_send(q, "b", 1, 0), 0); /* once only, and only for an empty queue */
    EQ(caught, 0);
    EQ(mq_notify(q, &event), 0);
    EQ(mq_receive(q, text, 16, NULL), 1);
    EQ(mq_send(q, "c", 1, 0), 0);
    EQ(caught, 0);
    EQ(mq_notify(q, NULL), 0);
    EQ(mq_receive(q, text, 16, NULL), 1);
    EQ(mq_receive(q, text, 16, NULL), 1);
    EQ(mq_send(q, "d", 1, 0), 0);
    EQ(caught, 0);
    EQ(mq_receive(q, text, 16, NULL), 1);
    /* From another process. */
    EQ(mq_notify(q, &event), 0);
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(mq_send(q, "e", 1, 0) == 0 ? 0 : 1);
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    for (int i = 0; i < 1000 && !caught; i++)
        usleep(1000);
    EQ(caught, SIGUSR2);
    EQ(code, SI_MESGQ);
    EQ(sender, child);
    mq_close(q);
    mq_unlink(NAME);
}

static void processes(void)
{
    unsigned prio;
    mqd_t q = make(4, 16, O_RDWR);
    pid_t child = fork();
    if (child == 0) {
        mqd_t mine = mq_open(NAME, O_WRONLY);
        char m[16];
        for (int i = 0; i < 500; i++) {
            sprintf(m, "%d", i);
            if (mq_send(mine, m, strlen(m) + 1, 3))
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 500; i++) {
        EQ(mq_receive(q, text, 16, &prio) > 0, 1);
        EQ(atoi(text), i);
    }
    int status = -1;
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    /* Killed while it waits: nothing is lost to it. */
    child = fork();
    if (child == 0) {
        mq_receive(q, text, 16, NULL);
        _exit(0);
    }
    usleep(100000);
    kill(child, SIGKILL);
    EQ(waitpid(child, &status, 0), child);
    EQ(mq_send(q, "mine", 5, 0), 0);
    EQ(mq_receive(q, text, 16, NULL), 5);
    EQ(mq_unlink(NAME), 0);
    /* A poll that another process ends. */
    child = fork();
    if (child == 0) {
        usleep(50000);
        _exit(mq_send(q, "poll", 5, 0) == 0 ? 0 : 1);
    }
    struct pollfd p = {.fd = q, .events = POLLIN};
    EQ(poll(&p, 1, 5000), 1);
    EQ(mq_receive(q, text, 16, NULL), 5);
    EQ(waitpid(child, &status, 0), child);
    mq_close(q);
}

static void rights(void)
{
    struct rlimit limit = {100000, 100000};
    EQ(setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
    mqd_t q = mq_open(NAME, O_CREAT | O_RDWR, 0604, NULL);
    CHECK(q >= 0);
    ERR(mq_open("/elf-second", O_CREAT | O_RDWR, 0600, NULL), EMFILE);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(mq_open(NAME, O_RDWR), EACCES);
    mqd_t ro = mq_open(NAME, O_RDONLY);
    CHECK(ro >= 0);
    ERR(syscall(SYS_mq_unlink, NAME + 1), EPERM);
    mq_close(ro);
    mq_close(q);
}

int main(void)
{
    names();
    messages();
    waiting();
    notice();
    processes();
    rights();
    return done();
}
