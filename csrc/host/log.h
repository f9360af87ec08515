/* log.h - elfuse's own lines for the person who started it: "elfuse: ...", on the launcher's
 * standard error. */
#ifndef ELFUSE_HOST_LOG_H
#define ELFUSE_HOST_LOG_H

/* Write later lines to `fd`, a descriptor out of the guest's reach. Until then: 2. */
void host_log_to(int fd);

/* One line, without "elfuse: " and newline. Cut at 500 bytes. Any thread; not from a signal
 * handler. */
void host_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes as they are, to any descriptor; partial writes are continued, errors are ignored. */
void host_write_all(int fd, const char *text, unsigned long len);

#endif
