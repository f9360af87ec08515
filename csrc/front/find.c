/*
 * find.c - the memo of a command line: a file in the user's cache directory, named by a checksum of
 * the words. That only narrows the search; whether it is theirs the memo itself says.
 */
#include "front/find.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front/memo.h"

/* elfuse/cli/front.py: directory(). False where nothing is kept, or nobody can say where. */
static bool directory(char *path, size_t size)
{
    const char *chosen = getenv("ELFUSE_CACHE_DIR"), *base = getenv("XDG_CACHE_HOME");
    const char *between = "/elfuse";
    if (chosen) {
        base = chosen;
        between = "";
    } else if (!base || base[0] != '/') {
        base = getenv("HOME");
        between = "/.cache/elfuse";
    }
    if (!base || base[0] != '/')
        return false;
    int length = snprintf(path, size, "%s%s/memos", base, between);
    return length > 0 && (size_t)length < size;
}

static uint32_t checksum(char *const *words, size_t count)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < count; i++)
        crc = memo_crc32(crc, words[i], strlen(words[i]) + 1);
    return crc;
}

static bool is_ours(const struct stat *status)
{
    return status->st_uid == geteuid() && !(status->st_mode & 077);
}

static int open_memo(const char *folder, const char *name)
{
    struct stat status;
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return -1;
    int fd = -1;
    if (fstat(dir, &status) == 0 && is_ours(&status))
        fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    close(dir);
    if (fd >= 0 && !(fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_ours(&status) &&
                     status.st_size > 0 && status.st_size <= MEMO_MAX_SIZE)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

char *find_memo(char *const *words, size_t count, bool open_ended, size_t *length)
{
    char folder[PATH_MAX], name[32];
    if (!directory(folder, sizeof folder))
        return NULL;
    snprintf(name, sizeof name, "%08x%s.json", checksum(words, count), open_ended ? "+" : "");
    int fd = open_memo(folder, name);
    if (fd < 0)
        return NULL;
    char *text = malloc(MEMO_MAX_SIZE);
    size_t have = 0;
    ssize_t n = text ? 1 : 0;
    while (n > 0 && have < MEMO_MAX_SIZE) {
        n = read(fd, text + have, MEMO_MAX_SIZE - have);
        have += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    *length = have;
    return text;
}
