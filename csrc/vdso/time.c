/* time.c - writing the time page; code.c's realtime() is the reader. */
#include "vdso/vdso.h"

void vdso_time_write(struct vdso_time *time, uint64_t taken, int64_t real_offset)
{
    uint32_t seq = __atomic_load_n(&time->seq, __ATOMIC_RELAXED);
    if (seq & 1 || !__atomic_compare_exchange_n(&time->seq, &seq, seq + 1, 0, __ATOMIC_ACQ_REL,
                                                __ATOMIC_RELAXED))
        return;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&time->taken, taken, __ATOMIC_RELAXED);
    __atomic_store_n(&time->max_age, VDSO_MAX_AGE_NS, __ATOMIC_RELAXED);
    __atomic_store_n(&time->real_offset, real_offset, __ATOMIC_RELAXED);
    /* 0 means never written: skip it when the number wraps. */
    uint32_t next = seq + 2 ? seq + 2 : 2;
    __atomic_store_n(&time->seq, next, __ATOMIC_RELEASE);
}
