/*
 * uaccess.c - guarded copies between guest memory and the kernel.
 *
 * A copy runs with a recovery point in task->uaccess_recover; a memory fault on the thread jumps
 * there out of the host's signal handler (which must have left the signal mask alone). The point is
 * the compiler's cheap one, three words, not setjmp's: it is taken for every structure that a
 * system call reads.
 */
#include "linux/mm/uaccess.h"

#include <string.h>

#include "linux/abi/fs.h"
#include "linux/mm/mm.h"
#include "linux/mm/writelog.h"

struct recover {
    void *words[5]; /* __builtin_setjmp's */
};

#define BARRIER() __asm__ volatile("" ::: "memory")

void uaccess_fault(struct task *task, uintptr_t host_addr)
{
    struct mm *mm = task->proc->mm;
    struct recover *recover = task->uaccess_recover;
    if (!recover || host_addr - (uintptr_t)mm->base >= mm->size)
        return;
    task->uaccess_recover = NULL;
    __builtin_longjmp(recover->words, 1);
}

void *user_ptr(struct task *task, gva_t addr, uint64_t len)
{
    const struct mm *mm = task->proc->mm;
    if (mm->tagged_addr)
        addr = untagged_addr(addr);
    if (len > mm->size || addr > mm->size - len)
        return NULL;
    if (__builtin_expect(mm->log != NULL, 0))
        mm_log_touch(task->proc->mm, addr, len);
    return mm->base + addr;
}

/*
 * One guarded operation. Not inlined: __builtin_setjmp saves no registers, so that nothing may live
 * in them across it but what this function itself reloads.
 */
enum op { OP_COPY, OP_ZERO, OP_LOAD32, OP_STORE32, OP_LOAD64, OP_STORE64, OP_CAS32 };

struct access {
    enum op op;
    void *dst;
    const void *src;
    size_t len;
    uint64_t value, desired;
};

static void perform(struct access *a)
{
    switch (a->op) {
    case OP_COPY: memcpy(a->dst, a->src, a->len); break;
    case OP_ZERO: memset(a->dst, 0, a->len); break;
    case OP_LOAD32: a->value = __atomic_load_n((const uint32_t *)a->src, __ATOMIC_ACQUIRE); break;
    case OP_STORE32:
        __atomic_store_n((uint32_t *)a->dst, (uint32_t)a->value, __ATOMIC_RELEASE);
        break;
    case OP_LOAD64: a->value = __atomic_load_n((const uint64_t *)a->src, __ATOMIC_ACQUIRE); break;
    case OP_STORE64: __atomic_store_n((uint64_t *)a->dst, a->value, __ATOMIC_RELEASE); break;
    case OP_CAS32: {
        uint32_t old = (uint32_t)a->value;
        __atomic_compare_exchange_n((uint32_t *)a->dst, &old, (uint32_t)a->desired, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        a->value = old;
        break;
    }
    }
}

static __attribute__((noinline)) int guarded(struct task *task, struct access *a)
{
    struct recover recover;
    if (__builtin_setjmp(recover.words))
        return -LINUX_EFAULT;
    task->uaccess_recover = &recover;
    BARRIER();
    perform(a);
    BARRIER();
    task->uaccess_recover = NULL;
    return 0;
}

int copy_from_user(struct task *task, void *dst, gva_t src, size_t len)
{
    struct access a = {.op = OP_COPY, .dst = dst, .src = user_ptr(task, src, len), .len = len};
    if (!a.src)
        return -LINUX_EFAULT;
    return len ? guarded(task, &a) : 0;
}

int copy_to_user(struct task *task, gva_t dst, const void *src, size_t len)
{
    struct access a = {.op = OP_COPY, .dst = user_ptr(task, dst, len), .src = src, .len = len};
    if (!a.dst)
        return -LINUX_EFAULT;
    return len ? guarded(task, &a) : 0;
}

int clear_user(struct task *task, gva_t dst, size_t len)
{
    struct access a = {.op = OP_ZERO, .dst = user_ptr(task, dst, len), .len = len};
    if (!a.dst)
        return -LINUX_EFAULT;
    return len ? guarded(task, &a) : 0;
}

/* Pieces that end where a 128-byte line ends never touch a page that the string itself does not
 * reach. */
#define STRING_PIECE 128u

int64_t strncpy_from_user(struct task *task, char *dst, gva_t src, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t n = STRING_PIECE - ((src + done) & (STRING_PIECE - 1));
        if (n > size - done)
            n = size - done;
        int err = copy_from_user(task, dst + done, src + done, n);
        if (err)
            return err;
        const char *end = memchr(dst + done, 0, n);
        if (end)
            return end - dst;
        done += n;
    }
    return -LINUX_ENAMETOOLONG;
}

