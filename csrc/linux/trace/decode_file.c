/* decode_file.c - arguments of the file calls. */
#include "linux/abi/fs.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

void put_device(struct trace_text *t, uint64_t dev)
{
    text_put(t, "makedev(%#x, %#x)", linux_major(dev), linux_minor(dev));
}

void put_mode(struct trace_text *t, uint32_t mode)
{
    uint32_t type = mode & LINUX_S_IFMT;
    if (type) {
        names_put_type(t, "filetype", type);
        text_put(t, "|%s%s%s", mode & LINUX_S_ISUID ? "S_ISUID|" : "",
                 mode & LINUX_S_ISGID ? "S_ISGID|" : "", mode & LINUX_S_ISVTX ? "S_ISVTX|" : "");
        mode &= 0777;
    }
    text_octal(t, mode);
}

void put_open_flags(struct trace_text *t, uint64_t flags)
{
    if (!(flags & LINUX_O_ACCMODE))
        text_put(t, "O_RDONLY%s", (uint32_t)flags ? "|" : "");
    if ((uint32_t)flags)
        names_put_type(t, "oflags", flags);
}

static void put_oflags(struct trace_call *c, uint64_t v)
{
    put_open_flags(c->out, v);
}

/* A mode that only a call that creates has; the flags stand before it. */
static void put_omode(struct trace_call *c, uint64_t v)
{
    uint64_t flags = call_arg(c, c->index - 1);
    if (flags & (LINUX_O_CREAT | LINUX___O_TMPFILE))
        text_octal(c->out, (uint32_t)v & LINUX_S_IALLUGO);
}

static void put_permissions(struct trace_call *c, uint64_t v)
{
    text_octal(c->out, (uint16_t)v);
}

static void put_node_mode(struct trace_call *c, uint64_t v)
{
    put_mode(c->out, (uint16_t)v);
}

static void put_node_device(struct trace_call *c, uint64_t v)
{
    uint32_t mode = (uint32_t)call_arg(c, c->index - 1);
    if (LINUX_S_ISCHR(mode) || LINUX_S_ISBLK(mode))
        put_device(c->out, (uint32_t)v);
}

static void put_stat(struct trace_call *c, uint64_t v)
{
    struct linux_stat st;
    if (!fetch(c, &st, v, sizeof(st)))
        return;
    text_put(c->out, "{st_mode=");
    put_mode(c->out, st.st_mode);
    if (LINUX_S_ISCHR(st.st_mode) || LINUX_S_ISBLK(st.st_mode)) {
        text_put(c->out, ", st_rdev=");
        put_device(c->out, st.st_rdev);
    } else {
        text_put(c->out, ", st_size=%lld", (long long)st.st_size);
    }
    text_put(c->out, ", ...}");
}

static void put_statx(struct trace_call *c, uint64_t v)
{
    struct linux_statx st;
    if (!fetch(c, &st, v, sizeof(st)))
        return;
    text_put(c->out, "{stx_mask=");
    names_put_type(c->out, "statxmask", st.stx_mask);
    text_put(c->out, ", stx_attributes=");
    names_put_type(c->out, "statxattr", st.stx_attributes);
    text_put(c->out, ", stx_mode=");
    put_mode(c->out, st.stx_mode);
    text_put(c->out, ", stx_size=%llu, ...}", (unsigned long long)st.stx_size);
}

static void put_statx_flags(struct trace_call *c, uint64_t v)
{
    names_put_type(c->out, "statxsync", v & LINUX_AT_STATX_SYNC_TYPE);
    if ((uint32_t)v & ~LINUX_AT_STATX_SYNC_TYPE) {
        text_put(c->out, "|");
        names_put_type(c->out, "atflags", v & ~(uint64_t)LINUX_AT_STATX_SYNC_TYPE);
    }
}

static void put_statfs(struct trace_call *c, uint64_t v)
{
    struct linux_statfs f;
    if (!fetch(c, &f, v, sizeof(f)))
        return;
    text_put(c->out, "{f_type=");
    names_put_type(c->out, "fsmagic", (uint64_t)f.f_type);
    text_put(c->out, ", f_bsize=%lld, f_blocks=%llu, f_bfree=%llu, f_bavail=%llu, f_files=%llu",
             (long long)f.f_bsize, (unsigned long long)f.f_blocks, (unsigned long long)f.f_bfree,
             (unsigned long long)f.f_bavail, (unsigned long long)f.f_files);
    text_put(c->out, ", f_ffree=%llu, f_fsid={val=[%#x, %#x]}, f_namelen=%lld, f_frsize=%lld",
             (unsigned long long)f.f_ffree, (unsigned)f.f_fsid[0], (unsigned)f.f_fsid[1],
             (long long)f.f_namelen, (long long)f.f_frsize);
    text_put(c->out, ", f_flags=");
    names_put_type(c->out, "stflags", (uint64_t)f.f_flags);
    text_put(c->out, "}");
}

