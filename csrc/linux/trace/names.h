/*
 * names.h - names of flags and enumerations.
 *
 * A set belongs to a type word of syscalls.def. Its values are arm64 Linux's. A set of flags is
 * searched in order and each match is taken away, so that a value of several bits stands before its
 * parts; a set of an enumeration is searched for equality.
 */
#ifndef ELFUSE_LINUX_TRACE_NAMES_H
#define ELFUSE_LINUX_TRACE_NAMES_H

#include "linux/trace/text.h"

struct trace_name {
    const char *name;
    uint64_t value;
};

enum names_kind { NAMES_FLAGS, NAMES_ENUM };

struct trace_names {
    const char *type; /* NULL ends an array of sets */
    const struct trace_name *names;
    uint16_t count;
    uint8_t kind;
    uint8_t bits;        /* 32 or 64: how much of the register counts */
    const char *unknown; /* what strace calls a value without a name */
    const char *zero;    /* a set of flags: the name of no flag, or NULL */
};

#define NAMES_SET(type, names, kind, bits, unknown, zero)                                          \
    {                                                                                              \
        type, names, sizeof(names) / sizeof((names)[0]), kind, bits, unknown, zero                 \
    }

extern const struct trace_names names_file[], names_memory[], names_process[], names_net[];

/* NULL when the word names no set. */
const struct trace_names *names_find(const char *type);

/* "O_RDWR|O_CLOEXEC"; what has no name is a number with the set's `unknown` as a comment. */
void names_put(struct trace_text *t, const struct trace_names *set, uint64_t value);
/* The same by the set's word, which exists. */
void names_put_type(struct trace_text *t, const char *type, uint64_t value);

/* "SIGSEGV", "SIGRT_5", or the number. */
void names_put_signal(struct trace_text *t, int sig);
/* "[INT RT_3]", "~[KILL]". */
void names_put_sigset(struct trace_text *t, uint64_t set);

#endif
