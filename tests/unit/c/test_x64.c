/*
 * Each form that csrc/vcpu/jit/x64.h emits, read back by a disassembler: operands of every shape,
 * in every width, against text that is written here. The text is what `objdump -M intel` prints.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "vcpu/jit/x64.h"

#define MAX_CODE  (16u << 20)
#define MAX_FORMS (1u << 20)
#define TEXT      128

static struct x64 emitter;
static struct x64 *const e = &emitter;
static uint8_t *code;

/* What has been emitted: the bytes from the last form's end to this one's, the call, the text. */
static struct form {
    uint32_t end;
    int line;
    const char *call;
    char *text;
} * forms;
static unsigned form_count;

__attribute__((format(printf, 3, 4))) static void form(int line, const char *call, const char *fmt,
                                                       ...)
{
    char text[TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (form_count == MAX_FORMS || emitter.at - code > (ptrdiff_t)MAX_CODE - 4096) {
        fprintf(stderr, "test_x64: no room\n");
        exit(2);
    }
    forms[form_count++] = (struct form){(uint32_t)(emitter.at - code), line, call, strdup(text)};
}

/* F(the call, "what it is", ...): instructions of more than one line have " ; " between. */
#define F(call, ...)                                                                               \
    do {                                                                                           \
        call;                                                                                      \
        form(__LINE__, #call, __VA_ARGS__);                                                        \
    } while (0)

/* ---- names ---- */

static const char *gpr(unsigned width, int n)
{
    static const char *const names[4][16] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
         "r13b", "r14b", "r15b"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w",
         "r13w", "r14w", "r15w"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d",
         "r12d", "r13d", "r14d", "r15d"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
         "r13", "r14", "r15"},
    };
    return names[width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3][n];
}

/* Some texts at a time may be in use. */
static char *scratch(void)
{
    static char texts[8][TEXT];
    static unsigned next;
    return texts[next++ % 8];
}

static const char *xmm(int n)
{
    char *s = scratch();
    snprintf(s, TEXT, "xmm%d", n);
    return s;
}

/* [base+index*scale+disp]. A displacement of zero is printed where it had to be encoded. */
static const char *address(struct x64_rm rm)
{
    char *s = scratch();
    int n = snprintf(s, TEXT, "[%s", gpr(8, rm.base));
    if (rm.index >= 0)
        n += snprintf(s + n, TEXT - (size_t)n, "+%s*%d", gpr(8, rm.index), 1 << rm.scale);
    if (rm.disp > 0 || (rm.disp == 0 && (rm.base == RBP || rm.base == R13)))
        n += snprintf(s + n, TEXT - (size_t)n, "+0x%x", (unsigned)rm.disp);
    else if (rm.disp < 0)
        n += snprintf(s + n, TEXT - (size_t)n, "-0x%x", -(unsigned)rm.disp);
    snprintf(s + n, TEXT - (size_t)n, "]");
    return s;
}

static const char *memory(unsigned width, struct x64_rm rm)
{
    char *s = scratch();
    snprintf(s, TEXT, "%s PTR %s",
             width == 1   ? "BYTE"
             : width == 2 ? "WORD"
             : width == 4 ? "DWORD"
             : width == 8 ? "QWORD"
                          : "XMMWORD",
             address(rm));
    return s;
}

static const char *gm(unsigned width, struct x64_rm rm) /* a general register or memory */
{
    return rm.reg >= 0 ? gpr(width, rm.reg) : memory(width, rm);
}
static const char *xm(unsigned width, struct x64_rm rm) /* a vector register or memory */
{
    return rm.reg >= 0 ? xmm(rm.reg) : memory(width, rm);
}

/* A constant of a width, as it is printed after sign extension. */
static const char *constant(unsigned width, int64_t v)
{
    char *s = scratch();
    uint64_t mask = width == 8 ? ~0ull : (1ull << width * 8) - 1;
    snprintf(s, TEXT, "0x%llx", (unsigned long long)v & mask);
    return s;
}

/* ---- operands ---- */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int32_t constants[] = {
    0, 1, 5, 127, -1, -128, 128, -129, 0x7fff, -0x8000, 0x12345, -0x12345, 0x7fffffff, INT32_MIN};