int get_user_u32(struct task *task, uint32_t *value, gva_t src)
{
    struct access a = {.op = OP_LOAD32, .src = user_ptr(task, src, sizeof *value)};
    if (!a.src)
        return -LINUX_EFAULT;
    if (src % sizeof *value)
        return copy_from_user(task, value, src, sizeof *value);
    int err = guarded(task, &a);
    if (err == 0)
        *value = (uint32_t)a.value;
    return err;
}

int put_user_u32(struct task *task, gva_t dst, uint32_t value)
{
    struct access a = {.op = OP_STORE32, .dst = user_ptr(task, dst, sizeof value), .value = value};
    if (!a.dst)
        return -LINUX_EFAULT;
    if (dst % sizeof value)
        return copy_to_user(task, dst, &value, sizeof value);
    return guarded(task, &a);
}

int get_user_u64(struct task *task, uint64_t *value, gva_t src)
{
    struct access a = {.op = OP_LOAD64, .src = user_ptr(task, src, sizeof *value)};
    if (!a.src)
        return -LINUX_EFAULT;
    if (src % sizeof *value)
        return copy_from_user(task, value, src, sizeof *value);
    int err = guarded(task, &a);
    if (err == 0)
        *value = a.value;
    return err;
}

int put_user_u64(struct task *task, gva_t dst, uint64_t value)
{
    struct access a = {.op = OP_STORE64, .dst = user_ptr(task, dst, sizeof value), .value = value};
    if (!a.dst)
        return -LINUX_EFAULT;
    if (dst % sizeof value)
        return copy_to_user(task, dst, &value, sizeof value);
    return guarded(task, &a);
}

int cmpxchg_user_u32(struct task *task, gva_t addr, uint32_t *old, uint32_t desired)
{
    struct access a = {.op = OP_CAS32,
                       .dst = user_ptr(task, addr, sizeof *old),
                       .value = *old,
                       .desired = desired};
    if (!a.dst || addr % sizeof *old)
        return -LINUX_EFAULT;
    int err = guarded(task, &a);
    if (err == 0)
        *old = (uint32_t)a.value;
    return err;
}

int64_t import_iovec(struct task *task, struct host_iovec *dst, gva_t iov, uint64_t count)
{
    if (count > LINUX_UIO_MAXIOV)
        return -LINUX_EINVAL;
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t wire[2];
        int err = copy_from_user(task, wire, iov + i * sizeof wire, sizeof wire);
        if (err)
            return err;
        if (wire[1] > INT64_MAX)
            return -LINUX_EINVAL;
        dst[i].base = user_ptr(task, wire[0], wire[1]);
        if (!dst[i].base)
            return -LINUX_EFAULT;
        /* MAX_RW_COUNT: the rest is cut off, as in import_iovec() of Linux. */
        if (wire[1] > LINUX_MAX_RW_COUNT - total)
            wire[1] = LINUX_MAX_RW_COUNT - total;
        dst[i].len = wire[1];
        total += wire[1];
    }
    return (int64_t)total;
}
