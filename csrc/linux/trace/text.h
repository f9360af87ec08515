/*
 * text.h - a line of --strace being written, and the ways in which strace writes a value.
 *
 * A line that is too long ends in "..." and never overflows. Whatever is read of guest memory is
 * read with copies that may fail; the address stands where they do.
 */
#ifndef ELFUSE_LINUX_TRACE_TEXT_H
#define ELFUSE_LINUX_TRACE_TEXT_H

#include "linux/kernel.h"

#define TRACE_TEXT_SIZE  6144
#define TRACE_STRING_MAX 32 /* strace's -s: bytes of a string that are shown */
#define TRACE_LIST_MAX   32 /* entries of an array that are shown */

struct trace_text {
    size_t len;
    char text[TRACE_TEXT_SIZE];
};

void text_put(struct trace_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes as a C string literal, with "..." behind it if there are more. */
void text_quoted(struct trace_text *t, const char *bytes, size_t len, bool more);
/* NULL, or hexadecimal. */
void text_address(struct trace_text *t, uint64_t value);
/* Octal with at least three digits, as modes are written. */
void text_octal(struct trace_text *t, uint64_t value);

/* len bytes of the guest's, cut after TRACE_STRING_MAX. hex: each as \xNN. */
void text_user_bytes(struct trace_text *t, struct task *task, gva_t at, uint64_t len, bool hex);
/* A string of the guest's that ends with NUL, cut after `max` bytes (at most a path's length). */
void text_user_string(struct trace_text *t, struct task *task, gva_t at, size_t max);

/*
 * "[a, b, ...]" of `count` entries of `size` bytes (at most 256) at a guest address; put writes
 * one. The address if the first cannot be read; where reading stops later, its address as a
 * comment.
 */
typedef void text_entry_fn(struct trace_text *t, struct task *task, const void *entry);
void text_user_array(struct trace_text *t, struct task *task, gva_t at, uint64_t count, size_t size,
                     text_entry_fn *put);

#endif
