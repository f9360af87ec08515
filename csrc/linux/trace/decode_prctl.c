/* decode_prctl.c - prctl: which arguments there are, and what, depends on the option. */
#include <string.h>

#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

/* What follows the option. REST: the other registers, in hexadecimal. */
enum form {
    ALL_HEX,
    NOTHING,
    REST,
    NUMBER,
    NUMBER_REST,
    NAMES,
    NAMES_REST,
    SIGNAL,
    NAME,
    OUT_NAME,
    OUT_INT,
    OUT_SIGNAL,
    OUT_POINTER,
    AMBIENT,
    MAPPING_NAME,
};

static const struct option {
    uint32_t option;
    uint8_t form;
    const char *type; /* NAMES */
} options[] = {
    {1, SIGNAL, NULL}, /* PR_SET_PDEATHSIG */
    {2, OUT_SIGNAL, NULL},
    {3, NOTHING, NULL}, /* PR_GET_DUMPABLE */
    {4, NAMES, "dumpable"},
    {7, NOTHING, NULL}, /* PR_GET_KEEPCAPS */
    {8, NUMBER, NULL},
    {13, NOTHING, NULL}, /* PR_GET_TIMING */
    {14, NUMBER, NULL},
    {15, NAME, NULL}, /* PR_SET_NAME */
    {16, OUT_NAME, NULL},
    {21, NOTHING, NULL}, /* PR_GET_SECCOMP */
    {23, NAMES, "cap"},  /* PR_CAPBSET_READ, PR_CAPBSET_DROP */
    {24, NAMES, "cap"},
    {27, NOTHING, NULL}, /* PR_GET_SECUREBITS */
    {28, NAMES, "securebits"},
    {29, NUMBER, NULL}, /* PR_SET_TIMERSLACK */
    {30, NOTHING, NULL},
    {36, NUMBER, NULL}, /* PR_SET_CHILD_SUBREAPER */
    {37, OUT_INT, NULL},
    {38, NUMBER_REST, NULL}, /* PR_SET_NO_NEW_PRIVS */
    {39, REST, NULL},
    {40, OUT_POINTER, NULL}, /* PR_GET_TID_ADDRESS */
    {41, NUMBER_REST, NULL}, /* PR_SET_THP_DISABLE */
    {42, REST, NULL},
    {47, AMBIENT, NULL},            /* PR_CAP_AMBIENT */
    {55, NAMES_REST, "taggedaddr"}, /* PR_SET_TAGGED_ADDR_CTRL */
    {56, REST, NULL},
    {0x53564d41, MAPPING_NAME, NULL}, /* PR_SET_VMA */
};

static const struct option *find_option(uint64_t v)
{
    static const struct option unknown = {0, ALL_HEX, NULL};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].option == (uint32_t)v)
            return &options[i];
    }
    return &unknown;
}

static void put_rest(struct trace_call *c, int from)
{
    for (int i = from; i < 5; i++)
        text_put(c->out, ", %#llx", (unsigned long long)c->args[i]);
}

static void put_before(struct trace_call *c, const struct option *o)
{
    struct trace_text *t = c->out;
    switch (o->form) {
    case ALL_HEX:
    case REST: put_rest(c, 1); break;
    case NUMBER: text_put(t, ", %llu", (unsigned long long)c->args[1]); break;
    case NUMBER_REST:
        text_put(t, ", %llu", (unsigned long long)c->args[1]);
        put_rest(c, 2);
        break;
    case NAMES:
    case NAMES_REST:
        text_put(t, ", ");
        names_put_type(t, o->type, c->args[1]);
        if (o->form == NAMES_REST)
            put_rest(c, 2);
        break;
    case SIGNAL:
        text_put(t, ", ");
        names_put_signal(t, (int)c->args[1]);
        break;
    case NAME:
        text_put(t, ", ");
        text_user_string(t, c->task, c->args[1], 15);
        break;
    case AMBIENT:
        text_put(t, ", ");
        names_put_type(t, "ambient", c->args[1]);
        text_put(t, ", ");
        names_put_type(t, "cap", c->args[2]);
        put_rest(c, 3);
        break;
    case MAPPING_NAME:
        text_put(t, ", ");
        names_put_type(t, "vmaname", c->args[1]);
        text_put(t, ", %#llx, %llu, ", (unsigned long long)c->args[2],
                 (unsigned long long)c->args[3]);
        text_user_string(t, c->task, c->args[4], 80);
        break;
    default: break;
    }
}

static void put_after(struct trace_call *c, const struct option *o)
{
    int32_t word;
    uint64_t pointer;
    char name[16];
    if (o->form < OUT_NAME || o->form > OUT_POINTER)
        return;
    text_put(c->out, ", ");
    if (o->form == OUT_NAME) {
        if (fetch(c, name, c->args[1], sizeof(name)))
            text_quoted(c->out, name, strnlen(name, sizeof(name)), false);
    } else if (o->form == OUT_POINTER) {
        if (fetch(c, &pointer, c->args[1], sizeof(pointer)))
            text_put(c->out, "[%#llx]", (unsigned long long)pointer);
    } else if (fetch(c, &word, c->args[1], sizeof(word))) {
        text_put(c->out, "[");
        if (o->form == OUT_SIGNAL)
            names_put_signal(c->out, word);
        else
            text_put(c->out, "%d", word);
        text_put(c->out, "]");
    }
}

static void put_prctl(struct trace_call *c, uint64_t v)
{
    const struct option *o = find_option(v);
    if (!c->after) {
        names_put_type(c->out, "prctl", v);
        put_before(c, o);
    } else {
        put_after(c, o);
    }
}

const struct arg_type types_prctl[] = {
    {"prctl", ARG_BOTH, put_prctl, 0},
    {NULL, 0, NULL, 0},
};
