/* prctl.c - kernel/sys.c and arch/arm64's additions. Options that need what this CPU lacks are
 * EINVAL, as there. */
#include <string.h>

#include "host/process.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

enum {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG = 2,
    PR_GET_DUMPABLE = 3,
    PR_SET_DUMPABLE = 4,
    PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS = 8,
    PR_GET_TIMING = 13,
    PR_SET_TIMING = 14,
    PR_SET_NAME = 15,
    PR_GET_NAME = 16,
    PR_GET_SECCOMP = 21,
    PR_CAPBSET_READ = 23,
    PR_CAPBSET_DROP = 24,
    PR_GET_TSC = 25,
    PR_SET_TSC = 26,
    PR_GET_SECUREBITS = 27,
    PR_SET_SECUREBITS = 28,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK = 30,
    PR_MCE_KILL = 33,
    PR_MCE_KILL_GET = 34,
    PR_SET_MM = 35,
    PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER = 37,
    PR_SET_NO_NEW_PRIVS = 38,
    PR_GET_NO_NEW_PRIVS = 39,
    PR_GET_TID_ADDRESS = 40,
    PR_SET_THP_DISABLE = 41,
    PR_GET_THP_DISABLE = 42,
    PR_CAP_AMBIENT = 47,
    PR_GET_SPECULATION_CTRL = 52,
    PR_SET_SPECULATION_CTRL = 53,
    PR_SET_TAGGED_ADDR_CTRL = 55,
    PR_GET_TAGGED_ADDR_CTRL = 56,
};

#define SECURE_KEEP_CAPS            (1u << 4)
#define SECURE_KEEP_CAPS_LOCKED     (1u << 5)
#define SECURE_NO_CAP_AMBIENT_RAISE (1u << 6)
#define SECURE_LOCKS                0xaau /* each locks the bit below it, and itself */
#define SECURE_ALL                  0xffu
#define TAGGED_ADDR_ENABLE          1u
#define TSC_ENABLE                  1u

static int64_t set_name(struct task *task, gva_t at)
{
    char name[16];
    int64_t len = strncpy_from_user(task, name, at, sizeof(name));
    if (len == -LINUX_EFAULT)
        return len;
    if (len < 0)
        len = sizeof(name) - 1; /* longer ones are cut */
    memset(name + len, 0, sizeof(name) - (size_t)len);
    return task_set_name(task->proc, task->tid, name);
}

static int64_t get_name(struct task *task, gva_t at)
{
    char name[16] = "";
    task_get_name(task->proc, task->tid, name);
    return copy_to_user(task, at, name, sizeof(name)) ? -LINUX_EFAULT : 0;
}

static int64_t bounding(struct task *task, int option, uint64_t cap)
{
    struct cred *c = &task->proc->cred;
    if (option == PR_CAPBSET_DROP && !cred_capable(task->proc, LINUX_CAP_SETPCAP))
        return -LINUX_EPERM;
    if (cap > LINUX_CAP_LAST)
        return -LINUX_EINVAL;
    if (option == PR_CAPBSET_READ)
        return c->cap_bounding >> cap & 1;
    c->cap_bounding &= ~(1ull << cap);
    return 0;
}

static int64_t ambient(struct task *task, const uint64_t args[6])
{
    enum { IS_SET = 1, RAISE, LOWER, CLEAR_ALL };
    struct cred *c = &task->proc->cred;
    uint64_t cap = args[2];
    if (args[3] || args[4])
        return -LINUX_EINVAL;
    if (args[1] == CLEAR_ALL) {
        if (cap)
            return -LINUX_EINVAL;
        c->cap_ambient = 0;
        return 0;
    }
    if (cap > LINUX_CAP_LAST || args[1] < IS_SET || args[1] > CLEAR_ALL)
        return -LINUX_EINVAL;
    uint64_t bit = 1ull << cap;
    if (args[1] == IS_SET)
        return !!(c->cap_ambient & bit);
    if (args[1] == RAISE && (!(c->cap_permitted & c->cap_inheritable & bit) ||
                             (c->securebits & SECURE_NO_CAP_AMBIENT_RAISE)))
        return -LINUX_EPERM;
    c->cap_ambient = args[1] == RAISE ? c->cap_ambient | bit : c->cap_ambient & ~bit;
    return 0;
}

