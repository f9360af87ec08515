/* alarm.h - a signal that interrupts a call: SIGALRM so many milliseconds from now, counted. */
#ifndef ELFUSE_GUEST_ALARM_H
#define ELFUSE_GUEST_ALARM_H

#include <sys/time.h>

#include "guest.h"

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void alarm_in(int ms)
{
    struct itimerval it = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &it, NULL);
}

#endif
