/*
 * vdso.h - the synthetic vDSO.
 *
 * Guest memory has two pages in a row: the time page (read-only for the guest), then the image.
 * CNTVCT_EL0 counts nanoseconds of CLOCK_MONOTONIC (CNTFRQ_EL0 is 1e9), so that clock is the
 * counter itself; CLOCK_REALTIME is the counter plus an offset from the time page. An offset that
 * was taken too long ago is not used, so that a step of the host's clock is seen: the function then
 * makes the system call, in which the kernel takes the offset anew.
 */
#ifndef ELFUSE_VDSO_H
#define ELFUSE_VDSO_H

#include <stddef.h>
#include <stdint.h>

#define VDSO_PAGE_SIZE  4096
#define VDSO_COUNTER_HZ 1000000000u
#define VDSO_MAX_AGE_NS 100000000u /* how late a step of the host's clock may be seen */

struct vdso_info {
    uint32_t size;      /* bytes of the page in use */
    uint32_t sigreturn; /* offset of __kernel_rt_sigreturn */
};

/* Fill the page with the image. The rest is zero. */
void vdso_build(uint8_t page[VDSO_PAGE_SIZE], struct vdso_info *info);

/* The time page's contents, a seqlock: seq is 0 before the first write and odd during one. */
struct vdso_time {
    uint32_t seq;
    uint32_t reserved;
    uint64_t taken;      /* counter when the offset was taken */
    uint64_t max_age;    /* ns after which it is not used any more */
    int64_t real_offset; /* CLOCK_REALTIME minus the counter, ns */
};

/* Write a new offset. Any thread; of writers at the same time one wins, the others do nothing. */
void vdso_time_write(struct vdso_time *time, uint64_t taken, int64_t real_offset);

/* VCPU_HINT_VECTORS_DEAD of vcpu/vcpu.h, which this folder does not include: csrc/linux/mm/vdso.c
 * asserts that they are the same. */
#define VDSO_HINT_VECTORS_DEAD 126u

#endif
