/* clone.c - clone and clone3: their flags, and new threads. New processes are fork.c's. */
#include <stdatomic.h>

#include "host/log.h"
#include "host/signal.h"
#include "linux/abi/sched.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/fork.h"
#include "linux/process/pid.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/process/task_life.h"
#include "linux/signal/signal.h"
#include "linux/trace/trace.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

#define NEW_NAMESPACES                                                                             \
    (LINUX_CLONE_NEWNS | LINUX_CLONE_NEWCGROUP | LINUX_CLONE_NEWUTS | LINUX_CLONE_NEWIPC |         \
     LINUX_CLONE_NEWUSER | LINUX_CLONE_NEWPID | LINUX_CLONE_NEWNET)
#define MAX_PID_NS_LEVEL 32
#define THREAD_FLAGS                                                                               \
    (LINUX_CLONE_VM | LINUX_CLONE_FS | LINUX_CLONE_FILES | LINUX_CLONE_SIGHAND | LINUX_CLONE_THREAD)

/* copy_process(): what contradicts itself. */
static int check_flags(const struct process *proc, const struct clone_request *request)
{
    uint64_t flags = request->flags;
    if ((flags & LINUX_CLONE_PIDFD) && (flags & LINUX_CLONE_PARENT_SETTID) &&
        request->pidfd == request->parent_tid)
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_THREAD) && !(flags & LINUX_CLONE_SIGHAND))
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_SIGHAND) && !(flags & LINUX_CLONE_VM))
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_SIGHAND) && (flags & LINUX_CLONE_CLEAR_SIGHAND))
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_THREAD) && (flags & (LINUX_CLONE_NEWUSER | LINUX_CLONE_NEWPID)))
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_FS) && (flags & (LINUX_CLONE_NEWNS | LINUX_CLONE_NEWUSER)))
        return -LINUX_EINVAL;
    if ((flags & LINUX_CLONE_PARENT) && proc->pid == 1)
        return -LINUX_EINVAL; /* no sibling of the first process */
    if ((flags & LINUX_CLONE_PIDFD) && (flags & LINUX_CLONE_DETACHED))
        return -LINUX_EINVAL;
    return 0;
}

/* As a system call that is not served: dispatch.c. */
static int refuse(const struct task *task, const char *what)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if ((task->proc->traced & TRACE_CRASH) && !atomic_flag_test_and_set(&told))
        host_log("clone: %s is not served: ENOSYS", what);
    return -LINUX_ENOSYS;
}

static void thread_main(void *arg)
{
    struct task *task = arg;
    struct sighand *sighand = task->proc->sighand;
    /* The parent holds the lock until the task is in the list with its number. */
    host_mutex_lock(&sighand->lock);
    current = task;
    task->host_tid = host_thread_id();
    pid_started(task->proc->pids, task->tid, task->host_tid);
    host_mutex_unlock(&sighand->lock);
    if (host_signals_thread_init(&task->sig->attention))
        host_log("no memory for a thread's signal stack");
    task_run(task);
}

static int64_t start_thread(struct task *task, const struct clone_request *request)
{
    struct task *child = task_alloc(task->proc, task);
    if (!child)
        return -LINUX_ENOMEM;
    *vcpu_regs(child->vcpu) = *vcpu_regs(task->vcpu);
    clone_registers(child, request);
    if (request->flags & LINUX_CLONE_CHILD_CLEARTID)
        child->clear_child_tid = request->child_tid;

    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    if (task->sig->exiting) { /* another thread runs execve */
        host_mutex_unlock(&sighand->lock);
        task_free(child);
        return -LINUX_EAGAIN;
    }
    int32_t tid = pid_alloc_thread(task->proc);
    if (tid < 0) {
        host_mutex_unlock(&sighand->lock);
        task_free(child);
        return tid;
    }
    child->tid = tid;
    task_link(child);
    host_mutex_unlock(&sighand->lock);

    /* Stored before the child can run: a thread may read its number from either place at once. As
     * in kernel_clone() and schedule_tail(), a bad address is nobody's error. */
    if (request->flags & LINUX_CLONE_PARENT_SETTID)
        (void)!put_user_u32(task, request->parent_tid, (uint32_t)tid);
    if (request->flags & LINUX_CLONE_CHILD_SETTID)
        (void)!put_user_u32(task, request->child_tid, (uint32_t)tid);
    int err = host_thread_create(thread_main, child);
    if (err) {
        host_mutex_lock(&sighand->lock);
        task_unlink(child);
        host_mutex_unlock(&sighand->lock);
        task_free(child);
        return err;
    }
    return tid;
}

