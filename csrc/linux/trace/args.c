/* args.c - walks a call's signature; the types of plain values and strings. */
#include "linux/trace/args.h"

#include <stdio.h>
#include <string.h>

#include "linux/abi/fs.h"
#include "linux/mm/uaccess.h"

#define TYPE_SIZE 20

static void put_int(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%d", (int)v);
}
static void put_uint(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%u", (unsigned)v);
}
static void put_long(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%lld", (long long)v);
}
static void put_ulong(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%llu", (unsigned long long)v);
}
static void put_hex(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%#llx", (unsigned long long)v);
}
static void put_hex32(struct trace_call *c, uint64_t v)
{
    text_put(c->out, "%#x", (unsigned)v);
}
static void put_ptr(struct trace_call *c, uint64_t v)
{
    text_address(c->out, v);
}
static void put_nothing(struct trace_call *c, uint64_t v)
{
    (void)c;
    (void)v;
}

static void put_dfd(struct trace_call *c, uint64_t v)
{
    if ((int)v == LINUX_AT_FDCWD)
        text_put(c->out, "AT_FDCWD");
    else
        text_put(c->out, "%d", (int)v);
}

static void put_signal(struct trace_call *c, uint64_t v)
{
    names_put_signal(c->out, (int)v);
}

/* ---- strings and bytes ---- */

static void put_str(struct trace_call *c, uint64_t v)
{
    text_user_string(c->out, c->task, v, TRACE_STRING_MAX);
}
static void put_path(struct trace_call *c, uint64_t v)
{
    text_user_string(c->out, c->task, v, LINUX_PATH_MAX);
}
static void put_outstr(struct trace_call *c, uint64_t v)
{
    if (call_failed(c))
        text_address(c->out, v);
    else
        text_user_string(c->out, c->task, v, LINUX_PATH_MAX);
}
static void put_outpath(struct trace_call *c, uint64_t v)
{
    char path[LINUX_PATH_MAX];
    size_t len = call_failed(c) ? 0 : (size_t)c->ret;
    if (call_failed(c) || len > sizeof(path) || copy_from_user(c->task, path, v, len))
        text_address(c->out, v);
    else
        text_quoted(c->out, path, len, false);
}
static void put_buf(struct trace_call *c, uint64_t v)
{
    text_user_bytes(c->out, c->task, v, call_arg(c, c->index + 1), false);
}
static void put_out(struct trace_call *c, uint64_t v, bool hex)
{
    uint64_t room = call_arg(c, c->index + 1), len = (uint64_t)c->ret;
    if (call_failed(c))
        text_address(c->out, v);
    else
        text_user_bytes(c->out, c->task, v, len < room ? len : room, hex);
}
static void put_outbuf(struct trace_call *c, uint64_t v)
{
    put_out(c, v, false);
}
static void put_outhex(struct trace_call *c, uint64_t v)
{
    put_out(c, v, true);
}

/* A vector of strings, or (envv) how many there are. */
static void put_strv(struct trace_call *c, uint64_t v)
{
    uint64_t pointer = 0;
    if (!v || get_user_u64(c->task, &pointer, v)) {
        text_address(c->out, v);
        return;
    }
    text_put(c->out, "[");
    for (unsigned n = 0; pointer; n++) {
        text_put(c->out, n ? ", " : "");
        if (n == TRACE_LIST_MAX) {
            text_put(c->out, "...");
            break;
        }
        text_user_string(c->out, c->task, pointer, TRACE_STRING_MAX);
        gva_t next = v + (n + 1) * sizeof(pointer);
        if (get_user_u64(c->task, &pointer, next)) {
            text_put(c->out, ", ... /* %#llx */", (unsigned long long)next);
            break;
        }
    }
    text_put(c->out, "]");
}
static void put_envv(struct trace_call *c, uint64_t v)
{
    uint64_t pointer = 0;
    unsigned n = 0;
    text_address(c->out, v);
    while (v && n < 65536 && !get_user_u64(c->task, &pointer, v + n * 8) && pointer)
        n++;
    if (v)
        text_put(c->out, n == 1 ? " /* %u var */" : " /* %u vars */", n);
}

/* ---- words that a call stores ---- */

static void put_outint(struct trace_call *c, uint64_t v)
{
    int32_t word;
    if (fetch(c, &word, v, sizeof(word)))
        text_put(c->out, "[%d]", word);
}
static void put_outptr(struct trace_call *c, uint64_t v)
{
    uint64_t word;
    if (fetch(c, &word, v, sizeof(word))) {
        text_put(c->out, "[");
        text_address(c->out, word);
        text_put(c->out, "]");
    }
}
static void put_outsize(struct trace_call *c, uint64_t v)
{
    uint64_t word;
    if (fetch(c, &word, v, sizeof(word)))
        text_put(c->out, "[%llu]", (unsigned long long)word);
}
static void put_fdpair(struct trace_call *c, uint64_t v)
{
    int32_t pair[2];
    if (fetch(c, pair, v, sizeof(pair)))
        text_put(c->out, "[%d, %d]", pair[0], pair[1]);
}
/* An offset that the call reads. */
static void put_inoff(struct trace_call *c, uint64_t v)
{
    int64_t offset;
    if (fetch(c, &offset, v, sizeof(offset)))
        text_put(c->out, "[%lld]", (long long)offset);
}
/* One that it also moves: [0] => [10]. */
static void put_offset(struct trace_call *c, uint64_t v)
{
    int64_t offset;
    if (!c->after) {
        put_inoff(c, v);
        c->saved = 0;
        if (v && copy_from_user(c->task, &c->saved, v, sizeof(c->saved)))
            c->saved = 0;
    } else if (v && !call_failed(c) && !copy_from_user(c->task, &offset, v, sizeof(offset)) &&
               (uint64_t)offset != c->saved) {
        text_put(c->out, " => [%lld]", (long long)offset);
    }
}

