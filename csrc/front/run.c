/*
 * run.c - making a run, by the protocol of elfuse/oci/runs.py and elfuse/oci/leases.py: a lease,
 * what is used claimed under it, the directory staged with its lock held and its record written,
 * then renamed to its name. Where Python would wait for a lock, this leaves it to Python.
 */
#include "front/run.h"

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "front/holds.h"
#include "front/sweep.h"

struct lease {
    int activity, file;
    char path[PATH_MAX];
};

static bool join(char *path, const char *store, const char *folder, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s/%s", store, folder, name);
    return length > 0 && length < PATH_MAX;
}

static bool random_name(char *name, const char *prefix, size_t bytes)
{
    uint8_t noise[8];
    if (getrandom(noise, bytes, 0) != (ssize_t)bytes)
        return false;
    name = stpcpy(name, prefix);
    for (size_t i = 0; i < bytes; i++)
        name += sprintf(name, "%02x", noise[i]);
    return true;
}

/* The lock file `name` of the store, held; -1 when somebody holds it otherwise. */
static int lock(const char *store, const char *name, int how)
{
    char path[PATH_MAX];
    if (!join(path, store, "locks", name))
        return -1;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && flock(fd, how | LOCK_NB) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool take_lease(struct lease *lease, const char *store)
{
    char name[32];
    lease->activity = lock(store, "activity", LOCK_SH);
    if (lease->activity < 0 || !random_name(name, "lease-", 8) ||
        !join(lease->path, store, "tmp", name))
        return false;
    lease->file = open(lease->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return lease->file >= 0 && flock(lease->file, LOCK_EX) == 0;
}

static void give_back(struct lease *lease)
{
    if (lease->file >= 0) {
        unlink(lease->path);
        close(lease->file);
    }
    if (lease->activity >= 0)
        close(lease->activity);
}

/* The lock makes looking and touching one step, between the batches of a prune. */
static bool claim(const struct memo_run *run)
{
    struct stat status;
    int gc = lock(run->store, "gc", LOCK_SH);
    bool good = gc >= 0;
    for (size_t i = 0; good && i < run->nclaims; i++)
        good = lstat(run->claims[i], &status) == 0 && S_ISDIR(status.st_mode) &&
               utimensat(AT_FDCWD, run->claims[i], NULL, AT_SYMLINK_NOFOLLOW) == 0;
    if (gc >= 0)
        close(gc);
    return good;
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0)
            return false;
        text += n;
        length -= (size_t)n;
    }
    return true;
}

static bool put_file(int dir, const char *name, const char *text, mode_t mode)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool good = write_all(fd, text, strlen(text)) && fchmod(fd, mode) == 0;
    return close(fd) == 0 && good;
}

/* An array of the memo's with `more` at its end. */
static bool append(json_object *array, char *const *more)
{
    for (; *more; more++) {
        json_object *word = json_object_new_string(*more);
        if (!word || json_object_array_add(array, word) < 0)
            return false;
    }
    return true;
}

