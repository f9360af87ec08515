/* guest-test: */
/* AF_UNIX: every length and kind of name, told as it was given; datagrams and their senders'
 * names; names that come by themselves; who is at the other end. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "guest.h"

#define PATH_AT ((socklen_t)offsetof(struct sockaddr_un, sun_path))

struct name {
    struct sockaddr_un un;
    char behind[8]; /* a path of 108 bytes is told with a NUL behind sun_path */
    socklen_t len;
};

/* n bytes of path, without a NUL behind them. */
static struct name of_bytes(const char *path, size_t n)
{
    struct name name = {.un.sun_family = AF_UNIX, .len = PATH_AT + (socklen_t)n};
    memcpy(name.un.sun_path, path, n);
    return name;
}

static struct name of_path(const char *path)
{
    return of_bytes(path, strlen(path) + 1);
}

static int bind_name(int fd, const struct name *name)
{
    return bind(fd, (const void *)&name->un, name->len);
}

static int connect_name(int fd, const struct name *name)
{
    return connect(fd, (const void *)&name->un, name->len);
}

static struct name own_name(int fd)
{
    struct name got = {.len = sizeof got.un + sizeof got.behind};
    OK(getsockname(fd, (void *)&got.un, &got.len));
    return got;
}

static void same(const struct name *got, const struct name *want, socklen_t len, const char *what)
{
    if (got->len != len || memcmp(&got->un, &want->un, len < want->len ? len : want->len))
        FAIL("%s: told %u bytes \"%.*s\", want %u", what, got->len, (int)got->len, got->un.sun_path,
             len);
}

/* Bind, and what is told to both ends and to a datagram's receiver. told: length of the name. */
static void round_trip(const struct name *name, socklen_t told, const char *what)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), to = socket(AF_UNIX, SOCK_STREAM, 0), conn;
    int twice = socket(AF_UNIX, SOCK_STREAM, 0);
    struct name got;

    if (bind_name(fd, name) < 0) {
        FAIL("%s: bind, errno %d", what, errno);
        return;
    }
    got = own_name(fd);
    same(&got, name, told, what);
    ERR(bind_name(twice, name), EADDRINUSE);
    ERR(connect_name(to, name), ECONNREFUSED);
    OK(listen(fd, 1));
    if (connect_name(to, name) < 0)
        FAIL("%s: connect, errno %d", what, errno);
    got.len = sizeof got.un + sizeof got.behind;
    OK(getpeername(to, (void *)&got.un, &got.len));
    same(&got, name, told, what);
    OK(conn = accept(fd, NULL, NULL));
    got = own_name(conn); /* the listener's */
    same(&got, name, told, what);
    close(conn);
    close(to);
    close(fd);
    if (name->un.sun_path[0])
        ERR(connect_name(twice, name), ECONNREFUSED);
    if (name->un.sun_path[0] && name->len <= PATH_AT + sizeof name->un.sun_path - 1)
        OK(unlink(name->un.sun_path));
    close(twice);
}

static void paths(void)
{
    char long_path[256];
    struct name name = of_path("/tmp/s");
    round_trip(&name, name.len, "absolute");
    name = of_bytes("/tmp/s", 6);
    round_trip(&name, name.len + 1, "without NUL");
    name = of_bytes("/tmp/s\0behind", 13);
    round_trip(&name, PATH_AT + 7, "with more behind the NUL");
    name = of_path("relative");
    round_trip(&name, name.len, "relative");
    name = of_path("./dotted");
    round_trip(&name, name.len, "dotted");
    name = of_path("/tmp/../tmp//s");
    round_trip(&name, name.len, "not canonical");
    name = of_path("/tmp/a\001b\002c\001\001");
    round_trip(&name, name.len, "control characters");
    name = of_path("\001");
    round_trip(&name, name.len, "one control character");
    name = of_path("\002\001\002");
    round_trip(&name, name.len, "control characters only");
    name = of_path("\xff\xfe..");
    round_trip(&name, name.len, "no text");
    /* As long as it can be. */
    memset(long_path, 'l', sizeof long_path);
    memcpy(long_path, "/tmp/", 5);
    long_path[107] = '\0';
    name = of_path(long_path);
    EQ(name.len, 110);
    round_trip(&name, 110, "107 bytes");
    long_path[107] = 'x';
    name = of_bytes(long_path, 108);
    round_trip(&name, 111, "108 bytes");
    long_path[108] = '\0';
    OK(unlink(long_path));
    OK(mkdir("dir", 0700));
    memcpy(long_path, "dir/////", 8);
    name = of_bytes(long_path, 108);
    round_trip(&name, 111, "108 bytes, relative");
    OK(unlink(long_path));
    OK(rmdir("dir"));
}

