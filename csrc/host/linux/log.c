#include "host/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "host/linux/safe_syscall.h"

static int log_fd = 2;

void host_log_to(int fd)
{
    log_fd = fd;
}

void host_write_all(int fd, const char *text, unsigned long len)
{
    while (len) {
        long n = host_syscall(SYS_write, fd, text, len);
        if (n == -LINUX_EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        len -= (unsigned long)n;
    }
}

/* Names come from images and guests: what would start a new line or drive a terminal is shown as
 * '?'. */
static void harmless(char *text, unsigned long len)
{
    for (unsigned char *p = (unsigned char *)text; len--; p++)
        if (*p < 0x20 || *p == 0x7f ||
            (*p == 0xc2 && len && p[1] < 0xa0)) /* C1 controls in UTF-8 */
            *p = '?';
}

void host_log(const char *format, ...)
{
    char line[512] = "elfuse: ";
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line + 8, sizeof(line) - 9, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    unsigned long len = 8 + (unsigned long)n;
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    harmless(line, len);
    line[len++] = '\n';
    host_write_all(log_fd, line, len);
}
