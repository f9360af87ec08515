/*
 * vfork.c - the parent of a vfork waits for its child, and sees what the child has written.
 *
 * The child is a fork, with copied memory. What CLONE_VM makes a promise of, that the parent finds
 * what the child wrote before execve or exit (glibc's posix_spawn leaves the error of a failed
 * execve so), is kept by a log of the child's writes (mm/writelog.h), sent through a channel and
 * carried out by the parent. The channel's end is the child's release, however it ends.
 */
#include "host/io.h"
#include "host/process.h"
#include "linux/mm/uaccess.h"
#include "linux/mm/writelog.h"
#include "linux/process/fork.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"

/* Before each run of bytes. */
struct write_record {
    gva_t addr;
    uint64_t len;
};

void vfork_child(struct process *proc, int write_end, bool shared)
{
    proc->vfork_channel = write_end;
    if (shared)
        mm_log_start(proc->mm);
}

static int send_run(void *arg, gva_t addr, const void *bytes, uint64_t len)
{
    int fd = *(int *)arg;
    const struct write_record record = {addr, len};
    int err = host_channel_send(fd, &record, sizeof record);
    return err ? err : host_channel_send(fd, bytes, len);
}

void vfork_release(struct process *proc)
{
    int fd = proc->vfork_channel;
    if (fd < 0)
        return;
    mm_log_each(proc->mm, send_run, &fd);
    vfork_forget(proc);
}

void vfork_forget(struct process *proc)
{
    if (proc->vfork_channel < 0)
        return;
    mm_log_stop(proc->mm);
    host_fd_close(proc->vfork_channel);
    proc->vfork_channel = -1;
}

/* All of len, or false at its end. */
static bool receive(struct task *task, int fd, void *to, uint64_t len)
{
    uint8_t *at = to;
    while (len) {
        int64_t n = host_channel_receive(fd, at, len);
        if (n == -LINUX_EINTR && !task->sig->exiting)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (uint64_t)n;
    }
    return true;
}

void vfork_wait(struct task *task, int read_end)
{
    struct write_record record;
    uint8_t bytes[1024];
    while (receive(task, read_end, &record, sizeof record)) {
        while (record.len) {
            uint64_t n = record.len < sizeof bytes ? record.len : sizeof bytes;
            if (!receive(task, read_end, bytes, n))
                break;
            /* Where the parent has unmapped it meanwhile it is lost, as on Linux. */
            (void)!copy_to_user(task, record.addr, bytes, n);
            record.addr += n;
            record.len -= n;
        }
    }
    host_fd_close(read_end);
}
