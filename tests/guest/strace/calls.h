/* calls.h - for the programs whose system calls are compared with strace's output: the same source
 * is built for arm64 and for the host. What lies between begin() and end() counts. */
#ifndef STRACE_CALLS_H
#define STRACE_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static inline void begin(void)
{
    CALL(write, -1, "BEGIN", 5);
}

static inline void end(void)
{
    CALL(write, -1, "END", 3);
}

#endif
