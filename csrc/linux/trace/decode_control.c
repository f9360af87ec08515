/* decode_control.c - fcntl and ioctl: what the argument is depends on the command. */
#include "linux/abi/fs.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

/* What an argument is: a value, or what its address points to before (IN) or after (OUT) the call.
 */
enum control {
    NOTHING,
    INT,
    ADDRESS,
    SIGNAL,
    FLAGS_FD,
    FLAGS_OPEN,
    SEALS,
    IN_LOCK,
    OUT_LOCK,
    IN_OWNER,
    OUT_OWNER,
    IN_INT,
    OUT_INT,
    OUT_HEX,
    IN_WINSIZE,
    OUT_WINSIZE,
    IN_TERMIOS,
    OUT_TERMIOS,
};

struct command {
    uint32_t cmd;
    uint8_t arg;
};

static const struct command fcntl_commands[] = {
    {LINUX_F_DUPFD, INT},           {LINUX_F_DUPFD_CLOEXEC, INT},  {LINUX_F_DUPFD_QUERY, INT},
    {LINUX_F_GETFD, NOTHING},       {LINUX_F_SETFD, FLAGS_FD},     {LINUX_F_GETFL, NOTHING},
    {LINUX_F_SETFL, FLAGS_OPEN},    {LINUX_F_GETLK, OUT_LOCK},     {LINUX_F_SETLK, IN_LOCK},
    {LINUX_F_SETLKW, IN_LOCK},      {LINUX_F_OFD_GETLK, OUT_LOCK}, {LINUX_F_OFD_SETLK, IN_LOCK},
    {LINUX_F_OFD_SETLKW, IN_LOCK},  {LINUX_F_SETOWN, INT},         {LINUX_F_GETOWN, NOTHING},
    {LINUX_F_SETSIG, SIGNAL},       {LINUX_F_GETSIG, NOTHING},     {LINUX_F_SETOWN_EX, IN_OWNER},
    {LINUX_F_GETOWN_EX, OUT_OWNER}, {LINUX_F_SETLEASE, INT},       {LINUX_F_GETLEASE, NOTHING},
    {LINUX_F_SETPIPE_SZ, INT},      {LINUX_F_GETPIPE_SZ, NOTHING}, {LINUX_F_ADD_SEALS, SEALS},
    {LINUX_F_GET_SEALS, NOTHING},
};

static const struct command ioctl_commands[] = {
    {0x5401, OUT_TERMIOS}, /* TCGETS */
    {0x5402, IN_TERMIOS},  /* TCSETS, TCSETSW, TCSETSF */
    {0x5403, IN_TERMIOS},
    {0x5404, IN_TERMIOS},
    {0x802c542a, OUT_TERMIOS}, /* TCGETS2 ... */
    {0x402c542b, IN_TERMIOS},
    {0x402c542c, IN_TERMIOS},
    {0x402c542d, IN_TERMIOS},
    {0x5413, OUT_WINSIZE}, /* TIOCGWINSZ */
    {0x5414, IN_WINSIZE},
    {0x5409, INT}, /* TCSBRK, TCXONC, TCFLSH */
    {0x540a, INT},
    {0x540b, INT},
    {0x540c, NOTHING}, /* TIOCEXCL, TIOCNXCL */
    {0x540d, NOTHING},
    {0x540e, INT},     /* TIOCSCTTY */
    {0x540f, OUT_INT}, /* TIOCGPGRP */
    {0x5410, IN_INT},
    {0x5411, OUT_INT}, /* TIOCOUTQ */
    {0x541b, OUT_INT}, /* FIONREAD */
    {0x5420, IN_INT},  /* TIOCPKT, FIONBIO */
    {0x5421, IN_INT},
    {0x5422, NOTHING}, /* TIOCNOTTY */
    {0x5423, IN_INT},  /* TIOCSETD */
    {0x5424, OUT_INT},
    {0x5425, INT},         /* TCSBRKP */
    {0x5429, OUT_INT},     /* TIOCGSID */
    {0x80045430, OUT_INT}, /* TIOCGPTN */
    {0x40045431, IN_INT},  /* TIOCSPTLCK */
    {0x40045436, INT},     /* TIOCSIG */
    {0x5437, NOTHING},     /* TIOCVHANGUP */
    {0x80045438, OUT_INT}, /* TIOCGPKT, TIOCGPTLCK, TIOCGEXCL */
    {0x80045439, OUT_INT},
    {0x80045440, OUT_INT},
    {0x5441, FLAGS_OPEN}, /* TIOCGPTPEER */
    {0x5450, NOTHING},    /* FIONCLEX, FIOCLEX */
    {0x5451, NOTHING},
    {0x5452, IN_INT}, /* FIOASYNC */
    {0x8901, IN_INT}, /* FIOSETOWN, SIOCSPGRP */
    {0x8902, IN_INT},
    {0x8903, OUT_INT}, /* FIOGETOWN, SIOCGPGRP, SIOCATMARK */
    {0x8904, OUT_INT},
    {0x8905, OUT_INT},
    {0x80086601, OUT_HEX}, /* FS_IOC_GETFLAGS */
    {0x40049409, INT},     /* FICLONE */
};

static enum control find_command(const struct command *table, size_t count, uint64_t cmd)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].cmd == (uint32_t)cmd)
            return table[i].arg;
    }
    return ADDRESS;
}
#define FIND_COMMAND(table, cmd) find_command(table, sizeof(table) / sizeof((table)[0]), cmd)

