/* names_net.c - of sockets. */
#include "linux/trace/names.h"

#define N(name, value)                                                                             \
    {                                                                                              \
#name, value                                                                               \
    }

static const struct trace_name sockdomain_names[] = {
    N(AF_UNSPEC, 0),    N(AF_UNIX, 1),   N(AF_INET, 2), N(AF_AX25, 3),     N(AF_IPX, 4),
    N(AF_APPLETALK, 5), N(AF_INET6, 10), N(AF_KEY, 15), N(AF_NETLINK, 16), N(AF_PACKET, 17),
    N(AF_RDS, 21),      N(AF_PPPOX, 24), N(AF_CAN, 29), N(AF_TIPC, 30),    N(AF_BLUETOOTH, 31),
    N(AF_ALG, 38),      N(AF_VSOCK, 40), N(AF_XDP, 44),
};

static const struct trace_name sockbase_names[] = {
    N(SOCK_STREAM, 1),    N(SOCK_DGRAM, 2), N(SOCK_RAW, 3),     N(SOCK_RDM, 4),
    N(SOCK_SEQPACKET, 5), N(SOCK_DCCP, 6),  N(SOCK_PACKET, 10),
};

static const struct trace_name sockflags_names[] = {
    N(SOCK_CLOEXEC, 02000000),
    N(SOCK_NONBLOCK, 04000),
};

static const struct trace_name ipproto_names[] = {
    N(IPPROTO_IP, 0),        N(IPPROTO_ICMP, 1),  N(IPPROTO_IGMP, 2),    N(IPPROTO_IPIP, 4),
    N(IPPROTO_TCP, 6),       N(IPPROTO_UDP, 17),  N(IPPROTO_IPV6, 41),   N(IPPROTO_GRE, 47),
    N(IPPROTO_ESP, 50),      N(IPPROTO_AH, 51),   N(IPPROTO_ICMPV6, 58), N(IPPROTO_SCTP, 132),
    N(IPPROTO_UDPLITE, 136), N(IPPROTO_RAW, 255), N(IPPROTO_MPTCP, 262),
};

static const struct trace_name nlproto_names[] = {
    N(NETLINK_ROUTE, 0),           N(NETLINK_USERSOCK, 2),
    N(NETLINK_SOCK_DIAG, 4),       N(NETLINK_XFRM, 6),
    N(NETLINK_AUDIT, 9),           N(NETLINK_NETFILTER, 12),
    N(NETLINK_KOBJECT_UEVENT, 15), N(NETLINK_GENERIC, 16),
};

static const struct trace_name msgsockflags_names[] = {
    N(MSG_OOB, 1),
    N(MSG_PEEK, 2),
    N(MSG_DONTROUTE, 4),
    N(MSG_CTRUNC, 8),
    N(MSG_PROBE, 0x10),
    N(MSG_TRUNC, 0x20),
    N(MSG_DONTWAIT, 0x40),
    N(MSG_EOR, 0x80),
    N(MSG_WAITALL, 0x100),
    N(MSG_FIN, 0x200),
    N(MSG_SYN, 0x400),
    N(MSG_CONFIRM, 0x800),
    N(MSG_RST, 0x1000),
    N(MSG_ERRQUEUE, 0x2000),
    N(MSG_NOSIGNAL, 0x4000),
    N(MSG_MORE, 0x8000),
    N(MSG_WAITFORONE, 0x10000),
    N(MSG_BATCH, 0x40000),
    N(MSG_ZEROCOPY, 0x4000000),
    N(MSG_FASTOPEN, 0x20000000),
    N(MSG_CMSG_CLOEXEC, 0x40000000),
};

static const struct trace_name shuthow_names[] = {
    N(SHUT_RD, 0),
    N(SHUT_WR, 1),
    N(SHUT_RDWR, 2),
};

static const struct trace_name sollevel_names[] = {
    N(SOL_IP, 0),    N(SOL_SOCKET, 1),   N(SOL_TCP, 6),       N(SOL_UDP, 17),
    N(SOL_IPV6, 41), N(SOL_ICMPV6, 58),  N(SOL_SCTP, 132),    N(SOL_UDPLITE, 136),
    N(SOL_RAW, 255), N(SOL_PACKET, 263), N(SOL_NETLINK, 270),
};

