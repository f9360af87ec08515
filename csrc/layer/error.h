/* error.h - filling struct layer_error. Each function returns the code, to be returned in turn. */
#ifndef ELFUSE_LAYER_ERROR_H
#define ELFUSE_LAYER_ERROR_H

#include "layer/layer.h"

int layer_fail(struct layer_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for LAYER_E_SYSTEM: ": " and the text of sys follow the message. */
int layer_fail_sys(struct layer_error *err, int sys, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* LAYER_E_LIMIT; limit as in struct layer_error, a literal. */
int layer_fail_limit(struct layer_error *err, const char *limit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A name from outside, fit for a terminal: quoted in a buffer that belongs to the caller's full
 * expression. */
#define LAYER_QUOTE_SIZE 300
const char *layer_quote(char buf[LAYER_QUOTE_SIZE], const char *name);
#define QUOTED(name) layer_quote((char[LAYER_QUOTE_SIZE]){0}, name)

#endif
