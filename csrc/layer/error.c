#include "layer/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int layer_fail(struct layer_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    err->code = code;
    err->sys = 0;
    err->limit = NULL;
    return code;
}

int layer_fail_limit(struct layer_error *err, const char *limit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    err->code = LAYER_E_LIMIT;
    err->sys = 0;
    err->limit = limit;
    return LAYER_E_LIMIT;
}

int layer_fail_sys(struct layer_error *err, int sys, const char *format, ...)
{
    char text[96];
    va_list args;
    size_t used;

    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, ": %s",
             strerror_r(sys, text, sizeof(text)));
    err->code = LAYER_E_SYSTEM;
    err->sys = sys;
    err->limit = NULL;
    return LAYER_E_SYSTEM;
}

const char *layer_quote(char buf[LAYER_QUOTE_SIZE], const char *name)
{
    size_t at = 0;

    buf[at++] = '"';
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (at > LAYER_QUOTE_SIZE - 10) {
            at += (size_t)snprintf(buf + at, LAYER_QUOTE_SIZE - at, "...");
            break;
        }
        /* 0xc2 0x80..0x9f are the C1 controls, which a terminal obeys as it obeys ESC. */
        if (*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\' || (*p == 0xc2 && p[1] < 0xa0))
            at += (size_t)snprintf(buf + at, LAYER_QUOTE_SIZE - at, "\\x%02x", *p);
        else
            buf[at++] = (char)*p;
    }
    buf[at++] = '"';
    buf[at] = 0;
    return buf;
}
