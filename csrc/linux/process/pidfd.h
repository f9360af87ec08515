/* pidfd.h - what others ask of a pidfd. */
#ifndef ELFUSE_LINUX_PIDFD_H
#define ELFUSE_LINUX_PIDFD_H

#include "linux/kernel.h"

/* The guest's number of the process that descriptor fd names: -LINUX_EBADF when it is no pidfd,
 * -LINUX_ESRCH when the process is gone. */
int32_t pidfd_process(struct task *task, int fd);

#endif
