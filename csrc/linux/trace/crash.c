/* crash.c - see crash.h. Guest memory is only read, with copies that may fail. */
#include "linux/trace/crash.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/log.h"
#include "host/mem.h"
#include "linux/abi/fs.h"
#include "linux/abi/signal.h"
#include "linux/fs/fs.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"
#include "linux/trace/trace.h"
#include "vcpu/a64/a64.h"
#include "vcpu/vcpu.h"

#define MAX_FRAMES 32
#define PLACE_SIZE 400

/* Several may end at once: each line says whose it is. */
static void __attribute__((format(printf, 2, 3)))
say(const struct task *task, const char *format, ...)
{
    char text[480];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    host_log("crash %d: %s", task->tid, text);
}

/* Linux's SIG_KERNEL_COREDUMP_MASK. */
static bool dumps_core(int sig)
{
    switch (sig) {
    case LINUX_SIGQUIT:
    case LINUX_SIGILL:
    case LINUX_SIGTRAP:
    case LINUX_SIGABRT:
    case LINUX_SIGFPE:
    case LINUX_SIGSEGV:
    case LINUX_SIGBUS:
    case LINUX_SIGSYS:
    case LINUX_SIGXCPU:
    case LINUX_SIGXFSZ: return true;
    default: return false;
    }
}

/* ---- where an address lies ---- */

struct search {
    gva_t addr;
    struct vma vma;
    bool found;
    char name[PLACE_SIZE];
    struct process *proc;
};

static int look_at_area(void *arg, const struct vma *vma, const char *name)
{
    struct search *s = arg;
    if (s->addr < vma->start || s->addr >= vma->end)
        return s->addr < vma->start;
    s->found = true;
    s->vma = *vma;
    snprintf(s->name, sizeof(s->name), "%s", name ? name : "");
    return 1;
}

static int take_path(void *arg, const struct host_mem_info *info)
{
    struct search *s = arg;
    if (fs_guest_path(s->proc->fs, info->path, s->name, sizeof(s->name)) < 0)
        snprintf(s->name, sizeof(s->name), "%.300s", info->path);
    return 1;
}

static void find_area(struct task *task, gva_t addr, struct search *s)
{
    struct mm *mm = task->proc->mm;
    *s = (struct search){.addr = addr, .proc = task->proc};
    mm_for_each(mm, look_at_area, s);
    if (s->found && (s->vma.flags & VMA_FILE) && !s->name[0]) {
        const uint8_t *page = mm->base + (addr & LINUX_PAGE_MASK);
        host_mem_for_each(page, page + LINUX_PAGE_SIZE, take_path, s);
    }
}

/* "/lib/libc.so.6+0x26bf4" (offset in the file), "[stack]", "not mapped". */
static void describe(struct task *task, gva_t addr, char place[PLACE_SIZE])
{
    struct search s;
    find_area(task, addr, &s);
    if (!s.found)
        snprintf(place, PLACE_SIZE, "not mapped");
    else if (s.vma.flags & VMA_FILE)
        snprintf(place, PLACE_SIZE, "%.300s+%#llx", s.name[0] ? s.name : "file",
                 (unsigned long long)(addr - s.vma.start + s.vma.offset));
    else
        snprintf(place, PLACE_SIZE, "%.300s", s.name[0] ? s.name : "anonymous memory");
}

static void describe_area(struct task *task, gva_t addr, char place[PLACE_SIZE])
{
    struct search s;
    find_area(task, addr, &s);
    if (!s.found) {
        snprintf(place, PLACE_SIZE, "not mapped");
        return;
    }
    snprintf(place, PLACE_SIZE, "in %#llx-%#llx %c%c%c%c %.280s", (unsigned long long)s.vma.start,
             (unsigned long long)s.vma.end, s.vma.prot & LINUX_PROT_READ ? 'r' : '-',
             s.vma.prot & LINUX_PROT_WRITE ? 'w' : '-', s.vma.prot & LINUX_PROT_EXEC ? 'x' : '-',
             s.vma.flags & VMA_SHARED ? 's' : 'p', s.name[0] ? s.name : "anonymous memory");
}

/* ---- parts of the report ---- */

