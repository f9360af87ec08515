/* text.c - see text.h. */
#include "linux/trace/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "linux/abi/fs.h"
#include "linux/mm/uaccess.h"

void text_put(struct trace_text *t, const char *format, ...)
{
    size_t room = sizeof(t->text) - t->len;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(t->text + t->len, room, format, ap);
    va_end(ap);
    if (n <= 0)
        return;
    if ((size_t)n < room) {
        t->len += (size_t)n;
        return;
    }
    t->len = sizeof(t->text) - 1;
    memcpy(t->text + t->len - 3, "...", 4);
}

void text_quoted(struct trace_text *t, const char *bytes, size_t len, bool more)
{
    static const char escapes[] = "\tt\nn\vv\ff\rr\"\"\\\\";
    text_put(t, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        const char *escape = escapes;
        while (*escape && *escape != (char)c)
            escape += 2;
        /* All three digits where a digit follows. */
        bool digit = i + 1 < len && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';
        if (c && *escape)
            text_put(t, "\\%c", escape[1]);
        else if (c < 32 || c >= 127)
            text_put(t, digit ? "\\%03o" : "\\%o", c);
        else
            text_put(t, "%c", c);
    }
    text_put(t, more ? "\"..." : "\"");
}

void text_address(struct trace_text *t, uint64_t value)
{
    if (value)
        text_put(t, "%#llx", (unsigned long long)value);
    else
        text_put(t, "NULL");
}

void text_octal(struct trace_text *t, uint64_t value)
{
    text_put(t, "%#03llo", (unsigned long long)value);
}

void text_user_bytes(struct trace_text *t, struct task *task, gva_t at, uint64_t len, bool hex)
{
    char bytes[TRACE_STRING_MAX];
    size_t shown = len < sizeof(bytes) ? (size_t)len : sizeof(bytes);
    if (!at || copy_from_user(task, bytes, at, shown)) {
        text_address(t, at);
    } else if (hex) {
        text_put(t, "\"");
        for (size_t i = 0; i < shown; i++)
            text_put(t, "\\x%02x", (unsigned char)bytes[i]);
        text_put(t, len > shown ? "\"..." : "\"");
    } else {
        text_quoted(t, bytes, shown, len > shown);
    }
}

void text_user_string(struct trace_text *t, struct task *task, gva_t at, size_t max)
{
    char text[LINUX_PATH_MAX + 1];
    size_t size = max < LINUX_PATH_MAX ? max + 1 : sizeof(text);
    int64_t len = at ? strncpy_from_user(task, text, at, size) : -LINUX_EFAULT;
    if (len == -LINUX_ENAMETOOLONG && copy_from_user(task, text, at, size - 1) == 0)
        text_quoted(t, text, size - 1, true);
    else if (len < 0)
        text_address(t, at);
    else
        text_quoted(t, text, (size_t)len, false);
}

void text_user_array(struct trace_text *t, struct task *task, gva_t at, uint64_t count, size_t size,
                     text_entry_fn *put)
{
    _Alignas(8) uint8_t entry[256];
    if (!at || (count && copy_from_user(task, entry, at, size))) {
        text_address(t, at);
        return;
    }
    text_put(t, "[");
    for (uint64_t i = 0; i < count; i++) {
        gva_t here = at + i * size;
        text_put(t, i ? ", " : "");
        if (i == TRACE_LIST_MAX) {
            text_put(t, "...");
            break;
        }
        if (copy_from_user(task, entry, here, size)) {
            text_put(t, "... /* %#llx */", (unsigned long long)here);
            break;
        }
        put(t, task, entry);
    }
    text_put(t, "]");
}
