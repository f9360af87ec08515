/* socket.h - wire structs and numbers of sockets: asm-generic/socket.h, linux/socket.h; x86-64 has
 * the same. */
#ifndef ELFUSE_LINUX_ABI_SOCKET_H
#define ELFUSE_LINUX_ABI_SOCKET_H

#include <stdint.h>

#define LINUX_AF_UNSPEC  0
#define LINUX_AF_UNIX    1
#define LINUX_AF_INET    2
#define LINUX_AF_INET6   10
#define LINUX_AF_NETLINK 16
#define LINUX_AF_PACKET  17
#define LINUX_AF_MAX     46

#define LINUX_SOCK_STREAM    1
#define LINUX_SOCK_DGRAM     2
#define LINUX_SOCK_RAW       3
#define LINUX_SOCK_SEQPACKET 5
#define LINUX_SOCK_DCCP      6
#define LINUX_SOCK_PACKET    10
#define LINUX_SOCK_MAX       11
#define LINUX_SOCK_TYPE_MASK 0xf
#define LINUX_SOCK_NONBLOCK  04000
#define LINUX_SOCK_CLOEXEC   02000000

#define LINUX_SOL_IP      0
#define LINUX_SOL_SOCKET  1
#define LINUX_SOL_TCP     6
#define LINUX_SOL_UDP     17
#define LINUX_SOL_IPV6    41
#define LINUX_SOL_ICMPV6  58
#define LINUX_SOL_UDPLITE 136
#define LINUX_SOL_NETLINK 270
#define LINUX_SOL_TLS     282
#define LINUX_SOL_MPTCP   284
#define LINUX_SOL_UNKNOWN 4095 /* no protocol has it */

#define LINUX_IPPROTO_DCCP 33
#define LINUX_IPPROTO_L2TP 115
#define LINUX_IPPROTO_SCTP 132
#define LINUX_IPPROTO_SMC  256

#define LINUX_NETLINK_ROUTE     0
#define LINUX_NETLINK_SOCK_DIAG 4
#define LINUX_NETLINK_MAX       32

#define LINUX_SO_TYPE                  3
#define LINUX_SO_PASSCRED              16
#define LINUX_SO_PEERCRED              17
#define LINUX_SO_RCVTIMEO              20
#define LINUX_SO_SNDTIMEO              21
#define LINUX_SO_ATTACH_FILTER         26
#define LINUX_SO_PEERSEC               31
#define LINUX_SO_DOMAIN                39
#define LINUX_SO_ATTACH_BPF            50
#define LINUX_SO_ATTACH_REUSEPORT_CBPF 51
#define LINUX_SO_ATTACH_REUSEPORT_EBPF 52
#define LINUX_SO_PEERGROUPS            59
#define LINUX_SO_PASSPIDFD             76
#define LINUX_SO_PEERPIDFD             77
#define LINUX_TCP_ZEROCOPY_RECEIVE     35

#define LINUX_SCM_RIGHTS      1
#define LINUX_SCM_CREDENTIALS 2
#define LINUX_SCM_SECURITY    3
#define LINUX_SCM_PIDFD       4
#define LINUX_SCM_MAX_FD      253

#define LINUX_MSG_TRUNC        0x20
#define LINUX_MSG_DONTWAIT     0x40
#define LINUX_MSG_WAITFORONE   0x10000
#define LINUX_MSG_NOSIGNAL     0x4000
#define LINUX_MSG_CMSG_CLOEXEC 0x40000000
#define LINUX_MSG_CTRUNC       0x8
#define LINUX_MSG_OOB          0x1
#define LINUX_MSG_CMSG_COMPAT  0x80000000u

#define LINUX_SOMAXADDR     128 /* sizeof(struct sockaddr_storage) */
#define LINUX_UNIX_PATH_MAX 108

struct linux_msghdr {
    uint64_t name;
    uint32_t namelen, pad;
    uint64_t iov, iovlen, control, controllen;
    uint32_t flags, pad2;
};

struct linux_mmsghdr {
    struct linux_msghdr hdr;
    uint32_t len, pad;
};

struct linux_cmsghdr {
    uint64_t len;
    int32_t level, type;
};

struct linux_ucred {
    int32_t pid;
    uint32_t uid, gid;
};

struct linux_sock_fprog {
    uint16_t len;
    uint64_t filter;
};

#endif
