/*
 * translate.c - one pass over a block: which instructions it has, which flags are wanted where, the
 * hot code by the emitters, and behind it the cold code that hot code jumps to.
 *
 * A block is the run of instructions from its pc to the first that leaves for good: conditional
 * branches go on with what follows them. It ends with its guest page, so that the page is all that
 * can make it stale.
 */
#include "vcpu/jit/translate.h"

#define PAGE_WORDS (GUEST_PAGE / 4)

/* ---- what an instruction does to flags and flow ---- */

enum effect {
    READS = 1,
    WRITES = 2,   /* all four flags */
    BRANCHES = 4, /* to a target known now, perhaps */
    LEAVES = 8,   /* never goes on to the next instruction within the block */
};

static unsigned effect_of_system(uint32_t insn)
{
    if ((insn & 0xfffff01f) == 0xd503201f)
        return 0; /* hints */
    if ((insn & 0xfffff000) == 0xd5033000)
        return 0; /* barriers */
    if ((insn & 0xfff00000) == 0xd5300000)
        return (insn & 0xffffffe0) == 0xd53b4200 ? READS : 0; /* MRS NZCV; others */
    switch (insn & 0xffffffe0) {
    case 0xd51b4200: return WRITES; /* MSR NZCV */
    case 0xd51b4420:                /* MSR FPSR */
    case 0xd51bd040:                /* MSR TPIDR_EL0 */
    case 0xd50b7420:                /* DC ZVA */
    case 0xd50b7a20:                /* DC CVAC */
    case 0xd50b7b20:                /* DC CVAU */
    case 0xd50b7e20: return 0;      /* DC CIVAC */
    default:
        if (insn == 0xd500401f)
            return READS | WRITES; /* CFINV */
        return LEAVES | READS;     /* MSR FPCR, IC IVAU, what is undefined */
    }
}

static unsigned effect_of_branch(uint32_t insn)
{
    if ((insn & 0xff000010) == 0x54000000)
        return (insn & 15) >= 14 ? BRANCHES | LEAVES : BRANCHES | READS; /* B.cond */
    if ((insn & 0x7e000000) == 0x34000000 || (insn & 0x7e000000) == 0x36000000)
        return BRANCHES; /* CBZ TBZ */
    if ((insn & 0xfc000000) == 0x14000000)
        return BRANCHES | LEAVES; /* B */
    if ((insn & 0xffc00000) == 0xd5000000)
        return effect_of_system(insn);
    return LEAVES | READS; /* exceptions, BL, indirect branches */
}

static unsigned effect_of_data(uint32_t insn)
{
    bool sets = insn >> 29 & 1;
    switch (insn >> 24 & 0x1f) {
    case 0x11: /* ADD and SUB, immediate */
    case 0x0b: /* shifted or extended */ return sets ? WRITES : 0;
    case 0x0a: /* logical */
    case 0x12: return (insn >> 29 & 3) == 3 && !(insn >> 23 & 1 && insn >> 28 & 1) ? WRITES : 0;
    case 0x1a:
        if ((insn & 0x1fe00000) == 0x1a400000)
            return READS | WRITES; /* CCMP */
        if ((insn & 0x1fe0fc00) == 0x1a000000)
            return sets ? READS | WRITES : READS; /* ADC */
        if ((insn & 0x1fe00000) == 0x1a000000)
            return READS;                                     /* RMIF, SETF */
        return (insn & 0x1fe00000) == 0x1a800000 ? READS : 0; /* CSEL */
    case 0x1e:
        if ((insn & 0xff20fc07) == 0x1e202000)
            return WRITES; /* FCMP */
        if ((insn & 0xff200c00) == 0x1e200400)
            return READS | WRITES;                            /* FCCMP */
        return (insn & 0xff200c00) == 0x1e200c00 ? READS : 0; /* FCSEL */
    default: return 0;
    }
}

/* Undefined encodings of data processing that the table's patterns let through. */
static bool is_reserved(uint32_t insn)
{
    bool wide = insn >> 31, n = insn >> 22 & 1, imms5 = insn >> 15 & 1, immr5 = insn >> 21 & 1;
    uint64_t mask;
    switch (insn >> 23 & 0x3f) {
    case 0x24: return !int_bitmask(insn, wide, &mask);          /* logical */
    case 0x25: return !wide && n;                               /* MOVZ by 32 and more */
    case 0x26: return n != wide || (!wide && (imms5 || immr5)); /* UBFM */
    case 0x27: return n != wide || (!wide && imms5);            /* EXTR */
    default:                                                    /* shifts of 32 and more */
        return !wide && imms5 &&
               ((insn & 0x1f000000) == 0x0a000000 || (insn & 0x1f200000) == 0x0b000000);
    }
}

