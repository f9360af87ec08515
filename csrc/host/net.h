/*
 * net.h - the host's sockets. Numbers, sockaddrs, options and control messages are Linux's. Results
 * are 0 or positive, or a negative Linux errno; calls that may wait return -LINUX_ERESTARTSYS when
 * a signal comes.
 */
#ifndef ELFUSE_HOST_NET_H
#define ELFUSE_HOST_NET_H

#include <stddef.h>
#include <stdint.h>

struct host_iovec;

struct host_msg {
    void *name;
    uint32_t name_len;
    const struct host_iovec *iov;
    size_t iov_count;
    void *control;
    size_t control_len;
    uint32_t flags; /* out: MSG_TRUNC ... */
};

int host_socket(int domain, int type, int protocol);
int host_socketpair(int domain, int type, int protocol, int fds[2]);
int host_bind(int fd, const void *addr, uint32_t len);
/*
 * host_bind() of an AF_UNIX path that is relative to the directory dirfd, O_PATH or not. The
 * process's current directory, which nothing else may depend on, is changed for a moment: what the
 * host tells of the socket's name is the path alone, which leaves all of sun_path to the caller.
 */
int host_bind_in(int dirfd, int fd, const void *addr, uint32_t len);
int host_listen(int fd, int backlog);
int host_accept4(int fd, void *addr, uint32_t *len, int flags); /* waits */
int host_connect(int fd, const void *addr, uint32_t len);       /* waits */
int host_getsockname(int fd, void *addr, uint32_t *len);
int host_getpeername(int fd, void *addr, uint32_t *len);
int host_shutdown(int fd, int how);
int host_setsockopt(int fd, int level, int name, const void *value, uint32_t len);
int host_getsockopt(int fd, int level, int name, void *value, uint32_t *len);
int64_t host_sendmsg(int fd, const struct host_msg *msg, int flags); /* waits */
int64_t host_recvmsg(int fd, struct host_msg *msg, int flags);       /* waits */

#endif
