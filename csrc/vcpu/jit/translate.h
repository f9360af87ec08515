/*
 * translate.h - for the emitters: the state of a translation, and how to reach guest registers,
 * flags and memory from the code that they emit.
 *
 * An emitter translates one instruction: bool emit_x(struct translation *t, uint32_t insn). It
 * returns false, having emitted nothing and changed nothing in *t, for what it does not cover: the
 * interpreter then runs that instruction. Rules:
 *
 * - Registers for scratch use: RAX, RCX, RDX, XMM0 to XMM3. All else belongs to the guest.
 * - At most JIT_INSN_BYTES are emitted.
 * - Before any host instruction that changes EFLAGS: jit_flags_clobber(t).
 * - Nothing of the guest's state may be changed before the last jit_slow() and the last guest
 * access of the instruction: both start it again, in the interpreter or after a signal.
 * - Every write of a guest register goes through jit_dst()/jit_done() or jit_vdst()/jit_vdone(), or
 *   is followed by jit_wrote()/jit_vwrote().
 */
#ifndef ELFUSE_JIT_TRANSLATE_H
#define ELFUSE_JIT_TRANSLATE_H

#include "vcpu/a64/a64.h"
#include "vcpu/interp/int_bits.h"
#include "vcpu/jit/jit.h"
#include "vcpu/jit/x64.h"

#define JIT_INSN_BYTES 512 /* of hot code for one guest instruction */
#define JIT_MAX_INSNS  64  /* guest instructions of a block */
#define JIT_MAX_COLD   192 /* places from which a block's hot code goes to its cold part */
/* An address is compared with the range's end when it is the base; what an offset (up to 64 KiB)
 * and later additions to the base (this much) add to it falls into the guard, VCPU_GUARD. */
#define JIT_MAX_OFFSET (64 * 1024)
#define JIT_MAX_DRIFT  (512 * 1024)

#define REG_SP 31 /* index in vcpu_regs.r[], and for the functions below */

/* Where NZCV is. The EFLAGS forms differ in what CF means. */
enum flags_at {
    FLAGS_MEMORY, /* jit_cpu.flags */
    FLAGS_SUB,    /* EFLAGS, CF is the inverse of C, as CMP and SUB leave it */
    FLAGS_ADD,  /* EFLAGS, CF is C, as ADD leaves it; and as AND, TEST and OR do (C and V clear) */
    FLAGS_FCMP, /* EFLAGS of an ordered VUCOMISS or VUCOMISD: CF less, ZF equal */
    FLAGS_DEAD, /* nowhere: not wanted any more */
};

enum cold_kind { COLD_SLOW, COLD_LINK, COLD_DISPATCH };

/* A jump from hot to cold code. */
struct cold {
    enum cold_kind kind;
    uint8_t *site;      /* its four-byte displacement */
    unsigned index;     /* SLOW: instruction of the block */
    uint64_t target;    /* LINK: pc */
    enum flags_at save; /* LINK: flags to be saved on the way, if not FLAGS_MEMORY */
};

/* For a fault: where an instruction's code begins, and where the flags are during its accesses. */
struct insn_map {
    uint16_t host; /* offset from the block's code */
    uint8_t flags; /* enum flags_at */
};

struct translation {
    struct x64 e; /* hot code */
    uint8_t *end; /* of the room for the block */
    const struct jit_host *host;
    uint64_t limit;        /* of the guest's range */
    uint64_t key;          /* the block's */
    const uint32_t *words; /* the block's instructions */

    /* The instruction: */
    uint64_t pc;
    uint32_t insn;
    enum a64_id id;
    unsigned index;
    bool flags_before; /* NZCV as before it is wanted, by it or after it */
    bool flags_after;  /* NZCV as after it is wanted */
    bool flags_taken;  /* a branch: NZCV is wanted at its target */

    enum flags_at flags;
    bool flags_saved; /* and they are in memory too */
    /* Base registers known to be inside the range, moved by drift bytes since. */
    uint32_t checked;
    bool sp_aligned;
    int32_t drift[32];
    /* Vector registers of which the upper part is known to be zero: see enum vhigh. */
    uint8_t vhigh[32];
    bool ended; /* the last instruction has emitted its own exits */

    uint8_t *code;
    unsigned count, cold_count;
    struct insn_map map[JIT_MAX_INSNS + 1];
    struct cold cold[JIT_MAX_COLD];
};

typedef bool jit_emit(struct translation *t, uint32_t insn);

/* FPCR is zero: round to nearest, no flushing, no default NaN. Otherwise code asks when it runs
 * what FPCR holds: fp_begin() and fp_guard(), fp_emit.h. */
static inline bool jit_fp_plain(const struct translation *t)
{
    return !(t->key & JIT_KEY_FPCR);
}