static unsigned effect_of(uint32_t insn)
{
    if (a64_decode(insn) == A64_INVALID || is_reserved(insn))
        return LEAVES | READS; /* an exception, which shows NZCV */
    return (insn & 0x1c000000) == 0x14000000 ? effect_of_branch(insn)
           : (insn & 0x0e000000) == 0x0a000000 || (insn & 0x1c000000) == 0x10000000
               ? effect_of_data(insn)
           : (insn & 0x1f000000) == 0x1e000000 ? effect_of_data(insn)
           : (insn & 0x1e000000) == 0          ? LEAVES | READS
                                               : 0;
}

/* Where a branch that has BRANCHES goes. */
static uint64_t branch_target(uint32_t insn, uint64_t pc)
{
    if ((insn & 0x7c000000) == 0x14000000)
        return pc + (uint64_t)sbits(insn, 0, 26) * 4;
    if ((insn & 0x7e000000) == 0x36000000)
        return pc + (uint64_t)sbits(insn, 5, 14) * 4;
    return pc + (uint64_t)sbits(insn, 5, 19) * 4;
}

struct scan {
    const uint32_t *page;
    uint64_t page_pc;
    uint8_t effect[JIT_MAX_INSNS];
    bool after[JIT_MAX_INSNS], taken[JIT_MAX_INSNS]; /* NZCV is wanted after; at the target */
    bool end;                                        /* and where the block goes on */
};

/*
 * Whether NZCV may be wanted at pc: no if it is written before it is read on every way from there.
 * A load or store that faults is no reader: else every loop whose first access needs a check would
 * save the flags of its own branch each time round. What a SIGSEGV handler finds in PSTATE is then
 * the flags of some earlier instruction, of which nothing that is still to run depends. It looks a
 * few instructions ahead and never leaves the page. When it cannot tell it says yes.
 */
static bool wanted_at(const struct scan *s, uint64_t pc, unsigned depth)
{
    for (unsigned i = 0; i < 12; i++, pc += 4) {
        if (pc - s->page_pc >= GUEST_PAGE || (pc & 3))
            return true;
        uint32_t insn = s->page[(pc - s->page_pc) / 4];
        unsigned effect = effect_of(insn);
        if (effect & READS)
            return true;
        if (effect & WRITES)
            return false;
        if (!(effect & BRANCHES))
            continue;
        if (depth == 0 || wanted_at(s, branch_target(insn, pc), depth - 1))
            return true;
        if (effect & LEAVES)
            return false;
    }
    return true;
}

static unsigned scan_block(struct scan *s, uint64_t pc)
{
    const uint32_t *words = s->page + (pc - s->page_pc) / 4;
    unsigned n = 0, room = (unsigned)((GUEST_PAGE - (pc - s->page_pc)) / 4);
    unsigned max = room < JIT_MAX_INSNS ? room : JIT_MAX_INSNS;
    unsigned effect = 0;
    do {
        s->effect[n] = (uint8_t)(effect = effect_of(words[n]));
        n++;
    } while (n < max && !(effect & LEAVES));
    /* A comparison belongs to the branch behind it. */
    if (n > 1 && !(effect & LEAVES) && (effect & WRITES)) {
        n--;
        effect = s->effect[n - 1];
    }
    uint64_t last = pc + 4ull * (n - 1);
    bool wanted;
    if (!(effect & LEAVES))
        wanted = wanted_at(s, last + 4, 2);
    else if (effect & BRANCHES)
        wanted = wanted_at(s, branch_target(words[n - 1], last), 2);
    else
        wanted = true;
    s->end = wanted;
    for (unsigned i = n; i-- > 0;) {
        s->after[i] = wanted;
        s->taken[i] = false;
        if (s->effect[i] & BRANCHES)
            wanted |= s->taken[i] = wanted_at(s, branch_target(words[i], pc + 4ull * i), 2);
        if (s->effect[i] & WRITES)
            wanted = false;
        if (s->effect[i] & READS)
            wanted = true;
    }
    return n;
}

/* ---- cold code ---- */

static struct cold *new_cold(struct translation *t, enum cold_kind kind, uint8_t *site)
{
    struct cold *c = &t->cold[t->cold_count++];
    *c = (struct cold){.kind = kind, .site = site, .index = t->index, .save = FLAGS_MEMORY};
    return c;
}