static void abstract(void)
{
    char bytes[108] = "\0abstract";
    struct name name = of_bytes(bytes, 9);
    round_trip(&name, name.len, "abstract");
    name = of_bytes(bytes, 1);
    round_trip(&name, name.len, "only a NUL");
    name = of_bytes("\0a\0b\0\0/c\n", 9);
    round_trip(&name, name.len, "abstract with NULs");
    for (size_t n = 90; n <= 108; n++) {
        memset(bytes + 1, 'h', sizeof bytes - 1);
        bytes[n - 1] = 'n';
        name = of_bytes(bytes, n);
        round_trip(&name, name.len, "long abstract");
    }
    /* They differ in their lengths and NULs too. */
    int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);
    struct name one = of_bytes("\0same", 5), two = of_bytes("\0same\0", 6);
    OK(bind_name(a, &one));
    OK(bind_name(b, &two));
    close(a);
    close(b);
    /* Gone with its socket. */
    a = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(connect_name(a, &one), ECONNREFUSED);
    OK(bind_name(a, &one));
    close(a);
}

static void bad_names(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), in = socket(AF_INET, SOCK_STREAM, 0);
    int pipes[2];
    struct name name = of_path("/tmp/s");
    OK(pipe(pipes));
    ERR(bind(fd, (void *)&name.un, 1), EINVAL);
    ERR(bind(fd, (void *)&name.un, 111), EINVAL);
    ERR(bind(fd, (void *)&name.un, 129), EINVAL);
    ERR(bind(fd, (void *)&name.un, (socklen_t)-1), EINVAL);
    ERR(bind(fd, (void *)8, name.len), EFAULT);
    ERR(connect(fd, (void *)&name.un, 2), EINVAL);
    ERR(connect(fd, (void *)&name.un, 111), EINVAL);
    ERR(connect(fd, (void *)8, name.len), EFAULT);
    ERR(bind(pipes[0], (void *)8, name.len), ENOTSOCK);
    ERR(connect(pipes[0], (void *)8, name.len), EFAULT);
    ERR(connect(pipes[0], (void *)&name.un, name.len), ENOTSOCK);
    ERR(connect(-1, (void *)8, name.len), EBADF);
    ERR(bind(-1, (void *)8, name.len), EBADF);
    name.un.sun_family = AF_INET;
    ERR(bind_name(fd, &name), EINVAL);
    ERR(connect_name(fd, &name), EINVAL);
    name.un.sun_family = AF_UNIX;
    ERR(connect_name(fd, &name), ENOENT);
    ERR(connect(in, (void *)&name.un, 16), EAFNOSUPPORT); /* nothing is looked for */
    name = of_path("/tmp/none/s");
    ERR(bind_name(fd, &name), ENOENT);
    name = of_path("/tmp");
    ERR(bind_name(fd, &name), EADDRINUSE);
    ERR(connect_name(fd, &name), ECONNREFUSED);
    name = of_path(".");
    ERR(bind_name(fd, &name), EADDRINUSE);
    name = of_path("/tmp/s/");
    ERR(bind_name(fd, &name), ENOENT);
    OK(symlink("nowhere", "dangling"));
    name = of_path("dangling");
    ERR(bind_name(fd, &name), EADDRINUSE);
    ERR(connect_name(fd, &name), ENOENT);
    OK(symlink("loop", "loop"));
    name = of_path("loop");
    ERR(connect_name(fd, &name), ELOOP);
    OK(close(open("file", O_CREAT, 0600)));
    name = of_path("file/s");
    ERR(bind_name(fd, &name), ENOTDIR);
    ERR(connect_name(fd, &name), ENOTDIR);
    /* Bound already: what is wrong with the path is said first. */
    name = of_path("first");
    OK(bind_name(fd, &name));
    ERR(bind_name(fd, &name), EADDRINUSE);
    name = of_path("second");
    ERR(bind_name(fd, &name), EINVAL);
    ERR(access("second", F_OK), ENOENT);
    name = of_bytes("\0second", 7);
    ERR(bind_name(fd, &name), EINVAL);
    OK(bind(fd, (void *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2));
    struct name got = own_name(fd), first = of_path("first");
    same(&got, &first, first.len, "the first name stays");
    /* A name goes its own ways once it is made. */
    OK(rename("first", "renamed"));
    got = own_name(fd);
    same(&got, &first, first.len, "renamed");
    OK(listen(fd, 1));
    name = of_path("renamed");
    int to = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(connect_name(to, &name));
    ERR(connect_name(to, &name), EISCONN);
    for (const char *const *f = (const char *const[]){"renamed", "dangling", "loop", "file", NULL};
         *f; f++)
        OK(unlink(*f));
    close(to);
    close(fd);
    close(in);
    close(pipes[0]);
    close(pipes[1]);
}

