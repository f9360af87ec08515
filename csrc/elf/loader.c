/* loader.c - from a path to the files of a program: #! lines, interpreter, arguments. As Linux's
 * fs/exec.c. */
#include "elf/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf/plan.h"
#include "host/file.h"
#include "host/io.h"
#include "linux/fs/fs.h"
#include "linux/mm/mm.h"
#include "vcpu/vcpu.h"

#define MAX_INTERPRETERS 5           /* exec_binprm(): a fifth rewrite is the last */
#define MAX_STRING       131072u     /* MAX_ARG_STRLEN */
#define MAX_STRINGS      0x7fffffffu /* MAX_ARG_STRINGS */
#define MIN_ARG_SPACE    131072u     /* ARG_MAX */
#define MAX_ARG_SPACE    (6u << 20)  /* three quarters of _STK_LIM */

void exec_why(char *why, const char *path, const char *cause)
{
    if (why)
        snprintf(why, EXEC_WHY_SIZE, "%s: %s", path, cause);
}

static const char *describe(int err)
{
    switch (-err) {
    case LINUX_ENOENT: return "no such file or directory";
    case LINUX_EACCES: return "permission denied";
    case LINUX_ENOTDIR: return "not a directory";
    case LINUX_EISDIR: return "is a directory";
    case LINUX_ELOOP: return "too many levels of symbolic links or #! lines";
    case LINUX_ENAMETOOLONG: return "file name too long";
    case LINUX_ETXTBSY: return "is open for writing";
    case LINUX_E2BIG: return "argument list too long";
    case LINUX_ENOMEM: return "out of memory";
    case LINUX_EIO: return "input/output error";
    default: return "cannot be opened";
    }
}

int block_append(struct string_block *block, const char *text)
{
    size_t len = strlen(text) + 1;
    if (len > MAX_STRING || block->count >= MAX_STRINGS || block->size + len > 2 * MAX_ARG_SPACE)
        return -LINUX_E2BIG;
    if (block->size + len > block->capacity) {
        size_t capacity = (block->size + len) * 2;
        char *data = realloc(block->data, capacity);
        if (!data)
            return -LINUX_ENOMEM;
        block->data = data;
        block->capacity = capacity;
    }
    memcpy(block->data + block->size, text, len);
    block->size += len;
    block->count++;
    return 0;
}

static int block_append_all(struct string_block *block, const char *const *texts)
{
    int err = 0;
    for (size_t i = 0; texts && texts[i] && err == 0; i++)
        err = block_append(block, texts[i]);
    return err;
}

/* argv of a script: interpreter, its argument, the script's name, what argv[1] and later were. */
static int script_argv(struct exec_plan *plan, const struct script_line *line, const char *name)
{
    struct string_block argv = {0};
    int err = block_append(&argv, line->interpreter);
    if (err == 0 && line->has_argument)
        err = block_append(&argv, line->argument);
    if (err == 0)
        err = block_append(&argv, name);
    size_t at = plan->argv.count ? strlen(plan->argv.data) + 1 : 0;
    for (; err == 0 && at < plan->argv.size; at += strlen(plan->argv.data + at) + 1)
        err = block_append(&argv, plan->argv.data + at);
    if (err) {
        free(argv.data);
        return err;
    }
    free(plan->argv.data);
    plan->argv = argv;
    return 0;
}

/* Exactly len bytes: 0, -LINUX_ENOEXEC if the file is shorter, or -errno. */
static int read_exact(int fd, void *buf, size_t len, uint64_t offset)
{
    if (offset > INT64_MAX - len)
        return -LINUX_ENOEXEC;
    int64_t n = host_pread(fd, buf, len, (int64_t)offset);
    return n < 0 ? (int)n : n == (int64_t)len ? 0 : -LINUX_ENOEXEC;
}

/* Read an ELF file's headers and judge them. */
static int read_elf(struct task *task, struct exec_file *file, const uint8_t *head, size_t size,
                    const char **why)
{
    struct linux_statx st;
    uint8_t phdrs[ELF_PHDRS_SIZE];
    int err = elf_parse_header(&file->info, head, size, why);
    if (err == 0)
        err = host_statx_fd(file->fd, &st);
    if (err)
        return err;
    err = read_exact(file->fd, phdrs, file->info.phnum * (size_t)56, file->info.phoff);
    if (err == -LINUX_ENOEXEC)
        *why = "is a corrupt ELF file: its program headers lie past its end";
    if (err)
        return err;
    return elf_parse_segments(&file->info, phdrs, st.stx_size, task->proc->mm->size, why);
}

