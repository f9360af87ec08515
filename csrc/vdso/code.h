/* code.h - the vDSO's functions as instruction words; between code.c and image.c. */
#ifndef ELFUSE_VDSO_CODE_H
#define ELFUSE_VDSO_CODE_H

#include <stddef.h>
#include <stdint.h>

enum vdso_function {
    VDSO_RT_SIGRETURN,
    VDSO_CLOCK_GETTIME,
    VDSO_GETTIMEOFDAY,
    VDSO_CLOCK_GETRES,
    VDSO_GETCPU,
    VDSO_FUNCTIONS,
};

struct vdso_code {
    uint32_t word[256];
    uint32_t count;
    int32_t base;                   /* offset of word[0] from the image's start */
    uint32_t start[VDSO_FUNCTIONS]; /* offsets in the image */
    uint32_t size[VDSO_FUNCTIONS];
};

/* Assemble the functions for `base`; the time page is one page before the image. */
void vdso_assemble(struct vdso_code *code, uint32_t base);

#endif
