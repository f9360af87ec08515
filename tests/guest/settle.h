/* settle.h - threads that count how far they are, and who waits until all of them are there. */
#ifndef ELFUSE_GUEST_SETTLE_H
#define ELFUSE_GUEST_SETTLE_H

#include "guest.h"

static inline void count(volatile int *what)
{
    __atomic_add_fetch(what, 1, __ATOMIC_SEQ_CST);
}

static void settle(volatile int *what, int n)
{
    for (int i = 0; i < 2000 && *what < n; i++)
        usleep(1000);
    EQ(*what, n);
    usleep(20000); /* from counted to asleep */
}

#endif
