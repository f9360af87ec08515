/* decode_net.c - addresses, types and options of sockets. */
#include <stdio.h>
#include <string.h>

#include "linux/abi/socket.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

#define AF_PACKET_ 17

static unsigned big16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}
static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)big16(p) << 16 | big16(p + 2);
}

/* RFC 5952: the longest run of zero groups, of two at least, is "::"; ::ffff:a.b.c.d is IPv4. */
static void put_inet6(struct trace_text *t, const uint8_t *a)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    int best = -1, best_len = 1;
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && !big16(a + 2 * (i + len)))
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    if (!memcmp(a, mapped, sizeof(mapped))) {
        text_put(t, "::ffff:%u.%u.%u.%u", a[12], a[13], a[14], a[15]);
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            text_put(t, "::");
            i += best_len - 1;
        } else {
            text_put(t, i && i != best + best_len ? ":%x" : "%x", big16(a + 2 * i));
        }
    }
}

/* sun_path: up to a NUL, or with one in front an abstract name of all that is left. */
static void put_unix(struct trace_text *t, const uint8_t *a, uint32_t len)
{
    const char *path = (const char *)a + 2;
    text_put(t, "{sa_family=AF_UNIX");
    if (len > 2 && *path) {
        text_put(t, ", sun_path=");
        text_quoted(t, path, strnlen(path, len - 2), false);
    } else if (len > 3) {
        text_put(t, ", sun_path=@");
        text_quoted(t, path + 1, strnlen(path + 1, len - 3), false);
    } else if (len == 3) {
        text_put(t, ", sun_path=@\"\"");
    }
    text_put(t, "}");
}

static void put_family(struct trace_text *t, const uint8_t *a, uint32_t len)
{
    uint16_t family;
    memcpy(&family, a, sizeof(family));
    if (family == LINUX_AF_UNIX) {
        put_unix(t, a, len);
    } else if (family == LINUX_AF_INET && len >= 16) {
        text_put(t, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")}",
                 big16(a + 2), a[4], a[5], a[6], a[7]);
    } else if (family == LINUX_AF_INET6 && len >= 24) {
        uint32_t scope = 0;
        text_put(t, "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_flowinfo=htonl(%u), ",
                 big16(a + 2), big32(a + 4));
        text_put(t, "inet_pton(AF_INET6, \"");
        put_inet6(t, a + 8);
        text_put(t, "\", &sin6_addr)");
        memcpy(&scope, a + 24, sizeof(scope));
        text_put(t, len >= 28 ? ", sin6_scope_id=%u}" : "}", scope);
    } else if (family == LINUX_AF_NETLINK && len >= 12) {
        uint32_t nl[2];
        memcpy(nl, a + 4, sizeof(nl));
        text_put(t, "{sa_family=AF_NETLINK, nl_pid=%u, nl_groups=%#010x}", nl[0], nl[1]);
    } else {
        text_put(t, "{sa_family=");
        names_put_type(t, "sockdomain", family);
        text_put(t, ", sa_data=");
        text_quoted(t, (const char *)a + 2, len - 2 < 30 ? len - 2 : 30, len - 2 > 30);
        text_put(t, "}");
    }
}

void put_sockaddr(struct trace_text *t, struct task *task, gva_t at, uint32_t len)
{
    uint8_t address[LINUX_SOMAXADDR + 1] = {0};
    if (len > LINUX_SOMAXADDR)
        len = LINUX_SOMAXADDR;
    if (!at || len < 2 || copy_from_user(task, address, at, len))
        text_address(t, at);
    else
        put_family(t, address, len);
}

static void put_sockaddr_arg(struct trace_call *c, uint64_t v)
{
    put_sockaddr(c->out, c->task, v, (uint32_t)call_arg(c, c->index + 1));
}

static void put_outsockaddr(struct trace_call *c, uint64_t v)
{
    uint32_t len = 0;
    gva_t len_at = call_arg(c, c->index + 1);
    if (call_failed(c) || !len_at || copy_from_user(c->task, &len, len_at, sizeof(len)))
        text_address(c->out, v);
    else
        put_sockaddr(c->out, c->task, v, len < c->saved ? len : (uint32_t)c->saved);
}

/* A length that the call changes: [128 => 16]. */
static void put_socklen(struct trace_call *c, uint64_t v)
{
    uint32_t len = 0;
    if (!v || copy_from_user(c->task, &len, v, sizeof(len)))
        text_address(c->out, v);
    else if (len != c->saved && !call_failed(c))
        text_put(c->out, "[%d => %d]", (int)c->saved, (int)len);
    else
        text_put(c->out, "[%d]", (int)len);
}