/* A displacement that is patched later must not straddle 16 bytes, so that it changes at once.
 * opcode: bytes before it. */
static void align_site(struct translation *t, unsigned opcode)
{
    unsigned at = (unsigned)((uintptr_t)(t->e.at + opcode) & 15);
    if (at > 12)
        x64_nop(&t->e, 16 - at);
}

void jit_slow(struct translation *t, enum x64_cc cc)
{
    new_cold(t, COLD_SLOW, x64_jcc32(&t->e, cc));
}

/* The form of the flags that has to be saved on the way out. */
static enum flags_at leaving(const struct translation *t, bool wanted)
{
    bool in_eflags = t->flags != FLAGS_MEMORY && t->flags != FLAGS_DEAD;
    return wanted && in_eflags && !t->flags_saved ? t->flags : FLAGS_MEMORY;
}

void jit_exit_if(struct translation *t, enum x64_cc cc, uint64_t pc, bool wanted)
{
    enum flags_at save = leaving(t, wanted);
    if (save == FLAGS_MEMORY)
        align_site(t, 2);
    struct cold *c = new_cold(t, COLD_LINK, x64_jcc32(&t->e, cc));
    c->target = pc;
    c->save = save;
}

void jit_exit(struct translation *t, uint64_t pc, bool wanted)
{
    enum flags_at save = leaving(t, wanted);
    if (save != FLAGS_MEMORY)
        jit_flags_save(&t->e, save);
    align_site(t, 1);
    new_cold(t, COLD_LINK, x64_jmp32(&t->e))->target = pc;
}

void jit_flags_leave(struct translation *t)
{
    enum flags_at save = leaving(t, true);
    if (save != FLAGS_MEMORY)
        jit_flags_save(&t->e, save);
    t->flags = FLAGS_MEMORY;
}

static void call_stub(struct x64 *e, enum jit_stub stub)
{
    x64_call_rm(e, x64_mem(RBP, JIT_AT(stubs) + (int32_t)stub * 8));
}

static void fallback_call(struct x64 *e, enum jit_stub stub, uint64_t pc, uint32_t insn)
{
    call_stub(e, stub);
    x64_u64(e, pc);
    x64_u32(e, insn);
}

void jit_fallback(struct translation *t)
{
    jit_flags_clobber(t);
    fallback_call(&t->e, STUB_FALLBACK, t->pc, t->insn);
    t->flags = t->flags_after ? FLAGS_MEMORY : FLAGS_DEAD;
    t->flags_saved = false;
    t->checked = 0;
    t->sp_aligned = false;
    memset(t->vhigh, VHIGH_ANY, sizeof t->vhigh);
}

void jit_take_back(struct translation *t, unsigned first)
{
    t->e.at = t->code + t->map[first].host;
    for (unsigned i = first + 1; i <= t->index; i++)
        t->map[i].host = t->map[first].host;
    if (t->flags != t->map[first].flags) { /* they have been saved there */
        t->flags = (enum flags_at)t->map[first].flags;
        t->flags_saved = false;
    }
}

static void link_stub(struct translation *t, uint8_t *site, uint64_t pc)
{
    x64_aim32(site, t->e.at);
    call_stub(&t->e, STUB_LINK);
    uint8_t *data = t->e.at;
    x64_u64(&t->e, pc | (t->key & JIT_KEY_FPCR));
    x64_u32(&t->e, (uint32_t)(int32_t)(site - data));
}

static void cold_slow(struct translation *t, uint8_t *site, unsigned index, const uint32_t *words)
{
    uint64_t pc = (t->key & ~JIT_KEY_FPCR) + 4ull * index;
    x64_aim32(site, t->e.at);
    fallback_call(&t->e, STUB_FALLBACK, pc, words[index]);
    align_site(t, 1);
    link_stub(t, x64_jmp32(&t->e), pc + 4);
}

static void emit_cold(struct translation *t, const uint32_t *words)
{
    uint8_t *slow = NULL;
    unsigned slow_index = 0;
    for (unsigned i = 0; i < t->cold_count; i++) {
        struct cold *c = &t->cold[i];
        if (c->kind == COLD_SLOW) {
            if (slow && slow_index == c->index) {
                x64_aim32(c->site, slow);
                continue;
            }
            slow = t->e.at;
            slow_index = c->index;
            cold_slow(t, c->site, c->index, words);
        } else if (c->kind == COLD_LINK) {
            uint8_t *site = c->site;
            if (c->save != FLAGS_MEMORY) {
                x64_aim32(site, t->e.at);
                jit_flags_save(&t->e, c->save);
                align_site(t, 1);
                site = x64_jmp32(&t->e);
            }
            link_stub(t, site, c->target);
        } else {
            x64_aim32(c->site, t->e.at);
            x64_jmp_rm(&t->e, x64_mem(RBP, JIT_AT(stubs) + STUB_DISPATCH * 8));
        }
    }
}

