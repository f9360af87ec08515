/*
 * uaccess.h - the only way the kernel touches guest memory.
 *
 * Every pointer from the guest is checked against the guest's range; a bad one is -LINUX_EFAULT,
 * never a crash, also when another thread unmaps the page in the middle of the copy. Structs are
 * copied once into a local and judged there, so that a second thread cannot change them between
 * check and use.
 *
 * The top byte of a pointer is ignored where Linux's untagged_addr() does so.
 */
#ifndef ELFUSE_LINUX_UACCESS_H
#define ELFUSE_LINUX_UACCESS_H

#include "linux/kernel.h"

/*
 * Host pointer to hand to a host system call, which reports EFAULT by itself: [addr, addr+len) lies
 * within the guest's range, or NULL. Never dereference it here. addr 0 with len 0 is a valid
 * pointer.
 */
void *user_ptr(struct task *task, gva_t addr, uint64_t len);

/* Copies. Return 0 or -LINUX_EFAULT; on EFAULT a part may have been copied. */
int copy_from_user(struct task *task, void *dst, gva_t src, size_t len)
    __attribute__((warn_unused_result));
int copy_to_user(struct task *task, gva_t dst, const void *src, size_t len)
    __attribute__((warn_unused_result));
int clear_user(struct task *task, gva_t dst, size_t len) __attribute__((warn_unused_result));

/* A NUL-terminated string of at most size-1 bytes: its length, -LINUX_EFAULT, or
 * -LINUX_ENAMETOOLONG. */
int64_t strncpy_from_user(struct task *task, char *dst, gva_t src, size_t size)
    __attribute__((warn_unused_result));

/* One naturally aligned word, atomically. */
int get_user_u32(struct task *task, uint32_t *value, gva_t src) __attribute__((warn_unused_result));
int put_user_u32(struct task *task, gva_t dst, uint32_t value) __attribute__((warn_unused_result));
int get_user_u64(struct task *task, uint64_t *value, gva_t src) __attribute__((warn_unused_result));
int put_user_u64(struct task *task, gva_t dst, uint64_t value) __attribute__((warn_unused_result));
/* Compare and swap; *old gets the value found. */
int cmpxchg_user_u32(struct task *task, gva_t addr, uint32_t *old, uint32_t desired)
    __attribute__((warn_unused_result));

/* Copy a guest iovec array (at most LINUX_UIO_MAXIOV) into host iovecs with in-place pointers. dst
 * has room for count. Returns the total length, -LINUX_EINVAL, or -LINUX_EFAULT. */
struct host_iovec {
    void *base;
    size_t len;
};
int64_t import_iovec(struct task *task, struct host_iovec *dst, gva_t iov, uint64_t count)
    __attribute__((warn_unused_result));

/*
 * Called by the host's memory fault handler on a fault that is not guest code's: if the calling
 * thread is inside one of the copies above, does not return (the copy fails with EFAULT); otherwise
 * returns.
 */
void uaccess_fault(struct task *task, uintptr_t host_addr);

#endif
