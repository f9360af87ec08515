/* peer.c - see peer.h. */
#include "host/peer.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/linux/flags.h"

static int transfer(long call, int32_t pid, void *local, void *remote, size_t len)
{
    struct iovec mine = {local, len}, its = {remote, len};
    long n = syscall(call, pid, &mine, 1ul, &its, 1ul, 0ul);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EFAULT;
}

int host_peer_read(int32_t pid, const void *addr, void *buf, size_t len)
{
    return transfer(SYS_process_vm_readv, pid, buf, (void *)(uintptr_t)addr, len);
}

int host_peer_write(int32_t pid, void *addr, const void *buf, size_t len)
{
    return transfer(SYS_process_vm_writev, pid, (void *)(uintptr_t)buf, addr, len);
}

int host_flags_of_text(unsigned flags)
{
    return flags_from_host((int)flags);
}
