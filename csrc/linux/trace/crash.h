/*
 * crash.h - what --verbose says when a signal that dumps core ends a process of the guest: where,
 * with which registers, after which call, called from where.
 */
#ifndef ELFUSE_LINUX_TRACE_CRASH_H
#define ELFUSE_LINUX_TRACE_CRASH_H

#include "linux/kernel.h"

struct linux_siginfo;

/*
 * To the log. On the thread that takes the signal, before the process ends; takes mm->lock. Does
 * nothing for a signal whose default action is not to dump core.
 */
void crash_report(struct task *task, int sig, const struct linux_siginfo *info);

#endif