/* The file that a path names is plan->program from now on. */
static int open_file(struct task *task, struct exec_plan *plan, int dirfd, const char *path,
                     int flags)
{
    char canonical[LINUX_PATH_MAX];
    if (plan->program.fd >= 0)
        host_fd_close(plan->program.fd);
    free(plan->exe);
    plan->exe = NULL;
    plan->program.fd = fs_open_exec(task, dirfd, path, flags, canonical);
    if (plan->program.fd < 0)
        return plan->program.fd;
    snprintf(plan->program.path, sizeof plan->program.path, "%s", path);
    plan->exe = strdup(canonical);
    return plan->exe ? 0 : -LINUX_ENOMEM;
}

/*
 * Follow #! lines until an ELF file is open in plan->program. `name` is what the file is called in
 * argv of a script.
 */
static int follow_scripts(struct task *task, struct exec_plan *plan, char *why)
{
    char name[LINUX_PATH_MAX];
    snprintf(name, sizeof name, "%s", plan->filename);
    for (int depth = 0;; depth++) {
        uint8_t head[SCRIPT_HEAD_SIZE];
        const char *cause = NULL;
        int64_t n = host_pread(plan->program.fd, head, sizeof head, 0);
        if (n < 0) {
            exec_why(why, name, describe((int)n));
            return (int)n;
        }
        int err;
        if (!script_is(head, (size_t)n)) {
            err = read_elf(task, &plan->program, head, (size_t)n, &cause);
            if (err)
                exec_why(why, name, cause ? cause : describe(err));
            return err;
        }
        struct script_line line;
        err =
            depth >= MAX_INTERPRETERS ? -LINUX_ELOOP : script_parse(&line, head, (size_t)n, &cause);
        if (err == 0)
            err = script_argv(plan, &line, name);
        if (err) {
            exec_why(why, name, cause ? cause : describe(err));
            return err;
        }
        err = open_file(task, plan, LINUX_AT_FDCWD, line.interpreter, 0);
        if (err) {
            if (why)
                snprintf(why, EXEC_WHY_SIZE, "interpreter %s of a script: %s", line.interpreter,
                         describe(err));
            return err;
        }
        snprintf(name, sizeof name, "%s", line.interpreter);
    }
}

static int open_interp(struct task *task, struct exec_plan *plan, char *why)
{
    const struct elf_info *info = &plan->program.info;
    struct exec_file *file = &plan->interp;
    const char *cause = NULL;
    char canonical[LINUX_PATH_MAX];
    if (info->interp_size == 0)
        return 0;
    int err = read_exact(plan->program.fd, file->path, info->interp_size, info->interp_offset);
    if (err == 0 && file->path[info->interp_size - 1] != '\0')
        err = -LINUX_ENOEXEC;
    if (err) {
        exec_why(why, plan->filename,
                 err == -LINUX_ENOEXEC ? "is a corrupt ELF file: bad interpreter name"
                                       : describe(err));
        return err;
    }
    file->fd = fs_open_exec(task, LINUX_AT_FDCWD, file->path, 0, canonical);
    if (file->fd < 0) {
        if (why)
            snprintf(why, EXEC_WHY_SIZE, "%.2000s: its interpreter %.2000s: %s", plan->filename,
                     file->path, describe(file->fd));
        return file->fd;
    }
    uint8_t head[ELF_HEAD_SIZE];
    int64_t n = host_pread(file->fd, head, sizeof head, 0);
    if (n >= 0 && n < ELF_HEAD_SIZE)
        n = -LINUX_EIO; /* elf_read() */
    err = n < 0 ? (int)n : read_elf(task, file, head, (size_t)n, &cause);
    if (err) {
        exec_why(why, file->path, cause ? cause : describe(err));
        /* load_elf_binary(): a bad interpreter is ELIBBAD. */
        return err == -LINUX_ENOEXEC ? -LINUX_ELIBBAD : err;
    }
    return 0;
}