static const struct trace_name sosocket_names[] = {
    N(SO_DEBUG, 1),
    N(SO_REUSEADDR, 2),
    N(SO_TYPE, 3),
    N(SO_ERROR, 4),
    N(SO_DONTROUTE, 5),
    N(SO_BROADCAST, 6),
    N(SO_SNDBUF, 7),
    N(SO_RCVBUF, 8),
    N(SO_KEEPALIVE, 9),
    N(SO_OOBINLINE, 10),
    N(SO_NO_CHECK, 11),
    N(SO_PRIORITY, 12),
    N(SO_LINGER, 13),
    N(SO_BSDCOMPAT, 14),
    N(SO_REUSEPORT, 15),
    N(SO_PASSCRED, 16),
    N(SO_PEERCRED, 17),
    N(SO_RCVLOWAT, 18),
    N(SO_SNDLOWAT, 19),
    N(SO_RCVTIMEO_OLD, 20),
    N(SO_SNDTIMEO_OLD, 21),
    N(SO_BINDTODEVICE, 25),
    N(SO_ATTACH_FILTER, 26),
    N(SO_DETACH_FILTER, 27),
    N(SO_PEERNAME, 28),
    N(SO_TIMESTAMP_OLD, 29),
    N(SO_ACCEPTCONN, 30),
    N(SO_PEERSEC, 31),
    N(SO_SNDBUFFORCE, 32),
    N(SO_RCVBUFFORCE, 33),
    N(SO_PASSSEC, 34),
    N(SO_TIMESTAMPNS_OLD, 35),
    N(SO_MARK, 36),
    N(SO_TIMESTAMPING_OLD, 37),
    N(SO_PROTOCOL, 38),
    N(SO_DOMAIN, 39),
    N(SO_RXQ_OVFL, 40),
    N(SO_WIFI_STATUS, 41),
    N(SO_PEEK_OFF, 42),
    N(SO_NOFCS, 43),
    N(SO_LOCK_FILTER, 44),
    N(SO_SELECT_ERR_QUEUE, 45),
    N(SO_BUSY_POLL, 46),
    N(SO_MAX_PACING_RATE, 47),
    N(SO_BPF_EXTENSIONS, 48),
    N(SO_INCOMING_CPU, 49),
    N(SO_ATTACH_BPF, 50),
    N(SO_ATTACH_REUSEPORT_CBPF, 51),
    N(SO_ATTACH_REUSEPORT_EBPF, 52),
    N(SO_CNX_ADVICE, 53),
    N(SO_MEMINFO, 55),
    N(SO_INCOMING_NAPI_ID, 56),
    N(SO_COOKIE, 57),
    N(SO_PEERGROUPS, 59),
    N(SO_ZEROCOPY, 60),
    N(SO_TXTIME, 61),
    N(SO_BINDTOIFINDEX, 62),
    N(SO_TIMESTAMP_NEW, 63),
    N(SO_TIMESTAMPNS_NEW, 64),
    N(SO_TIMESTAMPING_NEW, 65),
    N(SO_RCVTIMEO_NEW, 66),
    N(SO_SNDTIMEO_NEW, 67),
    N(SO_DETACH_REUSEPORT_BPF, 68),
    N(SO_PREFER_BUSY_POLL, 69),
    N(SO_BUSY_POLL_BUDGET, 70),
    N(SO_NETNS_COOKIE, 71),
    N(SO_BUF_LOCK, 72),
    N(SO_RESERVE_MEM, 73),
    N(SO_TXREHASH, 74),
    N(SO_RCVMARK, 75),
    N(SO_PASSPIDFD, 76),
    N(SO_PEERPIDFD, 77),
};

