/* stack.c - a new program's first stack: strings, auxv, envp, argv, as setup_arg_pages() and
 * create_elf_tables() of Linux lay them out. */
#include <stdlib.h>
#include <string.h>

#include "elf/auxv.h"
#include "elf/plan.h"
#include "host/random.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"

#define AUXV_MAX  24
#define STACK_MIN 131072ull
#define STACK_MAX                                                                                  \
    (256ull << 20) /* mapped at first where there is no limit; it grows after that                 \
                    */
#define STACK_MAX_TINY (64ull << 20) /* in a range of 4 GiB */

struct auxv {
    uint64_t entry[AUXV_MAX][2];
    unsigned count;
};

static void aux(struct auxv *v, uint64_t tag, uint64_t value)
{
    v->entry[v->count][0] = tag;
    v->entry[v->count++][1] = value;
}

/*
 * All of the stack up to its limit is mapped at once: host calls that write into a part which the
 * program has not touched yet find memory there. It costs nothing until it is used.
 */
static int map_stack(struct task *task, const struct exec_plan *plan, gva_t *top)
{
    struct mm *mm = task->proc->mm;
    uint64_t size = mm->limit[MM_LIMIT_STACK] & LINUX_PAGE_MASK;
    uint64_t max = mm->size > MM_MIN_SIZE ? STACK_MAX : STACK_MAX_TINY;
    uint64_t strings = page_align(plan->argv.size + plan->envp.size +
                                  (plan->argv.count + plan->envp.count) * 8 + 2 * LINUX_PAGE_SIZE);
    if (size > max)
        size = max;
    if (size < STACK_MIN)
        size = STACK_MIN;
    size += strings;
    bool exec = plan->program.info.exec_stack;
    const struct mm_map map = {
        .addr = mm->size - size,
        .len = size,
        .prot = LINUX_PROT_READ | LINUX_PROT_WRITE | (exec ? LINUX_PROT_EXEC : 0u),
        .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED |
                     LINUX_MAP_GROWSDOWN | LINUX_MAP_NORESERVE,
        .fd = -1,
        .name = "[stack]"};
    int64_t at = mm_map(mm, &map);
    *top = mm->size;
    return at < 0 ? (int)at : 0;
}

/* Put bytes below *p. */
static int push(struct task *task, gva_t *p, const void *data, size_t size)
{
    *p -= size;
    return copy_to_user(task, *p, data, size);
}

static void fill_auxv(struct task *task, const struct exec_plan *plan, const struct exec_layout *l,
                      struct auxv *v)
{
    const struct cred *cred = &task->proc->cred;
    aux(v, LINUX_AT_SYSINFO_EHDR, task->proc->mm->vdso);
    aux(v, LINUX_AT_MINSIGSTKSZ, ELFUSE_MINSIGSTKSZ);
    aux(v, LINUX_AT_HWCAP, ELFUSE_HWCAP);
    aux(v, LINUX_AT_PAGESZ, LINUX_PAGE_SIZE);
    aux(v, LINUX_AT_CLKTCK, 100);
    aux(v, LINUX_AT_PHDR, l->phdr);
    aux(v, LINUX_AT_PHENT, 56);
    aux(v, LINUX_AT_PHNUM, plan->program.info.phnum);
    aux(v, LINUX_AT_BASE, l->base);
    aux(v, LINUX_AT_FLAGS, 0);
    aux(v, LINUX_AT_ENTRY, l->prog_entry);
    aux(v, LINUX_AT_UID, cred->uid);
    aux(v, LINUX_AT_EUID, cred->euid);
    aux(v, LINUX_AT_GID, cred->gid);
    aux(v, LINUX_AT_EGID, cred->egid);
    aux(v, LINUX_AT_SECURE, cred->uid != cred->euid || cred->gid != cred->egid);
}