/* bprm_stack_limits() */
static int check_space(struct task *task, const struct exec_plan *plan)
{
    uint64_t limit = task->proc->mm->limit[MM_LIMIT_STACK] / 4;
    if (limit > MAX_ARG_SPACE)
        limit = MAX_ARG_SPACE;
    if (limit < MIN_ARG_SPACE)
        limit = MIN_ARG_SPACE;
    uint64_t need = plan->argv.size + plan->envp.size + (plan->argv.count + plan->envp.count) * 8;
    return need > limit ? -LINUX_E2BIG : 0;
}

/* AT_EXECFN: alloc_bprm() makes a name for files that are named by a descriptor. */
static char *file_name(const struct exec_request *request)
{
    char name[LINUX_PATH_MAX + 32];
    if (request->path[0] == '/' || request->dirfd == LINUX_AT_FDCWD)
        return strdup(request->path);
    if (request->path[0] == '\0')
        snprintf(name, sizeof name, "/dev/fd/%d", request->dirfd);
    else
        snprintf(name, sizeof name, "/dev/fd/%d/%s", request->dirfd, request->path);
    return strdup(name);
}

int exec_open(struct task *task, const struct exec_request *request, struct exec_plan **out,
              char *why)
{
    struct exec_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return -LINUX_ENOMEM;
    plan->program.fd = plan->interp.fd = -1;
    plan->filename = file_name(request);
    int err = plan->filename ? open_file(task, plan, request->dirfd, request->path, request->flags)
                             : -LINUX_ENOMEM;
    if (err) {
        exec_why(why, plan->filename ? plan->filename : request->path, describe(err));
        exec_free(plan);
        return err;
    }
    *out = plan;
    return 0;
}

int exec_prepare(struct task *task, struct exec_plan *plan, const char *const *argv,
                 const char *const *envp, char *why)
{
    int err = block_append_all(&plan->argv, argv);
    if (err == 0 && plan->argv.count == 0)
        err = block_append(&plan->argv, "");
    if (err == 0)
        err = block_append_all(&plan->envp, envp);
    if (err == 0)
        err = check_space(task, plan);
    if (err) {
        exec_why(why, plan->filename, describe(err));
        return err;
    }
    err = follow_scripts(task, plan, why);
    return err ? err : open_interp(task, plan, why);
}

void exec_free(struct exec_plan *plan)
{
    if (!plan)
        return;
    if (plan->program.fd >= 0)
        host_fd_close(plan->program.fd);
    if (plan->interp.fd >= 0)
        host_fd_close(plan->interp.fd);
    free(plan->filename);
    free(plan->exe);
    free(plan->argv.data);
    free(plan->envp.data);
    free(plan);
}

int exec_program_fd(const struct exec_plan *plan)
{
    return plan->program.fd;
}

static void set_names(struct task *task, struct exec_plan *plan)
{
    struct process *proc = task->proc;
    const char *slash = strrchr(plan->filename, '/');
    const char *base = slash ? slash + 1 : plan->filename;
    free(proc->exe);
    proc->exe = plan->exe;
    plan->exe = NULL;
    if (proc->exe_fd >= 0)
        host_fd_close(proc->exe_fd);
    proc->exe_fd = plan->program.fd;
    plan->program.fd = -1;
    snprintf(proc->comm, sizeof proc->comm, "%.15s", base);
    snprintf(task->name, sizeof task->name, "%.15s", base);
}

int exec_commit(struct task *task, struct exec_plan *plan, char *why)
{
    struct exec_layout layout;
    gva_t sp;
    int err = mm_reset(task->proc->mm);
    if (err == 0)
        err = image_map(task, plan, &layout, why);
    else
        exec_why(why, plan->filename, describe(err));
    if (err)
        return err;
    err = mm_map_vdso(task->proc->mm);
    if (err == 0)
        err = stack_build(task, plan, &layout, &sp);
    if (err) {
        exec_why(why, plan->filename, describe(err));
        return err;
    }
    set_names(task, plan);
    struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    memset(regs, 0, sizeof *regs);
    regs->pc = layout.entry;
    regs->sp = sp;
    vcpu_vm_program(task->proc->vm, layout.prog_entry);
    return 0;
}
