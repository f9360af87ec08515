/* bytecode.c - an interpreter of a small stack machine by computed goto: Collatz chains of all
 * numbers below SIZE thousand. Indirect branches that go elsewhere each time. */
#include "bench.h"

enum op { PUSH, LOAD, STORE, ADD, MUL, SHR, AND, LESS, JUMP, JZERO, HALT, LABEL };
enum variable { I, X, C, BEST, SUM, N, VARIABLES };
enum label { OUTER, INNER, EVEN, NEXT, COUNTED, NOT_BEST, END, LABELS };

/* for (i = 1; i < n; i++) {
 *     for (x = i, c = 0; 1 < x; c++)
 *         x = x & 1 ? 3 * x + 1 : x >> 1;
 *     best = best < c ? c : best;
 *     sum += c;
 * } */
static const int16_t source[] = {
    PUSH,    1,     STORE,    I,                                         /* i = 1 */
    LABEL,   OUTER, LOAD,     I,    LOAD,  N,     LESS,  JZERO,    END,  /* i < n */
    LOAD,    I,     STORE,    X,    PUSH,  0,     STORE, C,              /* x = i, c = 0 */
    LABEL,   INNER, PUSH,     1,    LOAD,  X,     LESS,  JZERO,    NEXT, /* 1 < x */
    LOAD,    X,     PUSH,     1,    AND,   JZERO, EVEN,                  /* x & 1 */
    LOAD,    X,     PUSH,     3,    MUL,   PUSH,  1,     ADD,      STORE, X,     JUMP,
    COUNTED, LABEL, EVEN,     LOAD, X,     PUSH,  1,     SHR,      STORE, X,     LABEL,
    COUNTED, LOAD,  C,        PUSH, 1,     ADD,   STORE, C,        JUMP,  INNER, LABEL,
    NEXT,    LOAD,  BEST,     LOAD, C,     LESS,  JZERO, NOT_BEST, LOAD,  C,     STORE,
    BEST,    LABEL, NOT_BEST, LOAD, SUM,   LOAD,  C,     ADD,      STORE, SUM,   LOAD,
    I,       PUSH,  1,        ADD,  STORE, I,     JUMP,  OUTER,    LABEL, END,   HALT,
};

static int has_operand(int16_t op)
{
    return op == PUSH || op == LOAD || op == STORE || op == JUMP || op == JZERO || op == LABEL;
}

/* Labels to addresses; no instruction is left of them. */
static void assemble(int16_t *code)
{
    enum { WORDS = sizeof(source) / sizeof(source[0]) };
    int16_t address[LABELS], at = 0;
    for (int i = 0; i < WORDS; i += 1 + has_operand(source[i])) {
        if (source[i] == LABEL)
            address[source[i + 1]] = at;
        else
            at = (int16_t)(at + 1 + has_operand(source[i]));
    }
    for (int i = 0; i < WORDS; i += 1 + has_operand(source[i])) {
        if (source[i] == LABEL)
            continue;
        *code++ = source[i];
        if (source[i] == JUMP || source[i] == JZERO)
            *code++ = address[source[i + 1]];
        else if (has_operand(source[i]))
            *code++ = source[i + 1];
    }
}

static uint64_t run(const int16_t *code, int64_t *variable)
{
    static const void *const labels[] = {&&push, &&load, &&store, &&add,  &&mul, &&shr,
                                         &&and,  &&less, &&jump,  &&zero, &&halt};
    int64_t stack[16], *sp = stack;
    const int16_t *pc = code;
#define NEXT_OP goto *labels[*pc++]
    NEXT_OP;
push:
    *sp++ = *pc++;
    NEXT_OP;
load:
    *sp++ = variable[*pc++];
    NEXT_OP;
store:
    variable[*pc++] = *--sp;
    NEXT_OP;
add:
    sp--;
    sp[-1] += sp[0];
    NEXT_OP;
mul:
    sp--;
    sp[-1] *= sp[0];
    NEXT_OP;
shr:
    sp--;
    sp[-1] >>= sp[0];
    NEXT_OP;
    and : sp--;
    sp[-1] &= sp[0];
    NEXT_OP;
less:
    sp--;
    sp[-1] = sp[-1] < sp[0];
    NEXT_OP;
jump:
    pc = code + *pc;
    NEXT_OP;
zero:
    pc = *--sp ? pc + 1 : code + *pc;
    NEXT_OP;
halt:
    return (uint64_t)variable[SUM] * 31 + (uint64_t)variable[BEST];
}

int main(int argc, char **argv)
{
    int16_t code[sizeof(source) / sizeof(source[0])];
    int64_t variable[VARIABLES] = {[N] = bench_size(argc, argv, 16) * 1000};
    assemble(code);
    double start = bench_now();
    return bench_done(run(code, variable), start);
}
