/*
 * plain.c - one GET over plain HTTP, of whose answer the status alone counts. To load libcurl takes
 * five times as long as this whole command.
 */
#include "front/plain.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SCHEME       "http://"
#define CONNECT_WAIT 3 /* seconds, also for what is sent */
#define ANSWER_WAIT  10

/* Host and port of the URL, which begins with SCHEME; where its path begins. NULL for one that
 * cannot be put into a request as it is. */
static const char *split(const char *url, char *host, size_t size, const char **port)
{
    const char *from = url + strlen(SCHEME), *path = strchr(from, '/');
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '@' || *p == '#')
            return NULL;
    if (!path || (size_t)(path - from) >= size)
        return NULL;
    memcpy(host, from, (size_t)(path - from));
    host[path - from] = '\0';
    char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    *port = "80";
    if (colon && (!bracket || colon > bracket)) {
        *colon = '\0';
        *port = colon + 1;
    }
    return path;
}

static int connect_to(char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const struct timeval patience = {.tv_sec = CONNECT_WAIT}, answer = {.tv_sec = ANSWER_WAIT};
    struct addrinfo *all = NULL;
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        host++;
    }
    if (getaddrinfo(host, port, &hints, &all) != 0)
        return -1;
    int fd = -1;
    for (struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
        fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof answer);
        if (connect(fd, one->ai_addr, one->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(all);
    return fd;
}

/* "HTTP/1.1 304 ...": twelve bytes say it, and a space or the line's end. */
static bool answers_304(int fd)
{
    char line[13];
    ssize_t n = recv(fd, line, sizeof line, MSG_WAITALL);
    return n == (ssize_t)sizeof line && !memcmp(line, "HTTP/1.", 7) &&
           (line[7] == '0' || line[7] == '1') && !memcmp(line + 8, " 304", 4) &&
           (line[12] == ' ' || line[12] == '\r');
}

bool is_unmodified(const struct memo_request *request)
{
    char host[300], *text = NULL;
    const char *port, *authority = request->url + strlen(SCHEME);
    const char *path = split(request->url, host, sizeof host, &port);
    int fd = path ? connect_to(host, port) : -1;
    if (fd < 0)
        return false;
    int length = asprintf(&text,
                          "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: %s\r\nAccept: %s\r\n"
                          "If-None-Match: \"%s\"\r\nConnection: close\r\n\r\n",
                          path, (int)(path - authority), authority, request->agent, request->accept,
                          request->digest);
    bool good =
        length > 0 && send(fd, text, (size_t)length, MSG_NOSIGNAL) == length && answers_304(fd);
    if (length >= 0)
        free(text);
    close(fd);
    return good;
}