/* ---- general registers ---- */

/* Host register of guest register n (0 to 30, REG_SP), or -1: it is in memory. */
static inline int jit_gpr(unsigned n)
{
    static const int8_t map[32] = {
        RDI, RSI, R8, R9,  R10, R11, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1,  -1,  -1, RBX, R12, R13, -1, -1, -1, -1, -1, -1, -1, -1, -1, R14,
    };
    return map[n];
}

/* Its place in memory, which is stale for those that have a host register. n may also be REG_ZERO.
 */
static inline struct x64_rm jit_gpr_mem(unsigned n)
{
    return x64_mem(RBP, (int32_t)(n * 8) - JIT_BIAS);
}

/* An operand for reading n: register or memory. n: 0 to 30, REG_SP or REG_ZERO. */
static inline struct x64_rm jit_rm(unsigned n)
{
    int r = n <= REG_SP ? jit_gpr(n) : -1;
    return r >= 0 ? x64_reg(r) : jit_gpr_mem(n);
}

/* Note that guest register n has changed: nothing is known of it. n may be REG_SINK. */
void jit_wrote(struct translation *t, unsigned n);
/* Note that n is now m + delta (64 bits): what is known of m is known of n. Call instead of
 * jit_wrote(). */
void jit_moved(struct translation *t, unsigned n, unsigned m, int64_t delta);
/* Note that n is now this constant. Call instead of jit_wrote(). */
void jit_constant(struct translation *t, unsigned n, uint64_t value);

/* A host register that holds n: its own, else `scratch`, loaded. Not to be changed. Emits MOV only.
 * n: 0 to 30, REG_SP or REG_ZERO. width 4: the upper half of `scratch` is zero, that of n's own
 * register anything. */
int jit_src(struct translation *t, unsigned width, unsigned n, int scratch);
/* scratch <- n, in any case. */
void jit_load(struct translation *t, unsigned width, int scratch, unsigned n);
/* Where to compute the new value of n: its own register, else `scratch`. n may be REG_SINK. */
int jit_dst(unsigned n, int scratch);
/* The 64 bits of n are now in `reg` (jit_dst()'s, or any other): store or move them where they
 * belong, and jit_wrote(). */
void jit_done(struct translation *t, unsigned n, int reg);
/* The same without jit_wrote(): for a following jit_moved(t, n, n, ...), which needs to know what n
 * was. */
void jit_put(struct translation *t, unsigned n, int reg);

/* ---- vector registers ---- */

enum vhigh { VHIGH_ANY, VHIGH_ZERO64, VHIGH_ZERO32 }; /* bits from 64, or from 32, are zero */

/* Host register of Vn, or -1. */
static inline int jit_xmm(unsigned n)
{
    return n < 8 ? (int)(XMM4 + n) : n >= 16 && n < 20 ? (int)(XMM12 + n - 16) : -1;
}
static inline struct x64_rm jit_v_mem(unsigned n)
{
    return x64_mem(RBP, (int32_t)(offsetof(struct vcpu_regs, v) + n * 16) - JIT_BIAS);
}
/* An operand for reading Vn, 16 bytes or its low part. */
static inline struct x64_rm jit_vrm(unsigned n)
{
    int r = jit_xmm(n);
    return r >= 0 ? x64_reg(r) : jit_v_mem(n);
}
/* A host register that holds Vn: its own, else `scratch`, loaded with all 16 bytes. */
int jit_vsrc(struct translation *t, unsigned n, int scratch);
/* scratch <- Vn, in any case. */
void jit_vload(struct translation *t, int scratch, unsigned n);
/* Where to compute the new Vn: its own register, else `scratch`. */
int jit_vdst(unsigned n, int scratch);
/* All 128 bits of the new Vn are in xmm: move or store them where they belong. high: what is known
 * of the upper part. */
void jit_vdone(struct translation *t, unsigned n, int xmm, enum vhigh high);
/* Zero what is above `bytes` (4, 8) of xmm, unless `known` says that it is. In place. */
void jit_vclear_high(struct translation *t, int xmm, unsigned bytes, enum vhigh known);
static inline void jit_vwrote(struct translation *t, unsigned n, enum vhigh high)
{
    t->vhigh[n] = (uint8_t)high;
}

/* A member of jit_cpu.constants as an operand: JIT_CONST(abs_d). */
#define JIT_CONST(member) x64_mem(RBP, JIT_AT(constants.member))
/* jit_cpu.constants.table[i] */
static inline struct x64_rm jit_table(unsigned i)
{
    return x64_mem(RBP, JIT_AT(constants.table) + (int32_t)i * 16);
}

/* ---- flags ---- */

