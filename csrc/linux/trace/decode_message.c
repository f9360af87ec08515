/* decode_message.c - struct msghdr and the control messages in it. */
#include <stddef.h>

#include "linux/abi/socket.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

#define ALIGN8(n) (((n) + 7) & ~7ull)

static void put_rights(struct trace_call *c, gva_t at, uint64_t len)
{
    uint64_t count = len / sizeof(int32_t);
    text_put(c->out, "[");
    for (uint64_t i = 0; i < count && i < TRACE_LIST_MAX; i++) {
        int32_t fd;
        if (copy_from_user(c->task, &fd, at + i * sizeof(fd), sizeof(fd)))
            break;
        text_put(c->out, "%s%d", i ? ", " : "", fd);
    }
    text_put(c->out, count > TRACE_LIST_MAX ? ", ...]" : "]");
}

static void put_control_data(struct trace_call *c, const struct linux_cmsghdr *h, gva_t at)
{
    struct linux_ucred cred;
    uint64_t len = h->len - sizeof(*h);
    text_put(c->out, ", cmsg_data=");
    if (h->level == LINUX_SOL_SOCKET && h->type == LINUX_SCM_RIGHTS) {
        put_rights(c, at, len);
    } else if (h->level == LINUX_SOL_SOCKET && h->type == LINUX_SCM_CREDENTIALS &&
               len >= sizeof(cred)) {
        if (fetch(c, &cred, at, sizeof(cred)))
            text_put(c->out, "{pid=%d, uid=%u, gid=%u}", cred.pid, cred.uid, cred.gid);
    } else {
        text_user_bytes(c->out, c->task, at, len, false);
    }
}

static void put_control(struct trace_call *c, gva_t at, uint64_t size)
{
    struct linux_cmsghdr h;
    uint64_t offset = 0;
    text_put(c->out, ", msg_control=");
    if (!at || size < sizeof(h) || copy_from_user(c->task, &h, at, sizeof(h))) {
        text_address(c->out, at);
        return;
    }
    text_put(c->out, "[");
    for (unsigned i = 0; i < TRACE_LIST_MAX && size - offset >= sizeof(h); i++) {
        if (copy_from_user(c->task, &h, at + offset, sizeof(h)))
            break;
        text_put(c->out, "%s{cmsg_len=%llu, cmsg_level=", i ? ", " : "", (unsigned long long)h.len);
        names_put_type(c->out, "sollevel", (uint32_t)h.level);
        text_put(c->out, ", cmsg_type=");
        if (h.level == LINUX_SOL_SOCKET)
            names_put_type(c->out, "scmtype", (uint32_t)h.type);
        else
            text_put(c->out, "%#x", (unsigned)h.type);
        bool fits = h.len >= sizeof(h) && h.len <= size - offset;
        if (fits)
            put_control_data(c, &h, at + offset + sizeof(h));
        text_put(c->out, "}");
        if (!fits || ALIGN8(h.len) > size - offset)
            break;
        offset += ALIGN8(h.len);
    }
    text_put(c->out, "]");
}

/* `bytes` of the vectors were transferred; the name's length before the call was `namelen`. */
static void put_header(struct trace_call *c, const struct linux_msghdr *m, uint64_t bytes,
                       uint32_t namelen)
{
    text_put(c->out, "{msg_name=");
    if (m->namelen)
        put_sockaddr(c->out, c->task, m->name, m->namelen < namelen ? m->namelen : namelen);
    else
        text_address(c->out, m->name);
    if (m->namelen != namelen)
        text_put(c->out, ", msg_namelen=%d => %d", (int)namelen, (int)m->namelen);
    else
        text_put(c->out, ", msg_namelen=%d", (int)m->namelen);
    text_put(c->out, ", msg_iov=");
    put_iovecs(c, m->iov, m->iovlen, bytes);
    text_put(c->out, ", msg_iovlen=%llu", (unsigned long long)m->iovlen);
    if (m->controllen)
        put_control(c, m->control, m->controllen);
    text_put(c->out, ", msg_controllen=%llu, msg_flags=", (unsigned long long)m->controllen);
    names_put_type(c->out, "msgsockflags", m->flags);
    text_put(c->out, "}");
}

static void put_msghdr(struct trace_call *c, uint64_t v)
{
    struct linux_msghdr m;
    if (fetch(c, &m, v, sizeof(m)))
        put_header(c, &m, UINT64_MAX, m.namelen);
}

static void put_outmsghdr(struct trace_call *c, uint64_t v)
{
    struct linux_msghdr m;
    if (!v || copy_from_user(c->task, &m, v, sizeof(m)))
        text_address(c->out, v);
    else if (call_failed(c))
        text_put(c->out, "{msg_namelen=%d}", (int)m.namelen);
    else
        put_header(c, &m, (uint64_t)c->ret, (uint32_t)c->saved);
}

/* sendmmsg and recvmmsg: as many as the call says. */
static void put_mmsghdrs(struct trace_call *c, uint64_t v)
{
    struct linux_mmsghdr m;
    if (call_failed(c) || !v || (c->ret && copy_from_user(c->task, &m, v, sizeof(m)))) {
        text_address(c->out, v);
        return;
    }
    text_put(c->out, "[");
    for (int64_t i = 0; i < c->ret; i++) {
        text_put(c->out, i ? ", " : "");
        if (i == TRACE_LIST_MAX ||
            copy_from_user(c->task, &m, v + (uint64_t)i * sizeof(m), sizeof(m))) {
            text_put(c->out, "...");
            break;
        }
        text_put(c->out, "{msg_hdr=");
        put_header(c, &m.hdr, m.len, m.hdr.namelen);
        text_put(c->out, ", msg_len=%u}", m.len);
    }
    text_put(c->out, "]");
}

const struct arg_type types_message[] = {
    {"msghdr", ARG_BEFORE, put_msghdr, 0},
    {"outmsghdr", ARG_LENGTH, put_outmsghdr, offsetof(struct linux_msghdr, namelen)},
    {"outmmsghdrs", ARG_AFTER, put_mmsghdrs, 0},
    {NULL, 0, NULL, 0},
};