/* The way to the name: links, lengths and rights. */
static void ways(void)
{
    char target[300];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), server = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct name name = of_path("loop/s");
    OK(symlink("loop", "loop"));
    ERR(bind_name(fd, &name), ELOOP);
    ERR(connect_name(fd, &name), ELOOP);
    memset(target, 'n', sizeof target);
    target[256] = '\0';
    OK(symlink(target, "long"));
    name = of_path("long/s");
    ERR(bind_name(fd, &name), ENAMETOOLONG);
    ERR(connect_name(fd, &name), ENAMETOOLONG);
    name = of_path("long");
    ERR(bind_name(fd, &name), EADDRINUSE); /* the link itself is there */
    ERR(connect_name(fd, &name), ENAMETOOLONG);
    OK(mkdir("private", 0700));
    OK(chmod("/tmp", 01777));
    name = of_path("/tmp/rights");
    OK(bind_name(server, &name));
    OK(chmod("/tmp/rights", 0555));
    OK(seteuid(1000));
    ERR(sendto(fd, "x", 1, 0, (void *)&name.un, name.len), EACCES);
    ERR(connect_name(fd, &name), EACCES);
    name = of_path("private/s");
    ERR(bind_name(fd, &name), EACCES);
    ERR(connect_name(fd, &name), EACCES);
    OK(seteuid(0));
    for (const char *const *f = (const char *const[]){"loop", "long", "/tmp/rights", NULL}; *f; f++)
        OK(unlink(*f));
    OK(rmdir("private"));
    close(fd);
    close(server);
}

/* In the place of a file that came with the image, and is removed. */
static void in_place(void)
{
    struct name name = of_path("/etc/group"), other = of_path("\001");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    mkdir("/etc", 0755);
    OK(close(open("/etc/group", O_CREAT | O_RDWR, 0644)));
    ERR(bind_name(fd, &name), EADDRINUSE);
    OK(unlink("/etc/group"));
    OK(bind_name(fd, &other));
    ERR(bind_name(fd, &name), EINVAL);
    ERR(access("/etc/group", F_OK), ENOENT); /* it does not come back */
    close(fd);
    OK(unlink("\001"));
    round_trip(&name, name.len, "in a removed file's place");
    ERR(access("/etc/group", F_OK), ENOENT);
    name = of_path("/proc/none");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(bind_name(fd, &name), ENOENT);
    close(fd);
}

/* The file's mode: the socket's, which fchmod() sets, and the umask. */
static void mode(void)
{
    struct stat st;
    struct name name = of_path("mode");
    mode_t old = umask(026);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(bind_name(fd, &name));
    OK(lstat("mode", &st));
    EQ(st.st_mode, S_IFSOCK | 0751);
    EQ(st.st_uid, geteuid());
    EQ(st.st_size, 0);
    OK(chmod("mode", 0600));
    OK(lstat("mode", &st));
    EQ(st.st_mode, S_IFSOCK | 0600);
    ERR(open("mode", O_RDWR), ENXIO);
    OK(unlink("mode"));
    umask(old);
    close(fd);
}

