/* program.c - finding the program, as execvp() and docker do, and loading it. */
#include <stdio.h>
#include <string.h>

#include "elf/loader.h"
#include "host/io.h"
#include "host/log.h"
#include "launch/launch.h"
#include "linux/abi/fs.h"
#include "linux/fs/fs.h"
#include "linux/process/pid.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"

/* What runc and podman take when the environment has no PATH. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A signal may come before the program runs; with its default action it ends us here. */
static int prepare(struct task *task, const struct launch_spec *spec, const char *path,
                   struct exec_plan **plan, char *why)
{
    const struct exec_request request = {.dirfd = LINUX_AT_FDCWD, .path = path};
    int err;
    do {
        if (signal_attention(task))
            signal_work(task, 0, 0);
        struct exec_plan *opened = NULL;
        err = exec_open(task, &request, &opened, why);
        if (err == 0)
            err = exec_prepare(task, opened, spec->argv, spec->envp, why);
        if (err == 0)
            *plan = opened;
        else
            exec_free(opened);
    } while (err == -LINUX_ERESTARTSYS || err == -LINUX_ERESTARTNOINTR);
    return err;
}

static const char *search_path(const struct launch_spec *spec)
{
    for (const char **e = spec->envp; *e; e++) {
        if (!strncmp(*e, "PATH=", 5))
            return *e + 5;
    }
    return DEFAULT_PATH;
}

/* Is there a file of that name that may be executed? 0 or -errno. */
static int look(struct task *task, const char *path)
{
    char canonical[LINUX_PATH_MAX];
    int fd = fs_open_exec(task, LINUX_AT_FDCWD, path, 0, canonical);
    if (fd < 0)
        return fd;
    host_fd_close(fd);
    return 0;
}

/* As execvp(3): a directory where the file is not, or may not be executed, is passed over. */
static int search(struct task *task, const struct launch_spec *spec, struct exec_plan **plan,
                  char *why)
{
    const char *name = spec->argv[0], *at = search_path(spec);
    bool denied = false;
    while (*name) {
        char path[LINUX_PATH_MAX];
        size_t len = strcspn(at, ":");
        const char *slash = len ? "/" : ""; /* an empty entry is the working directory */
        int n = snprintf(path, sizeof path, "%.*s%s%s", (int)len, at, slash, name);
        int err = n > 0 && (size_t)n < sizeof path ? look(task, path) : -LINUX_ENAMETOOLONG;
        if (err == 0)
            return prepare(task, spec, path, plan, why);
        if (err == -LINUX_EACCES)
            denied = true;
        at += len;
        if (*at == '\0')
            break;
        at++;
    }
    snprintf(why, EXEC_WHY_SIZE, "%.200s: %s in the guest's PATH", name,
             denied ? "found, but not executable," : "not found");
    return denied ? -LINUX_EACCES : -LINUX_ENOENT;
}

int launch_program(struct task *task, const struct launch_spec *spec)
{
    char why[EXEC_WHY_SIZE] = "";
    struct exec_plan *plan = NULL;
    int err = spec->init ? init_start(task) : 0;
    if (err) {
        host_log("cannot start the program beside its init (error %d)", -err);
        return EXIT_ELFUSE_FAILED;
    }
    err = strchr(spec->argv[0], '/') ? prepare(task, spec, spec->argv[0], &plan, why)
                                     : search(task, spec, &plan, why);
    if (err) {
        host_log("%s", why);
        return err == -LINUX_ENOENT || err == -LINUX_ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTED;
    }
    pid_publish_exe(task, exec_program_fd(plan));
    err = exec_commit(task, plan, why);
    exec_free(plan);
    if (err) {
        host_log("%s", why);
        return EXIT_NOT_EXECUTED;
    }
    pid_publish_program(task->proc);
    return 0;
}
