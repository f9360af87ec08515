/* Two runs that share /vol: "serve" listens there and by an abstract name, "call" calls both.
 * "mounted" calls what /vol itself is. */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../guest.h"

static int call(const void *name, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, name, len) ? -errno : fd;
}

static void print_peer(const char *who, int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    printf("%s pid %d uid %d\n", who, cred.pid, (int)cred.uid);
}

int main(int argc, char **argv)
{
    struct sockaddr_un path = {AF_UNIX, "/vol/socket"}, abstract = {AF_UNIX, "\0shared"}, told;
    struct sockaddr_un outside = {AF_UNIX, "\0outside"};
    socklen_t abstract_len = offsetof(struct sockaddr_un, sun_path) + 7, len = sizeof told;
    char byte = 'x';
    if (argc > 1 && !strcmp(argv[1], "serve")) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0), hidden = socket(AF_UNIX, SOCK_STREAM, 0), conn;
        OK(bind(fd, (void *)&path, sizeof path));
        OK(bind(hidden, (void *)&abstract, abstract_len));
        OK(listen(fd, 1));
        OK(listen(hidden, 1));
        CHECK(call(&abstract, abstract_len) >= 0);
        printf("ready\n");
        fflush(stdout);
        OK(conn = accept(fd, NULL, NULL));
        EQ(recv(conn, &byte, 1, 0), 1);
        print_peer("client", conn);
    } else if (argc > 1 && !strcmp(argv[1], "mounted")) {
        struct sockaddr_un mounted = {AF_UNIX, "/vol"};
        int fd = call(&mounted, sizeof mounted);
        CHECK(fd >= 0);
        OK(getpeername(fd, (void *)&told, &len));
        printf("name of %d bytes\n", (int)len);
        EQ(recv(fd, &byte, 1, 0), 1);
        printf("received %c\n", byte);
    } else {
        int fd = call(&path, sizeof path);
        CHECK(fd >= 0);
        OK(getpeername(fd, (void *)&told, &len));
        printf("server %s\n", told.sun_path);
        print_peer("server", fd);
        EQ(send(fd, &byte, 1, 0), 1);
        printf("abstract %d\n", call(&abstract, abstract_len));
        printf("outside %d\n", call(&outside, abstract_len + 1));
    }
    return guest_failed;
}