/* Call before emitting what changes EFLAGS: saves NZCV if it is there and wanted. May use RAX. */
void jit_flags_clobber(struct translation *t);
/* EFLAGS now hold the instruction's NZCV, in form FLAGS_SUB, FLAGS_ADD or FLAGS_FCMP. Call only if
 * t->flags_after. */
static inline void jit_flags_set(struct translation *t, enum flags_at at)
{
    t->flags = at;
    t->flags_saved = false;
}
/* Have NZCV in EFLAGS so that the returned code says whether A64 condition cond (0 to 13) holds.
 * May use RAX. */
enum x64_cc jit_cond(struct translation *t, unsigned cond);
/* Have C in CF (carry) or its inverse (borrow), the other flags anything. May use RAX. Changes
 * EFLAGS as a read: NZCV stays wanted where t->flags_after says so. */
void jit_carry(struct translation *t, bool inverted);
/* NZCV is a constant (bits 31:28). May use RAX. */
void jit_flags_constant(struct translation *t, uint32_t nzcv);

/* For those who enter and leave: jit_cpu.flags from vcpu_regs.nzcv and back; and the code that
 * stores it from EFLAGS. */
uint16_t jit_flags_pack(uint32_t nzcv);
uint32_t jit_flags_unpack(uint16_t flags);
void jit_flags_save(struct x64 *e, enum flags_at at);

/* ---- leaving ---- */

/* If cc, start this instruction again in the interpreter and go on behind it. NZCV must not be in
 * EFLAGS and wanted: jit_flags_clobber() first. */
void jit_slow(struct translation *t, enum x64_cc cc);
/* Go to pc; where cc, and always. They save NZCV if it may be wanted there (`wanted`). */
void jit_exit_if(struct translation *t, enum x64_cc cc, uint64_t pc, bool wanted);
void jit_exit(struct translation *t, uint64_t pc, bool wanted);
/* Call the block at pc, with the next host instruction as the return address. */
void jit_call_link(struct translation *t, uint64_t pc);
/* If cc, go to the key in RAX. NZCV is in memory or not wanted. */
void jit_exit_indirect_if(struct translation *t, enum x64_cc cc);
/* Save NZCV where it may be wanted behind the block: before an exit that is not one of the above.
 */
void jit_flags_leave(struct translation *t);
/* Let the interpreter run the instruction, in line. */
void jit_fallback(struct translation *t);

/*
 * Take back what has been emitted for instructions `first` to t->index - 1, and what it did to
 * NZCV: the current instruction will do their work. Only for such as neither jump, nor access
 * memory, nor write NZCV; and it does not restore what is known of their destinations.
 */
void jit_take_back(struct translation *t, unsigned first);

/* ---- translating ---- */

/*
 * Translate the block at t->key's pc, of which page holds the guest page's words as they were
 * fetched. The caller has set e.at, 16-byte aligned, and end, at least JIT_BLOCK_ROOM bytes behind
 * it; and host, limit and key. Afterwards e.at is the end, and map has count + 1 entries.
 */
void jit_translate(struct translation *t, const uint32_t *page);
#define JIT_COLD_BYTES 64 /* at most, of one entry of cold[] */
#define JIT_BLOCK_ROOM 4096
#define JIT_DEAD_BYTES 14 /* at a block's end: the call of STUB_DEAD with the key */

/* The emitters by row: emitters.c. NULL: the interpreter runs it. */
extern jit_emit *const jit_emitters[A64_COUNT + 1];

/* ---- memory ---- */

/*
 * An operand for the guest memory at register n (0 to 30 or REG_SP) + offset, |offset| <=
 * JIT_MAX_OFFSET, at most 4096 bytes from there. Emits the check that confines the access, unless n
 * is known to be inside. May use `scratch` (a general register), which the operand may then
 * contain. It calls jit_flags_clobber(), which may use RAX: no data may be in RAX.
 * The operand is R15, which is page-aligned, + n's register (or scratch), unchanged, + offset.
 */
struct x64_rm jit_address(struct translation *t, unsigned n, int64_t offset, int scratch);
/* The same for an address in host register `reg` that nothing is known of, which may not be changed
 * as long as the operand is used. It saves flags too, so have no data in RAX but reg itself; where
 * reg is RAX, jit_flags_clobber() comes before computing it. */
struct x64_rm jit_address_reg(struct translation *t, int reg);
/* The same for an address known now. Returns false when it is outside the range. May use scratch.
 */
bool jit_address_constant(struct translation *t, uint64_t addr, int scratch, struct x64_rm *rm);
/* Call right before each guest access: notes where the flags are, should it fault. */
static inline void jit_access(struct translation *t)
{
    t->map[t->index].flags = (uint8_t)t->flags;
}

#endif
