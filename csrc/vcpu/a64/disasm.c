/*
 * disasm.c - instruction words as text, from the templates of the table (README.md). For crash
 * reports and differences found by tests: it says what a word is, without the aliases a person
 * would write.
 */
#include <stdbool.h>
#include <string.h>

#include "vcpu/a64/a64.h"

struct text {
    char *buf;
    size_t size, length;
};

static void put(struct text *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (t->length + 1 < t->size)
            t->buf[t->length] = s[i];
        t->length++;
    }
}

static void put_string(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

/* Not snprintf, which is not async-signal-safe. */
static void put_number(struct text *t, uint64_t v, unsigned radix)
{
    char digits[24];
    unsigned n = sizeof digits;
    do {
        digits[--n] = "0123456789abcdef"[v % radix];
        v /= radix;
    } while (v);
    put(t, digits + n, sizeof digits - n);
}

static void put_signed(struct text *t, int64_t v)
{
    if (v < 0)
        put_string(t, "-");
    put_number(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

struct operand {
    const struct a64_row *row;
    uint32_t insn;
    uint64_t pc;
    const char *kind; /* up to '.', '*', or ':' */
    size_t kind_length;
    const char *suffix; /* after '.' */
    size_t suffix_length;
    int64_t scale;
    const struct a64_field *field;
};

static const struct a64_field *find_field(const struct a64_row *row, const char *name,
                                          size_t length)
{
    const struct a64_field *fields = a64_fields(row);
    for (unsigned i = 0; i < row->field_count; i++) {
        const char *its = a64_text(fields[i].name);
        if (strlen(its) == length && !memcmp(its, name, length))
            return &fields[i];
    }
    return NULL;
}

static uint32_t field_value(const struct a64_field *f, uint32_t insn)
{
    return f ? insn >> f->lsb & ((1u << f->width) - 1) : 0;
}

static uint32_t named_value(const struct operand *o, const char *name)
{
    return field_value(find_field(o->row, name, strlen(name)), o->insn);
}

static int64_t signed_value(const struct operand *o)
{
    unsigned drop = 64u - o->field->width;
    return (int64_t)((uint64_t)field_value(o->field, o->insn) << drop) >> drop;
}

static bool is_kind(const struct operand *o, const char *kind)
{
    return strlen(kind) == o->kind_length && !memcmp(kind, o->kind, o->kind_length);
}

static void put_register(struct text *t, const char *prefix, unsigned n)
{
    put_string(t, prefix);
    put_number(t, n, 10);
}

static void put_general(struct text *t, bool wide, bool sp, unsigned n)
{
    if (n < 31)
        put_register(t, wide ? "x" : "w", n);
    else
        put_string(t, sp ? (wide ? "sp" : "wsp") : (wide ? "xzr" : "wzr"));
}

static bool put_general_kind(struct text *t, const struct operand *o)
{
    unsigned n = field_value(o->field, o->insn);
    if (is_kind(o, "W") || is_kind(o, "X"))
        put_general(t, o->kind[0] == 'X', false, n);
    else if (is_kind(o, "WS") || is_kind(o, "XS"))
        put_general(t, o->kind[0] == 'X', true, n);
    else if (is_kind(o, "R") || is_kind(o, "RS"))
        put_general(t, named_value(o, "sf"), o->kind_length == 2, n);
    else if (is_kind(o, "Z"))
        put_general(t, named_value(o, "size") == 3, false, n);
    else if (is_kind(o, "P"))
        put_general(t, named_value(o, "sz"), false, n);
    else
        return false;
    return true;
}

static const char *const lane_letters[] = {"b", "h", "s", "d"};
static const char *const arrangements[] = {"8b", "16b", "4h", "8h", "2s", "4s", "1d", "2d"};

static bool put_vector_kind(struct text *t, const struct operand *o)
{
    static const char *const by_ftype[] = {"s", "d", "q", "h"};
    unsigned n = field_value(o->field, o->insn);
    char scalar[2] = {0};
    if (o->kind_length == 1 && strchr("BHSDQ", o->kind[0])) {
        scalar[0] = (char)(o->kind[0] | 0x20);
        put_register(t, scalar, n);
    } else if (is_kind(o, "F")) {
        put_register(t, by_ftype[named_value(o, "ftype") & 3], n);
    } else if (is_kind(o, "E")) {
        put_register(t, lane_letters[named_value(o, "size") & 3], n);
    } else if (is_kind(o, "VN")) {
        put_register(t, "v", n);
    } else if (is_kind(o, "V") || is_kind(o, "VF") || is_kind(o, "VH")) {
        put_register(t, "v", n);
        put_string(t, ".");
        unsigned size =
            is_kind(o, "VF") ? 2 + (named_value(o, "sz") & 1) : named_value(o, "size") & 3;
        if (is_kind(o, "VH"))
            size = 1;
        if (o->suffix)
            put(t, o->suffix, o->suffix_length);
        else
            put_string(t, arrangements[size * 2 + (named_value(o, "Q") & 1)]);
    } else {
        return false;
    }
    return true;
}

/* log2 of the lane size, by the kind's second letter: from `size`, immh or imm5; W, P, X are one
 * more. */
static unsigned lane_size(const struct operand *o)
{
    unsigned immh = o->insn >> 19 & 15, imm5 = o->insn >> 16 & 31;
    switch (o->kind_length > 1 ? o->kind[1] : 0) {
    case 'I': return immh ? 31 - (unsigned)__builtin_clz(immh) : 0;
    case 'X': return immh ? (32 - (unsigned)__builtin_clz(immh)) & 3 : 0;
    case 'C':
    case 'T': return imm5 ? (unsigned)__builtin_ctz(imm5) & 3 : 0;
    case 'W':
    case 'P': return (named_value(o, "size") + 1) & 3;
    default: return named_value(o, "size") & 3;
    }
}

static unsigned lane_letter(char letter)
{
    return (unsigned)(strchr("bhsd", letter) - "bhsd") & 3;
}

/* {v30.4h, v31.4h, v0.4h}, or with a lane size as suffix {v0.b, v1.b}. */
static void put_list(struct text *t, const struct operand *o, unsigned n)
{
    unsigned count = (unsigned)(o->kind[1] - '0');
    for (unsigned i = 0; i < count; i++) {
        put_register(t, i ? ", v" : "{v", (n + i) & 31);
        put_string(t, ".");
        if (o->suffix)
            put(t, o->suffix, o->suffix_length);
        else
            put_string(t, arrangements[lane_size(o) * 2 + (named_value(o, "Q") & 1)]);
    }
    put_string(t, "}");
}

/* The operands that only integer SIMD has. */
static bool put_simd_kind(struct text *t, const struct operand *o)
{
    unsigned n = field_value(o->field, o->insn), size = lane_size(o),
             full = named_value(o, "Q") & 1;
    char second = o->kind_length == 2 ? o->kind[1] : 0;
    if (is_kind(o, "RQ") || is_kind(o, "RC")) {
        put_general(t, second == 'Q' ? full : size == 3, false, n);
    } else if (o->kind[0] == 'E' && second) {
        put_register(t, lane_letters[size], n);
    } else if (is_kind(o, "VT")) {
        put_register(t, "v", n);
        put_string(t, ".");
        put_string(t, lane_letters[size]);
    } else if (o->kind[0] == 'L' && second) {
        put_list(t, o, n);
    } else if (o->kind[0] == 'V' && second && strchr("ICWPX", second)) {
        put_register(t, "v", n);
        put_string(t, ".");
        put_string(t, arrangements[size * 2 + (second == 'W' || second == 'X' || full)]);
    } else if (is_kind(o, "V") && o->suffix && o->suffix_length == 1) {
        put_register(t, "v", n);
        put_string(t, ".");
        put_string(t, arrangements[lane_letter(*o->suffix) * 2 + full]);
    } else {
        return false;
    }
    return true;
}

static bool put_value_kind(struct text *t, const struct operand *o)
{
    static const char *const conds[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                        "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
    static const char *const shifts[] = {"lsl", "lsr", "asr", "ror"};
    static const char *const extends[] = {"uxtb", "uxth", "uxtw", "uxtx",
                                          "sxtb", "sxth", "sxtw", "sxtx"};
    uint32_t v = field_value(o->field, o->insn);
    if (is_kind(o, "u") || is_kind(o, "n1")) {
        put_string(t, "#");
        put_number(t, (v + (o->kind[0] == 'n')) * (uint64_t)o->scale, 10);
    } else if (is_kind(o, "s")) {
        put_string(t, "#");
        put_signed(t, signed_value(o) * o->scale);
    } else if (is_kind(o, "x")) {
        put_string(t, "#0x");
        put_number(t, v, 16);
    } else if (is_kind(o, "pc")) {
        put_string(t, "0x");
        put_number(t, o->pc + (uint64_t)signed_value(o) * 4, 16);
    } else if (is_kind(o, "cond") || is_kind(o, "ncond")) {
        put_string(t, conds[(v ^ (o->kind[0] == 'n')) & 15]);
    } else if (is_kind(o, "shift")) {
        put_string(t, shifts[v & 3]);
    } else if (is_kind(o, "ext")) {
        put_string(t, extends[v & 7]);
    } else {
        return false;
    }
    return true;
}

/* DecodeBitMasks() again, small: the interpreter's own is behind the engine's door. */
static uint64_t bitmask(uint32_t insn)
{
    unsigned n = insn >> 22 & 1, immr = insn >> 16 & 63, imms = insn >> 10 & 63,
             key = n << 6 | (~imms & 63);
    if (key < 2)
        return 0;
    unsigned esize = 1u << (31 - __builtin_clz(key)), s = imms & (esize - 1),
             r = immr & (esize - 1);
    uint64_t v = 0;
    for (unsigned i = 0; i < 64; i++) {
        if (((i + r) & (esize - 1)) <= s)
            v |= 1ULL << i;
    }
    return insn >> 31 ? v : (uint32_t)v;
}

static void put_sysreg(struct text *t, uint32_t insn)
{
    const struct {
        const char *name;
        unsigned value;
    } parts[] = {{"s", 2 + (insn >> 19 & 1)},
                 {"_", insn >> 16 & 7},
                 {"_c", insn >> 12 & 15},
                 {"_c", insn >> 8 & 15},
                 {"_", insn >> 5 & 7}};
    for (unsigned i = 0; i < 5; i++)
        put_register(t, parts[i].name, parts[i].value);
}

static unsigned abcdefgh(uint32_t insn)
{
    return (insn >> 16 & 7) << 5 | (insn >> 5 & 31);
}

/* Index H:L:M of halves, H:L of words, H of doublewords; what is not index is part of the register.
 */
static void put_vm_element(struct text *t, uint32_t insn)
{
    static const char *const lanes[] = {".h[", ".h[", ".s[", ".d["};
    unsigned size = insn >> 22 & 3,
             hlm = (insn >> 11 & 1) << 2 | (insn >> 21 & 1) << 1 | (insn >> 20 & 1);
    put_register(t, "v", insn >> 16 & (size < 2 ? 15 : 31));
    put_string(t, lanes[size]);
    put_number(t, hlm >> (size < 2 ? 0 : size - 1), 10);
    put_string(t, "]");
}

/* LD1 to LD4 of one lane: log2 of its size; its index is Q:S:size without the low bits. */
static unsigned lane_scale(uint32_t insn)
{
    unsigned scale = insn >> 14 & 3, size = insn >> 10 & 3;
    return scale == 3 ? size : scale + (scale == 2 && (size & 1));
}

/* The bytes that a post-index form of LD1 to LD4 adds, or the register it adds instead. */
static void put_post_index(struct text *t, uint32_t insn)
{
    static const uint8_t regs[16] = {
        [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2};
    unsigned rm = insn >> 16 & 31, single = insn >> 24 & 1;
    if (rm != 31) {
        put_register(t, "x", rm);
        return;
    }
    unsigned count = (insn >> 13 & 1) * 2 + (insn >> 21 & 1) + 1;
    put_string(t, "#");
    put_number(
        t, single ? count << lane_scale(insn) : regs[insn >> 12 & 15] * (insn >> 30 & 1 ? 16u : 8u),
        10);
}

static bool put_simd_bare_kind(struct text *t, const struct operand *o)
{
    uint32_t insn = o->insn;
    unsigned imm5 = insn >> 16 & 31, q = insn >> 30 & 1;
    if (is_kind(o, "two")) {
        put_string(t, q ? "2" : "");
    } else if (is_kind(o, "lane")) {
        put_number(t, (q << 3 | (insn >> 10 & 7)) >> lane_scale(insn), 10);
    } else if (is_kind(o, "elem4")) {
        put_number(t, (insn >> 11 & 15) >> (imm5 ? __builtin_ctz(imm5) : 0), 10);
    } else if (is_kind(o, "post")) {
        put_post_index(t, insn);
    } else if (is_kind(o, "dotelem")) {
        put_register(t, "v", imm5);
        put_string(t, ".4b[");
        put_number(t, (insn >> 11 & 1) << 1 | (insn >> 21 & 1), 10);
        put_string(t, "]");
    } else {
        return false;
    }
    return true;
}

static bool put_bare_kind(struct text *t, const struct operand *o)
{
    uint32_t insn = o->insn, immhb = insn >> 16 & 127;
    uint64_t value;
    unsigned immh = insn >> 19 & 15, esize = immh ? 8u << (31 - __builtin_clz(immh)) : 8;
    if (put_simd_bare_kind(t, o))
        return true;
    if (is_kind(o, "sysreg")) {
        put_sysreg(t, insn);
        return true;
    }
    if (is_kind(o, "bh")) {
        put_string(t, ((const char *const[]){"b", "h", "", ""})[named_value(o, "size") & 3]);
        return true;
    }
    if (is_kind(o, "lse")) {
        put_string(t, named_value(o, "A") || named_value(o, "L") ? "a" : "");
        put_string(t, named_value(o, "R") || named_value(o, "o0") ? "l" : "");
        return true;
    }
    if (is_kind(o, "elem")) {
        unsigned imm5 = insn >> 16 & 31;
        put_number(t, imm5 ? imm5 >> (__builtin_ctz(imm5) + 1) : 0, 10);
        return true;
    }
    if (is_kind(o, "velem")) {
        put_vm_element(t, insn);
        return true;
    }
    if (is_kind(o, "fbits")) {
        put_string(t, "#");
        put_number(t, 64 - (insn >> 10 & 63), 10);
        return true;
    }
    if (is_kind(o, "bitmask"))
        value = bitmask(insn);
    else if (is_kind(o, "asimdimm"))
        value = abcdefgh(insn);
    else if (is_kind(o, "fpimm"))
        value = (insn >> 13) & 255;
    else if (is_kind(o, "shl"))
        value = immhb - esize;
    else if (is_kind(o, "shr"))
        value = 2 * esize - immhb;
    else
        return false;
    put_string(t, "#0x");
    put_number(t, value, 16);
    return true;
}

/* Take apart what stands between the braces. */
static void parse(struct operand *o, const char *s, const char *end)
{
    const char *colon = memchr(s, ':', (size_t)(end - s));
    const char *kind_end = s;
    while (kind_end < end && *kind_end != ':' && *kind_end != '.' && *kind_end != '*')
        kind_end++;
    o->kind = s;
    o->kind_length = (size_t)(kind_end - s);
    o->scale = 1;
    o->suffix = NULL;
    const char *stop = colon ? colon : end;
    if (kind_end < stop && *kind_end == '.') {
        o->suffix = kind_end + 1;
        o->suffix_length = (size_t)(stop - o->suffix);
    } else if (kind_end < stop && *kind_end == '*') {
        o->scale = 0;
        for (const char *d = kind_end + 1; d < stop && *d >= '0' && *d <= '9'; d++)
            o->scale = o->scale * 10 + (*d - '0');
    }
    o->field = colon ? find_field(o->row, colon + 1, (size_t)(end - colon - 1)) : NULL;
}

static void put_operand(struct text *t, struct operand *o, const char *s, const char *end)
{
    parse(o, s, end);
    bool done = o->field ? put_general_kind(t, o) || put_simd_kind(t, o) || put_vector_kind(t, o) ||
                               put_value_kind(t, o)
                         : put_bare_kind(t, o);
    if (!done) {
        put_string(t, "?");
        put(t, s, (size_t)(end - s));
    }
}

static void put_all_fields(struct text *t, const struct operand *o)
{
    const struct a64_field *fields = a64_fields(o->row);
    for (unsigned i = 0; i < o->row->field_count; i++) {
        put_string(t, i ? ", " : " ");
        put_string(t, a64_text(fields[i].name));
        put_string(t, "=");
        put_number(t, field_value(&fields[i], o->insn), 10);
    }
}

static void put_template(struct text *t, struct operand *o)
{
    const char *s = a64_text(o->row->disasm);
    if (!strchr(s, '{')) {
        put_string(t, s);
        put_all_fields(t, o);
        return;
    }
    while (*s) {
        const char *end = *s == '{' ? strchr(s, '}') : NULL;
        if (end) {
            put_operand(t, o, s + 1, end);
            s = end + 1;
        } else {
            put(t, s++, 1);
        }
    }
}

int a64_disasm(char *buf, size_t n, uint32_t insn, uint64_t pc)
{
    struct text t = {buf, n, 0};
    struct operand o = {.row = a64_row(a64_decode(insn)), .insn = insn, .pc = pc};
    if (o.row) {
        put_template(&t, &o);
    } else {
        put_string(&t, ".inst 0x");
        put_number(&t, insn, 16);
    }
    if (n)
        buf[t.length < n ? t.length : n - 1] = 0;
    return (int)t.length;
}