/* Every register, and memory by each kind of base. */
static struct x64_rm operands[48];
static unsigned operand_count;
#define FIRST_MEMORY 16

static void make_operands(void)
{
    const int bases[] = {RAX, RCX, RSP, RBP, RDI, R8, R12, R13, R15};
    unsigned n = 0;
    for (int r = RAX; r <= R15; r++)
        operands[n++] = x64_reg(r);
    for (unsigned i = 0; i < COUNT(bases); i++) {
        operands[n++] = x64_mem(bases[i], 0);
        operands[n++] = x64_mem(bases[i], i & 1 ? 0x40 : -0x1000);
    }
    operands[n++] = x64_mem_index(R15, RCX, 0, 0);
    operands[n++] = x64_mem_index(R15, RDI, 0, 0x100);
    operands[n++] = x64_mem_index(RSP, R12, 3, 0);
    operands[n++] = x64_mem_index(R13, R9, 2, 0);
    operands[n++] = x64_mem_index(RBP, RBP, 1, -1);
    operand_count = n;
}

/* for (EACH_REG(r)) ... */
#define EACH_REG(r)                                                                                \
    int r = RAX;                                                                                   \
    r <= R15;                                                                                      \
    r++
#define EACH_WIDTH(w)                                                                              \
    unsigned w = 1;                                                                                \
    w <= 8;                                                                                        \
    w *= 2
#define EACH_WIDE(w)                                                                               \
    unsigned w = 2;                                                                                \
    w <= 8;                                                                                        \
    w *= 2
#define EACH_OF(rm, first)                                                                         \
    struct x64_rm rm = operands[first], *p_ = operands + (first);                                  \
    p_ < operands + operand_count;                                                                 \
    rm = *++p_
#define EACH_RM(rm)  EACH_OF(rm, 0)
#define EACH_MEM(rm) EACH_OF(rm, FIRST_MEMORY)

/* ---- forms ---- */

/* All of base, index, scale and displacement, in a general and in a vector instruction. */
static void addressing(void)
{
    static const int32_t disps[] = {0, 1, -1, 127, -128, 128, -129, 0x12345678, INT32_MIN};
    for (unsigned d = 0; d < COUNT(disps); d++) {
        for (EACH_REG(base)) {
            struct x64_rm m = x64_mem(base, disps[d]);
            int r = (base + (int)d) % 16;
            F(x64_mov(e, 8, (unsigned)r, m), "mov %s,%s", gpr(8, r), gm(8, m));
            F(x64_vmovdqu(e, (unsigned)r, m), "vmovdqu %s,%s", xmm(r), xm(16, m));
            for (int i = RAX; i <= R15; i++) {
                if (i == RSP)
                    continue;
                unsigned scale = (unsigned)(base + i + (int)d) % 4;
                m = x64_mem_index(base, i, scale, disps[d]);
                F(x64_lea(e, 8, (unsigned)r, m), "lea %s,%s", gpr(8, r), address(m));
                F(x64_vmovdqu_to(e, m, (unsigned)r), "vmovdqu %s,%s", xm(16, m), xmm(r));
            }
        }
    }
    for (unsigned scale = 0; scale < 4; scale++)
        for (EACH_REG(i))
            if (i != RSP) {
                struct x64_rm m = x64_mem_index(R15, i, scale, 8);
                F(x64_mov_to(e, 1, m, (unsigned)i), "mov %s,%s", gm(1, m), gpr(1, i));
            }
}

