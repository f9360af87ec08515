/* guest-test: process=second roots=plain */
/* A terminal and who is not in its foreground: SIGTTIN and SIGTTOU, handled, ignored, blocked, by
 * default, and in an orphaned group. */
#include <pty.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "guest.h"

static volatile int count, ignore_after;

static void on_signal(int sig)
{
    if (++count == ignore_after)
        signal(sig, SIG_IGN);
}

static void handle(int sig, int flags)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
    count = ignore_after = 0;
}

static void block(int sig, bool on)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int tty, master;

static void reads(void)
{
    char b[8];
    handle(SIGTTIN, 0);
    ERR(read(tty, b, sizeof b), EINTR);
    EQ(count, 1);
    handle(SIGTTIN, SA_RESTART); /* asks again each time */
    ignore_after = 3;
    ERR(read(tty, b, sizeof b), EIO);
    EQ(count, 3);
    ERR(read(tty, b, sizeof b), EIO); /* ignored */
    handle(SIGTTIN, 0);
    block(SIGTTIN, true);
    ERR(read(tty, b, sizeof b), EIO);
    EQ(count, 0);
    block(SIGTTIN, false);
    EQ(count, 0); /* it was not even sent */
}

static void writes(void)
{
    struct termios t;
    handle(SIGTTOU, 0);
    EQ(write(tty, "a", 1), 1); /* TOSTOP is off */
    EQ(count, 0);
    OK(tcgetattr(tty, &t));
    ERR(tcsetattr(tty, TCSANOW, &t), EINTR);
    EQ(count, 1);
    ERR(tcsetpgrp(tty, getpgrp()), EINTR);
    EQ(count, 2);
    t.c_lflag |= TOSTOP;
    block(SIGTTOU, true);
    OK(tcsetattr(tty, TCSANOW, &t));
    EQ(write(tty, "b", 1), 1);
    block(SIGTTOU, false);
    EQ(count, 2);
    ERR(write(tty, "c", 1), EINTR);
    EQ(count, 3);
    handle(SIGTTOU, SA_RESTART);
    ignore_after = 2;
    EQ(write(tty, "d", 1), 1);
    EQ(count, 2);
    t.c_lflag &= ~(tcflag_t)TOSTOP;
    OK(tcsetattr(tty, TCSANOW, &t)); /* ignored */
}

static void run_child(void (*fn)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        fn();
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static void stopped(void)
{
    int status;
    char b[8];
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        _exit(read(tty, b, sizeof b) == 3 && memcmp(b, "hi\n", 3) == 0 ? 6 : 7);
    }
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
    OK(tcsetpgrp(tty, pid));
    OK(kill(-pid, SIGCONT));
    OK(write(master, "hi\n", 3));
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 6);
    signal(SIGTTOU, SIG_IGN);
    OK(tcsetpgrp(tty, getpgrp()));
    signal(SIGTTOU, SIG_DFL);
}

/* Nobody could continue it: a read fails, and a stop by the terminal's key does nothing. */
static void orphaned(void)
{
    int p[2];
    char b = 0;
    OK(pipe(p));
    pid_t middle = fork();
    if (middle == 0) {
        pid_t was = getpid();
        if (fork() == 0) {
            setpgid(0, 0);
            while (getppid() == was)
                usleep(1000);
            usleep(20000);
            errno = 0;
            b = read(tty, &b, 1) == -1 && errno == EIO ? 'y' : 'n';
            raise(SIGTSTP);
            (void)!write(p[1], &b, 1);
            _exit(0);
        }
        usleep(10000);
        _exit(0);
    }
    EQ(waitpid(middle, NULL, 0), middle);
    close(p[1]);
    EQ(read(p[0], &b, 1), 1);
    EQ(b, 'y');
    close(p[0]);
}

int main(void)
{
    int status;
    OK(openpty(&master, &tty, NULL, NULL, NULL));
    pid_t pid = fork();
    if (pid == 0) {
        OK(setsid());
        OK(ioctl(tty, TIOCSCTTY, 0));
        EQ(tcgetpgrp(tty), getpid());
        run_child(reads);
        run_child(writes);
        stopped();
        orphaned();
        fflush(stdout);
        _exit(guest_failed != 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    return done();
}