/* Five hexadecimal digits: told by len 8. */
static void check_auto(const struct name *name)
{
    EQ(name->len, PATH_AT + 6);
    EQ(name->un.sun_path[0], 0);
    for (int i = 1; i < 6; i++)
        CHECK(strchr("0123456789abcdef", name->un.sun_path[i]));
}

static void autobind(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0), one = 1;
    struct sockaddr_un none = {.sun_family = AF_UNIX};
    char buf[8];
    OK(bind(fd, (void *)&none, PATH_AT));
    struct name got = own_name(fd), from;
    check_auto(&got);
    OK(bind(fd, (void *)&none, PATH_AT)); /* no effect */
    OK(connect_name(other, &got));
    EQ(send(other, "x", 1, 0), 1);
    /* Who wants credentials can be answered. */
    OK(setsockopt(other, SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    from = own_name(other);
    EQ(from.len, PATH_AT);
    OK(connect_name(other, &got));
    from = own_name(other);
    check_auto(&from);
    EQ(recv(fd, buf, sizeof buf, 0), 1);
    EQ(send(other, "y", 1, 0), 1);
    from.len = sizeof from.un;
    EQ(recvfrom(fd, buf, sizeof buf, 0, (void *)&from.un, &from.len), 1);
    check_auto(&from);
    EQ(sendto(fd, "answer", 6, 0, (void *)&from.un, from.len), 6);
    EQ(recv(other, buf, sizeof buf, MSG_DONTWAIT), 6);
    close(other);
    /* The same for who only sends. */
    other = socket(AF_UNIX, SOCK_DGRAM, 0);
    OK(setsockopt(other, SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    EQ(sendto(other, "z", 1, 0, (void *)&got.un, got.len), 1);
    from.len = sizeof from.un;
    EQ(recvfrom(fd, buf, sizeof buf, 0, (void *)&from.un, &from.len), 1);
    check_auto(&from);
    EQ(sendto(fd, "back", 4, 0, (void *)&from.un, from.len), 4);
    EQ(recv(other, buf, sizeof buf, MSG_DONTWAIT), 4);
    close(other);
    close(fd);
}

static void datagrams(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct name server = of_path("/tmp/server"), client = of_bytes("\0client", 7), got;
    char buf[16];
    OK(bind_name(fd, &server));
    EQ(sendto(from, "nameless", 8, 0, (void *)&server.un, server.len), 8);
    memset(&got.un, 7, sizeof got.un);
    got.len = sizeof got.un;
    EQ(recvfrom(fd, buf, sizeof buf, 0, (void *)&got.un, &got.len), 8);
    EQ(got.len, 0);
    OK(bind_name(from, &client));
    EQ(sendto(from, "named", 5, 0, (void *)&server.un, server.len), 5);
    got.len = sizeof got.un;
    EQ(recvfrom(fd, buf, sizeof buf, MSG_PEEK, (void *)&got.un, &got.len), 5);
    same(&got, &client, client.len, "sender");
    got.len = 4; /* cut, and told its whole length */
    memset(&got.un, 7, sizeof got.un);
    EQ(recvfrom(fd, buf, 2, MSG_TRUNC, (void *)&got.un, &got.len), 5);
    EQ(got.len, client.len);
    EQ(got.un.sun_path[1], 'c');
    EQ(got.un.sun_path[2], 7);
    EQ(sendto(fd, "answer", 6, 0, (void *)&client.un, client.len), 6);
    got.len = sizeof got.un;
    EQ(recvfrom(from, buf, sizeof buf, 0, (void *)&got.un, &got.len), 6);
    same(&got, &server, server.len, "sender by path");
    /* Connected: only its peer reaches it. */
    OK(connect_name(fd, &client));
    int third = socket(AF_UNIX, SOCK_DGRAM, 0);
    ERR(sendto(third, "no", 2, 0, (void *)&server.un, server.len), EPERM);
    ERR(connect_name(third, &server), EPERM);
    OK(connect(fd, (void *)&(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    EQ(sendto(third, "yes", 3, 0, (void *)&server.un, server.len), 3);
    ERR(send(third, "x", 1, 0), ENOTCONN);
    ERR(sendmsg(third, &(struct msghdr){0}, 0), ENOTCONN);
    ERR(sendto(third, "x", 1, 0, (void *)&server.un, 2), EINVAL);
    server = of_path("/tmp/none");
    ERR(sendto(third, "x", 1, 0, (void *)&server.un, server.len), ENOENT);
    close(third);
    close(fd);
    server = of_path("/tmp/server");
    ERR(sendto(from, "x", 1, 0, (void *)&server.un, server.len), ECONNREFUSED);
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(sendto(stream, "x", 1, 0, (void *)&server.un, server.len), EOPNOTSUPP);
    OK(unlink("/tmp/server"));
    ERR(sendto(stream, "x", 1, 0, (void *)&server.un, server.len), EOPNOTSUPP);
    OK(bind_name(stream, &server));
    OK(listen(stream, 1));
    ERR(sendto(from, "x", 1, 0, (void *)&server.un, server.len), EPROTOTYPE);
    ERR(connect_name(from, &server), EPROTOTYPE);
    OK(unlink("/tmp/server"));
    close(stream);
    close(from);
}

static void seqpacket(void)
{
    int pair[2], fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    char buf[8];
    struct name any = of_path("/tmp/not/looked/for");
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    EQ(fcntl(pair[1], F_GETFD), FD_CLOEXEC);
    EQ(sendto(pair[0], "record", 6, 0, (void *)&any.un, any.len), 6);
    EQ(send(pair[0], "", 0, 0), 0);
    EQ(send(pair[0], "x", 1, 0), 1);
    EQ(recv(pair[1], buf, 3, 0), 3);
    EQ(recv(pair[1], buf, sizeof buf, 0), 0);
    EQ(recv(pair[1], buf, sizeof buf, 0), 1);
    struct name got = own_name(pair[0]);
    EQ(got.len, PATH_AT);
    ERR(send(fd, "x", 1, 0), ENOTCONN);
    OK(shutdown(pair[0], SHUT_WR));
    EQ(recv(pair[1], buf, sizeof buf, 0), 0);
    ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

static void credentials_of(int fd, pid_t pid, uid_t uid, gid_t gid)
{
    struct ucred cred = {1, 2, 3};
    socklen_t len = sizeof cred;
    OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    EQ(len, sizeof cred);
    EQ(cred.pid, pid);
    EQ(cred.uid, uid);
    EQ(cred.gid, gid);
}

static void peers(void)
{
    int pair[2], fd = socket(AF_UNIX, SOCK_STREAM, 0), to = socket(AF_UNIX, SOCK_STREAM, 0);
    int in = socket(AF_INET, SOCK_STREAM, 0);
    struct name name = of_bytes("\0peer", 5);
    struct ucred cred = {0};
    socklen_t len = 4;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    credentials_of(pair[0], getpid(), geteuid(), getegid());
    credentials_of(fd, 0, (uid_t)-1, (gid_t)-1);
    credentials_of(in, 0, (uid_t)-1, (gid_t)-1);
    OK(bind_name(fd, &name));
    credentials_of(fd, 0, (uid_t)-1, (gid_t)-1);
    OK(listen(fd, 1));
    credentials_of(fd, getpid(), geteuid(), getegid());
    OK(connect_name(to, &name));
    credentials_of(to, getpid(), geteuid(), getegid());
    OK(getsockopt(to, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    EQ(len, 4);
    EQ(cred.pid, getpid());
    EQ(cred.uid, 0);
    len = (socklen_t)-1;
    ERR(getsockopt(to, SOL_SOCKET, SO_PEERCRED, &cred, &len), EINVAL);
    len = sizeof cred;
    ERR(getsockopt(to, SOL_SOCKET, SO_PEERCRED, (void *)8, &len), EFAULT);
    ERR(setsockopt(to, SOL_SOCKET, SO_PEERCRED, &cred, sizeof cred), ENOPROTOOPT);
    for (int i = 0; i < 2; i++)
        close(pair[i]);
    close(to);
    close(fd);
    close(in);
}

int main(void)
{
    paths();
    abstract();
    bad_names();
    ways();
    in_place();
    mode();
    autobind();
    datagrams();
    seqpacket();
    peers();
    return done();
}
