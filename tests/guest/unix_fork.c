/* guest-test: */
/* AF_UNIX between processes: names that one binds and another finds and is told, over exec too;
 * who is at the other end, whoever it has become; descriptors that go from one to the other. */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "guest.h"

#define PATH_AT ((socklen_t)offsetof(struct sockaddr_un, sun_path))

struct name {
    struct sockaddr_un un;
    socklen_t len;
};

/* '@' begins an abstract name. */
static struct name name_of(const char *text)
{
    struct name name = {.un.sun_family = AF_UNIX};
    size_t n = strlen(text);
    memcpy(name.un.sun_path, text, n);
    name.len = PATH_AT + (socklen_t)n + (text[0] != '@');
    if (text[0] == '@')
        name.un.sun_path[0] = '\0';
    return name;
}

static void same(const struct name *got, const struct name *want, const char *what)
{
    if (got->len != want->len || memcmp(&got->un, &want->un, want->len))
        FAIL("%s: told %u bytes \"%.*s\"", what, got->len, (int)got->len, got->un.sun_path);
}

static void end_well(pid_t pid)
{
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static const char *const names[] = {
    "/tmp/socket",
    "relative",
    "dir/../dir/socket",
    "@abstract",
    "@a-long-abstract-name-of-more-than-99-bytes---------------------------"
    "-----------------------------------107",
};
#define NAMES (sizeof names / sizeof names[0])

/* A stream's client: connects by name, is told the server's, sends its own. */
static void client(const char *text, const char *own)
{
    struct name server = name_of(text), mine = name_of(own), got = {.len = sizeof got.un};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(bind(fd, (void *)&mine.un, mine.len));
    if (connect(fd, (void *)&server.un, server.len))
        FAIL("%s: connect, errno %d", text, errno);
    OK(getpeername(fd, (void *)&got.un, &got.len));
    same(&got, &server, "the server's name");
    EQ(send(fd, "x", 1, 0), 1);
    close(fd);
}

/* Bound before fork(), and bound by the child. */
static void streams(const char *text)
{
    struct name name = name_of(text), client_name = name_of("@client"),
                got = {.len = sizeof got.un};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), conn;
    char buf[4];
    OK(bind(fd, (void *)&name.un, name.len));
    OK(listen(fd, 4));
    pid_t pid = fork();
    if (pid == 0) {
        int twice = socket(AF_UNIX, SOCK_STREAM, 0);
        got.len = sizeof got.un;
        OK(getsockname(fd, (void *)&got.un, &got.len));
        same(&got, &name, "own name in the child");
        ERR(bind(twice, (void *)&name.un, name.len), EADDRINUSE);
        close(fd);
        client(text, "@client");
        _exit(guest_failed);
    }
    OK(conn = accept(fd, (void *)&got.un, &got.len));
    same(&got, &client_name, "the client's name");
    EQ(recv(conn, buf, sizeof buf, 0), 1);
    end_well(pid);
    close(conn);
    close(fd);
    if (text[0] != '@')
        OK(unlink(text));
}

/* A server in the child, which the parent calls when it is ready. */
static void child_serves(const char *text)
{
    struct name name = name_of(text), got = {.len = sizeof got.un};
    int ready[2], fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char buf[8];
    OK(pipe(ready));
    pid_t pid = fork();
    if (pid == 0) {
        int server = socket(AF_UNIX, SOCK_DGRAM, 0);
        struct name from = {.len = sizeof from.un};
        OK(bind(server, (void *)&name.un, name.len));
        EQ(write(ready[1], "r", 1), 1);
        EQ(recvfrom(server, buf, sizeof buf, 0, (void *)&from.un, &from.len), 4);
        EQ(sendto(server, "back", 4, 0, (void *)&from.un, from.len), 4);
        _exit(guest_failed);
    }
    struct name mine = name_of("@parent");
    OK(bind(fd, (void *)&mine.un, mine.len));
    EQ(read(ready[0], buf, 1), 1);
    EQ(sendto(fd, "call", 4, 0, (void *)&name.un, name.len), 4);
    EQ(recvfrom(fd, buf, sizeof buf, 0, (void *)&got.un, &got.len), 4);
    same(&got, &name, "the child's name");
    end_well(pid);
    close(fd);
    close(ready[0]);
    close(ready[1]);
    if (text[0] != '@')
        OK(unlink(text));
}

/* Two that bind one name at the same time: one of them gets it. */
static void race(const char *text)
{
    struct name name = name_of(text);
    int go[2], got[2], status;
    char byte;
    OK(pipe(go));
    OK(pipe(got));
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            close(go[1]);
            (void)!read(go[0], &byte, 1);
            if (bind(fd, (void *)&name.un, name.len) == 0)
                EQ(write(got[1], "b", 1), 1);
            else
                EQ(errno, EADDRINUSE);
            close(got[1]);
            (void)!read(got[0], &byte, 0);
            _exit(guest_failed);
        }
    }
    close(go[1]);
    for (int i = 0; i < 4; i++) {
        EQ(wait(&status) > 0, 1);
        EQ(status, 0);
    }
    OK(fcntl(got[0], F_SETFL, O_NONBLOCK));
    int n = 0;
    while (read(got[0], &byte, 1) == 1)
        n++;
    CHECK(text[0] == '@' ? n >= 1 : n == 1); /* an abstract name is free when its process ended */
    close(go[0]);
    close(got[0]);
    close(got[1]);
    if (text[0] != '@')
        OK(unlink(text));
}

static struct ucred peer_of(int fd)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    OK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    return cred;
}