static void put_open_how(struct trace_call *c, uint64_t v)
{
    struct linux_open_how how;
    if (call_arg(c, c->index + 1) < sizeof(how)) {
        text_address(c->out, v);
        return;
    }
    if (!fetch(c, &how, v, sizeof(how)))
        return;
    text_put(c->out, "{flags=");
    put_open_flags(c->out, how.flags);
    if (how.mode || (how.flags & (LINUX_O_CREAT | LINUX___O_TMPFILE))) {
        text_put(c->out, ", mode=");
        text_octal(c->out, how.mode);
    }
    text_put(c->out, ", resolve=");
    names_put_type(c->out, "resolveflags", how.resolve);
    text_put(c->out, "}");
}

/* The address, and how many entries the call stored there. */
static void put_dirents(struct trace_call *c, uint64_t v)
{
    unsigned count = 0;
    uint16_t size = 0;
    text_address(c->out, v);
    if (call_failed(c) || !v)
        return;
    for (int64_t at = 0; at < c->ret; at += size, count++) {
        if (copy_from_user(c->task, &size, v + (uint64_t)at + 16, sizeof(size)) || !size)
            break;
    }
    text_put(c->out, count == 1 ? " /* %u entry */" : " /* %u entries */", count);
}

/* ---- time stamps ---- */

/* Days since 1970 as a date of the Gregorian calendar, in 400 years of 146097 days. */
static void put_date(struct trace_text *t, const struct linux_timespec *ts)
{
    int64_t days = ts->tv_sec / 86400, rest = ts->tv_sec % 86400;
    if (ts->tv_sec < 0 || days > 2932896) /* the year 9999 */
        return;
    int64_t d = days + 719468, era = d / 146097, doe = d % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    text_put(t, " /* %04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
             (int)(doy - (153 * mp + 2) / 5 + 1), (int)(rest / 3600), (int)(rest / 60 % 60),
             (int)(rest % 60));
    if (ts->tv_nsec)
        text_put(t, ".%09lld", (long long)ts->tv_nsec);
    text_put(t, "+0000 */");
}

static void put_file_times(struct trace_call *c, uint64_t v)
{
    struct linux_timespec times[2];
    if (!fetch(c, times, v, sizeof(times)))
        return;
    for (int i = 0; i < 2; i++) {
        text_put(c->out, i ? ", " : "[");
        if (times[i].tv_nsec == LINUX_UTIME_NOW) {
            text_put(c->out, "UTIME_NOW");
        } else if (times[i].tv_nsec == LINUX_UTIME_OMIT) {
            text_put(c->out, "UTIME_OMIT");
        } else {
            put_timespec(c->out, &times[i]);
            put_date(c->out, &times[i]);
        }
    }
    text_put(c->out, "]");
}

/* ---- io vectors ---- */

/* Of their contents, `bytes` are shown. */
void put_iovecs(struct trace_call *c, gva_t at, uint64_t count, uint64_t bytes)
{
    uint64_t iov[2];
    if (!at || (count && copy_from_user(c->task, iov, at, sizeof(iov)))) {
        text_address(c->out, at);
        return;
    }
    text_put(c->out, "[");
    for (uint64_t i = 0; i < count; i++) {
        gva_t here = at + i * sizeof(iov);
        text_put(c->out, i ? ", " : "");
        if (i == TRACE_LIST_MAX) {
            text_put(c->out, "...");
            break;
        }
        if (copy_from_user(c->task, iov, here, sizeof(iov))) {
            text_put(c->out, "... /* %#llx */", (unsigned long long)here);
            break;
        }
        uint64_t shown = iov[1] < bytes ? iov[1] : bytes;
        bytes -= shown;
        text_put(c->out, "{iov_base=");
        text_user_bytes(c->out, c->task, iov[0], shown, false);
        text_put(c->out, ", iov_len=%llu}", (unsigned long long)iov[1]);
    }
    text_put(c->out, "]");
}

static void put_iovec(struct trace_call *c, uint64_t v)
{
    put_iovecs(c, v, call_arg(c, c->index + 1), UINT64_MAX);
}

static void put_outiovec(struct trace_call *c, uint64_t v)
{
    if (call_failed(c))
        text_address(c->out, v);
    else
        put_iovecs(c, v, call_arg(c, c->index + 1), (uint64_t)c->ret);
}

const struct arg_type types_file[] = {
    {"oflags", ARG_BEFORE, put_oflags, 0},
    {"omode", ARG_BEFORE, put_omode, 0},
    {"mode", ARG_BEFORE, put_permissions, 0},
    {"nodemode", ARG_BEFORE, put_node_mode, 0},
    {"nodedev", ARG_BEFORE, put_node_device, 0},
    {"outstat", ARG_AFTER, put_stat, 0},
    {"outstatx", ARG_AFTER, put_statx, 0},
    {"statxflags", ARG_BEFORE, put_statx_flags, 0},
    {"outstatfs", ARG_AFTER, put_statfs, 0},
    {"openhow", ARG_BEFORE, put_open_how, 0},
    {"outdirents", ARG_AFTER, put_dirents, 0},
    {"filetimes", ARG_BEFORE, put_file_times, 0},
    {"iovec", ARG_BEFORE, put_iovec, 0},
    {"outiovec", ARG_AFTER, put_outiovec, 0},
    {NULL, 0, NULL, 0},
};