static int64_t keepcaps(struct task *task, uint64_t on)
{
    struct cred *c = &task->proc->cred;
    if (on > 1)
        return -LINUX_EINVAL;
    if (c->securebits & SECURE_KEEP_CAPS_LOCKED)
        return -LINUX_EPERM;
    c->securebits = on ? c->securebits | SECURE_KEEP_CAPS : c->securebits & ~SECURE_KEEP_CAPS;
    return 0;
}

static int64_t set_securebits(struct task *task, uint64_t bits)
{
    uint32_t old = task->proc->cred.securebits, locks = old & SECURE_LOCKS;
    if ((locks >> 1 & (old ^ bits)) || (locks & ~bits) || (bits & ~(uint64_t)SECURE_ALL) ||
        !cred_capable(task->proc, LINUX_CAP_SETPCAP))
        return -LINUX_EPERM;
    task->proc->cred.securebits = (uint32_t)bits;
    return 0;
}

/* Memory that fails is the host's affair; what a process wants then is remembered for it. */
static int64_t mce_kill(struct task *task, const uint64_t args[6])
{
    enum { CLEAR, SET };
    struct process *proc = task->proc;
    if (args[3] || args[4] || args[1] > SET || (args[1] == CLEAR && args[2]) ||
        args[2] > MCE_KILL_DEFAULT)
        return -LINUX_EINVAL;
    proc->mce_kill = args[1] == CLEAR ? MCE_KILL_DEFAULT : (uint8_t)args[2];
    return 0;
}

static int64_t tagged_addr(struct task *task, int option, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    if (args[2] || args[3] || args[4])
        return -LINUX_EINVAL;
    if (option == PR_GET_TAGGED_ADDR_CTRL)
        return args[1] ? -LINUX_EINVAL : mm->tagged_addr;
    if (args[1] & ~(uint64_t)TAGGED_ADDR_ENABLE) /* tag checks are MTE */
        return -LINUX_EINVAL;
    mm->tagged_addr = args[1] & TAGGED_ADDR_ENABLE;
    return 0;
}

/* Speculation is the host's affair: as on a CPU that is open to it, under mitigations=off. */
static int64_t speculation(int option, const uint64_t args[6])
{
    enum { STORE_BYPASS, ENABLE = 2, DISABLE = 4, FORCE_DISABLE = 8, DISABLE_NOEXEC = 16 };
    if (args[3] || args[4] || (option == PR_GET_SPECULATION_CTRL && args[2]))
        return -LINUX_EINVAL;
    if (args[1] != STORE_BYPASS)
        return -LINUX_ENODEV;
    if (option == PR_GET_SPECULATION_CTRL)
        return ENABLE;
    switch (args[2]) {
    case ENABLE: return 0;
    case DISABLE:
    case FORCE_DISABLE:
    case DISABLE_NOEXEC: return -LINUX_EPERM;
    default: return -LINUX_ERANGE;
    }
}

/* It takes CAP_SYS_RESOURCE over the machine, but for what only CONFIG_CHECKPOINT_RESTORE has. */
static int64_t set_mm(const uint64_t args[6])
{
    enum { AUXV = 12, MAP = 14, MAP_SIZE = 15 };
    bool sized = args[1] == AUXV || args[1] == MAP || args[1] == MAP_SIZE;
    return args[4] || (args[3] && !sized) ? -LINUX_EINVAL : -LINUX_EPERM;
}

static int64_t put_int(struct task *task, gva_t at, int32_t value)
{
    return put_user_u32(task, at, (uint32_t)value) ? -LINUX_EFAULT : 0;
}

