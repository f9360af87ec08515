/*
 * a64_diff.c - differential fuzzing of an engine (ELFUSE_ENGINE) against a reference CPU, row by
 * row of the instruction table.
 *
 *   a64_diff [--rows PREFIX[,PREFIX...]] [--skip NAME[,NAME...]] [--cases N] [--seed S]
 *            [--length L[-M]] [--flow yes] [--corpus FILE] [--show N] [--coverage yes]
 *            -- REFERENCE COMMAND...
 *
 * For each row it makes N random encodings (L > 1: blocks of L instructions, or of L to M, that
 * start with that row and go on with random rows of the selection) with random registers, memory
 * and FPCR, runs them here and in the reference program, and compares every register, the flags,
 * FPSR, memory and the kind, pc and address of a fault. With --flow, blocks have loops, calls and
 * other branches between their instructions (a64_make.h). With --corpus, the cases are the lines
 * "NAME: WORD WORD..." of FILE, N times each. A case that differs is shown with all those
 * instructions replaced by NOP that it differs without. The same seed makes the same cases. With
 * --coverage, the rows that cannot be compared are run here alone, and a row of the table that was
 * never executed is a failure. Exit status: 0 all agree, 1 not, 2 could not run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "a64_gen.h"
#include "a64_known.h"
#include "a64_make.h"
#include "a64_vector.h"
#include "vcpu/a64/a64.h"
#include "vcpu/interp/interp.h"
#include "vcpu/vcpu.h"

static struct vec_case cases[VEC_BATCH];
static struct vec_result ours[VEC_BATCH], theirs[VEC_BATCH];
static struct vcpu_vm *vm;
static struct vcpu *cpu;
static uint8_t *base;
static struct vec_memory memory;
static unsigned running; /* the case */

struct options {
    const char *rows, *skip, *corpus;
    unsigned cases, min_length, max_length, show;
    bool coverage, flow;
    uint64_t seed;
    char **reference;
};

static void die(const char *what)
{
    fprintf(stderr, "a64_diff: %s: %s\n", what, strerror(errno));
    exit(2);
}

static const char *name_of(unsigned id)
{
    const struct a64_row *row = a64_row((enum a64_id)id);
    return row ? a64_text(row->name) : "(invalid)";
}

static bool listed(const char *list, const char *name, bool whole)
{
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, ",");
        if (strncmp(name, p, n) == 0 && (!whole || name[n] == 0))
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static bool selected(const struct options *o, unsigned id)
{
    return id != A64_INVALID && (!o->rows || listed(o->rows, name_of(id), false)) &&
           !listed(o->skip, name_of(id), true) && !a64_known_row(name_of(id));
}

/* ---- running them here ---- */

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *uc = ctx;
    bool write = uc->uc_mcontext.gregs[REG_ERR] & 2;
    if (vcpu_host_fault(cpu, (uintptr_t)info->si_addr, write ? VCPU_WRITE : VCPU_READ,
                        sig == SIGBUS ? VCPU_FAULT_BUS : VCPU_FAULT_MAP, ctx))
        return;
    signal(sig, SIG_DFL);
}

static uint64_t counter(void)
{
    return 0;
}

