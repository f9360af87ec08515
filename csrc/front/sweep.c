/*
 * sweep.c - when ended runs are cleared. The sweep is Python's (elfuse/cli/background.py), whose
 * start costs more than a run: a run that wrote nothing can wait for some others.
 */
#include "front/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/python.h"

#define MANY    16
#define ENTRIES 32

static DIR *open_folder(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder && fd >= 0)
        close(fd);
    return folder;
}

static struct dirent *next(DIR *folder)
{
    struct dirent *entry = readdir(folder);
    while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")))
        entry = readdir(folder);
    return entry;
}

/* Whether nothing much would be won: a few directories and empty files, such as mounts leave. */
static bool is_little(int dir, const char *name, unsigned *room)
{
    struct stat status;
    DIR *folder = open_folder(dir, name);
    bool little = true;
    for (struct dirent *entry; folder && little && (entry = next(folder));) {
        int here = dirfd(folder);
        little =
            (*room)-- > 1 && fstatat(here, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISDIR(status.st_mode) ? is_little(here, entry->d_name, room) : status.st_size == 0);
    }
    if (folder)
        closedir(folder);
    return little;
}

static bool has_ended(int run)
{
    int fd = openat(run, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ended = fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return ended && faccessat(run, "keep", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* How much an ended run, which is not kept, asks for a sweep. */
static unsigned weight(int runs, const char *id)
{
    int run = openat(runs, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    unsigned all = 0, room = ENTRIES;
    if (run < 0)
        return 0;
    if (has_ended(run))
        all = is_little(run, "upper", &room) ? 1 : MANY;
    close(run);
    return all;
}

static bool is_due(int store)
{
    DIR *runs = open_folder(store, "runs"), *trash = open_folder(store, "trash");
    unsigned all = trash && next(trash) ? MANY : 0;
    for (struct dirent *entry; runs && all < MANY && (entry = next(runs));)
        all += weight(dirfd(runs), entry->d_name);
    if (runs)
        closedir(runs);
    if (trash)
        closedir(trash);
    return all >= MANY;
}

/* No child of the guest that this process becomes, and with none of its descriptors. */
static void detach(const char *program, const char *store)
{
    pid_t child = fork();
    if (child > 0)
        waitpid(child, NULL, 0);
    if (child != 0)
        return;
    setsid();
    if (fork() == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; null >= 0 && fd < 3; fd++)
            dup2(null, fd);
        closefrom(3);
        setpriority(PRIO_PROCESS, 0, 10);
        execl(program, program, "--sweep", store, (char *)NULL);
    }
    _exit(0);
}

void sweep_if_due(const char *store)
{
    const char *program = python_command();
    int dir = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (program && dir >= 0 && is_due(dir))
        detach(program, store);
    if (dir >= 0)
        close(dir);
}