static bool none_of(const uint64_t args[6], int from)
{
    for (int i = from; i < 5; i++) {
        if (args[i])
            return false;
    }
    return true;
}

/* Options of the process that are remembered. */
static int64_t process_option(struct task *task, int option, const uint64_t args[6])
{
    struct process *proc = task->proc;
    switch (option) {
    case PR_SET_PDEATHSIG:
        if (args[1] > LINUX_NSIG)
            return -LINUX_EINVAL;
        proc->pdeath_signal = (int32_t)args[1];
        return 0;
    case PR_GET_PDEATHSIG: return put_int(task, args[1], proc->pdeath_signal);
    case PR_MCE_KILL: return mce_kill(task, args);
    case PR_MCE_KILL_GET: return none_of(args, 1) ? proc->mce_kill : -LINUX_EINVAL;
    case PR_GET_DUMPABLE: return proc->dumpable;
    case PR_SET_DUMPABLE:
        if (args[1] > 1)
            return -LINUX_EINVAL;
        proc->dumpable = (uint8_t)args[1];
        return 0;
    case PR_SET_CHILD_SUBREAPER:
        proc->subreaper = args[1] != 0;
        /* Orphans come to the run's first process in any case. */
        return proc->pid == 1 ? 0 : host_subreaper(proc->subreaper);
    case PR_GET_CHILD_SUBREAPER: return put_int(task, args[1], proc->subreaper);
    case PR_SET_THP_DISABLE:
        if (!none_of(args, 2))
            return -LINUX_EINVAL;
        proc->thp_disable = args[1] != 0;
        return 0;
    case PR_GET_THP_DISABLE: return none_of(args, 1) ? proc->thp_disable : -LINUX_EINVAL;
    case PR_SET_NO_NEW_PRIVS:
        if (args[1] != 1 || !none_of(args, 2))
            return -LINUX_EINVAL;
        proc->cred.no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS: return none_of(args, 1) ? proc->cred.no_new_privs : -LINUX_EINVAL;
    default: return -LINUX_EINVAL;
    }
}

int64_t sys_prctl(struct task *task, const uint64_t args[6])
{
    int option = (int)args[0];
    switch (option) {
    case PR_SET_NAME: return set_name(task, args[1]);
    case PR_GET_NAME: return get_name(task, args[1]);
    case PR_GET_KEEPCAPS: return !!(task->proc->cred.securebits & SECURE_KEEP_CAPS);
    case PR_SET_KEEPCAPS: return keepcaps(task, args[1]);
    case PR_GET_TIMING: return 0; /* PR_TIMING_STATISTICAL, the only kind that there is */
    case PR_SET_TIMING: return args[1] ? -LINUX_EINVAL : 0;
    case PR_GET_SECCOMP: return 0;
    case PR_GET_TSC: return put_int(task, args[1], TSC_ENABLE);
    case PR_SET_TSC: return args[1] == TSC_ENABLE ? 0 : -LINUX_EINVAL; /* no engine can trap it */
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP: return bounding(task, option, args[1]);
    case PR_GET_SECUREBITS: return task->proc->cred.securebits;
    case PR_SET_SECUREBITS: return set_securebits(task, args[1]);
    case PR_SET_TIMERSLACK:
        task->timerslack = args[1] ? args[1] : task->timerslack_default;
        return 0;
    case PR_GET_TIMERSLACK: return (int64_t)task->timerslack;
    case PR_GET_TID_ADDRESS:
        return put_user_u64(task, args[1], task->clear_child_tid) ? -LINUX_EFAULT : 0;
    case PR_CAP_AMBIENT: return ambient(task, args);
    case PR_GET_SPECULATION_CTRL:
    case PR_SET_SPECULATION_CTRL: return speculation(option, args);
    case PR_SET_MM: return set_mm(args);
    case PR_SET_TAGGED_ADDR_CTRL:
    case PR_GET_TAGGED_ADDR_CTRL: return tagged_addr(task, option, args);
    default: return process_option(task, option, args);
    }
}
