/*
 * io.h - descriptors: reading, writing, duplicating, controlling. Guest descriptor N is host
 * descriptor N.
 *
 * Our own descriptors live at host_fd_boundary() and above, so that the guest never sees them;
 * every guest number is looked at (fd_is_guest()) before it reaches a function here. Calls that may
 * wait return -LINUX_ERESTARTSYS when a signal for the guest arrives.
 */
#ifndef ELFUSE_HOST_IO_H
#define ELFUSE_HOST_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/abi/fs.h"

/*
 * Most descriptors that a guest may have. Found once, from RLIMIT_NOFILE, whose soft limit is
 * raised to the hard one: min(GUEST_FD_LIMIT, three quarters of it).
 */
int host_fd_most(void);
/* Numbers below this are never ours: GUEST_FD_USUAL, or what host_fd_most() is below it. */
int host_fd_plain(void);
/*
 * Where ours are put. As low as the guest's limit lets them be, because the host's fork copies the
 * table up to the highest one that is open, 40 us for 15,000: host_fd_plain(), and from
 * host_fd_raise() on host_fd_most(). What was put there before stays, among the guest's numbers.
 */
int host_fd_boundary(void);
void host_fd_raise(void);
/* Move fd above the boundary (close-on-exec) and close fd; the new number, or -errno with fd
 * closed. fd may be negative: returned as it is. */
int host_fd_private(int fd);
int host_fd_close(int fd);

int64_t host_read(int fd, void *buf, size_t len);
int64_t host_write(int fd, const void *buf, size_t len);
struct host_iovec;
int64_t host_readv(int fd, const struct host_iovec *iov, int count);
int64_t host_writev(int fd, const struct host_iovec *iov, int count);
int64_t host_pread(int fd, void *buf, size_t len, int64_t offset);
int64_t host_pwrite(int fd, const void *buf, size_t len, int64_t offset);
/* offset -1 uses and moves the file offset; flags are RWF_*, the same numbers everywhere. */
int64_t host_preadv2(int fd, const struct host_iovec *iov, int count, int64_t offset, int flags);
int64_t host_pwritev2(int fd, const struct host_iovec *iov, int count, int64_t offset, int flags);
int64_t host_lseek(int fd, int64_t offset, int whence);

int host_fallocate(int fd, int mode, int64_t offset, int64_t len);
int host_fsync(int fd, bool data_only);
int host_sync_file_range(int fd, int64_t offset, int64_t len, unsigned flags);
int host_syncfs(int fd);
int host_fadvise(int fd, int64_t offset, int64_t len, int advice);
int host_readahead(int fd, int64_t offset, size_t len);

int64_t host_sendfile(int out, int in, int64_t *offset, size_t count);
int64_t host_splice(int in, int64_t *off_in, int out, int64_t *off_out, size_t len, unsigned flags);
int64_t host_tee(int in, int out, size_t len, unsigned flags);
int64_t host_vmsplice(int fd, const struct host_iovec *iov, size_t count, unsigned flags);
int64_t host_copy_file_range(int in, int64_t *off_in, int out, int64_t *off_out, size_t len,
                             unsigned flags);

int host_pipe2(int fds[2], int flags);
int host_dup(int fd);
int host_dup3(int oldfd, int newfd, int flags);
/* Lowest free number >= min, as F_DUPFD(_CLOEXEC). */
int host_dupfd(int fd, int min, bool cloexec);
/* Whether both are one open file description: false where the host does not tell. */
bool host_same_open_file(int a, int b);
int host_getfl(int fd); /* arm64 flags */
int host_setfl(int fd, int flags);
/* Commands whose argument and numbers are the same on every architecture: integer or pointer. May
 * wait (F_SETLKW). */
int64_t host_fcntl(int fd, int cmd, uint64_t arg);
int host_flock(int fd, int operation);
/* Open descriptors of the process in fds[max]: their number (at most max). cloexec_only: those
 * below host_fd_plain() that are marked. */
int host_list_fds(int *fds, int max, bool cloexec_only);
/* close_range over [first, last], whoever's the descriptors are: the caller has left out ours. */
int host_close_range(unsigned first, unsigned last, unsigned flags);

/* An ioctl whose number and argument layout are those of asm-generic (so the same on x86 and
 * arm64). */
int64_t host_ioctl(int fd, uint64_t request, uint64_t arg);

int host_inotify_init(int flags);
/* Watch what fd (any descriptor, O_PATH too) is open on. */
int host_inotify_add_fd(int inotify, int fd, uint32_t mask);
/* Whether a watch with this mask can be put on it at all: 0, or -errno. */
int host_inotify_check(int inotify, uint32_t mask);
int host_inotify_rm(int inotify, int wd);

#endif