static bool is_output(enum control kind)
{
    return kind == OUT_LOCK || kind == OUT_OWNER || kind == OUT_INT || kind == OUT_HEX ||
           kind == OUT_WINSIZE || kind == OUT_TERMIOS;
}

static void put_lock(struct trace_call *c, uint64_t v, bool with_pid)
{
    struct linux_flock l;
    if (!fetch(c, &l, v, sizeof(l)))
        return;
    text_put(c->out, "{l_type=");
    names_put_type(c->out, "locktype", (uint32_t)l.l_type);
    text_put(c->out, ", l_whence=");
    names_put_type(c->out, "whence", (uint32_t)l.l_whence);
    text_put(c->out, ", l_start=%lld, l_len=%lld", (long long)l.l_start, (long long)l.l_len);
    text_put(c->out, with_pid ? ", l_pid=%d}" : "}", l.l_pid);
}

static void put_owner(struct trace_call *c, uint64_t v)
{
    int32_t owner[2];
    if (!fetch(c, owner, v, sizeof(owner)))
        return;
    text_put(c->out, "{type=");
    names_put_type(c->out, "fowner", (uint32_t)owner[0]);
    text_put(c->out, ", pid=%d}", owner[1]);
}

static void put_winsize(struct trace_call *c, uint64_t v)
{
    uint16_t ws[4];
    if (fetch(c, ws, v, sizeof(ws)))
        text_put(c->out, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", ws[0], ws[1], ws[2],
                 ws[3]);
}

/* Fields of several bits that are an enumeration, then the flags. */
static void put_termios(struct trace_call *c, uint64_t v)
{
    uint32_t flags[4]; /* c_iflag, c_oflag, c_cflag, c_lflag */
    struct trace_text *t = c->out;
    if (!fetch(c, flags, v, sizeof(flags)))
        return;
    text_put(t, "{c_iflag=");
    names_put_type(t, "iflag", flags[0]);
    uint32_t o = flags[1], rest = flags[2] & ~(0x100fu | 060u);
    text_put(t, ", c_oflag=NL%u|CR%u|TAB%u|BS%u|VT%u|FF%u", o >> 8 & 1, o >> 9 & 3, o >> 11 & 3,
             o >> 13 & 1, o >> 14 & 1, o >> 15 & 1);
    if (o & 0xff) {
        text_put(t, "|");
        names_put_type(t, "oflag", o & 0xff);
    }
    text_put(t, ", c_cflag=");
    names_put_type(t, "baud", flags[2] & 0x100f);
    text_put(t, "|");
    names_put_type(t, "csize", flags[2] & 060);
    if (rest) {
        text_put(t, "|");
        names_put_type(t, "cflag", rest);
    }
    text_put(t, ", c_lflag=");
    names_put_type(t, "lflag", flags[3]);
    text_put(t, ", ...}");
}

static void put_control(struct trace_call *c, enum control kind, uint64_t v)
{
    uint64_t word = 0;
    switch (kind) {
    case NOTHING: break;
    case INT: text_put(c->out, "%d", (int)v); break;
    case ADDRESS: text_put(c->out, "%#llx", (unsigned long long)v); break;
    case SIGNAL: names_put_signal(c->out, (int)v); break;
    case FLAGS_FD: names_put_type(c->out, "fdflags", v); break;
    case FLAGS_OPEN: put_open_flags(c->out, v); break;
    case SEALS: names_put_type(c->out, "seals", v); break;
    case IN_LOCK: put_lock(c, v, false); break;
    case OUT_LOCK: put_lock(c, v, true); break;
    case IN_OWNER:
    case OUT_OWNER: put_owner(c, v); break;
    case IN_INT:
    case OUT_INT:
        if (fetch(c, &word, v, 4))
            text_put(c->out, "[%d]", (int)word);
        break;
    case OUT_HEX:
        if (fetch(c, &word, v, 4))
            text_put(c->out, "[%#x]", (unsigned)word);
        break;
    case IN_WINSIZE:
    case OUT_WINSIZE: put_winsize(c, v); break;
    case IN_TERMIOS:
    case OUT_TERMIOS: put_termios(c, v); break;
    }
}

/* The command before, with the argument unless the call fills that in. */
static void put_command(struct trace_call *c, enum control kind)
{
    if (c->after != is_output(kind) || kind == NOTHING)
        return;
    text_put(c->out, ", ");
    put_control(c, kind, call_arg(c, 2));
}

static void put_fcntl(struct trace_call *c, uint64_t v)
{
    if (!c->after)
        names_put_type(c->out, "fcntlcmd", v);
    put_command(c, FIND_COMMAND(fcntl_commands, v));
}

static void put_ioctl_command(struct trace_text *t, uint32_t cmd)
{
    static const char *const directions[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                             "_IOC_READ|_IOC_WRITE"};
    const struct trace_names *set = names_find("ioctl");
    for (size_t i = 0; i < set->count; i++) {
        if (set->names[i].value == cmd) {
            text_put(t, "%s", set->names[i].name);
            return;
        }
    }
    text_put(t, "_IOC(%s, %#x, %#x, %#x)", directions[cmd >> 30], cmd >> 8 & 0xff, cmd & 0xff,
             cmd >> 16 & 0x3fff);
}

static void put_ioctl(struct trace_call *c, uint64_t v)
{
    if (!c->after)
        put_ioctl_command(c->out, (uint32_t)v);
    put_command(c, FIND_COMMAND(ioctl_commands, v));
}

const struct arg_type types_control[] = {
    {"fcntl", ARG_BOTH, put_fcntl, 0},
    {"ioctl", ARG_BOTH, put_ioctl, 0},
    {NULL, 0, NULL, 0},
};
