/* futex.h - the host's futexes on guest memory that user_ptr() (uaccess.h) has vouched for. */
#ifndef ELFUSE_HOST_FUTEX_H
#define ELFUSE_HOST_FUTEX_H

#include <stdint.h>

#include "linux/abi/time.h"

struct host_waitv {
    uint64_t val;
    uint64_t addr; /* host pointer */
    uint32_t flags;
    uint32_t reserved;
};

/*
 * FUTEX_WAIT_BITSET with op's PRIVATE and CLOCK_REALTIME flags; the deadline is absolute, NULL for
 * none. 0, -EAGAIN, -ETIMEDOUT, -EFAULT, -LINUX_ERESTARTSYS.
 */
int host_futex_wait(void *addr, uint32_t op_flags, uint32_t val,
                    const struct linux_timespec *deadline, uint32_t bitset);
/* The operations that do not wait; arguments as futex(2) orders them, val2 in the place of the
 * timeout. */
int64_t host_futex_op(void *addr, uint32_t op, uint32_t val, uint64_t val2, void *addr2,
                      uint32_t val3);
/* futex_waitv(2): index of the word that woke, or as host_futex_wait(). -LINUX_ENOSYS before
 * Linux 5.16. */
int64_t host_futex_waitv(const struct host_waitv *waiters, uint32_t count,
                         const struct linux_timespec *deadline, int32_t clock);

#endif
