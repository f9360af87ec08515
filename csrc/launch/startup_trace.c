/* startup_trace.c - see startup_trace.h. */
#include "launch/startup_trace.h"

#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "host/time.h"
#include "linux/trace/histogram.h"

#define MAX_STEPS 16

static bool want_steps, want_syscalls;
static uint64_t start;
static unsigned count;
static struct {
    const char *name;
    uint64_t at;
} steps[MAX_STEPS];

static bool is_word(const char *at, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(at, word, len);
}

void startup_trace_begin(void)
{
    const char *at = getenv("ELFUSE_STARTUP_TRACE");
    if (!at)
        return;
    start = host_counter();
    while (*at) {
        size_t len = strcspn(at, ",");
        if (is_word(at, len, "steps"))
            want_steps = true;
        else if (is_word(at, len, "syscalls"))
            want_syscalls = true;
        else if (len)
            host_log("ELFUSE_STARTUP_TRACE: \"%.*s\" is neither steps nor syscalls", (int)len, at);
        at += len;
        at += *at == ',';
    }
}

void startup_trace_step(const char *name)
{
    if (!want_steps || count == MAX_STEPS)
        return;
    steps[count].name = name;
    steps[count++].at = host_counter();
}

int startup_trace_process(struct process *proc)
{
    return want_syscalls ? histogram_start(proc) : 0;
}

void startup_trace_end(void)
{
    uint64_t before = start;
    for (unsigned i = 0; i < count; i++) {
        unsigned long long us = (steps[i].at - start) / 1000, took = (steps[i].at - before) / 1000;
        before = steps[i].at;
        host_log("start %6llu.%03llu ms  +%llu.%03llu  %s", us / 1000, us % 1000, took / 1000,
                 took % 1000, steps[i].name);
    }
}