static void guest_map(uint64_t addr, uint64_t size, int prot, unsigned guest)
{
    if (mmap(base + addr, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        die("mmap");
    if (vcpu_vm_protect(vm, addr, size, guest) < 0)
        die("vcpu_vm_protect");
}

static void set_up(void)
{
    static char stack[65536];
    const stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction sa = {.sa_sigaction = on_fault,
                           .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigaltstack(&ss, NULL);
    struct vcpu_vm_config config = {
        .size = VEC_LIMIT, .counter = counter, .counter_hz = 1000000000};
    base = mmap(NULL, VEC_LIMIT + 2 * VCPU_GUARD, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        die("mmap");
    base += VCPU_GUARD;
    config.base = base;
    vm = vcpu_vm_create(&config);
    cpu = vcpu_create(vm);
    guest_map(VEC_CODE, VEC_CODE_SIZE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_EXEC);
    guest_map(VEC_DATA, VEC_DATA_SIZE, PROT_READ | PROT_WRITE, VCPU_PROT_READ | VCPU_PROT_WRITE);
    guest_map(VEC_RO, VEC_RO_SIZE, PROT_READ | PROT_WRITE, VCPU_PROT_READ);
    vec_fill((uint64_t *)(base + VEC_RO), VEC_RO_SIZE, 1);
    mprotect(base + VEC_RO, VEC_RO_SIZE, PROT_READ);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
}

static void run_one(unsigned i)
{
    const struct vec_regs *in = &cases[i].in;
    struct vec_result *r = &ours[i];
    struct vcpu_regs *g = vcpu_regs(cpu);
    struct vcpu_exit exit;
    vec_load_x(g->x, &cases[i], i);
    memcpy(g->v, in->v, sizeof in->v);
    g->sp = in->sp;
    g->pc = vec_slot(i);
    g->nzcv = in->nzcv;
    g->fpcr = in->fpcr;
    g->fpsr = in->fpsr;
    vec_prepare(&memory, (uint64_t *)(base + VEC_DATA), cases[i].mem_seed);
    vcpu_run(cpu, &exit);
    memset(r, 0, sizeof *r);
    switch (exit.reason) {
    case VCPU_EXIT_BRK: r->stop = VEC_BRK_HIT; break;
    case VCPU_EXIT_UNDEF: r->stop = VEC_ILL; break;
    case VCPU_EXIT_FAULT:
        r->stop =
            exit.cause == VCPU_FAULT_BUS || exit.cause == VCPU_FAULT_ALIGN ? VEC_BUS : VEC_SEGV;
        r->fault_addr = exit.addr;
        break;
    default: r->stop = VEC_OTHER; break;
    }
    memcpy(r->out.x, g->x, sizeof r->out.x);
    memcpy(r->out.v, g->v, sizeof r->out.v);
    r->out.sp = g->sp;
    r->out.pc = g->pc;
    r->out.nzcv = g->nzcv;
    r->out.fpcr = g->fpcr;
    r->out.fpsr = g->fpsr;
    r->mem_hash = vec_settle(&memory, (uint64_t *)(base + VEC_DATA));
}

static void run_here(unsigned n)
{
    uint32_t *code = (uint32_t *)(base + VEC_CODE);
    mprotect(code, VEC_CODE_SIZE, PROT_READ | PROT_WRITE);
    for (uint64_t i = 0; i < VEC_CODE_SIZE / 4; i++)
        code[i] = VEC_BRK;
    for (unsigned i = 0; i < n; i++)
        memcpy(base + vec_slot(i), cases[i].insn, cases[i].count * 4);
    mprotect(code, VEC_CODE_SIZE, PROT_READ);
    vcpu_vm_code_changed(vm, VEC_CODE, VEC_CODE_SIZE);
    for (running = 0; running < n; running++)
        run_one(running);
}

/* ---- running them there ---- */

static int to_ref, from_ref;
static pid_t ref_pid;

static void start_reference(char **argv)
{
    int in[2], out[2];
    if (pipe(in) || pipe(out))
        die("pipe");
    ref_pid = fork();
    if (ref_pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execvp(argv[0], argv);
        die(argv[0]);
    }
    close(in[0]);
    close(out[1]);
    to_ref = in[1];
    from_ref = out[0];
}

static void send_all(const void *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(to_ref, p, n);
        if (k <= 0)
            die("write to the reference");
        p = (const char *)p + k;
        n -= (size_t)k;
    }
}

static void receive_all(void *p, size_t n)
{
    while (n > 0) {
        ssize_t k = read(from_ref, p, n);
        if (k <= 0)
            die("the reference ended early");
        p = (char *)p + k;
        n -= (size_t)k;
    }
}

/* ---- comparing ---- */

static bool same(const struct vec_result *a, const struct vec_result *b)
{
    const uint64_t tbi = 0x00ffffffffffffffull;
    return a->stop == b->stop && a->mem_hash == b->mem_hash &&
           memcmp(&a->out, &b->out, sizeof a->out) == 0 &&
           (a->fault_addr & tbi) == (b->fault_addr & tbi);
}

static const char *const stops[] = {"brk", "segv", "bus", "ill", "other"};

static void show(unsigned i)
{
    const struct vec_case *c = &cases[i];
    const struct vec_regs *a = &ours[i].out, *b = &theirs[i].out, *in = &c->in;
    for (unsigned k = 0; k < c->count; k++) {
        char text[128];
        if (c->insn[k] == VEC_NOP)
            continue;
        a64_disasm(text, sizeof text, c->insn[k], vec_slot(i) + 4 * k);
        printf("  +%02x %08x  %-24s %s\n", 4 * k, c->insn[k], name_of(a64_decode(c->insn[k])),
               text);
    }
    printf("    in: nzcv %08x fpcr %08x fpsr %08x sp %llx\n", in->nzcv, in->fpcr, in->fpsr,
           (unsigned long long)in->sp);
    if (ours[i].stop != VEC_BRK_HIT || theirs[i].stop != VEC_BRK_HIT || a->pc != b->pc)
        printf("    stop: ours %s %llx pc +%llx, reference %s %llx pc +%llx\n", stops[ours[i].stop],
               (unsigned long long)ours[i].fault_addr, (unsigned long long)(a->pc - vec_slot(i)),
               stops[theirs[i].stop], (unsigned long long)theirs[i].fault_addr,
               (unsigned long long)(b->pc - vec_slot(i)));
    for (int k = 0; k < 31; k++)
        if (a->x[k] != b->x[k])
            printf("    x%d: in %016llx ours %016llx reference %016llx\n", k,
                   (unsigned long long)in->x[k], (unsigned long long)a->x[k],
                   (unsigned long long)b->x[k]);
    if (a->sp != b->sp)
        printf("    sp: ours %llx reference %llx\n", (unsigned long long)a->sp,
               (unsigned long long)b->sp);
    if (a->nzcv != b->nzcv || a->fpcr != b->fpcr || a->fpsr != b->fpsr)
        printf("    nzcv/fpcr/fpsr: ours %08x %08x %08x reference %08x %08x %08x\n", a->nzcv,
               a->fpcr, a->fpsr, b->nzcv, b->fpcr, b->fpsr);
    for (int k = 0; k < 32; k++)
        if (a->v[k][0] != b->v[k][0] || a->v[k][1] != b->v[k][1])
            printf("    v%d: ours %016llx:%016llx reference %016llx:%016llx\n", k,
                   (unsigned long long)a->v[k][1], (unsigned long long)a->v[k][0],
                   (unsigned long long)b->v[k][1], (unsigned long long)b->v[k][0]);
    uint32_t word = c->insn[0];
    unsigned ops[] = {word & 31, word >> 5 & 31, word >> 16 & 31, word >> 10 & 31};
    for (int k = 0; k < 4; k++)
        printf("    in %u: x %016llx v %016llx:%016llx\n", ops[k],
               ops[k] < 31 ? (unsigned long long)in->x[ops[k]] : 0,
               (unsigned long long)in->v[ops[k]][1], (unsigned long long)in->v[ops[k]][0]);
    if (ours[i].mem_hash != theirs[i].mem_hash)
        printf("    memory differs\n");
}

/* ---- main ---- */

#define PATIENCE 240 /* seconds for a batch */

static unsigned pending, failed_cases, shown, running_count;
static unsigned long total, stopped_by[VEC_OTHER + 1];
static unsigned failed_by_row[A64_COUNT];
static unsigned row_of[VEC_BATCH];

/* A case, or something of the reference's, does not end. */
static void on_alarm(int sig)
{
    (void)sig;
    bool here = running < running_count;
    printf("a64_diff: a case does not end %s\n", here ? "here" : "in the reference");
    if (here)
        show(running);
    kill(ref_pid, SIGKILL);
    fflush(NULL);
    _exit(2);
}

static void run_both(uint32_t n)
{
    running_count = n;
    alarm(PATIENCE);
    /* The reference reads a whole batch before it writes, so this cannot deadlock on the pipes. */
    send_all(&n, sizeof n);
    send_all(cases, sizeof cases[0] * n);
    run_here(n);
    receive_all(theirs, sizeof theirs[0] * n);
    alarm(0);
}

static bool agree(unsigned i)
{
    return same(&ours[i], &theirs[i]) || a64_known_difference(&cases[i], &ours[i], &theirs[i]);
}

struct failure {
    struct vec_case c;
    struct vec_result ours, theirs;
    unsigned row, slot;
};

/* Show the case without the instructions that do not matter. */
static void reduce_and_show(const struct failure *f)
{
    /* Where a page ends matters. */
    unsigned slot = f->slot % (4096 / VEC_SLOT);
    printf("%s differs:\n", name_of(f->row));
    memset(cases, 0, sizeof cases[0] * slot);
    cases[slot] = f->c;
    run_both(slot + 1);
    if (agree(slot)) {
        printf("  (not when it runs alone)\n");
        cases[f->slot] = f->c;
        ours[f->slot] = f->ours;
        theirs[f->slot] = f->theirs;
        show(f->slot);
        return;
    }
    for (unsigned k = 0; k < f->c.count; k++) {
        uint32_t word = cases[slot].insn[k];
        cases[slot].insn[k] = VEC_NOP;
        run_both(slot + 1);
        if (agree(slot))
            cases[slot].insn[k] = word;
    }
    run_both(slot + 1);
    show(slot);
}

static void flush(const struct options *o)
{
    static struct failure failures[VEC_BATCH];
    unsigned count = 0;
    if (pending == 0)
        return;
    run_both(pending);
    for (unsigned i = 0; i < pending; i++) {
        total++;
        stopped_by[ours[i].stop]++;
        if (agree(i))
            continue;
        failed_cases++;
        if (failed_by_row[row_of[i]]++ < 2 && shown < o->show) {
            shown++;
            failures[count++] = (struct failure){cases[i], ours[i], theirs[i], row_of[i], i};
        }
    }
    pending = 0;
    for (unsigned i = 0; i < count; i++) {
        reduce_and_show(&failures[i]);
        fflush(stdout);
    }
}

static void add_case(const struct options *o, uint64_t *s, unsigned id, uint64_t mem_seed,
                     const struct make_plan *plan)
{
    if (!make_case(&cases[pending], s, id, plan))
        return;
    cases[pending].mem_seed = mem_seed;
    row_of[pending] = id;
    if (++pending == VEC_BATCH)
        flush(o);
}

static void add_rows(const struct options *o, const unsigned *rows, unsigned row_count)
{
    const struct make_plan plan = {rows, row_count, o->min_length, o->max_length, o->flow};
    for (unsigned k = 0; k < row_count; k++) {
        /* A row's cases do not depend on its place. */
        uint64_t s = o->seed * 0x2545f4914f6cdd1dull;
        for (const char *p = name_of(rows[k]); *p; p++)
            s = s * 31 + (unsigned char)*p;
        uint64_t mem_seed = vec_next(&s);
        for (unsigned n = 0; n < o->cases; n++)
            add_case(o, &s, rows[k], mem_seed, &plan);
    }
}

/* "NAME: WORD WORD...", the words in hexadecimal. */
static void add_corpus(const struct options *o)
{
    char line[1024];
    uint64_t s = o->seed;
    FILE *file = fopen(o->corpus, "r");
    if (!file)
        die(o->corpus);
    while (fgets(line, sizeof line, file)) {
        const char *at = strchr(line, ':');
        if (line[0] == '#' || !at)
            continue;
        uint32_t words[VEC_INSNS];
        unsigned count = 0;
        for (int used; count < VEC_INSNS && sscanf(at + 1, "%x%n", &words[count], &used) == 1;
             count++)
            at += used;
        for (unsigned n = 0; n < o->cases; n++) {
            struct vec_case *c = &cases[pending];
            memset(c, 0, sizeof *c);
            memcpy(c->insn, words, count * 4);
            c->count = count;
            random_regs(&s, &c->in);
            c->mem_seed = o->seed;
            row_of[pending] = a64_decode(words[0]);
            if (++pending == VEC_BATCH)
                flush(o);
        }
    }
    fclose(file);
}

/* Run one case of each row that add_case() leaves out, and count the rows that nothing executed. */
static unsigned uncovered(const struct options *o)
{
    const uint8_t *covered = interp_coverage();
    uint64_t s = o->seed;
    unsigned missing = 0;
    for (unsigned id = 0; id < A64_COUNT; id++) {
        if (id == A64_INVALID || !a64_known_row(name_of(id)))
            continue;
        struct vec_case *c = &cases[0];
        for (unsigned tries = 0; tries < 1000 && !covered[id]; tries++) {
            memset(c, 0, sizeof *c);
            c->insn[0] = random_insn(&s, id);
            c->count = 1;
            random_regs(&s, &c->in);
            run_here(1);
        }
    }
    for (unsigned id = 0; id < A64_COUNT; id++)
        if (id != A64_INVALID && !covered[id]) {
            missing++;
            printf("NOT EXECUTED %s\n", name_of(id));
        }
    return missing;
}

static void read_length(struct options *o, const char *text)
{
    const char *dash = strchr(text, '-');
    o->min_length = (unsigned)atoi(text);
    o->max_length = dash ? (unsigned)atoi(dash + 1) : o->min_length;
    if (o->min_length < 1 || o->max_length > MAKE_UNITS || o->min_length > o->max_length) {
        fprintf(stderr, "a64_diff: --length: 1 to %d\n", MAKE_UNITS);
        exit(2);
    }
}

static void parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.cases = 200, .min_length = 1, .max_length = 1, .show = 20, .seed = 1};
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--"); i += 2) {
        const char *v = argv[i + 1];
        if (!strcmp(argv[i], "--rows"))
            o->rows = v;
        else if (!strcmp(argv[i], "--skip"))
            o->skip = v;
        else if (!strcmp(argv[i], "--cases"))
            o->cases = (unsigned)atoi(v);
        else if (!strcmp(argv[i], "--length"))
            read_length(o, v);
        else if (!strcmp(argv[i], "--flow"))
            o->flow = !strcmp(v, "yes");
        else if (!strcmp(argv[i], "--corpus"))
            o->corpus = v;
        else if (!strcmp(argv[i], "--show"))
            o->show = (unsigned)atoi(v);
        else if (!strcmp(argv[i], "--coverage"))
            o->coverage = !strcmp(v, "yes");
        else if (!strcmp(argv[i], "--seed"))
            o->seed = strtoull(v, NULL, 0);
        else
            break;
    }
    if (i + 1 >= argc || strcmp(argv[i], "--")) {
        fprintf(stderr, "usage: a64_diff [--rows PREFIX,...] [--skip NAME,...] [--cases N] [--seed "
                        "S] [--length L[-M]] [--flow yes] [--corpus FILE] [--show N] "
                        "[--coverage yes] -- REFERENCE...\n");
        exit(2);
    }
    o->reference = argv + i + 1;
}

