/* strace_names.h - names of flags and enumerations, by the type words of syscalls.def. */
#ifndef ELFUSE_LINUX_STRACE_NAMES_H
#define ELFUSE_LINUX_STRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Append value as the type's names ("O_RDWR|O_CLOEXEC") to text, whose length is *len; hexadecimal
 * if the type has none. */
void strace_put_flags(char *text, size_t size, size_t *len, const char *type, uint64_t value);

#endif
