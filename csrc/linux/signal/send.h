/* send.h - signals from one process to another. */
#ifndef ELFUSE_LINUX_SIGNAL_SEND_H
#define ELFUSE_LINUX_SIGNAL_SEND_H

#include "linux/abi/signal.h"
#include "linux/kernel.h"

/*
 * Send sig (0: only check) to process n, or with tid to that thread of it, with the caller's
 * rights. info is the caller's own or NULL, for what kill() and tgkill() tell. 0, -LINUX_ESRCH,
 * -LINUX_EPERM, -LINUX_EINVAL, -LINUX_EAGAIN.
 */
int64_t signal_send_pid(struct task *task, int32_t n, int32_t tid, int sig,
                        const struct linux_siginfo *info);

#endif
