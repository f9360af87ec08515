/*
 * peer.h - looking into another process that runs a guest of the same run, by its host number.
 *
 * All processes of a run are forks of one, so that an object which was made before the first fork
 * lies at the same address in each. A look is of a moment: the other process goes on meanwhile.
 * A process allows it by host_life_hold(); where the host forbids it all the same every function
 * fails with -LINUX_EPERM.
 */
#ifndef ELFUSE_HOST_PEER_H
#define ELFUSE_HOST_PEER_H

#include <stddef.h>
#include <stdint.h>

/* Copy len bytes at `addr`, an address of the other process. 0 or -errno: -LINUX_ESRCH when it (or
 * its memory) is gone, -LINUX_EFAULT when not all of it is there. pid may be a thread's number. */
int host_peer_read(int32_t pid, const void *addr, void *buf, size_t len);
int host_peer_write(int32_t pid, void *addr, const void *buf, size_t len);

/* Flags of an open file as the host writes them in fdinfo, in the guest's numbers. */
int host_flags_of_text(unsigned flags);

#endif