/* Who connected is told as who it was then, also when it is no more. */
static void peers(void)
{
    struct name name = name_of("@peers");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
    OK(bind(fd, (void *)&name.un, name.len));
    OK(listen(fd, 4));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int to = socket(AF_UNIX, SOCK_STREAM, 0);
        EQ(peer_of(pair[1]).pid, parent);
        OK(setresgid(1000, 2000, 0));
        OK(setresuid(1001, 2001, 0));
        OK(connect(to, (void *)&name.un, name.len));
        EQ(peer_of(to).pid, parent);
        EQ(peer_of(to).uid, 0);
        EQ(send(to, "x", 1, 0), 1);
        _exit(guest_failed);
    }
    int conn = accept(fd, NULL, NULL);
    struct ucred cred = peer_of(conn);
    EQ(cred.pid, pid);
    EQ(cred.uid, 2001);
    EQ(cred.gid, 2000);
    end_well(pid);
    cred = peer_of(conn);
    EQ(cred.pid, pid);
    EQ(cred.uid, 2001);
    close(conn);
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

static struct ucred sender_of(int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct ucred cred = {0};
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    EQ(recvmsg(fd, &m, 0), 1);
    EQ(m.msg_controllen, sizeof control);
    memcpy(&cred, CMSG_DATA(&control.align), sizeof cred);
    return cred;
}

static void senders(void)
{
    int pair[2], one = 1;
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    OK(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    pid_t pid = fork();
    if (pid == 0) { /* inherited, and only written to */
        EQ(write(pair[1], "x", 1), 1);
        OK(setresgid(1000, 2000, 0));
        OK(setresuid(1001, 2001, 0));
        EQ(send(pair[1], "y", 1, 0), 1);
        _exit(guest_failed);
    }
    struct ucred cred = sender_of(pair[0]);
    EQ(cred.pid, pid);
    end_well(pid);
    cred = sender_of(pair[0]);
    EQ(cred.pid, pid);
    EQ(cred.uid, 1001);
    EQ(cred.gid, 1000);
    /* Who may not, cannot speak for another. */
    pid = fork();
    if (pid == 0) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control = {.align = {CMSG_LEN(sizeof cred), SOL_SOCKET, SCM_CREDENTIALS}};
        struct iovec iov = {"z", 1};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        OK(setresuid(1001, 1001, 1001));
        cred = (struct ucred){getppid(), 1001, getgid()};
        memcpy(CMSG_DATA(&control.align), &cred, sizeof cred);
        ERR(sendmsg(pair[1], &m, 0), EPERM);
        cred = (struct ucred){getpid(), 0, getgid()};
        memcpy(CMSG_DATA(&control.align), &cred, sizeof cred);
        ERR(sendmsg(pair[1], &m, 0), EPERM);
        cred = (struct ucred){getpid(), 1001, getgid()};
        memcpy(CMSG_DATA(&control.align), &cred, sizeof cred);
        EQ(sendmsg(pair[1], &m, 0), 1);
        _exit(guest_failed);
    }
    cred = sender_of(pair[0]);
    EQ(cred.pid, pid);
    EQ(cred.uid, 1001);
    end_well(pid);
    close(pair[0]);
    close(pair[1]);
}

/* A descriptor made in the child works in the parent when the child is gone. */
static void descriptor(void)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.align = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    int pair[2], fd = -1;
    char byte = 'd';
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    struct stat st;
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pid_t pid = fork();
    if (pid == 0) {
        OK(fd = open("made", O_CREAT | O_RDWR, 0600));
        EQ(write(fd, "content", 7), 7);
        memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
        EQ(sendmsg(pair[1], &m, 0), 1);
        OK(fd = open("/tmp", O_RDONLY | O_DIRECTORY));
        memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
        EQ(sendmsg(pair[1], &m, 0), 1);
        _exit(guest_failed);
    }
    end_well(pid);
    EQ(recvmsg(pair[0], &m, 0), 1);
    memcpy(&fd, CMSG_DATA(&control.align), sizeof fd);
    OK(fstat(fd, &st));
    EQ(st.st_size, 7);
    EQ(pread(fd, &byte, 1, 3), 1);
    EQ(byte, 't');
    close(fd);
    m.msg_controllen = sizeof control;
    EQ(recvmsg(pair[0], &m, 0), 1);
    memcpy(&fd, CMSG_DATA(&control.align), sizeof fd);
    OK(faccessat(fd, "made", F_OK, 0)); /* a directory that leads on */
    OK(unlinkat(fd, "made", 0));
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

/* Over exec: the sockets stay, and so do their names and what this program is called by. */
static void over_exec(const char *self)
{
    for (size_t i = 0; i < NAMES; i++) {
        struct name name = name_of(names[i]);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char number[16];
        OK(bind(fd, (void *)&name.un, name.len));
        OK(listen(fd, 1));
        snprintf(number, sizeof number, "%d", fd);
        pid_t pid = fork();
        if (pid == 0) {
            execl(self, self, names[i], number, (char *)NULL);
            _exit(77);
        }
        end_well(pid);
        close(fd);
        if (names[i][0] != '@')
            OK(unlink(names[i]));
    }
}

static int executed(const char *text, int fd)
{
    struct name name = name_of(text), got = {.len = sizeof got.un};
    OK(getsockname(fd, (void *)&got.un, &got.len));
    same(&got, &name, "own name after exec");
    client(text, "@of-exec");
    return guest_failed;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return executed(argv[1], atoi(argv[2]));
    OK(mkdir("dir", 0700));
    for (size_t i = 0; i < NAMES; i++) {
        streams(names[i]);
        child_serves(names[i]);
        race(names[i]);
    }
    peers();
    senders();
    descriptor();
    over_exec(argv[0]);
    OK(rmdir("dir"));
    return done();
}
