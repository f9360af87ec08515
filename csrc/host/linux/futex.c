#include "host/futex.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "host/linux/safe_syscall.h"
#include "linux/abi/futex.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

int host_futex_wait(void *addr, uint32_t op_flags, uint32_t val,
                    const struct linux_timespec *deadline, uint32_t bitset)
{
    return (int)host_syscall_interruptible(SYS_futex, addr, LINUX_FUTEX_WAIT_BITSET | op_flags, val,
                                           deadline, 0, bitset);
}

int64_t host_futex_op(void *addr, uint32_t op, uint32_t val, uint64_t val2, void *addr2,
                      uint32_t val3)
{
    return host_syscall(SYS_futex, addr, op, val, val2, addr2, val3);
}

int64_t host_futex_waitv(const struct host_waitv *waiters, uint32_t count,
                         const struct linux_timespec *deadline, int32_t clock)
{
    return host_syscall_interruptible(SYS_futex_waitv, waiters, count, 0, deadline, clock);
}
