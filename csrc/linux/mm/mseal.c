/* mseal.c - mseal(2): as Linux's mm/mseal.c. What a seal forbids is looked at where areas change.
 */
#include "linux/mm/mm.h"
#include "syscalls_gen.h"

int64_t sys_mseal(struct task *task, const uint64_t args[6])
{
    struct mm *mm = task->proc->mm;
    gva_t start = untagged_addr(args[0]);
    uint64_t len = page_align(args[1]);
    if (args[2] || start & ~LINUX_PAGE_MASK || (args[1] && !len) || start + len < start)
        return -LINUX_EINVAL;
    if (len == 0)
        return 0;
    host_mutex_lock(&mm->lock);
    int err = vma_all(mm, start, start + len) ? vma_set_flags(mm, start, start + len, VMA_SEALED, 0)
                                              : -LINUX_ENOMEM;
    host_mutex_unlock(&mm->lock);
    return err;
}
