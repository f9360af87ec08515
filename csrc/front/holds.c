/* holds.c - whether what a memo rests on is as it was. */
#include "front/holds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

bool words_hold(const struct memo *memo, char *const *words)
{
    size_t i = 0;
    while (i < memo->nwords && words[i] && !strcmp(memo->words[i], words[i]))
        i++;
    return i == memo->nwords && memo->open_ended == (words[i] != NULL);
}

static bool is_known(const struct memo *memo, const char *entry)
{
    for (size_t i = 0; i < memo->nvariables; i++) {
        size_t length = strlen(memo->variables[i].name);
        if (!strncmp(entry, memo->variables[i].name, length) && entry[length] == '=')
            return true;
    }
    return false;
}

bool environment_holds(const struct memo *memo)
{
    for (size_t i = 0; i < memo->nvariables; i++) {
        const char *value = getenv(memo->variables[i].name), *then = memo->variables[i].value;
        if (!value != !then || (value && strcmp(value, then)))
            return false;
    }
    /* One that the memo does not know may ask for anything: a trace, a completion. */
    for (char **entry = environ; *entry; entry++) {
        bool is_ours = !strncmp(*entry, "ELFUSE_", 7) || !strncmp(*entry, "_ELFUSE_", 8);
        if (is_ours && !is_known(memo, *entry))
            return false;
    }
    return true;
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
}

static bool file_holds(const struct memo_file *file)
{
    struct stat status;
    if (stat(file->path, &status) < 0)
        return file->absent && (errno == ENOENT || errno == ENOTDIR);
    return !file->absent && status.st_dev == file->device && status.st_ino == file->inode &&
           (uint64_t)status.st_size == file->size &&
           nanoseconds(status.st_mtim) == file->modified &&
           nanoseconds(status.st_ctim) == file->changed;
}

bool files_hold(const struct memo *memo)
{
    size_t i = 0;
    while (i < memo->nfiles && file_holds(&memo->files[i]))
        i++;
    return i == memo->nfiles;
}

static bool content_holds(const struct memo_blob *blob)
{
    int fd = open(blob->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t buffer[16384];
    uint32_t crc = 0;
    uint64_t size = 0;
    ssize_t n = 1;
    if (fd < 0)
        return false;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        crc = memo_crc32(crc, buffer, (size_t)n);
        size += (uint64_t)n;
    }
    close(fd);
    return n == 0 && size == blob->size && crc == blob->crc;
}

bool blobs_hold(const struct memo *memo)
{
    bool good = true;
    for (size_t i = 0; good && i < memo->nblobs; i++) {
        const struct memo_blob *blob = &memo->blobs[i];
        struct stat status;
        good = lstat(blob->path, &status) == 0 && (uint64_t)status.st_size == blob->size &&
               (!blob->has_crc || content_holds(blob));
    }
    return good;
}