static const struct trace_name soip_names[] = {
    N(IP_TOS, 1),
    N(IP_TTL, 2),
    N(IP_HDRINCL, 3),
    N(IP_OPTIONS, 4),
    N(IP_ROUTER_ALERT, 5),
    N(IP_RECVOPTS, 6),
    N(IP_RETOPTS, 7),
    N(IP_PKTINFO, 8),
    N(IP_PKTOPTIONS, 9),
    N(IP_MTU_DISCOVER, 10),
    N(IP_RECVERR, 11),
    N(IP_RECVTTL, 12),
    N(IP_RECVTOS, 13),
    N(IP_MTU, 14),
    N(IP_FREEBIND, 15),
    N(IP_IPSEC_POLICY, 16),
    N(IP_XFRM_POLICY, 17),
    N(IP_PASSSEC, 18),
    N(IP_TRANSPARENT, 19),
    N(IP_ORIGDSTADDR, 20),
    N(IP_MINTTL, 21),
    N(IP_NODEFRAG, 22),
    N(IP_CHECKSUM, 23),
    N(IP_BIND_ADDRESS_NO_PORT, 24),
    N(IP_RECVFRAGSIZE, 25),
    N(IP_RECVERR_RFC4884, 26),
    N(IP_MULTICAST_IF, 32),
    N(IP_MULTICAST_TTL, 33),
    N(IP_MULTICAST_LOOP, 34),
    N(IP_ADD_MEMBERSHIP, 35),
    N(IP_DROP_MEMBERSHIP, 36),
    N(IP_UNBLOCK_SOURCE, 37),
    N(IP_BLOCK_SOURCE, 38),
    N(IP_ADD_SOURCE_MEMBERSHIP, 39),
    N(IP_DROP_SOURCE_MEMBERSHIP, 40),
    N(IP_MSFILTER, 41),
};

static const struct trace_name sotcp_names[] = {
    N(TCP_NODELAY, 1),
    N(TCP_MAXSEG, 2),
    N(TCP_CORK, 3),
    N(TCP_KEEPIDLE, 4),
    N(TCP_KEEPINTVL, 5),
    N(TCP_KEEPCNT, 6),
    N(TCP_SYNCNT, 7),
    N(TCP_LINGER2, 8),
    N(TCP_DEFER_ACCEPT, 9),
    N(TCP_WINDOW_CLAMP, 10),
    N(TCP_INFO, 11),
    N(TCP_QUICKACK, 12),
    N(TCP_CONGESTION, 13),
    N(TCP_MD5SIG, 14),
    N(TCP_THIN_LINEAR_TIMEOUTS, 16),
    N(TCP_THIN_DUPACK, 17),
    N(TCP_USER_TIMEOUT, 18),
    N(TCP_REPAIR, 19),
    N(TCP_REPAIR_QUEUE, 20),
    N(TCP_QUEUE_SEQ, 21),
    N(TCP_REPAIR_OPTIONS, 22),
    N(TCP_FASTOPEN, 23),
    N(TCP_TIMESTAMP, 24),
    N(TCP_NOTSENT_LOWAT, 25),
    N(TCP_CC_INFO, 26),
    N(TCP_SAVE_SYN, 27),
    N(TCP_SAVED_SYN, 28),
    N(TCP_REPAIR_WINDOW, 29),
    N(TCP_FASTOPEN_CONNECT, 30),
    N(TCP_ULP, 31),
    N(TCP_MD5SIG_EXT, 32),
    N(TCP_FASTOPEN_KEY, 33),
    N(TCP_FASTOPEN_NO_COOKIE, 34),
    N(TCP_ZEROCOPY_RECEIVE, 35),
    N(TCP_INQ, 36),
    N(TCP_TX_DELAY, 37),
};

