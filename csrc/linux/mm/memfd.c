/* memfd.c - memfd_create(2): as Linux's mm/memfd.c. */
#include "host/mem.h"
#include "linux/fs/fdtable.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

int64_t sys_memfd_create(struct task *task, const uint64_t args[6])
{
    uint32_t flags = (uint32_t)args[1];
    uint32_t sizes = flags & LINUX_MFD_HUGETLB ? LINUX_MAP_HUGE_MASK << LINUX_MAP_HUGE_SHIFT : 0;
    if (flags & ~(sizes | LINUX_MFD_HUGETLB | LINUX_MFD_CLOEXEC | LINUX_MFD_ALLOW_SEALING |
                  LINUX_MFD_NOEXEC_SEAL | LINUX_MFD_EXEC))
        return -LINUX_EINVAL;
    if (flags & LINUX_MFD_EXEC && flags & LINUX_MFD_NOEXEC_SEAL)
        return -LINUX_EINVAL;
    if (flags & LINUX_MFD_HUGETLB)
        return -LINUX_ENOSYS; /* what hugetlb_file_setup() says without CONFIG_HUGETLBFS */
    char name[LINUX_MFD_NAME_MAX + 1];
    int64_t len = strncpy_from_user(task, name, args[0], sizeof name);
    if (len < 0)
        return len == -LINUX_ENAMETOOLONG ? -LINUX_EINVAL : len;
    return fd_return(task, host_memfd(name, flags));
}