static void report_signal(struct task *task, int sig, const struct linux_siginfo *info)
{
    struct trace_text t = {0};
    char place[PLACE_SIZE];
    put_siginfo(&t, info);
    say(task, "%.200s (process %d, thread %d \"%.16s\") ends by %s",
        task->proc->exe ? task->proc->exe : "", task->proc->pid, task->tid, task->name, t.text);
    bool at_address = info->si_code > 0 && info->si_code != LINUX_SI_KERNEL;
    if (at_address && (sig == LINUX_SIGSEGV || sig == LINUX_SIGBUS)) {
        describe_area(task, info->fault.addr, place);
        say(task, "address %#llx is %s", (unsigned long long)info->fault.addr, place);
    }
}

static void report_pc(struct task *task, const struct vcpu_regs *regs)
{
    char place[PLACE_SIZE], text[96] = "unreadable";
    uint32_t word;
    describe(task, regs->pc, place);
    if (copy_from_user(task, &word, regs->pc, sizeof(word)) == 0) {
        int n = snprintf(text, sizeof(text), "%08x  ", word);
        a64_disasm(text + n, sizeof(text) - (size_t)n, word, regs->pc);
    }
    say(task, "pc  %016llx  %s", (unsigned long long)regs->pc, place);
    say(task, "    %s", text);
}

static void report_registers(struct task *task, const struct vcpu_regs *regs)
{
    char place[PLACE_SIZE];
    describe(task, regs->x[30], place);
    say(task, "lr  %016llx  %s", (unsigned long long)regs->x[30], place);
    describe_area(task, regs->sp, place);
    say(task, "sp  %016llx  %s", (unsigned long long)regs->sp, place);
    for (int i = 0; i < 31; i += 4) {
        char line[128] = "";
        size_t len = 0;
        for (int j = i; j < i + 4 && j < 31; j++)
            len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%sx%d %016llx",
                                    j > i ? "  " : "", j < 10 ? " " : "", j,
                                    (unsigned long long)regs->x[j]);
        say(task, "%s", line);
    }
    say(task, "nzcv %c%c%c%c  tpidr_el0 %016llx", regs->nzcv >> 31 & 1 ? 'N' : '-',
        regs->nzcv >> 30 & 1 ? 'Z' : '-', regs->nzcv >> 29 & 1 ? 'C' : '-',
        regs->nzcv >> 28 & 1 ? 'V' : '-', (unsigned long long)regs->tpidr);
}

static void report_call(struct task *task)
{
    const struct last_call *last = trace_last_call();
    const struct syscall_row *row = last->made ? syscall_row(last->nr) : NULL;
    struct trace_text t = {0};
    struct trace_call c = {.task = task, .out = &t, .args = last->args, .ret = last->ret};
    if (!last->made) {
        say(task, "no system call was made by this thread");
        return;
    }
    if (row) {
        text_put(&t, "%s(", row->name);
        args_before(&c, row->signature);
        if (last->over)
            args_after(&c, row->signature);
    } else {
        text_put(&t, "syscall_%#llx(", (unsigned long long)last->nr);
    }
    text_put(&t, ") = ");
    if (!last->over)
        text_put(&t, "?");
    else
        result_put(&c, row ? row->name : NULL);
    say(task, "last system call: %s", t.text);
}

/*
 * The chain of frame records (AAPCS64 6.4.6): caller's record, return address. A record lies above
 * the one it was called from; where that ends, so does the report.
 */
static void report_backtrace(struct task *task, const struct vcpu_regs *regs)
{
    gva_t fp = regs->x[29], pc = regs->pc;
    for (int i = 0; i < MAX_FRAMES; i++) {
        char place[PLACE_SIZE];
        uint64_t record[2];
        describe(task, pc, place);
        say(task, "#%-2d %016llx  %s", i, (unsigned long long)pc, place);
        if (!fp || fp % 8 || copy_from_user(task, record, fp, sizeof(record)))
            return;
        if (!record[1] || (record[0] && record[0] <= fp))
            return;
        fp = record[0];
        pc = record[1];
    }
    say(task, "...");
}

void crash_report(struct task *task, int sig, const struct linux_siginfo *info)
{
    const struct vcpu_regs *regs = vcpu_regs(task->vcpu);
    if (!dumps_core(sig))
        return;
    report_signal(task, sig, info);
    report_pc(task, regs);
    report_registers(task, regs);
    report_call(task);
    report_backtrace(task, regs);
}
