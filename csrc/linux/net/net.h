/*
 * net.h - between the files of net/. Sockets are the host's; what is changed on the way are AF_UNIX
 * names (which are paths in the guest, or abstract names that the guest shares with nobody),
 * credentials and descriptors.
 */
#ifndef ELFUSE_LINUX_NET_H
#define ELFUSE_LINUX_NET_H

#include "linux/abi/socket.h"
#include "linux/kernel.h"

struct sock_name {
    _Alignas(8) uint8_t data[LINUX_SOMAXADDR];
    uint32_t len;
    int fd; /* keeps the path alive, or -1: sock_name_done() */
};

/* A name to connect or send to, as the host is to see it. 0 or -errno; then call sock_name_done().
 */
int sock_name_import(struct task *task, struct sock_name *name, gva_t addr, uint32_t len);
void sock_name_done(struct sock_name *name);

/* bind(2) of a name from the guest. */
int sock_bind(struct task *task, int fd, gva_t addr, uint32_t len);

/* A name that the host told, as the guest is to see it; len may grow or shrink. */
void sock_name_to_guest(struct task *task, struct sock_name *name);
/* The same, and move_addr_to_user(): the length at addrlen is in and out. addr 0: nothing is
 * wanted. */
int sock_name_export(struct task *task, struct sock_name *name, gva_t addr, gva_t addrlen);

/* Control messages. import copies from the guest and judges descriptors; export goes the other way
 * in place. */
int control_import(struct task *task, void *buf, gva_t control, size_t len);
int control_export(struct task *task, void *buf, size_t *len);
#define CONTROL_MAX 20480 /* net.core.optmem_max's old default */

/* What the guest sees of a peer's credentials. */
struct linux_ucred ucred_to_guest(struct task *task, struct linux_ucred host);

/* ioctl(2) of a network interface: requests 0x8910 and above. -LINUX_ENOTTY: no such request. */
int64_t interface_ioctl(struct task *task, int fd, uint32_t nr, gva_t arg);

/* The result of a call that waits: EINTR where a timeout is set, as sock_intr_errno(). */
int64_t sock_interrupted(int fd, int64_t result, int timeout_option);

#endif