static void moves(void)
{
    for (EACH_WIDTH(w))
        for (EACH_REG(r)) {
            for (EACH_RM(rm)) {
                F(x64_mov(e, w, r, rm), "mov %s,%s", gpr(w, r), gm(w, rm));
                F(x64_mov_to(e, w, rm, r), "mov %s,%s", gm(w, rm), gpr(w, r));
                F(x64_xchg(e, w, r, rm), "xchg %s,%s", gm(w, rm), gpr(w, r));
            }
        }
    for (EACH_REG(r))
        for (EACH_RM(rm)) {
            F(x64_movzx(e, 1, r, rm), "movzx %s,%s", gpr(4, r), gm(1, rm));
            F(x64_movzx(e, 2, r, rm), "movzx %s,%s", gpr(4, r), gm(2, rm));
            for (unsigned w = 4; w <= 8; w += 4) {
                F(x64_movsx(e, w, 1, r, rm), "movsx %s,%s", gpr(w, r), gm(1, rm));
                F(x64_movsx(e, w, 2, r, rm), "movsx %s,%s", gpr(w, r), gm(2, rm));
            }
            F(x64_movsx(e, 8, 4, r, rm), "movsxd %s,%s", gpr(8, r), gm(4, rm));
        }
    for (EACH_REG(r))
        for (EACH_MEM(m)) {
            F(x64_lea(e, 4, r, m), "lea %s,%s", gpr(4, r), address(m));
            F(x64_lea(e, 8, r, m), "lea %s,%s", gpr(8, r), address(m));
        }
}

static void move_constants(void)
{
    for (EACH_REG(r)) {
        F(x64_mov_imm(e, r, 0), "mov %s,0x0", gpr(4, r));
        F(x64_mov_imm(e, r, 0x7fffffff), "mov %s,0x7fffffff", gpr(4, r));
        F(x64_mov_imm(e, r, 0x80000000), "mov %s,0x80000000", gpr(4, r));
        F(x64_mov_imm(e, r, 0xffffffff), "mov %s,0xffffffff", gpr(4, r));
        F(x64_mov_imm(e, r, 0x100000000), "movabs %s,0x100000000", gpr(8, r));
        F(x64_mov_imm(e, r, 0x123456789abcdef0), "movabs %s,0x123456789abcdef0", gpr(8, r));
        F(x64_mov_imm(e, r, 0xffffffff7fffffff), "movabs %s,0xffffffff7fffffff", gpr(8, r));
        F(x64_mov_imm(e, r, 0xffffffff80000000), "mov %s,0xffffffff80000000", gpr(8, r));
        F(x64_mov_imm(e, r, ~0ull), "mov %s,0xffffffffffffffff", gpr(8, r));
    }
    for (EACH_WIDTH(w))
        for (EACH_RM(rm))
            for (unsigned i = 0; i < COUNT(constants); i++)
                F(x64_mov_to_imm(e, w, rm, constants[i]), "mov %s,%s", gm(w, rm),
                  constant(w, constants[i]));
}

static void arithmetic(void)
{
    static const char *const names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    for (enum x64_alu op = ALU_ADD; op <= ALU_CMP; op++) {
        const char *name = names[op];
        for (EACH_WIDTH(w))
            for (EACH_RM(rm)) {
                for (EACH_REG(r)) {
                    F(x64_alu(e, op, w, r, rm), "%s %s,%s", name, gpr(w, r), gm(w, rm));
                    F(x64_alu_to(e, op, w, rm, r), "%s %s,%s", name, gm(w, rm), gpr(w, r));
                }
                for (unsigned i = 0; i < COUNT(constants); i++)
                    F(x64_alu_imm(e, op, w, rm, constants[i]), "%s %s,%s", name, gm(w, rm),
                      constant(w, constants[i]));
            }
    }
    for (EACH_WIDTH(w))
        for (EACH_RM(rm)) {
            for (EACH_REG(r))
                F(x64_test(e, w, rm, r), "test %s,%s", gm(w, rm), gpr(w, r));
            for (unsigned i = 0; i < COUNT(constants); i++)
                F(x64_test_imm(e, w, rm, constants[i]), "test %s,%s", gm(w, rm),
                  constant(w, constants[i]));
            F(x64_not(e, w, rm), "not %s", gm(w, rm));
            F(x64_neg(e, w, rm), "neg %s", gm(w, rm));
        }
}