static const char *text_of(json_object *object)
{
    return json_object_to_json_string_ext(object,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static bool put_record(int dir, const struct memo_run *run, char *const *more)
{
    struct timespec now;
    json_object *argv;
    if (clock_gettime(CLOCK_REALTIME, &now) < 0 ||
        !json_object_object_get_ex(run->record, "argv", &argv) || !append(argv, more))
        return false;
    double created = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    return json_object_object_add(run->record, "created", json_object_new_double(created)) == 0 &&
           json_object_object_add(run->record, "pid", json_object_new_int(getpid())) == 0 &&
           put_file(dir, "run.json", text_of(run->record), 0600);
}

/* The memo's run had its ID in its paths and, unless it was named, in its host name; the new one is
 * as long. */
static char *renamed(const char *text, const char *old, const char *new)
{
    char *copy = strdup(text);
    for (char *at = copy; at && (at = strstr(at, old)); at += strlen(new))
        memcpy(at, new, strlen(new));
    return copy;
}

static bool put_entry(int dir, const struct memo_run *run, const struct memo_entry *e,
                      const char *id)
{
    if (e->content) {
        char *text = renamed(e->content, run->id, id);
        bool good = text && put_file(dir, e->name, text, e->mode);
        free(text);
        return good;
    }
    if (mkdirat(dir, e->name, 0700) < 0 || fchmodat(dir, e->name, e->mode, 0) < 0)
        return false;
    if (!e->attribute)
        return true;
    int fd = openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && fsetxattr(fd, e->attribute, e->value, strlen(e->value), 0) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* The run's directory, complete; its lock, held. -1 without either. */
static int make_directory(const struct memo_run *run, const char *id, char *const *more)
{
    char staged[PATH_MAX], target[PATH_MAX], away[PATH_MAX], name[32];
    const char *place = staged;
    if (!random_name(name, "run-", 8) || !join(staged, run->store, "tmp", name) ||
        !join(target, run->store, "runs", id) || mkdir(staged, 0700) < 0)
        return -1;
    int dir = open(staged, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int held = dir < 0
                   ? -1
                   : openat(dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0 && put_record(dir, run, more);
    for (size_t i = 0; good && i < run->nentries; i++)
        good = put_entry(dir, run, &run->entries[i], id);
    if (good && rename(staged, target) == 0)
        place = target;
    else
        good = false;
    if (dir >= 0)
        close(dir);
    if (good)
        return held;
    if (held >= 0)
        close(held);
    if (random_name(name, "", 8) && join(away, run->store, "trash", name))
        rename(place, away);
    return -1;
}

static bool keep(int fd)
{
    return fcntl(fd, F_SETFD, 0) == 0;
}

/* The launch spec in a file of no name, from its beginning. */
static int spec_file(const struct memo_run *run, const char *id, int held, char *const *more)
{
    json_object *argv, *fds = json_object_new_array();
    if (!fds || json_object_array_add(fds, json_object_new_int(held)) < 0 ||
        json_object_object_add(run->spec, "keep_fds", fds) < 0 ||
        !json_object_object_get_ex(run->spec, "argv", &argv) || !append(argv, more))
        return -1;
    char *text = renamed(text_of(run->spec), run->id, id);
    int fd = text ? memfd_create("elfuse-spec", MFD_CLOEXEC) : -1;
    bool good = fd >= 0 && write_all(fd, text, strlen(text)) && lseek(fd, 0, SEEK_SET) == 0 &&
                keep(fd) && keep(held);
    free(text);
    return good ? fd : -1;
}

/* As elfuse/runtime/process.py: without stdin the guest reads nothing, and signals are the usual
 * ones, as Python's start has changed two of them. */
static void launch(const struct memo_run *run, int spec)
{
    char number[16];
    char *const argv[] = {"elfuse-vm", "--spec-fd", number, NULL};
    snprintf(number, sizeof number, "%d", spec);
    if (!run->with_stdin) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0)
            return;
    }
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execv(run->program, argv);
}

void become_run(const struct memo *memo, char *const *more)
{
    const struct memo_run *run = memo->run;
    struct lease lease = {.activity = -1, .file = -1};
    char id[32], path[PATH_MAX], away[PATH_MAX], name[32];
    int held = -1;
    if (!random_name(id, "", 6) || strlen(run->id) != strlen(id))
        return;
    if (access(run->program, X_OK) == 0 && take_lease(&lease, run->store) && claim(run) &&
        files_hold(memo))
        held = make_directory(run, id, more);
    give_back(&lease);
    if (held < 0)
        return;
    sweep_if_due(run->store);
    int spec = spec_file(run, id, held, more);
    if (spec >= 0)
        launch(run, spec);
    close(held);
    if (random_name(name, "", 8) && join(path, run->store, "runs", id) &&
        join(away, run->store, "trash", name))
        rename(path, away);
}