/* ---- types ---- */

static void put_socktype(struct trace_call *c, uint64_t v)
{
    uint32_t flags = (uint32_t)v & ~(uint32_t)LINUX_SOCK_TYPE_MASK;
    names_put_type(c->out, "sockbase", v & LINUX_SOCK_TYPE_MASK);
    if (flags) {
        text_put(c->out, "|");
        names_put_type(c->out, "sockflags", flags);
    }
}

static void put_protocol(struct trace_call *c, uint64_t v)
{
    switch ((uint32_t)call_arg(c, 0)) {
    case LINUX_AF_INET:
    case LINUX_AF_INET6: names_put_type(c->out, "ipproto", v); break;
    case LINUX_AF_NETLINK: names_put_type(c->out, "nlproto", v); break;
    default: text_put(c->out, "%d", (int)v); break;
    }
}

/* ---- options ---- */

#define LEVEL_NAMES(c) level_names((uint32_t)call_arg(c, 1))
static const char *level_names(uint32_t level)
{
    switch (level) {
    case LINUX_SOL_SOCKET: return "sosocket";
    case LINUX_SOL_IP: return "soip";
    case LINUX_SOL_TCP: return "sotcp";
    case LINUX_SOL_UDP: return "soudp";
    case LINUX_SOL_IPV6: return "soipv6";
    case LINUX_SOL_NETLINK: return "sonetlink";
    default: return NULL;
    }
}

static void put_option_name(struct trace_call *c, uint64_t v)
{
    const char *names = LEVEL_NAMES(c);
    if (names)
        names_put_type(c->out, names, v);
    else
        text_put(c->out, "%d", (int)v);
}

enum { SO_LINGER = 13, SO_BINDTODEVICE = 25, TCP_CONGESTION = 13, TCP_ULP = 31 };

static bool is_text(uint32_t level, uint32_t option)
{
    return (level == LINUX_SOL_SOCKET && option == SO_BINDTODEVICE) ||
           (level == LINUX_SOL_TCP && (option == TCP_CONGESTION || option == TCP_ULP));
}

static void put_option_value(struct trace_call *c, gva_t at, uint32_t len)
{
    uint32_t level = (uint32_t)call_arg(c, 1), option = (uint32_t)call_arg(c, 2);
    bool socket = level == LINUX_SOL_SOCKET;
    int32_t words[3];
    struct linux_timeval tv;
    if (socket && option == SO_LINGER && len >= 8) {
        if (fetch(c, words, at, 8))
            text_put(c->out, "{l_onoff=%d, l_linger=%d}", words[0], words[1]);
    } else if (socket && option == LINUX_SO_PEERCRED && len >= 12) {
        if (fetch(c, words, at, 12))
            text_put(c->out, "{pid=%d, uid=%u, gid=%u}", words[0], (unsigned)words[1],
                     (unsigned)words[2]);
    } else if (socket && (option == LINUX_SO_RCVTIMEO || option == LINUX_SO_SNDTIMEO) &&
               len >= sizeof(tv)) {
        if (fetch(c, &tv, at, sizeof(tv)))
            put_timeval(c->out, &tv);
    } else if (len == sizeof(words[0]) && !is_text(level, option)) {
        if (fetch(c, words, at, sizeof(words[0])))
            text_put(c->out, "[%d]", words[0]);
    } else {
        text_user_bytes(c->out, c->task, at, len, false);
    }
}

static void put_option(struct trace_call *c, uint64_t v)
{
    put_option_value(c, v, (uint32_t)call_arg(c, c->index + 1));
}

static void put_outoption(struct trace_call *c, uint64_t v)
{
    uint32_t len = 0;
    gva_t len_at = call_arg(c, c->index + 1);
    if (call_failed(c) || !len_at || copy_from_user(c->task, &len, len_at, sizeof(len)))
        text_address(c->out, v);
    else
        put_option_value(c, v, len);
}

const struct arg_type types_net[] = {
    {"sockaddr", ARG_BEFORE, put_sockaddr_arg, 0},
    {"outsockaddr", ARG_AFTER, put_outsockaddr, 0},
    {"socklen", ARG_LENGTH, put_socklen, 0},
    {"socktype", ARG_BEFORE, put_socktype, 0},
    {"sockproto", ARG_BEFORE, put_protocol, 0},
    {"sockopt", ARG_BEFORE, put_option_name, 0},
    {"optval", ARG_BEFORE, put_option, 0},
    {"outoptval", ARG_AFTER, put_outoption, 0},
    {NULL, 0, NULL, 0},
};
