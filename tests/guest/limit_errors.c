/* Limits that are refused: who may raise which, and of whom. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "guest.h"

#define BAD  ((void *)8)
#define NONE 999999

static void errors(void)
{
    struct rlimit r = {0, 0};
    OK(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));
    ERR(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD), EFAULT);
    ERR(syscall(SYS_prlimit64, NONE, RLIMIT_CORE, BAD, NULL), EFAULT);
    ERR(syscall(SYS_prlimit64, NONE, 99, NULL, NULL), ESRCH);
    ERR(syscall(SYS_prlimit64, 0, 16, NULL, NULL), EINVAL);
    ERR(syscall(SYS_prlimit64, -1, RLIMIT_CORE, NULL, NULL), ESRCH);
    ERR(syscall(SYS_getrlimit, RLIMIT_CORE, BAD), EFAULT);
    ERR(syscall(SYS_getrlimit, 99, BAD), EINVAL);
    ERR(syscall(SYS_setrlimit, 99, BAD), EFAULT);
    ERR(syscall(SYS_setrlimit, 99, &r), EINVAL);
    OK(getrlimit(RLIMIT_CORE, &r));
    r.rlim_cur = 2;
    r.rlim_max = 1;
    ERR(setrlimit(RLIMIT_CORE, &r), EINVAL);
    ERR(syscall(SYS_setrlimit, RLIMIT_CORE, &r), EINVAL);
    ERR(syscall(SYS_prlimit64, NONE, RLIMIT_CORE, &r, NULL), ESRCH);
    r = (struct rlimit){100, RLIM_INFINITY};
    ERR(syscall(SYS_setrlimit, RLIMIT_NOFILE, &r), EPERM); /* more than fs.nr_open */
    ERR(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL), EPERM);
}

/* The hard limit is lowered for ever by who is not root. */
static int lowered(pid_t root)
{
    struct rlimit r = {10, 20};
    OK(setrlimit(RLIMIT_MSGQUEUE, &r));
    r = (struct rlimit){15, 20};
    OK(setrlimit(RLIMIT_MSGQUEUE, &r));
    OK(setresuid(1000, 1000, 1000));
    ERR(syscall(SYS_prlimit64, root, RLIMIT_MSGQUEUE, NULL, &r), EPERM);
    ERR(syscall(SYS_prlimit64, root, 99, NULL, &r), EPERM); /* whatever is asked */
    ERR(syscall(SYS_prlimit64, root, RLIMIT_MSGQUEUE, BAD, NULL), EFAULT);
    r = (struct rlimit){15, 21};
    ERR(syscall(SYS_setrlimit, RLIMIT_MSGQUEUE, &r), EPERM);
    ERR(syscall(SYS_prlimit64, 0, RLIMIT_MSGQUEUE, &r, NULL), EPERM);
    r = (struct rlimit){22, 21};
    ERR(syscall(SYS_setrlimit, RLIMIT_MSGQUEUE, &r), EINVAL); /* rather than EPERM */
    r = (struct rlimit){20, 20};
    OK(setrlimit(RLIMIT_MSGQUEUE, &r));
    r = (struct rlimit){0, 0};
    OK(setrlimit(RLIMIT_MSGQUEUE, &r));
    OK(getrlimit(RLIMIT_MSGQUEUE, &r));
    EQ(r.rlim_cur + r.rlim_max, 0);
    return guest_failed;
}

/* Another process's are seen by the same user, and by root. */
static void of_another(void)
{
    int told[2];
    char c;
    struct rlimit r;
    OK(pipe(told));
    pid_t child = fork();
    if (child == 0) {
        r = (struct rlimit){10, 20};
        OK(setrlimit(RLIMIT_MSGQUEUE, &r));
        OK(setresuid(1000, 1000, 1000));
        EQ(write(told[1], "x", 1), 1);
        for (;;)
            pause();
    }
    EQ(read(told[0], &c, 1), 1);
    OK(syscall(SYS_prlimit64, child, RLIMIT_MSGQUEUE, NULL, &r));
    CHECK(r.rlim_cur == 10 && r.rlim_max == 20);
    ERR(syscall(SYS_prlimit64, child, 16, NULL, &r), EINVAL);
    ERR(syscall(SYS_prlimit64, child, RLIMIT_MSGQUEUE, NULL, BAD), EFAULT);
    OK(kill(child, SIGKILL));
    EQ(waitpid(child, NULL, 0), child);
    ERR(syscall(SYS_prlimit64, child, RLIMIT_MSGQUEUE, NULL, &r), ESRCH);
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    int status;
    errors();
    of_another();
    fflush(stdout);
    pid_t root = getpid(), child = fork();
    if (child == 0)
        _exit(lowered(root) != 0);
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    return done();
}