void jit_exit_indirect_if(struct translation *t, enum x64_cc cc)
{
    new_cold(t, COLD_DISPATCH, x64_jcc32(&t->e, cc));
}

void jit_call_link(struct translation *t, uint64_t pc)
{
    align_site(t, 1);
    new_cold(t, COLD_LINK, x64_call32(&t->e))->target = pc;
}

/* ---- the block ---- */

/*
 * What a block begins with: a look at attention, seven bytes at a 16-byte boundary. Who kills the
 * block writes a jump over them, to the last part of its cold code (cache.c), in one store.
 */
static uint8_t *emit_entry(struct translation *t)
{
    x64_op(&t->e, 4, 0x83, ALU_CMP, x64_mem(RBP, JIT_AT(vcpu.attention)));
    x64_u8(&t->e, 0);
    return x64_jcc32(&t->e, CC_NE);
}

static void emit_attend(struct translation *t, uint8_t *site)
{
    x64_aim32(site, t->e.at);
    call_stub(&t->e, STUB_ATTEND);
    x64_u64(&t->e, t->key);
}

/* The last JIT_DEAD_BYTES of a block. */
static void emit_dead(struct translation *t)
{
    call_stub(&t->e, STUB_DEAD);
    x64_u64(&t->e, t->key);
}

static void emit_insn(struct translation *t, const struct scan *s)
{
    unsigned i = t->index;
    t->map[i].host = (uint16_t)(t->e.at - t->code);
    t->flags_after = s->after[i];
    t->flags_before =
        (s->effect[i] & READS) || s->taken[i] || (s->after[i] && !(s->effect[i] & WRITES));
    if (!t->flags_before)
        t->flags = FLAGS_DEAD;
    t->map[i].flags = (uint8_t)t->flags;
    t->id = a64_decode(t->insn);
    jit_emit *emit = jit_emitters[t->id];
    if (!emit || !emit(t, t->insn)) {
        if (s->effect[i] & LEAVES) {
            jit_flags_clobber(t);
            fallback_call(&t->e, STUB_BRANCH, t->pc, t->insn);
            t->ended = true;
        } else if (s->effect[i] & BRANCHES) {
            __builtin_trap(); /* the emitters of these cover every encoding */
        } else {
            jit_fallback(t);
        }
    }
    if ((s->effect[i] & WRITES) && !s->after[i])
        t->flags = FLAGS_DEAD;
}

/* No room for another instruction with all that it may add to the cold code. */
static bool is_full(const struct translation *t)
{
    unsigned cold = t->cold_count + 8;
    return cold > JIT_MAX_COLD ||
           t->end - t->e.at < (ptrdiff_t)(JIT_INSN_BYTES + cold * JIT_COLD_BYTES + 128);
}

void jit_translate(struct translation *t, const uint32_t *page)
{
    uint64_t pc = t->key & ~JIT_KEY_FPCR;
    struct scan s = {.page = page, .page_pc = pc & ~(GUEST_PAGE - 1)};
    const uint32_t *words = page + (pc - s.page_pc) / 4;
    t->words = words;
    t->count = scan_block(&s, pc);
    t->code = t->e.at;
    t->cold_count = 0;
    t->checked = 0;
    t->sp_aligned = false;
    t->ended = false;
    t->flags = FLAGS_MEMORY;
    t->flags_saved = false;
    memset(t->vhigh, VHIGH_ANY, sizeof t->vhigh);
    uint8_t *attend = emit_entry(t);
    for (t->index = 0; t->index < t->count; t->index++) {
        t->pc = pc + 4ull * t->index;
        t->insn = words[t->index];
        t->flags_taken = s.taken[t->index];
        emit_insn(t, &s);
        if (is_full(t) && t->index + 1 < t->count) {
            t->count = t->index + 1;
            s.end = s.after[t->index];
        }
    }
    t->map[t->count].host = (uint16_t)(t->e.at - t->code);
    t->map[t->count].flags = FLAGS_MEMORY;
    if (!t->ended)
        jit_exit(t, pc + 4ull * t->count, s.end);
    emit_attend(t, attend);
    emit_cold(t, words);
    emit_dead(t);
}
