/*
 * args.h - the argument language of syscalls.def: "type name, type name, ...".
 *
 * A type word is an entry of one of the tables below or a set of names (names.h). Arguments are
 * written in order: before the call, while what they point to is as the caller left it, up to the
 * first that only the call fills in; the others after it.
 */
#ifndef ELFUSE_LINUX_TRACE_ARGS_H
#define ELFUSE_LINUX_TRACE_ARGS_H

#include "linux/trace/names.h"

/* One call as its arguments are written. */
struct trace_call {
    struct task *task;
    struct trace_text *out;
    const uint64_t *args;
    int64_t ret;    /* after the call */
    bool after;     /* is the call over? */
    bool output;    /* is what is being written the call's to fill in? */
    bool comma;     /* stands already behind what was written before the call */
    int index;      /* of the argument being written */
    int done;       /* arguments that are written, but for the second half of one with ARG_BOTH */
    uint64_t saved; /* what ARG_LENGTH or ARG_BOTH found before the call */
};

enum arg_when {
    ARG_BEFORE,
    ARG_AFTER,
    ARG_LENGTH, /* as AFTER; a 32-bit word that it points to is saved before the call */
    ARG_BOTH,   /* called before and after; what follows is written after */
};

/* Writes nothing for an argument that this call has not: then it has no comma either. */
typedef void arg_put_fn(struct trace_call *c, uint64_t value);

struct arg_type {
    const char *name; /* NULL ends a table */
    uint8_t when;
    arg_put_fn *put;
    uint8_t length_at; /* ARG_LENGTH: where the word lies from the argument's address on */
};

extern const struct arg_type types_plain[], types_file[], types_event[], types_control[],
    types_time[], types_signal[], types_process[], types_prctl[], types_futex[], types_memory[],
    types_net[], types_message[];

/* Is there such a type? For the test of the table. */
bool args_known(const char *type);

void args_before(struct trace_call *c, const char *signature);
void args_after(struct trace_call *c, const char *signature);

/* " (flags FD_CLOEXEC)", "left {...}": the result and what strace says of it. */
void result_put(struct trace_call *c, const char *name);

/* ---- of the decoders, for each other ---- */

static inline bool call_failed(const struct trace_call *c)
{
    return c->ret < 0 && c->ret >= -4095;
}
static inline uint64_t call_arg(const struct trace_call *c, int i)
{
    return i < 6 ? c->args[i] : 0;
}
/* Copy a struct; false, and its address written, when it cannot be read or the call failed. */
bool fetch(struct trace_call *c, void *to, gva_t at, size_t size);

struct linux_timespec;
struct linux_timeval;
struct linux_siginfo;
void put_timespec(struct trace_text *t, const struct linux_timespec *ts);
void put_timeval(struct trace_text *t, const struct linux_timeval *tv);
void put_siginfo(struct trace_text *t, const struct linux_siginfo *info);
void put_iovecs(struct trace_call *c, gva_t at, uint64_t count, uint64_t bytes);
void put_fdset(struct trace_text *t, struct task *task, gva_t at, int nfds);
void put_revents(struct trace_call *c);
void put_sockaddr(struct trace_text *t, struct task *task, gva_t at, uint32_t len);
void put_device(struct trace_text *t, uint64_t dev);
void put_open_flags(struct trace_text *t, uint64_t flags);
void put_mode(struct trace_text *t, uint32_t mode);

#endif