static void shifts(void)
{
    static const struct {
        enum x64_shift op;
        const char *name;
    } kinds[] = {{SHIFT_ROL, "rol"}, {SHIFT_ROR, "ror"}, {SHIFT_RCL, "rcl"}, {SHIFT_RCR, "rcr"},
                 {SHIFT_SHL, "shl"}, {SHIFT_SHR, "shr"}, {SHIFT_SAR, "sar"}};
    static const unsigned counts[] = {0, 1, 2, 7, 31, 63};
    for (unsigned k = 0; k < COUNT(kinds); k++) {
        for (EACH_WIDTH(w))
            for (EACH_RM(rm)) {
                F(x64_shift_cl(e, kinds[k].op, w, rm), "%s %s,cl", kinds[k].name, gm(w, rm));
                for (unsigned i = 0; i < COUNT(counts); i++)
                    F(x64_shift_imm(e, kinds[k].op, w, rm, counts[i]), "%s %s,0x%x", kinds[k].name,
                      gm(w, rm), counts[i]);
            }
    }
    for (EACH_WIDE(w))
        for (EACH_RM(rm))
            for (EACH_REG(r)) {
                F(x64_shld(e, w, rm, r, 3), "shld %s,%s,0x3", gm(w, rm), gpr(w, r));
                F(x64_shrd(e, w, rm, r, 31), "shrd %s,%s,0x1f", gm(w, rm), gpr(w, r));
            }
}

static void products_and_bits(void)
{
    for (EACH_WIDE(w))
        for (EACH_RM(rm)) {
            for (EACH_REG(r)) {
                F(x64_imul(e, w, r, rm), "imul %s,%s", gpr(w, r), gm(w, rm));
                F(x64_bsr(e, w, r, rm), "bsr %s,%s", gpr(w, r), gm(w, rm));
                F(x64_lzcnt(e, w, r, rm), "lzcnt %s,%s", gpr(w, r), gm(w, rm));
                F(x64_bsf(e, w, r, rm), "bsf %s,%s", gpr(w, r), gm(w, rm));
                F(x64_tzcnt(e, w, r, rm), "tzcnt %s,%s", gpr(w, r), gm(w, rm));
            }
            F(x64_mul_wide(e, w, false, rm), "mul %s", gm(w, rm));
            F(x64_mul_wide(e, w, true, rm), "imul %s", gm(w, rm));
            F(x64_div_wide(e, w, false, rm), "div %s", gm(w, rm));
            F(x64_div_wide(e, w, true, rm), "idiv %s", gm(w, rm));
            F(x64_bt_imm(e, w, rm, 15), "bt %s,0xf", gm(w, rm));
            F(x64_bt_imm(e, w, rm, 0), "bt %s,0x0", gm(w, rm));
        }
    for (EACH_REG(r)) {
        F(x64_bswap(e, 4, r), "bswap %s", gpr(4, r));
        F(x64_bswap(e, 8, r), "bswap %s", gpr(8, r));
    }
    F(x64_cqo(e, 4), "cdq");
    F(x64_cqo(e, 8), "cqo");
}

