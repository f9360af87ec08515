/*
 * net.h - between the files of net/, and what other folders ask of them.
 *
 * Sockets are the host's; what is changed on the way are AF_UNIX names (which are paths in the
 * guest, or abstract names that the run shares with nobody), credentials and descriptors. Nothing
 * here is a process's own: a name that one process of the run gave is told rightly in another.
 */
#ifndef ELFUSE_LINUX_NET_H
#define ELFUSE_LINUX_NET_H

#include "linux/abi/socket.h"
#include "linux/kernel.h"

/* Once, before the first fork(): what the processes of the run share. 0 or -errno. */
int net_create(void);

/* ---- name.c: socket names as they cross the border ---- */

struct sock_name {
    _Alignas(8) uint8_t data[LINUX_SOMAXADDR];
    uint32_t len;
    int fd; /* keeps the path alive, or -1: sock_name_done() */
};

#define SOCK_NAME_NONE ((struct sock_name){.fd = -1})

/* move_addr_to_kernel(): the bytes as the guest gave them. 0, -LINUX_EINVAL, -LINUX_EFAULT. */
int sock_name_copy(struct task *task, struct sock_name *name, gva_t addr, uint32_t len);
/* Make it what the host is to see, to connect socket fd or send from it. 0 or -errno; call
 * sock_name_done() after either. */
int sock_name_resolve(struct task *task, int fd, struct sock_name *name);
int sock_name_resolve_to_send(struct task *task, int fd, struct sock_name *name);
void sock_name_done(struct sock_name *name);

/* A name that the host told, as the guest is to see it; len may grow or shrink. */
void sock_name_to_guest(struct sock_name *name);
/* The same, and move_addr_to_user(): the length at addrlen is in and out. */
int sock_name_export(struct task *task, struct sock_name *name, gva_t addr, gva_t addrlen);

/* A socket option of 32 bits (SO_TYPE, SO_DOMAIN ...), or -errno: no socket. */
int64_t sock_option(int fd, int name);
/* A call on fd failed with err before the host was asked: -LINUX_EBADF or -LINUX_ENOTSOCK if fd
 * is at fault, which Linux looks at first, or err. */
int64_t sock_error(int fd, int64_t err);

/* ---- unix.c, abstract.c: AF_UNIX ---- */

#define SUN_PATH_AT 2u /* offsetof(struct sockaddr_un, sun_path) */
#define SUN_MAX     (SUN_PATH_AT + LINUX_UNIX_PATH_MAX)

/* bind(2) of AF_UNIX socket fd to the guest's name. */
int unix_bind(struct task *task, int fd, const struct sock_name *name);
/* unix_autobind(): 0 also if fd has a name. */
int unix_autobind(int fd);
/* A name to connect or send to becomes the host's; fd is set for a path. */
int unix_find(struct task *task, struct sock_name *name);
/* And back. */
void unix_to_guest(struct sock_name *name);

/* Draw the number that makes the run's abstract names its own. 0 or -errno. */
int abstract_create(void);
/* An abstract name (len > SUN_PATH_AT, sun_path[0] is NUL) into the run's own part of the host's
 * name space, and back; a name outside of it stays as it is. */
void abstract_to_host(struct sock_name *name);
void abstract_to_guest(struct sock_name *name);

/* ---- control.c: control messages ---- */

struct control {
    void *buf; /* freed by control_done() */
    size_t len;
};

/* Copy from the guest for socket fd, judge descriptors, translate credentials. 0 or -errno. */
int control_import(struct task *task, int fd, struct control *control, gva_t from, uint64_t len);
/* What the host filled into control becomes the guest's, in place: descriptors are the guest's to
 * be. room is what the guest gave; msg_flags may get MSG_CTRUNC. */
void control_export(struct task *task, int fd, struct control *control, size_t room,
                    uint32_t *msg_flags);
/* The guest cannot be told: close the descriptors. True if there were any. */
bool control_drop(struct task *task, struct control *control);
void control_done(struct control *control);
#define CONTROL_MAX 131072 /* net.core.optmem_max */

/* ---- peer.c: credentials ---- */

int peer_create(void);
/* The calling process is about to do what lets a peer ask who it is. */
void peer_publish(struct task *task);

struct linux_ucred ucred_to_guest(struct task *task, struct linux_ucred host);
/* What a guest may say of itself (scm_check_creds()), and as the host is to hear it. */
int ucred_to_host(struct task *task, struct linux_ucred *ucred);
/* SO_PEERCRED of fd. */
int ucred_of_peer(struct task *task, int fd, struct linux_ucred *ucred);

/* ---- interface.c ---- */

/* linux/sockios.h: 0x8901 to 0x89ff, and two that have their argument's size in the number. */
static inline bool sock_ioctl_has(uint32_t nr)
{
    return (nr >> 8 & 0xff) == 0x89;
}
/* ioctl(2) with such a number. -LINUX_ENOTTY: fd is no socket, or the request unknown. */
int64_t sock_ioctl(struct task *task, int fd, uint32_t nr, gva_t arg);

/* ---- socket.c ---- */

/*
 * The result of a call that waited, as sock_intr_errno(): EINTR where timeout_option (SO_RCVTIMEO,
 * SO_SNDTIMEO) is set. A call that would not have waited was only cut short before the host looked
 * at it, and begins again.
 */
int64_t sock_interrupted(int fd, int64_t result, int timeout_option, int msg_flags);
/* The same for any call: one that reads or writes a descriptor may have waited for a socket. Asked
 * when it was interrupted only, so that reading and writing stay one host call. */
int64_t sock_restart(syscall_fn *handler, const uint64_t args[6], int64_t result);

#endif
