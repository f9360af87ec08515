/* exec.c - execve and execveat: fs/exec.c. Loading is elf/loader.h's. */
#include <stdlib.h>
#include <string.h>

#include "elf/loader.h"
#include "host/log.h"
#include "linux/abi/sched.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/fork.h"
#include "linux/process/pid.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "linux/time/time.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

/* Linux: 32 pages for one string; a quarter of the stack limit, at most 6 MiB, for all. */
#define MAX_ARG_STRLEN (32 * 4096)
#define MAX_ARG_TOTAL  (6u << 20)
#define MIN_ARG_TOTAL  (32u * 4096)
#define AT_FDCWD_      (-100)
#define AT_EMPTY_PATH_ 0x1000
#define AT_EXEC_FLAGS  (AT_EMPTY_PATH_ | 0x100) /* AT_SYMLINK_NOFOLLOW */
#define PATH_SIZE      4096

struct strings {
    char **at; /* NULL-terminated */
    size_t count;
};

static void strings_free(struct strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->at[i]);
    free(s->at);
    *s = (struct strings){NULL, 0};
}

/* One string of any length up to the limit, in pieces; *budget is what is left for all. */
static int copy_string(struct task *task, gva_t at, char **out, size_t *budget)
{
    size_t capacity = 256, limit = *budget < MAX_ARG_STRLEN ? *budget : MAX_ARG_STRLEN;
    char *text = NULL;
    for (;;) {
        if (capacity > limit)
            capacity = limit;
        char *bigger = realloc(text, capacity ? capacity : 1);
        if (!bigger) {
            free(text);
            return -LINUX_ENOMEM;
        }
        text = bigger;
        int64_t len = capacity ? strncpy_from_user(task, text, at, capacity) : -LINUX_ENAMETOOLONG;
        if (len >= 0) {
            *budget -= (size_t)len + 1;
            *out = text;
            return 0;
        }
        if (len != -LINUX_ENAMETOOLONG || capacity >= limit) {
            free(text);
            return len == -LINUX_ENAMETOOLONG ? -LINUX_E2BIG : (int)len;
        }
        capacity *= 4;
    }
}

static int copy_strings(struct task *task, gva_t array, struct strings *out, size_t *budget)
{
    size_t capacity = 0;
    *out = (struct strings){NULL, 0};
    for (;;) {
        if (out->count + 1 >= capacity) {
            capacity = capacity ? capacity * 2 : 32;
            char **bigger = realloc(out->at, capacity * sizeof(char *));
            if (!bigger)
                return -LINUX_ENOMEM;
            out->at = bigger;
        }
        out->at[out->count] = NULL;
        uint64_t pointer = 0;
        /* A NULL array is an empty one, which Linux allows. */
        if (array && get_user_u64(task, &pointer, array + out->count * sizeof(pointer)))
            return -LINUX_EFAULT;
        if (!pointer)
            return 0;
        /* The pointer on the new stack counts too. */
        if (*budget < sizeof(pointer))
            return -LINUX_E2BIG;
        *budget -= sizeof(pointer);
        int err = copy_string(task, pointer, &out->at[out->count], budget);
        if (err)
            return err;
        out->count++;
        out->at[out->count] = NULL;
    }
}

/* bprm_stack_limits() */
static size_t argument_budget(const struct process *proc)
{
    uint64_t quarter = proc->rlimit[LINUX_RLIMIT_STACK][0] / 4;
    if (quarter > MAX_ARG_TOTAL)
        quarter = MAX_ARG_TOTAL;
    return quarter < MIN_ARG_TOTAL ? MIN_ARG_TOTAL : (size_t)quarter;
}

/* From here on the old program is gone: an error ends the process as Linux does, by SIGSEGV. */
static void replace(struct task *task, struct exec_plan *plan)
{
    char why[EXEC_WHY_SIZE] = "";
    if (!task_end_others(task)) {
        exec_free(plan);
        task_exit(task, 0);
    }
    vfork_release(task->proc);
    timers_exec(task->proc);
    signal_exec(task);
    cred_exec(task->proc);
    task->proc->dumpable = 1;
    task->clear_child_tid = 0;
    futex_exit_robust(task, task->robust_list, (uint32_t)task->tid);
    task->robust_list = 0;
    task->restart = NULL;
    /* Before anything that others may see of it, such as a descriptor closed. */
    pid_entry(task->proc->pids, task->proc->pid)->execed = true;
    pid_publish_exe(task, exec_program_fd(plan));
    fd_table_exec(task);
    vcpu_vm_keep(task->proc->vm, false);
    int err = exec_commit(task, plan, why);
    exec_free(plan);
    if (err) {
        host_log("%s", why);
        process_die(task->proc, LINUX_SIGSEGV);
    }
    memcpy(task->name, task->proc->comm, sizeof(task->name));
    pid_publish_program(task->proc);
}

/* set*uid() itself did not fail for it. */
static bool too_many_processes(struct process *proc)
{
    bool exceeded = proc->nproc_exceeded && rlimit_user_is_over(proc, proc->cred.uid);
    proc->nproc_exceeded = exceeded;
    return exceeded;
}

static int open_program(struct task *task, int dirfd, gva_t path_at, int flags,
                        struct exec_plan **plan)
{
    char *path = malloc(PATH_SIZE);
    if (!path)
        return -LINUX_ENOMEM;
    int64_t err = strncpy_from_user(task, path, path_at, PATH_SIZE);
    if (err == 0 && !(flags & AT_EMPTY_PATH_))
        err = -LINUX_ENOENT;
    if (err >= 0 && too_many_processes(task->proc))
        err = -LINUX_EAGAIN;
    if (err >= 0 && flags & ~AT_EXEC_FLAGS)
        err = -LINUX_EINVAL;
    if (err >= 0) {
        const struct exec_request request = {.dirfd = dirfd, .path = path, .flags = flags};
        err = exec_open(task, &request, plan, NULL);
    }
    free(path);
    return (int)err;
}

static int64_t do_execve(struct task *task, int dirfd, gva_t path_at, gva_t argv_at, gva_t envp_at,
                         int flags)
{
    struct exec_plan *plan = NULL;
    int err = open_program(task, dirfd, path_at, flags, &plan);
    if (err)
        return err;
    struct strings argv = {NULL, 0}, envp = {NULL, 0};
    size_t budget = argument_budget(task->proc);
    err = copy_strings(task, envp_at, &envp, &budget);
    if (!err)
        err = copy_strings(task, argv_at, &argv, &budget);
    if (!err)
        err = exec_prepare(task, plan, (const char *const *)argv.at, (const char *const *)envp.at,
                           NULL);
    strings_free(&argv);
    strings_free(&envp);
    if (err) {
        exec_free(plan);
        return err;
    }
    replace(task, plan);
    return -LINUX_ENORESULT;
}

int64_t sys_execve(struct task *task, const uint64_t args[6])
{
    return do_execve(task, AT_FDCWD_, args[0], args[1], args[2], 0);
}

int64_t sys_execveat(struct task *task, const uint64_t args[6])
{
    return do_execve(task, (int)args[0], args[1], args[2], args[3], (int)args[4]);
}
