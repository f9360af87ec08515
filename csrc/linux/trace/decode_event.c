/* decode_event.c - arguments of epoll, poll and select. */
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

enum { EPOLL_CTL_DEL = 2, FD_SETSIZE_SHOWN = 1024 };

/* Not packed on arm64. */
struct epoll_entry {
    uint32_t events, pad;
    uint64_t data;
};

struct poll_entry {
    int32_t fd;
    uint16_t events, revents;
};

static void put_epoll_entry(struct trace_text *t, struct task *task, const void *entry)
{
    const struct epoll_entry *e = entry;
    (void)task;
    text_put(t, "{events=");
    names_put_type(t, "epollevents", e->events);
    text_put(t, ", data={u32=%u, u64=%llu}}", (unsigned)e->data, (unsigned long long)e->data);
}

static void put_epoll_event(struct trace_call *c, uint64_t v)
{
    struct epoll_entry e;
    if (call_arg(c, 1) == EPOLL_CTL_DEL)
        text_address(c->out, v);
    else if (fetch(c, &e, v, sizeof(e)))
        put_epoll_entry(c->out, c->task, &e);
}

static void put_epoll_events(struct trace_call *c, uint64_t v)
{
    if (call_failed(c))
        text_address(c->out, v);
    else
        text_user_array(c->out, c->task, v, (uint64_t)c->ret, sizeof(struct epoll_entry),
                        put_epoll_entry);
}

static void put_poll_entry(struct trace_text *t, struct task *task, const void *entry)
{
    const struct poll_entry *p = entry;
    (void)task;
    text_put(t, "{fd=%d", p->fd);
    if (p->fd >= 0) {
        text_put(t, ", events=");
        names_put_type(t, "pollevents", p->events);
    }
    text_put(t, "}");
}

static void put_pollfds(struct trace_call *c, uint64_t v)
{
    text_user_array(c->out, c->task, v, (uint32_t)call_arg(c, c->index + 1),
                    sizeof(struct poll_entry), put_poll_entry);
}

/* The entries of ppoll's array in which something has happened. */
void put_revents(struct trace_call *c)
{
    unsigned shown = 0;
    struct poll_entry p;
    text_put(c->out, "[");
    for (uint32_t i = 0; i < (uint32_t)c->args[1]; i++) {
        if (copy_from_user(c->task, &p, c->args[0] + i * sizeof(p), sizeof(p)))
            break;
        if (!p.revents)
            continue;
        text_put(c->out, shown ? ", " : "");
        if (shown++ == TRACE_LIST_MAX) {
            text_put(c->out, "...");
            break;
        }
        text_put(c->out, "{fd=%d, revents=", p.fd);
        names_put_type(c->out, "pollevents", p.revents);
        text_put(c->out, "}");
    }
    text_put(c->out, "]");
}

void put_fdset(struct trace_text *t, struct task *task, gva_t at, int nfds)
{
    uint64_t words[FD_SETSIZE_SHOWN / 64];
    const char *sep = "";
    if (nfds < 0 || !at) {
        text_address(t, at);
        return;
    }
    unsigned bits = nfds < FD_SETSIZE_SHOWN ? (unsigned)nfds : FD_SETSIZE_SHOWN;
    if (copy_from_user(task, words, at, (bits + 63) / 64 * 8)) {
        text_address(t, at);
        return;
    }
    text_put(t, "[");
    for (unsigned fd = 0; fd < bits; fd++) {
        if (words[fd / 64] >> fd % 64 & 1) {
            text_put(t, "%s%u", sep, fd);
            sep = " ";
        }
    }
    text_put(t, "]");
}

static void put_fdset_arg(struct trace_call *c, uint64_t v)
{
    put_fdset(c->out, c->task, v, (int)call_arg(c, 0));
}

const struct arg_type types_event[] = {
    {"epollevent", ARG_BEFORE, put_epoll_event, 0},
    {"outepollevents", ARG_AFTER, put_epoll_events, 0},
    {"pollfds", ARG_BEFORE, put_pollfds, 0},
    {"fdset", ARG_BEFORE, put_fdset_arg, 0},
    {NULL, 0, NULL, 0},
};
