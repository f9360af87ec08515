/* sockets.c - socket calls. */
#include "calls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int pair[2], tcp, udp6;
static struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

static void addresses(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "nowhere/socket"};
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
    tcp = (int)CALL(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
    udp6 = (int)CALL(socket, AF_INET6, SOCK_DGRAM, IPPROTO_IP);
    int local = (int)CALL(socket, AF_UNIX, SOCK_DGRAM, 0);
    CALL(socket, 99, 99, 99);
    in6.sin6_port = htons(53);
    CALL(bind, tcp, &in, sizeof(in));
    CALL(bind, -1, &in6, sizeof(in6));
    CALL(connect, local, &un, sizeof(un));
    CALL(connect, local, &un, 2 + 5);
    un.sun_path[0] = 0;
    CALL(connect, local, &un, 2 + 8);
    CALL(connect, local, NULL, 5);
    CALL(listen, tcp, 5);
    CALL(accept4, tcp, &ss, &len, SOCK_CLOEXEC);
    CALL(accept, tcp, NULL, NULL);
    CALL(getsockname, pair[0], &ss, &len);
    CALL(getpeername, tcp, &ss, &len);
    CALL(shutdown, tcp, SHUT_RDWR);
}

static void options(void)
{
    int one = 1;
    socklen_t len = sizeof(one);
    char buf[16];
    CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CALL(setsockopt, tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    CALL(setsockopt, tcp, SOL_SOCKET, SO_LINGER, &(struct linger){1, 5}, sizeof(struct linger));
    CALL(setsockopt, udp6, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    CALL(setsockopt, tcp, 99, 98, &one, sizeof(one));
    CALL(getsockopt, tcp, SOL_SOCKET, SO_ERROR, &one, &len);
    len = 8;
    CALL(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, buf, &len);
    CALL(getsockopt, -1, SOL_SOCKET, SO_TYPE, buf, &len);
}

static void messages(void)
{
    char buf[100], control[64] = {0};
    struct iovec out[] = {{(void *)"abc", 3}, {(void *)"defg", 4}};
    struct iovec in[] = {{buf, 2}, {buf + 10, 90}};
    CALL(sendto, pair[0], "hello", 5, MSG_NOSIGNAL, NULL, 0);
    CALL(sendto, -1, "x", 1, MSG_DONTWAIT, &in6, sizeof(in6));
    CALL(recvfrom, pair[1], buf, sizeof(buf), MSG_PEEK, NULL, NULL);
    CALL(recvfrom, pair[1], buf, sizeof(buf), 0, NULL, NULL);
    CALL(recvfrom, pair[1], buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    CALL(sendmsg, pair[0], &message, MSG_NOSIGNAL);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(8);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
    cmsg->cmsg_len = CMSG_LEN(8);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(cmsg), (int[]){1, -1}, 8);
    CALL(sendmsg, pair[0], &message, 0);
    struct msghdr got = {.msg_iov = in, .msg_iovlen = 2, .msg_control = control};
    CALL(recvmsg, pair[1], &got, 0);
    CALL(recvmsg, pair[1], &got, MSG_DONTWAIT);
    struct mmsghdr many[2] = {{.msg_hdr = {.msg_iov = out, .msg_iovlen = 1}},
                              {.msg_hdr = {.msg_iov = out + 1, .msg_iovlen = 1}}};
    CALL(sendmmsg, pair[0], many, 2, 0);
    struct mmsghdr both[2] = {{.msg_hdr = {.msg_iov = in, .msg_iovlen = 1}},
                              {.msg_hdr = {.msg_iov = in + 1, .msg_iovlen = 1}}};
    CALL(recvmmsg, pair[1], both, 2, MSG_DONTWAIT, NULL);
}

int main(void)
{
    begin();
    addresses();
    options();
    messages();
    end();
    return 0;
}