/* What a process of its own cannot share with its parent, while one host process is one guest
 * process. vfork() and posix_spawn() share memory until execve: process/vfork.c. */
static int64_t start_process(struct task *task, const struct clone_request *request)
{
    uint64_t flags = request->flags;
    if ((flags & LINUX_CLONE_VM) && !(flags & LINUX_CLONE_VFORK))
        return refuse(task, "a process with its parent's memory");
    if (flags & (LINUX_CLONE_FS | LINUX_CLONE_FILES | LINUX_CLONE_SIGHAND))
        return refuse(task, "a process with its parent's files, directory or handlers");
    if (flags & LINUX_CLONE_PARENT)
        return refuse(task, "CLONE_PARENT");
    return process_fork(task, request);
}

static int64_t do_clone(struct task *task, const struct clone_request *request)
{
    struct process *proc = task->proc;
    int err = check_flags(proc, request);
    if (err)
        return err;
    if (!cred_capable(proc, LINUX_CAP_SYS_RESOURCE) && !cred_capable(proc, LINUX_CAP_SYS_ADMIN) &&
        rlimit_user_is_full(proc, proc->cred.uid))
        return -LINUX_EAGAIN;
    proc->nproc_exceeded = false;
    if (request->number || request->flags & (NEW_NAMESPACES | LINUX_CLONE_INTO_CGROUP))
        return -LINUX_EPERM;
    if (!(request->flags & LINUX_CLONE_THREAD))
        return start_process(task, request);
    if ((request->flags & THREAD_FLAGS) != THREAD_FLAGS)
        return refuse(task, "a thread with its own files or directory");
    if (request->flags & LINUX_CLONE_PIDFD)
        return refuse(task, "CLONE_PIDFD of a thread");
    if (request->flags & LINUX_CLONE_VFORK)
        return refuse(task, "CLONE_VFORK of a thread");
    return start_thread(task, request);
}

int64_t sys_clone(struct task *task, const uint64_t args[6])
{
    /* arm64 has CONFIG_CLONE_BACKWARDS: tls before child_tid. */
    struct clone_request request = {
        .flags = args[0] & 0xffffffffu & ~LINUX_CSIGNAL,
        .stack = args[1],
        .parent_tid = args[2],
        .tls = args[3],
        .child_tid = args[4],
        .pidfd = args[2],
        .exit_signal = (int)(args[0] & LINUX_CSIGNAL),
    };
    return do_clone(task, &request);
}

int64_t sys_clone3(struct task *task, const uint64_t args[6])
{
    struct linux_clone_args ca = {0};
    uint64_t size = args[1];
    if (size > 4096)
        return -LINUX_E2BIG;
    if (size < LINUX_CLONE_ARGS_SIZE_VER0)
        return -LINUX_EINVAL;
    /* copy_struct_from_user(): a longer struct must have zeros where we know nothing. */
    for (uint64_t at = sizeof(ca); at < size; at++) {
        uint8_t byte;
        if (copy_from_user(task, &byte, args[0] + at, 1))
            return -LINUX_EFAULT;
        if (byte)
            return -LINUX_E2BIG;
    }
    if (copy_from_user(task, &ca, args[0], size < sizeof(ca) ? size : sizeof(ca)))
        return -LINUX_EFAULT;
    if (!ca.set_tid_size != !ca.set_tid || ca.set_tid_size > MAX_PID_NS_LEVEL ||
        ca.exit_signal > LINUX_NSIG)
        return -LINUX_EINVAL;
    int32_t numbers[MAX_PID_NS_LEVEL];
    if (copy_from_user(task, numbers, ca.set_tid, ca.set_tid_size * sizeof(numbers[0])))
        return -LINUX_EFAULT;
    if ((ca.flags & (LINUX_CSIGNAL | LINUX_CLONE_DETACHED)) || (ca.flags >> 34))
        return -LINUX_EINVAL;
    if ((ca.flags & (LINUX_CLONE_THREAD | LINUX_CLONE_PARENT)) && ca.exit_signal)
        return -LINUX_EINVAL;
    if (!ca.stack != !ca.stack_size)
        return -LINUX_EINVAL;
    struct clone_request request = {
        .flags = ca.flags,
        .stack = ca.stack,
        .stack_size = ca.stack_size,
        .parent_tid = ca.parent_tid,
        .child_tid = ca.child_tid,
        .tls = ca.tls,
        .pidfd = ca.pidfd,
        .exit_signal = (int)ca.exit_signal,
        .number = ca.set_tid != 0,
    };
    return do_clone(task, &request);
}
