/* guest-test: flags=-pthread */
/* prctl: what is remembered of a process and of a thread, and what is refused. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "guest.h"

#define BAD ((void *)8)

static void names(void)
{
    char name[16];
    OK(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    OK(prctl(PR_GET_NAME, name));
    CHECK(!strcmp(name, "a-name-that-is-"));
    ERR(prctl(PR_SET_NAME, BAD), EFAULT);
    ERR(prctl(PR_GET_NAME, BAD), EFAULT);
    OK(prctl(PR_SET_NAME, ""));
    OK(prctl(PR_GET_NAME, name));
    EQ(name[0], 0);
}

static void of_process(void)
{
    int value = 9;
    EQ(prctl(PR_GET_DUMPABLE), 1);
    OK(prctl(PR_SET_DUMPABLE, 0));
    EQ(prctl(PR_GET_DUMPABLE), 0);
    ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
    ERR(prctl(PR_SET_DUMPABLE, 3), EINVAL);
    OK(prctl(PR_SET_DUMPABLE, 1));
    OK(prctl(PR_GET_CHILD_SUBREAPER, &value));
    EQ(value, 0);
    OK(prctl(PR_SET_CHILD_SUBREAPER, 7));
    OK(prctl(PR_GET_CHILD_SUBREAPER, &value));
    EQ(value, 1);
    OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
    ERR(prctl(PR_GET_CHILD_SUBREAPER, BAD), EFAULT);
    EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
    OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
    ERR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
    ERR(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
    OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    OK(prctl(PR_GET_TSC, &value));
    EQ(value, PR_TSC_ENABLE);
    ERR(prctl(PR_GET_TSC, BAD), EFAULT);
    OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
    ERR(prctl(PR_SET_TSC, 3), EINVAL);
    EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
    OK(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
    ERR(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP), EINVAL);
    EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
    OK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
    EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_EARLY);
    OK(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
    EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_DEFAULT);
    ERR(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0), EINVAL);
    ERR(prctl(PR_MCE_KILL, 2, 0, 0, 0), EINVAL);
    ERR(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0), EINVAL);
}

static void of_thread(void)
{
    int sig = 9;
    void *at = NULL;
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, 0);
    OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, SIGUSR1);
    OK(prctl(PR_SET_PDEATHSIG, 64));
    ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    ERR(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
    ERR(prctl(PR_GET_PDEATHSIG, BAD), EFAULT);
    OK(prctl(PR_SET_PDEATHSIG, 0));
    EQ(prctl(PR_GET_TIMERSLACK), 50000);
    OK(prctl(PR_SET_TIMERSLACK, 1000));
    EQ(prctl(PR_GET_TIMERSLACK), 1000);
    OK(prctl(PR_SET_TIMERSLACK, 0)); /* what it was at first */
    EQ(prctl(PR_GET_TIMERSLACK), 50000);
    OK(prctl(PR_GET_TID_ADDRESS, &at));
    CHECK(at != NULL);
    ERR(prctl(PR_GET_TID_ADDRESS, BAD), EFAULT);
    EQ(prctl(PR_GET_SECCOMP), 0);
}

static void *inherits(void *arg)
{
    EQ(prctl(PR_GET_TIMERSLACK), 7000); /* its creator's, which is its default from now on */
    OK(prctl(PR_SET_TIMERSLACK, 9000));
    OK(prctl(PR_SET_TIMERSLACK, 0));
    EQ(prctl(PR_GET_TIMERSLACK), 7000);
    return arg;
}

static void inherited(void)
{
    pthread_t t;
    OK(prctl(PR_SET_TIMERSLACK, 7000));
    pthread_create(&t, NULL, inherits, NULL);
    pthread_join(t, NULL);
    EQ(prctl(PR_GET_TIMERSLACK), 7000);
}

static void privileges(void)
{
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    ERR(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
    ERR(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    EQ(prctl(PR_GET_KEEPCAPS), 0);
    OK(prctl(PR_SET_KEEPCAPS, 1));
    EQ(prctl(PR_GET_KEEPCAPS), 1);
    EQ(prctl(PR_GET_SECUREBITS), SECBIT_KEEP_CAPS);
    ERR(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
    OK(prctl(PR_SET_KEEPCAPS, 0));
    EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
    OK(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
    EQ(prctl(PR_CAPBSET_READ, CAP_SYS_BOOT), 0);
    ERR(prctl(PR_CAPBSET_READ, 64), EINVAL);
    ERR(prctl(PR_CAPBSET_DROP, 64), EINVAL);
}

static void set_inheritable(int cap)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    OK(syscall(SYS_capget, &h, d));
    d[0].inheritable |= 1u << cap;
    OK(syscall(SYS_capset, &h, d));
}

/* An ambient capability is one that is permitted and inheritable. */
static void ambient(void)
{
    EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
    set_inheritable(CAP_KILL);
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
    EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0), EINVAL);
}

/* A lock is set once and for all, and so is what it is the lock of. */
static void secure_bits(void)
{
    ERR(prctl(PR_SET_SECUREBITS, 0x100), EPERM);
    OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE));
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
    OK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_NOROOT));
    ERR(prctl(PR_SET_KEEPCAPS, 1), EPERM);
    ERR(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM);
    ERR(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_KEEP_CAPS), EPERM);
    OK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED));
    EQ(prctl(PR_GET_SECUREBITS), SECBIT_KEEP_CAPS_LOCKED);
}

