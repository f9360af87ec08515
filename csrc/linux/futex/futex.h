/* futex.h - what the futex calls share. */
#ifndef ELFUSE_LINUX_FUTEX_H
#define ELFUSE_LINUX_FUTEX_H

#include "linux/abi/time.h"
#include "linux/kernel.h"

/* The host's pointer to a guest's word, for host/futex.h; get_futex_key()'s errors: alignment is
 * looked at first. */
int futex_word(struct task *task, gva_t addr, void **ptr);

/* A timeout argument: tv_nsec is -1 where there is none. -LINUX_EFAULT, -LINUX_EINVAL. */
int futex_deadline(struct task *task, gva_t at, struct linux_timespec *deadline);

/* The operations of futex() that are about priority-inheriting locks; -LINUX_ENOSYS for any other
 * (pi.c). */
int64_t futex_pi(struct task *task, const uint64_t args[6]);

#endif