bool fetch(struct trace_call *c, void *to, gva_t at, size_t size)
{
    if (at && !(c->output && call_failed(c)) && copy_from_user(c->task, to, at, size) == 0)
        return true;
    text_address(c->out, at);
    return false;
}

const struct arg_type types_plain[] = {
    {"int", ARG_BEFORE, put_int, 0},      {"fd", ARG_BEFORE, put_int, 0},
    {"uint", ARG_BEFORE, put_uint, 0},    {"long", ARG_BEFORE, put_long, 0},
    {"ulong", ARG_BEFORE, put_ulong, 0},  {"size", ARG_BEFORE, put_ulong, 0},
    {"hex", ARG_BEFORE, put_hex, 0},      {"hex32", ARG_BEFORE, put_hex32, 0},
    {"ptr", ARG_BEFORE, put_ptr, 0},      {"skip", ARG_BEFORE, put_nothing, 0},
    {"dfd", ARG_BEFORE, put_dfd, 0},      {"signal", ARG_BEFORE, put_signal, 0},
    {"str", ARG_BEFORE, put_str, 0},      {"path", ARG_BEFORE, put_path, 0},
    {"outstr", ARG_AFTER, put_outstr, 0}, {"outpath", ARG_AFTER, put_outpath, 0},
    {"buf", ARG_BEFORE, put_buf, 0},      {"outbuf", ARG_AFTER, put_outbuf, 0},
    {"outhex", ARG_AFTER, put_outhex, 0}, {"strv", ARG_BEFORE, put_strv, 0},
    {"envv", ARG_BEFORE, put_envv, 0},    {"outint", ARG_AFTER, put_outint, 0},
    {"outptr", ARG_AFTER, put_outptr, 0}, {"outsize", ARG_AFTER, put_outsize, 0},
    {"fdpair", ARG_AFTER, put_fdpair, 0}, {"inoff", ARG_BEFORE, put_inoff, 0},
    {"offset", ARG_BOTH, put_offset, 0},  {NULL, 0, NULL, 0},
};

/* ---- the walk ---- */

static const struct arg_type *find(const char *name)
{
    static const struct arg_type *const all[] = {
        types_plain,   types_file,  types_event, types_control, types_time, types_signal,
        types_process, types_prctl, types_futex, types_memory,  types_net,  types_message,
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (const struct arg_type *type = all[i]; type->name; type++) {
            if (!strcmp(type->name, name))
                return type;
        }
    }
    return NULL;
}

bool args_known(const char *type)
{
    return find(type) || names_find(type);
}

/* The next "type name" of *at: its type word. False at the end. */
static bool next_type(const char **at, char type[TYPE_SIZE])
{
    if (!**at)
        return false;
    size_t len = strcspn(*at, " ");
    snprintf(type, TYPE_SIZE, "%.*s", (int)len, *at);
    *at += strcspn(*at, ",");
    *at += **at ? 2 : 0;
    return true;
}

/* Is the argument written when the call is over, and what the call has stored? */
static bool is_output(const struct arg_type *type)
{
    return type && (type->when == ARG_AFTER || type->when == ARG_LENGTH);
}

static void put_one(struct trace_call *c, const struct arg_type *type, const char *name)
{
    const struct trace_names *set = type ? NULL : names_find(name);
    size_t before = c->out->len;
    text_put(c->out, c->index && !c->comma ? ", " : "");
    size_t begin = c->out->len;
    c->output = is_output(type);
    if (type)
        type->put(c, c->args[c->index]);
    else if (set)
        names_put(c->out, set, c->args[c->index]);
    else
        put_hex(c, c->args[c->index]);
    if (c->out->len > begin) {
        c->comma = false;
    } else {
        c->out->len = before;
        c->out->text[before] = '\0';
    }
}

static void save_length(struct trace_call *c, const char *signature)
{
    char name[TYPE_SIZE];
    c->saved = 0;
    for (int i = 0; i < 6 && next_type(&signature, name); i++) {
        const struct arg_type *type = find(name);
        uint32_t word = 0;
        if (type && type->when == ARG_LENGTH && c->args[i] &&
            !copy_from_user(c->task, &word, c->args[i] + type->length_at, sizeof(word)))
            c->saved = word;
    }
}

void args_before(struct trace_call *c, const char *signature)
{
    char name[TYPE_SIZE];
    c->after = c->comma = false;
    c->done = 0;
    save_length(c, signature);
    while (c->done < 6 && next_type(&signature, name)) {
        const struct arg_type *type = find(name);
        if (is_output(type)) {
            c->comma = c->done > 0;
            text_put(c->out, c->comma ? ", " : "");
            return;
        }
        c->index = c->done++;
        put_one(c, type, name);
        if (type && type->when == ARG_BOTH)
            return;
    }
}

void args_after(struct trace_call *c, const char *signature)
{
    char name[TYPE_SIZE];
    c->after = true;
    for (c->index = 0; c->index < 6 && next_type(&signature, name); c->index++) {
        const struct arg_type *type = find(name);
        bool both = type && type->when == ARG_BOTH;
        if (c->index >= c->done) {
            c->after = !both;
            put_one(c, type, name);
            c->after = true;
        }
        c->output = true;
        if (both && c->index >= c->done - 1)
            type->put(c, c->args[c->index]);
    }
}