static const struct trace_name soipv6_names[] = {
    N(IPV6_ADDRFORM, 1),        N(IPV6_2292PKTINFO, 2),     N(IPV6_CHECKSUM, 7),
    N(IPV6_UNICAST_HOPS, 16),   N(IPV6_MULTICAST_IF, 17),   N(IPV6_MULTICAST_HOPS, 18),
    N(IPV6_MULTICAST_LOOP, 19), N(IPV6_ADD_MEMBERSHIP, 20), N(IPV6_DROP_MEMBERSHIP, 21),
    N(IPV6_ROUTER_ALERT, 22),   N(IPV6_MTU_DISCOVER, 23),   N(IPV6_MTU, 24),
    N(IPV6_RECVERR, 25),        N(IPV6_V6ONLY, 26),         N(IPV6_FREEBIND, 78),
    N(IPV6_RECVPKTINFO, 49),    N(IPV6_PKTINFO, 50),        N(IPV6_RECVHOPLIMIT, 51),
    N(IPV6_HOPLIMIT, 52),       N(IPV6_RECVTCLASS, 66),     N(IPV6_TCLASS, 67),
    N(IPV6_DONTFRAG, 62),       N(IPV6_TRANSPARENT, 75),
};

static const struct trace_name sonetlink_names[] = {
    N(NETLINK_ADD_MEMBERSHIP, 1),  N(NETLINK_DROP_MEMBERSHIP, 2), N(NETLINK_PKTINFO, 3),
    N(NETLINK_BROADCAST_ERROR, 4), N(NETLINK_NO_ENOBUFS, 5),      N(NETLINK_RX_RING, 6),
    N(NETLINK_TX_RING, 7),         N(NETLINK_LISTEN_ALL_NSID, 8), N(NETLINK_LIST_MEMBERSHIPS, 9),
    N(NETLINK_CAP_ACK, 10),        N(NETLINK_EXT_ACK, 11),        N(NETLINK_GET_STRICT_CHK, 12),
};

static const struct trace_name soudp_names[] = {
    N(UDP_CORK, 1),           N(UDP_ENCAP, 100),   N(UDP_NO_CHECK6_TX, 101),
    N(UDP_NO_CHECK6_RX, 102), N(UDP_SEGMENT, 103), N(UDP_GRO, 104),
};

static const struct trace_name scmtype_names[] = {
    N(SCM_RIGHTS, 1),        N(SCM_CREDENTIALS, 2),     N(SCM_SECURITY, 3),         N(SCM_PIDFD, 4),
    N(SO_TIMESTAMP_OLD, 29), N(SO_TIMESTAMPNS_OLD, 35), N(SO_TIMESTAMPING_OLD, 37),
};

const struct trace_names names_net[] = {
    NAMES_SET("sockdomain", sockdomain_names, NAMES_ENUM, 32, "AF_???", NULL),
    NAMES_SET("sockbase", sockbase_names, NAMES_ENUM, 32, "SOCK_???", NULL),
    NAMES_SET("sockflags", sockflags_names, NAMES_FLAGS, 32, "SOCK_???", NULL),
    NAMES_SET("ipproto", ipproto_names, NAMES_ENUM, 32, "IPPROTO_???", NULL),
    NAMES_SET("nlproto", nlproto_names, NAMES_ENUM, 32, "NETLINK_???", NULL),
    NAMES_SET("msgsockflags", msgsockflags_names, NAMES_FLAGS, 32, "MSG_???", NULL),
    NAMES_SET("shuthow", shuthow_names, NAMES_ENUM, 32, "SHUT_???", NULL),
    NAMES_SET("sollevel", sollevel_names, NAMES_ENUM, 32, "SOL_??", NULL),
    NAMES_SET("sosocket", sosocket_names, NAMES_ENUM, 32, "SO_???", NULL),
    NAMES_SET("soip", soip_names, NAMES_ENUM, 32, "IP_???", NULL),
    NAMES_SET("sotcp", sotcp_names, NAMES_ENUM, 32, "TCP_???", NULL),
    NAMES_SET("soipv6", soipv6_names, NAMES_ENUM, 32, "IPV6_???", NULL),
    NAMES_SET("sonetlink", sonetlink_names, NAMES_ENUM, 32, "NETLINK_???", NULL),
    NAMES_SET("soudp", soudp_names, NAMES_ENUM, 32, "UDP_???", NULL),
    NAMES_SET("scmtype", scmtype_names, NAMES_ENUM, 32, "SCM_???", NULL),
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};
