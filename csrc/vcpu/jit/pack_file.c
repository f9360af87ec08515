/*
 * pack_file.c - the directory of packs: files of one's own only, replaced as a whole, and not too
 * many of them. Nothing is flushed to the disk: what a crash of the host leaves has a wrong digest.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vcpu/jit/pack.h"

#define CACHE_LIMIT     (512ull << 20) /* bytes of all packs, unless ELFUSE_CACHE_LIMIT says so */
#define TEMPORARY       ".tmp"
#define TEMPORARY_HOURS 1
#define DAY             86400

#define LARGE_PAGE (2u << 20)

void *pack_memory(size_t bytes, size_t used)
{
    size_t size = (bytes + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1);
    uint8_t *at = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)at & (LARGE_PAGE - 1);
    if (before)
        munmap(at, before);
    munmap(at + before + size, LARGE_PAGE - before);
    /* A small one would be cleared for more than it holds. */
    if (used >= LARGE_PAGE / 4)
        madvise(at + before, size, MADV_HUGEPAGE);
    return at + before;
}

void pack_memory_free(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, (bytes + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1));
}

void pack_name(char *name, size_t size, const struct pack_hash *key)
{
    snprintf(name, size, "%016llx%016llx" PACK_NAME, (unsigned long long)key->h[0],
             (unsigned long long)key->h[1]);
}

int pack_open(int dir, const char *name, uint64_t most, uint64_t *size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) ||
        st.st_size <= 0 || (uint64_t)st.st_size > most) {
        close(fd);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    if (st.st_mtime < time(NULL) - DAY) /* it is in use: see pack_prune() */
        futimens(fd, NULL);
    return fd;
}

bool pack_read(int fd, void *to, size_t bytes)
{
    for (uint8_t *at = to; bytes > 0;) {
        ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t bytes)
{
    for (const uint8_t *at = data; bytes > 0;) {
        ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool write_new(int dir, const char *temporary, const char *name, const void *data,
                      size_t bytes, bool once)
{
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool done = write_all(fd, data, bytes);
    done = !close(fd) && done;
    if (done)
        done = once ? !linkat(dir, temporary, dir, name, 0) : !renameat(dir, temporary, dir, name);
    if (!done || once)
        unlinkat(dir, temporary, 0);
    return done;
}

bool pack_write(int dir, const char *name, const void *data, size_t bytes, bool once)
{
    char temporary[64];
    uint64_t number;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        return false;
    snprintf(temporary, sizeof temporary, ".%d-%016llx" TEMPORARY, (int)getpid(),
             (unsigned long long)number);
    /* SIGXFSZ: the guest's limit on file sizes holds for us, and may not end it here. */
    sigset_t all, old, before, excess;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    sigpending(&before);
    bool done = write_new(dir, temporary, name, data, bytes, once);
    sigemptyset(&excess);
    sigaddset(&excess, SIGXFSZ);
    if (!sigismember(&before, SIGXFSZ))
        sigtimedwait(&excess, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return done;
}

/* ---- not too many ---- */

struct found {
    char name[64];
    uint64_t bytes;
    time_t used;
};

static int by_use(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n >= e && !strcmp(name + n - e, end);
}

/* The packs, in a new array; leftovers of writers are removed on the way. */
static struct found *list_packs(DIR *list, int dir, size_t *count)
{
    struct found *found = NULL;
    size_t room = 0;
    *count = 0;
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat st;
        bool temporary = ends_with(entry->d_name, TEMPORARY);
        if ((!temporary && !ends_with(entry->d_name, PACK_NAME)) ||
            strlen(entry->d_name) >= sizeof found->name ||
            fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        if (temporary) {
            if (st.st_mtime < time(NULL) - TEMPORARY_HOURS * 3600)
                unlinkat(dir, entry->d_name, 0);
            continue;
        }
        if (*count == room) {
            room = room ? room * 2 : 64;
            struct found *more = realloc(found, room * sizeof *found);
            if (!more)
                break;
            found = more;
        }
        struct found *f = &found[(*count)++];
        snprintf(f->name, sizeof f->name, "%.60s", entry->d_name);
        f->bytes = (uint64_t)st.st_size;
        f->used = st.st_mtime;
    }
    return found;
}

void pack_prune(int dir)
{
    const char *asked = getenv("ELFUSE_CACHE_LIMIT");
    uint64_t limit = asked && *asked ? strtoull(asked, NULL, 10) : CACHE_LIMIT, total = 0;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (!list) {
        if (fd >= 0)
            close(fd);
        return;
    }
    size_t count;
    struct found *found = list_packs(list, dir, &count);
    closedir(list);
    for (size_t i = 0; i < count; i++)
        total += found[i].bytes;
    if (total > limit) {
        qsort(found, count, sizeof *found, by_use);
        for (size_t i = 0; i < count && total > limit / 4 * 3; i++) {
            if (!unlinkat(dir, found[i].name, 0))
                total -= found[i].bytes;
        }
    }
    free(found);
}
