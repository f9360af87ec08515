/*
 * poll.h - waiting for descriptors. Structs are Linux's, the same on every architecture but
 * epoll_event, which x86-64 packs: the implementation translates. Waits return -LINUX_ERESTARTSYS
 * when interrupted.
 */
#ifndef ELFUSE_HOST_POLL_H
#define ELFUSE_HOST_POLL_H

#include <stdint.h>

#include "linux/abi/time.h"

struct linux_pollfd {
    int32_t fd;
    int16_t events;
    int16_t revents;
};

#define LINUX_POLLIN   0x0001
#define LINUX_POLLPRI  0x0002
#define LINUX_POLLOUT  0x0004
#define LINUX_POLLERR  0x0008
#define LINUX_POLLHUP  0x0010
#define LINUX_POLLNVAL 0x0020

struct linux_epoll_event {
    uint32_t events;
    uint32_t pad;
    uint64_t data;
};

/* ppoll(2); *timeout is updated to what is left. NULL: for ever. */
int host_poll(struct linux_pollfd *fds, uint32_t count, struct linux_timespec *timeout);

/* pselect6(2) without a mask; sets are `bytes` of it long and may be NULL. *timeout is updated. */
int host_select(int count, void *in, void *out, void *ex, struct linux_timespec *timeout);

int host_epoll_create1(int flags);
int host_epoll_ctl(int epfd, int op, int fd, const struct linux_epoll_event *event);
/* At most `max` events into `events`; timeout NULL: for ever. */
int host_epoll_wait(int epfd, struct linux_epoll_event *events, int max,
                    const struct linux_timespec *timeout);

int host_eventfd(uint32_t value, int flags);

#endif
