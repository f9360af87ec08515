/*
 * writelog.h - which bytes of its private memory a process has changed since a moment.
 *
 * For the child of a vfork (process/vfork.c), which has one thread. Private writable areas become
 * read-only on the host; the first write to a page keeps a copy of it and makes it writable again.
 * Mappings that change meanwhile are the child's own affair.
 */
#ifndef ELFUSE_LINUX_WRITELOG_H
#define ELFUSE_LINUX_WRITELOG_H

#include "linux/mm/mm.h"

/* When there is no memory for it the writes are not logged. */
void mm_log_start(struct mm *mm);
/* Forget the log; what is mapped gets its protection back. */
void mm_log_stop(struct mm *mm);

/* Calls fn on each run of bytes that differ from the copies, until it returns non-zero. */
void mm_log_each(struct mm *mm, int (*fn)(void *arg, gva_t addr, const void *bytes, uint64_t len),
                 void *arg);

/* In the host's fault handler, for a write: true when the page was logged and the write may be
 * tried again. */
bool mm_log_fault(struct mm *mm, gva_t addr);
/* [addr, addr+len) is about to be handed to the host, which does not fault on it. */
void mm_log_touch(struct mm *mm, gva_t addr, uint64_t len);

#endif
