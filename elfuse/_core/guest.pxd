# The C declarations that guest.pyx calls: csrc/vdso/vdso.h, csrc/linux/strace.h.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "vdso/vdso.h" nogil:
    enum:
        VDSO_PAGE_SIZE

    cdef struct vdso_info:
        uint32_t size
        uint32_t sigreturn

    void vdso_build(uint8_t *page, vdso_info *info)

cdef extern from "linux/strace.h" nogil:
    cdef struct syscall_row:
        const char *name
        const char *signature

    const syscall_row *syscall_lookup "syscall_row"(uint64_t nr)
    unsigned syscall_table_size()