static const char *const cc_names[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                       "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void conditions(void)
{
    for (enum x64_cc cc = CC_O; cc <= CC_G; cc++) {
        for (EACH_RM(rm)) {
            F(x64_setcc(e, cc, rm), "set%s %s", cc_names[cc], gm(1, rm));
            for (EACH_WIDE(w))
                for (EACH_REG(r))
                    F(x64_cmov(e, cc, w, r, rm), "cmov%s %s,%s", cc_names[cc], gpr(w, r),
                      gm(w, rm));
        }
    }
    F(x64_cmc(e), "cmc");
    F(x64_stc(e), "stc");
    F(x64_clc(e), "clc");
    F(x64_lahf(e), "lahf");
    F(x64_sahf(e), "sahf");
}

static void atomics(void)
{
    for (EACH_WIDTH(w))
        for (EACH_REG(r)) {
            for (EACH_MEM(m)) {
                F((x64_lock(e), x64_cmpxchg(e, w, m, r)), "lock cmpxchg %s,%s", gm(w, m),
                  gpr(w, r));
                F((x64_lock(e), x64_xadd(e, w, m, r)), "lock xadd %s,%s", gm(w, m), gpr(w, r));
                F((x64_lock(e), x64_alu_to(e, ALU_OR, w, m, r)), "lock or %s,%s", gm(w, m),
                  gpr(w, r));
            }
            F(x64_cmpxchg(e, w, x64_reg(RBX), r), "cmpxchg %s,%s", gpr(w, RBX), gpr(w, r));
            F(x64_xadd(e, w, x64_reg(R9), r), "xadd %s,%s", gpr(w, R9), gpr(w, r));
        }
    F(x64_mfence(e), "mfence");
}

static void flow(void)
{
    for (EACH_RM(rm)) {
        F(x64_jmp_rm(e, rm), "jmp %s", gm(8, rm));
        F(x64_call_rm(e, rm), "call %s", gm(8, rm));
    }
    for (EACH_REG(r)) {
        F(x64_push(e, r), "push %s", gpr(8, r));
        F(x64_pop(e, r), "pop %s", gpr(8, r));
    }
    F(x64_ret(e), "ret");
}

/* Jumps are printed with their targets. */
static void jumps(void)
{
    for (enum x64_cc cc = CC_O; cc <= CC_G; cc++) {
        uint8_t *site = x64_jcc8(e, cc), *far;
        uint32_t to = (uint32_t)(e->at - code) + 127;
        form(__LINE__, "x64_jcc8, 127 bytes on", "j%s 0x%x", cc_names[cc], to);
        for (int i = 0; i < 127; i++)
            F(x64_nop(e, 1), "nop");
        x64_land8(e, site);
        far = x64_jcc32(e, cc);
        x64_aim32(far, e->at + 0x1234);
        form(__LINE__, "x64_jcc32 forwards", "j%s 0x%x", cc_names[cc],
             (uint32_t)(e->at - code) + 0x1234);
        far = x64_jcc32(e, cc);
        x64_aim32(far, code + 16);
        form(__LINE__, "x64_jcc32 back", "j%s 0x10", cc_names[cc]);
    }
    uint8_t *site = x64_jmp8(e);
    x64_land8(e, site);
    form(__LINE__, "x64_jmp8 to the next", "jmp 0x%x", (uint32_t)(e->at - code));
    site = x64_jmp32(e);
    x64_aim32(site, e->at);
    form(__LINE__, "x64_jmp32 to the next", "jmp 0x%x", (uint32_t)(e->at - code));
    site = x64_jmp32(e);
    x64_aim32(site, code);
    form(__LINE__, "x64_jmp32 back", "jmp 0x0");
    site = x64_call32(e);
    x64_aim32(site, code + 32);
    form(__LINE__, "x64_call32", "call 0x20");
}

static void nops(void)
{
    static const char *const texts[] = {
        "nop",
        "xchg ax,ax",
        "nop DWORD PTR [rax]",
        "nop DWORD PTR [rax+0x0]",
        "nop DWORD PTR [rax+rax*1+0x0]",
        "nop WORD PTR [rax+rax*1+0x0]",
        "nop DWORD PTR [rax+0x0]",
        "nop DWORD PTR [rax+rax*1+0x0]",
    };
    const uint8_t *at = emitter.at;
    x64_nop(e, 0);
    CHECK(emitter.at == at);
    for (unsigned n = 1; n <= 8; n++) {
        F(x64_nop(e, n), "%s", texts[n - 1]);
        if (n < 8)
            F(x64_nop(e, 8 + n), "%s ; %s", texts[7], texts[n - 1]);
        CHECK_EQ(emitter.at - at, n < 8 ? 2 * n + 8 : 8);
        at = emitter.at;
    }
}

/* ---- vectors ---- */

static void vector_moves(void)
{
    for (EACH_REG(r))
        for (EACH_RM(rm)) {
            F(x64_vmovdqu(e, r, rm), "vmovdqu %s,%s", xmm(r), xm(16, rm));
            F(x64_vmovdqu_to(e, rm, r), "vmovdqu %s,%s", xm(16, rm), xmm(r));
            F(x64_vmovq(e, r, rm), "vmovq %s,%s", xmm(r), xm(8, rm));
            F(x64_vmovq_to(e, rm, r), "vmovq %s,%s", xm(8, rm), xmm(r));
            F(x64_vmov_from_gpr(e, 4, r, rm), "vmovd %s,%s", xmm(r), gm(4, rm));
            F(x64_vmov_from_gpr(e, 8, r, rm), "vmovq %s,%s", xmm(r), gm(8, rm));
            F(x64_vmov_to_gpr(e, 4, rm, r), "vmovd %s,%s", gm(4, rm), xmm(r));
            F(x64_vmov_to_gpr(e, 8, rm, r), "vmovq %s,%s", gm(8, rm), xmm(r));
        }
}

static void vector_operations(void)
{
    for (EACH_REG(r))
        for (EACH_REG(v))
            for (EACH_RM(rm)) {
                F(x64_vop(e, 0xfe, r, v, rm), "vpaddd %s,%s,%s", xmm(r), xmm(v), xm(16, rm));
                F(x64_vop38(e, 0x40, r, v, rm), "vpmulld %s,%s,%s", xmm(r), xmm(v), xm(16, rm));
                F(x64_vop3a(e, 0x0f, r, v, rm, 9), "vpalignr %s,%s,%s,0x9", xmm(r), xmm(v),
                  xm(16, rm));
                F(x64_vex(e, PP_NONE, MAP_0F, false, 0x58, r, v, rm), "vaddps %s,%s,%s", xmm(r),
                  xmm(v), xm(16, rm));
                F(x64_vex(e, PP_F2, MAP_0F, false, 0x59, r, v, rm), "vmulsd %s,%s,%s", xmm(r),
                  xmm(v), xm(8, rm));
                F(x64_vex(e, PP_F3, MAP_0F, false, 0x5c, r, v, rm), "vsubss %s,%s,%s", xmm(r),
                  xmm(v), xm(4, rm));
                F(x64_vex(e, PP_66, MAP_0F38, true, 0xb8, r, v, rm), "vfmadd231pd %s,%s,%s", xmm(r),
                  xmm(v), xm(16, rm));
                F(x64_vex_imm(e, PP_NONE, MAP_0F, false, 0xc2, r, v, rm, 0x1f),
                  "vcmptrue_usps %s,%s,%s", xmm(r), xmm(v), xm(16, rm));
                F(x64_vex(e, PP_F2, MAP_0F, true, 0x2a, r, v, rm), "vcvtsi2sd %s,%s,%s", xmm(r),
                  xmm(v), gm(8, rm));
            }
}

static void lanes(void)
{
    for (unsigned size = 0; size < 4; size++) {
        const char letter = "bwdq"[size];
        const unsigned bytes = 1u << size, last = 16 / bytes - 1, wide = bytes < 4 ? 4 : bytes;
        for (EACH_REG(r))
            for (EACH_RM(rm)) {
                const char *what = rm.reg >= 0 ? gpr(wide, rm.reg) : memory(bytes, rm);
                int v = (r + 5) % 16;
                F(x64_vpinsr(e, size, r, v, rm, last), "vpinsr%c %s,%s,%s,0x%x", letter, xmm(r),
                  xmm(v), what, last);
                F(x64_vpinsr(e, size, r, v, rm, 0), "vpinsr%c %s,%s,%s,0x0", letter, xmm(r), xmm(v),
                  what);
                F(x64_vpextr(e, size, rm, r, last), "vpextr%c %s,%s,0x%x", letter, what, xmm(r),
                  last);
            }
    }
}

static void vectors_of_256_bits(void)
{
    for (EACH_REG(r))
        for (EACH_RM(rm)) {
            int v = (r + 7) % 16;
            F(x64_vinsertf128(e, r, v, rm), "vinsertf128 ymm%d,ymm%d,%s,0x1", r, v, xm(16, rm));
            if (rm.reg >= 0)
                F(x64_vex256(e, PP_66, MAP_0F, 0xfe, r, v, rm), "vpaddd ymm%d,ymm%d,ymm%d", r, v,
                  rm.reg);
            else
                F(x64_vmovdqu256_to(e, rm, r), "vmovdqu YMMWORD PTR %s,ymm%d", address(rm), r);
        }
}

static void bmi2(void)
{
    for (EACH_REG(r))
        for (unsigned w = 4; w <= 8; w += 4)
            for (EACH_RM(rm)) {
                for (EACH_REG(n)) {
                    F(x64_shiftx(e, SHIFT_SHL, w, r, rm, n), "shlx %s,%s,%s", gpr(w, r), gm(w, rm),
                      gpr(w, n));
                    F(x64_shiftx(e, SHIFT_SHR, w, r, rm, n), "shrx %s,%s,%s", gpr(w, r), gm(w, rm),
                      gpr(w, n));
                    F(x64_shiftx(e, SHIFT_SAR, w, r, rm, n), "sarx %s,%s,%s", gpr(w, r), gm(w, rm),
                      gpr(w, n));
                }
                for (EACH_REG(n)) {
                    F(x64_andn(e, w, r, n, rm), "andn %s,%s,%s", gpr(w, r), gpr(w, n), gm(w, rm));
                    F(x64_mulx(e, w, r, n, rm), "mulx %s,%s,%s", gpr(w, r), gpr(w, n), gm(w, rm));
                }
                F(x64_rorx(e, w, r, rm, 7), "rorx %s,%s,0x7", gpr(w, r), gm(w, rm));
            }
}

/* ---- reading it back ---- */

static FILE *disassemble(char *path)
{
    char command[256];
    int fd = mkstemp(path);
    size_t len = (size_t)(emitter.at - code);
    CHECK(fd >= 0 && write(fd, code, len) == (ssize_t)len);
    close(fd);
    snprintf(command, sizeof(command),
             "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn %s", path);
    return popen(command, "r");
}

/* One line's instruction with single blanks, and its address; NULL for other lines. A REX prefix
 * that is not needed does no harm: it is dropped. */
static char *parse(char *line, unsigned long *at)
{
    char *colon, *out = line;
    *at = strtoul(line, &colon, 16);
    if (colon == line || *colon != ':')
        return NULL;
    const char *in = colon + 1 + strspn(colon + 1, " \t");
    if (!strncmp(in, "rex ", 4))
        in += 4;
    for (; *in && *in != '\n' && *in != '#'; in++) {
        if (*in != ' ' || (out > line && out[-1] != ' '))
            *out++ = *in;
    }
    while (out > line && out[-1] == ' ')
        out--;
    *out = 0;
    return line;
}

static void compare(const struct form *f, const char *got)
{
    check_count++;
    if (!strcmp(got, f->text))
        return;
    if (check_failed++ < 30)
        fprintf(stderr, "line %d, %s: is \"%s\", want \"%s\"\n", f->line, f->call, got, f->text);
}

static void read_back(void)
{
    char path[] = "/tmp/test_x64.XXXXXX", line[512], got[512] = "";
    FILE *out = disassemble(path);
    unsigned done = 0;
    while (out && fgets(line, sizeof(line), out)) {
        unsigned long at;
        const char *text = parse(line, &at);
        if (!text)
            continue;
        for (; done < form_count && at >= forms[done].end; done++) {
            compare(&forms[done], got);
            got[0] = 0;
        }
        if (got[0])
            strncat(got, " ; ", sizeof(got) - strlen(got) - 1);
        strncat(got, text, sizeof(got) - strlen(got) - 1);
    }
    if (done < form_count)
        compare(&forms[done++], got);
    CHECK_EQ(done, form_count);
    CHECK(out && pclose(out) == 0);
    unlink(path);
}

int main(void)
{
    code = malloc(MAX_CODE);
    forms = malloc(MAX_FORMS * sizeof(forms[0]));
    emitter.at = code;
    make_operands();
    addressing();
    moves();
    move_constants();
    arithmetic();
    shifts();
    products_and_bits();
    conditions();
    atomics();
    flow();
    jumps();
    nops();
    vector_moves();
    vector_operations();
    lanes();
    vectors_of_256_bits();
    bmi2();
    read_back();
    for (unsigned i = 0; i < form_count; i++)
        free(forms[i].text);
    free(forms);
    free(code);
    return check_done("test_x64");
}
