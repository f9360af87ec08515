/* clone.c - new threads. A new process is refused with ENOSYS, and named in the log. */
#include <stdatomic.h>

#include "host/log.h"
#include "host/signal.h"
#include "linux/abi/sched.h"
#include "linux/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/process/task_life.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"
#include "vcpu/vcpu.h"

#define NEW_NAMESPACES                                                                             \
    (LINUX_CLONE_NEWNS | LINUX_CLONE_NEWCGROUP | LINUX_CLONE_NEWUTS | LINUX_CLONE_NEWIPC |         \
     LINUX_CLONE_NEWUSER | LINUX_CLONE_NEWPID | LINUX_CLONE_NEWNET)
#define THREAD_FLAGS                                                                               \
    (LINUX_CLONE_VM | LINUX_CLONE_FS | LINUX_CLONE_FILES | LINUX_CLONE_SIGHAND | LINUX_CLONE_THREAD)

struct clone_request {
    uint64_t flags, stack, stack_size, parent_tid, child_tid, tls;
};

/* copy_process(): what contradicts itself. */
static int check_flags(uint64_t flags)
{
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
    return 0;
}

static int refuse(const char *what)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told))
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
    host_mutex_unlock(&sighand->lock);
    if (host_signals_thread_init(&task->sig->attention))
        host_log("no memory for a thread's signal stack");
    task_run(task);
}

static void child_registers(struct task *child, const struct vcpu_regs *from,
                            const struct clone_request *request)
{
    struct vcpu_regs *regs = vcpu_regs(child->vcpu);
    *regs = *from;
    regs->x[0] = 0;
    if (request->stack)
        regs->sp = request->stack + request->stack_size;
    if (request->flags & LINUX_CLONE_SETTLS)
        regs->tpidr = request->tls;
}

static int64_t start_thread(struct task *task, const struct clone_request *request)
{
    struct task *child = task_alloc(task->proc, task);
    if (!child)
        return -LINUX_ENOMEM;
    child_registers(child, vcpu_regs(task->vcpu), request);
    if (request->flags & LINUX_CLONE_CHILD_CLEARTID)
        child->clear_child_tid = request->child_tid;

    struct sighand *sighand = task->proc->sighand;
    host_mutex_lock(&sighand->lock);
    if (task->sig->exiting) { /* another thread runs execve */
        host_mutex_unlock(&sighand->lock);
        task_free(child);
        return -LINUX_EAGAIN;
    }
    task_link(child);
    int32_t tid = child->tid;
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

static int64_t do_clone(struct task *task, const struct clone_request *request)
{
    int err = check_flags(request->flags);
    if (err)
        return err;
    if (!(request->flags & LINUX_CLONE_THREAD))
        return refuse("a new process");
    if ((request->flags & THREAD_FLAGS) != THREAD_FLAGS)
        return refuse("a thread with its own files or directory");
    if (request->flags & (NEW_NAMESPACES | LINUX_CLONE_INTO_CGROUP))
        return -LINUX_EPERM;
    if (request->flags & LINUX_CLONE_PIDFD)
        return refuse("CLONE_PIDFD");
    if (request->flags & LINUX_CLONE_VFORK)
        return refuse("CLONE_VFORK of a thread");
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
    if (ca.set_tid_size || ca.set_tid)
        return ca.set_tid_size && ca.set_tid ? -LINUX_EPERM : -LINUX_EINVAL;
    if ((ca.flags & (LINUX_CSIGNAL | LINUX_CLONE_DETACHED)) || ca.exit_signal > LINUX_NSIG ||
        (ca.flags >> 34))
        return -LINUX_EINVAL;
    if ((ca.flags & (LINUX_CLONE_THREAD | LINUX_CLONE_PARENT)) && ca.exit_signal)
        return -LINUX_EINVAL;
    if (!ca.stack != !ca.stack_size)
        return -LINUX_EINVAL;
    struct clone_request request = {ca.flags,      ca.stack,     ca.stack_size,
                                    ca.parent_tid, ca.child_tid, ca.tls};
    return do_clone(task, &request);
}
