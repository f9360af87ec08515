/* plan.h - between loader.c, image.c and stack.c: what exec_prepare() has found out. */
#ifndef ELFUSE_ELF_PLAN_H
#define ELFUSE_ELF_PLAN_H

#include "elf/loader.h"
#include "elf/parse.h"
#include "linux/abi/fs.h"

struct exec_file {
    int fd; /* a descriptor of ours, or -1 */
    struct elf_info info;
    char path[LINUX_PATH_MAX];
};

/* Strings one after the other with their NULs, as they will lie on the stack. */
struct string_block {
    char *data;
    size_t size, capacity;
    size_t count;
};

struct exec_plan {
    struct exec_file program, interp; /* interp.fd is -1 for a static program */
    char *filename;                   /* as execve was told: AT_EXECFN */
    char *exe;                        /* canonical guest path of the program */
    struct string_block argv, envp;
};

/* Where the images were mapped. */
struct exec_layout {
    gva_t entry;      /* where the CPU starts */
    gva_t prog_entry; /* AT_ENTRY */
    gva_t phdr;       /* AT_PHDR */
    gva_t base;       /* AT_BASE */
    gva_t end_bss;
};

/* Map program and interpreter into the empty address space (image.c). */
int image_map(struct task *task, struct exec_plan *plan, struct exec_layout *layout, char *why);

/* Make the stack, with *sp (stack.c); fills the process's cmdline, environ and auxv. */
int stack_build(struct task *task, struct exec_plan *plan, const struct exec_layout *layout,
                gva_t *sp);

/* Append a string; -LINUX_E2BIG, -LINUX_ENOMEM. */
int block_append(struct string_block *block, const char *text);

void exec_why(char *why, const char *path, const char *cause);

#endif