/* Options of other machines, and of CPUs that have more. */
static void refused(void)
{
    ERR(prctl(99999), EINVAL);
    ERR(prctl(PR_SET_UNALIGN, 1), EINVAL);
    ERR(prctl(PR_SET_FPEMU, 1), EINVAL);
    ERR(prctl(PR_SET_ENDIAN, 0), EINVAL);
    ERR(prctl(PR_SVE_SET_VL, 16), EINVAL);
    ERR(prctl(PR_SVE_GET_VL), EINVAL);
    ERR(prctl(PR_PAC_RESET_KEYS, 0, 0, 0, 0), EINVAL);
    ERR(prctl(PR_MPX_ENABLE_MANAGEMENT, 0, 0, 0, 0), EINVAL);
    ERR(prctl(PR_SET_SECCOMP, 9, 0), EINVAL);
    EQ(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0), 0);
    OK(prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0));
    EQ(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0), PR_TAGGED_ADDR_ENABLE);
    ERR(prctl(PR_SET_TAGGED_ADDR_CTRL, 1 << 30, 0, 0, 0), EINVAL);
    ERR(prctl(PR_SET_TAGGED_ADDR_CTRL, 1, 1, 0, 0), EINVAL);
}

/* What is wrong with the call is told whatever the CPU does. */
static void speculation(void)
{
    enum { STORE_BYPASS = 0, INDIRECT_BRANCH = 1, NONE = 99 };
    CHECK(prctl(PR_GET_SPECULATION_CTRL, STORE_BYPASS, 0, 0, 0) >= 0);
    ERR(prctl(PR_GET_SPECULATION_CTRL, NONE, 1, 0, 0), EINVAL);
    ERR(prctl(PR_GET_SPECULATION_CTRL, NONE, 0, 0, 0), ENODEV);
    ERR(prctl(PR_GET_SPECULATION_CTRL, INDIRECT_BRANCH, 0, 0, 0), ENODEV);
    OK(prctl(PR_SET_SPECULATION_CTRL, STORE_BYPASS, PR_SPEC_ENABLE, 0, 0));
    ERR(prctl(PR_SET_SPECULATION_CTRL, STORE_BYPASS, PR_SPEC_ENABLE, 1, 0), EINVAL);
    ERR(prctl(PR_SET_SPECULATION_CTRL, STORE_BYPASS, PR_SPEC_PRCTL, 0, 0), ERANGE);
    ERR(prctl(PR_SET_SPECULATION_CTRL, NONE, PR_SPEC_PRCTL, 0, 0), ENODEV);
}

/* Only who has power over the machine moves what /proc tells of a process. */
static void memory_map(void)
{
    ERR(prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0, 0, 0), EPERM);
    ERR(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 999, 0, 0), EPERM);
    ERR(prctl(PR_SET_MM, 99, 0, 0, 0), EPERM);
    ERR(prctl(PR_SET_MM, PR_SET_MM_AUXV, 8, 16, 0), EPERM);
    ERR(prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0, 1, 0), EINVAL);
    ERR(prctl(PR_SET_MM, 99, 0, 0, 1), EINVAL);
}

/* Who changes the user acts for another one, and is no longer to be looked into. */
static void become_user(void)
{
    int sig = 9;
    OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    OK(setresuid(1000, -1, -1)); /* not the one that it acts as */
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, SIGUSR1);
    EQ(prctl(PR_GET_DUMPABLE), 1);
    OK(setresgid(-1, 7, -1));
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, 0);
    EQ(prctl(PR_GET_DUMPABLE), 0);
    OK(prctl(PR_SET_DUMPABLE, 1));
    OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    OK(setresuid(1000, 1000, 1000));
    OK(prctl(PR_GET_PDEATHSIG, &sig));
    EQ(sig, 0);
    EQ(prctl(PR_GET_DUMPABLE), 0);
}

int main(void)
{
    names();
    of_process();
    of_thread();
    inherited();
    privileges();
    ambient();
    secure_bits();
    refused();
    memory_map();
    speculation();
    become_user();
    ERR(prctl(PR_CAPBSET_DROP, CAP_CHOWN), EPERM);
    ERR(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED), EPERM);
    return done();
}