int main(int argc, char **argv)
{
    static unsigned rows[A64_COUNT];
    unsigned row_count = 0, bad_rows = 0;
    struct options o;
    parse(&o, argc, argv);
    set_up();
    start_reference(o.reference);
    signal(SIGALRM, on_alarm);
    for (unsigned id = 0; id < A64_COUNT; id++)
        if (selected(&o, id))
            rows[row_count++] = id;
    if (o.corpus)
        add_corpus(&o);
    else
        add_rows(&o, rows, row_count);
    flush(&o);
    close(to_ref);
    int status;
    waitpid(ref_pid, &status, 0);
    for (unsigned id = 0; id < A64_COUNT; id++)
        if (failed_by_row[id]) {
            bad_rows++;
            printf("FAILED %-28s %u of %u\n", name_of(id), failed_by_row[id], o.cases);
        }
    unsigned missing = o.coverage ? uncovered(&o) : 0;
    printf("a64_diff: stopped by");
    for (unsigned i = 0; i <= VEC_OTHER; i++)
        printf(" %s %lu", stops[i], stopped_by[i]);
    printf("\na64_diff: %u rows, %lu cases, %u differ in %u rows (seed %llu)\n", row_count, total,
           failed_cases, bad_rows, (unsigned long long)o.seed);
    return failed_cases || missing ? 1 : 0;
}