/* Pointers to a block's strings, which lie at `at`, then NULL. */
static gva_t *string_pointers(gva_t *out, const struct string_block *block, gva_t at)
{
    for (size_t i = 0, offset = 0; i < block->count; i++) {
        *out++ = at + offset;
        offset += strlen(block->data + offset) + 1;
    }
    *out++ = 0;
    return out;
}

/* argc, argv, envp, auxv below p; *sp is where they begin. */
static int push_vectors(struct task *task, const struct exec_plan *plan, const struct auxv *v,
                        gva_t p, gva_t *sp)
{
    struct mm *mm = task->proc->mm;
    size_t aux_size = v->count * sizeof v->entry[0];
    size_t words = 1 + plan->argv.count + 1 + plan->envp.count + 1 + v->count * 2;
    uint64_t *table = malloc(words * sizeof *table);
    if (!table)
        return -LINUX_ENOMEM;
    uint64_t *out = table;
    *out++ = plan->argv.count;
    out = string_pointers(out, &plan->argv, mm->arg_start);
    out = string_pointers(out, &plan->envp, mm->env_start);
    memcpy(out, v->entry, aux_size);
    *sp = (p - words * sizeof *table) & ~15ull;
    int err = copy_to_user(task, *sp, table, words * sizeof *table);
    free(table);
    return err;
}

/* Copies for /proc/self. */
static int keep(struct process *proc, const struct exec_plan *plan, const struct auxv *v)
{
    size_t aux_size = v->count * sizeof v->entry[0];
    char *cmdline = malloc(plan->argv.size), *environ = malloc(plan->envp.size + 1);
    void *auxv = malloc(aux_size);
    if (!cmdline || !environ || !auxv) {
        free(cmdline);
        free(environ);
        free(auxv);
        return -LINUX_ENOMEM;
    }
    memcpy(cmdline, plan->argv.data, plan->argv.size);
    if (plan->envp.size)
        memcpy(environ, plan->envp.data, plan->envp.size);
    memcpy(auxv, v->entry, aux_size);
    free(proc->cmdline);
    free(proc->environ_block);
    free(proc->auxv);
    proc->cmdline = cmdline;
    proc->cmdline_len = plan->argv.size;
    proc->environ_block = environ;
    proc->environ_len = plan->envp.size;
    proc->auxv = auxv;
    proc->auxv_len = aux_size;
    return 0;
}

int stack_build(struct task *task, struct exec_plan *plan, const struct exec_layout *layout,
                gva_t *sp)
{
    struct mm *mm = task->proc->mm;
    struct auxv v = {.count = 0};
    uint8_t random[16];
    gva_t p;
    int err = map_stack(task, plan, &p);
    if (err == 0)
        err = host_random(random, sizeof random);
    p -= 8;
    if (err == 0)
        err = push(task, &p, plan->filename, strlen(plan->filename) + 1);
    gva_t execfn = p;
    if (err == 0 && plan->envp.size)
        err = push(task, &p, plan->envp.data, plan->envp.size);
    mm->env_start = p;
    mm->env_end = p + plan->envp.size;
    if (err == 0)
        err = push(task, &p, plan->argv.data, plan->argv.size);
    mm->arg_start = p;
    mm->arg_end = mm->env_start;
    p &= ~15ull;
    if (err == 0)
        err = push(task, &p, "aarch64", 8);
    gva_t platform = p;
    if (err == 0)
        err = push(task, &p, random, sizeof random);
    if (err)
        return err;

    fill_auxv(task, plan, layout, &v);
    aux(&v, LINUX_AT_RANDOM, p);
    aux(&v, LINUX_AT_HWCAP2, ELFUSE_HWCAP2);
    aux(&v, LINUX_AT_EXECFN, execfn);
    aux(&v, LINUX_AT_PLATFORM, platform);
    aux(&v, LINUX_AT_NULL, 0);
    err = push_vectors(task, plan, &v, p, sp);
    if (err == 0)
        err = keep(task->proc, plan, &v);
    mm->start_stack = *sp;
    return err;
}
