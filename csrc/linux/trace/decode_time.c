/* decode_time.c - arguments of clocks, timers and resource usage. */
#include "linux/abi/sched.h"
#include "linux/abi/time.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

void put_timespec(struct trace_text *t, const struct linux_timespec *ts)
{
    text_put(t, "{tv_sec=%lld, tv_nsec=%lld}", (long long)ts->tv_sec, (long long)ts->tv_nsec);
}

void put_timeval(struct trace_text *t, const struct linux_timeval *tv)
{
    text_put(t, "{tv_sec=%lld, tv_usec=%lld}", (long long)tv->tv_sec, (long long)tv->tv_usec);
}

static void put_timespec_arg(struct trace_call *c, uint64_t v)
{
    struct linux_timespec ts;
    if (fetch(c, &ts, v, sizeof(ts)))
        put_timespec(c->out, &ts);
}

/* The time left of a sleep, which only an interrupted one stores. */
static void put_remaining(struct trace_call *c, uint64_t v)
{
    struct linux_timespec ts;
    bool stored = c->ret == -LINUX_EINTR || c->ret == -LINUX_ERESTART_RESTARTBLOCK;
    if (v && stored && copy_from_user(c->task, &ts, v, sizeof(ts)) == 0)
        put_timespec(c->out, &ts);
    else
        text_address(c->out, v);
}

static void put_itimerspec(struct trace_call *c, uint64_t v)
{
    struct linux_itimerspec its;
    if (!fetch(c, &its, v, sizeof(its)))
        return;
    text_put(c->out, "{it_interval=");
    put_timespec(c->out, &its.it_interval);
    text_put(c->out, ", it_value=");
    put_timespec(c->out, &its.it_value);
    text_put(c->out, "}");
}

static void put_itimerval(struct trace_call *c, uint64_t v)
{
    struct linux_itimerval itv;
    if (!fetch(c, &itv, v, sizeof(itv)))
        return;
    text_put(c->out, "{it_interval=");
    put_timeval(c->out, &itv.it_interval);
    text_put(c->out, ", it_value=");
    put_timeval(c->out, &itv.it_value);
    text_put(c->out, "}");
}

static void put_timeval_arg(struct trace_call *c, uint64_t v)
{
    struct linux_timeval tv;
    if (fetch(c, &tv, v, sizeof(tv)))
        put_timeval(c->out, &tv);
}

static void put_timezone(struct trace_call *c, uint64_t v)
{
    struct linux_timezone tz;
    if (fetch(c, &tz, v, sizeof(tz)))
        text_put(c->out, "{tz_minuteswest=%d, tz_dsttime=%d}", tz.tz_minuteswest, tz.tz_dsttime);
}

static void put_sigevent(struct trace_call *c, uint64_t v)
{
    struct linux_sigevent ev;
    if (!fetch(c, &ev, v, sizeof(ev)))
        return;
    text_put(c->out, "{sigev_value={sival_int=%d, sival_ptr=", (int)ev.sigev_value);
    text_address(c->out, ev.sigev_value);
    text_put(c->out, "}, sigev_signo=");
    if (ev.sigev_notify == LINUX_SIGEV_NONE)
        text_put(c->out, "%d", ev.sigev_signo);
    else
        names_put_signal(c->out, ev.sigev_signo);
    text_put(c->out, ", sigev_notify=");
    names_put_type(c->out, "sigevnotify", (uint32_t)ev.sigev_notify);
    if (ev.sigev_notify == LINUX_SIGEV_THREAD_ID)
        text_put(c->out, ", sigev_notify_thread_id=%d", ev.sigev_tid);
    text_put(c->out, "}");
}

static void put_tms(struct trace_call *c, uint64_t v)
{
    struct linux_tms tms;
    if (fetch(c, &tms, v, sizeof(tms)))
        text_put(c->out, "{tms_utime=%lld, tms_stime=%lld, tms_cutime=%lld, tms_cstime=%lld}",
                 (long long)tms.tms_utime, (long long)tms.tms_stime, (long long)tms.tms_cutime,
                 (long long)tms.tms_cstime);
}

static void put_rusage(struct trace_call *c, uint64_t v)
{
    struct linux_rusage ru;
    if (!fetch(c, &ru, v, sizeof(ru)))
        return;
    text_put(c->out, "{ru_utime=");
    put_timeval(c->out, &ru.ru_utime);
    text_put(c->out, ", ru_stime=");
    put_timeval(c->out, &ru.ru_stime);
    text_put(c->out, ", ...}");
}

/* uapi/linux/timex.h: struct __kernel_timex. */
static void put_timex(struct trace_call *c, uint64_t v)
{
    struct {
        uint32_t modes, pad;
        int64_t offset, freq, maxerror, esterror;
        int32_t status, pad2;
        int64_t constant, precision, tolerance;
        struct linux_timeval time;
        int64_t tick, ppsfreq, jitter;
        int32_t shift, pad3;
        int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
        int32_t tai;
    } x;
    if (!fetch(c, &x, v, sizeof(x)))
        return;
    text_put(c->out, "{modes=");
    names_put_type(c->out, "adjmodes", x.modes);
    text_put(c->out,
             ", offset=%lld, freq=%lld, maxerror=%lld, esterror=%lld, status=", (long long)x.offset,
             (long long)x.freq, (long long)x.maxerror, (long long)x.esterror);
    names_put_type(c->out, "adjstatus", (uint32_t)x.status);
    text_put(c->out,
             ", constant=%lld, precision=%lld, tolerance=%lld, time=", (long long)x.constant,
             (long long)x.precision, (long long)x.tolerance);
    put_timeval(c->out, &x.time);
    text_put(c->out, ", tick=%lld, ppsfreq=%lld, jitter=%lld, shift=%d", (long long)x.tick,
             (long long)x.ppsfreq, (long long)x.jitter, x.shift);
    text_put(c->out, ", stabil=%lld, jitcnt=%lld, calcnt=%lld, errcnt=%lld, stbcnt=%lld, tai=%d}",
             (long long)x.stabil, (long long)x.jitcnt, (long long)x.calcnt, (long long)x.errcnt,
             (long long)x.stbcnt, x.tai);
}

/* wait4(WNOHANG) without a child that ended stores nothing. */
static void put_wait_rusage(struct trace_call *c, uint64_t v)
{
    if (c->ret > 0)
        put_rusage(c, v);
    else
        text_address(c->out, v);
}

const struct arg_type types_time[] = {
    {"timespec", ARG_BEFORE, put_timespec_arg, 0},
    {"outtimespec", ARG_AFTER, put_timespec_arg, 0},
    {"outremain", ARG_AFTER, put_remaining, 0},
    {"itimerspec", ARG_BEFORE, put_itimerspec, 0},
    {"outitimerspec", ARG_AFTER, put_itimerspec, 0},
    {"itimerval", ARG_BEFORE, put_itimerval, 0},
    {"outitimerval", ARG_AFTER, put_itimerval, 0},
    {"timeval", ARG_BEFORE, put_timeval_arg, 0},
    {"outtimeval", ARG_AFTER, put_timeval_arg, 0},
    {"timezone", ARG_BEFORE, put_timezone, 0},
    {"outtimezone", ARG_AFTER, put_timezone, 0},
    {"sigevent", ARG_BEFORE, put_sigevent, 0},
    {"outtms", ARG_AFTER, put_tms, 0},
    {"outrusage", ARG_AFTER, put_rusage, 0},
    {"outwaitrusage", ARG_AFTER, put_wait_rusage, 0},
    {"outtimex", ARG_AFTER, put_timex, 0},
    {NULL, 0, NULL, 0},
};
