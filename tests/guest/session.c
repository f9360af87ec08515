/* Process groups, sessions, and signals to groups. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "guest.h"

static int in_child(int (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int own_group(void)
{
    if (getpgrp() == getpid())
        return 1;
    if (setpgid(0, 0) || getpgrp() != getpid() || getpgid(0) != getpid())
        return 2;
    if (setsid() != -1 || errno != EPERM) /* it leads a group */
        return 3;
    pid_t pid = fork();
    if (pid == 0) {
        if (getpgrp() != getppid())
            _exit(1);
        if (setsid() != getpid() || getsid(0) != getpid() || getpgrp() != getpid())
            _exit(2);
        if (setpgid(0, 0) != -1 || errno != EPERM) /* it leads a session */
            _exit(3);
        if (setpgid(getppid(), 0) != -1 || errno != ESRCH) /* not its child */
            _exit(4);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status ? 10 + WEXITSTATUS(status) : 0;
}

static void groups_of_children(void)
{
    int go[2];
    char c;
    OK(pipe(go));
    pid_t a = fork();
    if (a == 0) {
        close(go[1]);
        (void)!read(go[0], &c, 1);
        _exit(0);
    }
    EQ(setpgid(a, a), 0);
    EQ(getpgid(a), a);
    EQ(setpgid(a, a), 0);
    pid_t b = fork();
    if (b == 0) {
        close(go[1]);
        (void)!read(go[0], &c, 1);
        _exit(0);
    }
    EQ(setpgid(b, a), 0);
    EQ(getpgid(b), a);
    ERR(setpgid(b, 99999), EPERM);
    ERR(setpgid(b, -1), EINVAL);
    ERR(setpgid(-1, 0), EINVAL);
    ERR(setpgid(31999, -1), EINVAL);
    ERR(setpgid(-1, a), ESRCH);
    ERR(getpgid(-1), ESRCH);
    ERR(getsid(-1), ESRCH);
    ERR(setpgid(31999, 0), ESRCH);
    ERR(getpgid(31999), ESRCH);
    ERR(getsid(31999), ESRCH);
    EQ(getsid(b), getsid(0));
    EQ(kill(-a, 0), 0);
    EQ(kill(-a, SIGTERM), 0);
    for (int i = 0; i < 2; i++) {
        int status;
        pid_t got = waitpid(-a, &status, 0);
        CHECK(got == a || got == b);
        EQ(status, SIGTERM);
    }
    ERR(waitpid(-a, NULL, 0), ECHILD);
    ERR(kill(-a, 0), ESRCH);
    EQ(setpgid(0, getpgrp()), getpid() == getsid(0) ? -1 : 0);
    close(go[0]);
    close(go[1]);
}

/* After execve a parent may no longer move it. */
static void after_exec(void)
{
    int told[2];
    char c;
    OK(pipe(told));
    pid_t pid = fork();
    if (pid == 0) {
        fcntl(told[1], F_SETFD, FD_CLOEXEC);
        execl("/proc/self/exe", "session", "pause", (char *)NULL);
        _exit(1);
    }
    close(told[1]);
    EQ(read(told[0], &c, 1), 0); /* closed by execve */
    ERR(setpgid(pid, pid), EACCES);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, NULL, 0), pid);
    close(told[0]);
}

static int everybody(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    if (kill(-1, SIGKILL))
        return 1;
    int status;
    waitpid(pid, &status, 0);
    return status == SIGKILL ? 0 : 2;
}

/* A terminal of one's own: foreground groups by the guest's numbers. */
static int terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        return 1;
    if (setsid() != getpid())
        return 2;
    int tty = open(ptsname(master), O_RDWR);
    if (tty < 0)
        return 3;
    if (ioctl(tty, TIOCSCTTY, 0))
        return 4;
    if (tcgetpgrp(tty) != getpid() || tcgetsid(tty) != getpid())
        return 5;
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        if (tcsetpgrp(tty, getpid()))
            _exit(1);
        signal(SIGINT, SIG_DFL);
        for (;;)
            pause();
    }
    while (tcgetpgrp(tty) != pid)
        usleep(1000);
    (void)!write(master, "\003", 1); /* ^C to the foreground group */
    int status;
    waitpid(pid, &status, 0);
    if (status != SIGINT)
        return 7;
    if (tcsetpgrp(tty, getpid()) != -1 ||
        errno != ENOTTY) /* an orphaned group, in the background */
        return 6;
    signal(SIGTTOU, SIG_IGN);
    if (tcsetpgrp(tty, 31999) != -1 || errno != ESRCH)
        return 11;
    if (tcsetpgrp(tty, getpid()) || tcgetpgrp(tty) != getpid())
        return 8;
    /* ^Z stops, SIGCONT continues. */
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        tcsetpgrp(tty, getpid());
        for (;;)
            pause();
    }
    while (tcgetpgrp(tty) != pid)
        usleep(1000);
    (void)!write(master, "\032", 1);
    waitpid(pid, &status, WUNTRACED);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTSTP)
        return 9;
    kill(-pid, SIGCONT);
    kill(-pid, SIGTERM);
    waitpid(pid, &status, 0);
    return status == SIGTERM ? 0 : 10;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "pause"))
        for (;;)
            pause();
    EQ(getpgrp(), getpid());
    EQ(getsid(0), getpid());
    ERR(setsid(), EPERM);
    ERR(setpgid(0, 0), EPERM);
    EQ(in_child(own_group), 0);
    groups_of_children();
    after_exec();
    EQ(in_child(everybody), 0);
    EQ(in_child(terminal), 0);
    return done();
}
