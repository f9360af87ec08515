/*
 * overlay.c - host/overlay.h on Linux: overlayfs, mounted in a user namespace and a mount namespace
 * that end at once.
 *
 * Who makes a user namespace may mount in it, and has then moved there for good. So a child does
 * it, which shares our memory and our descriptors: what it opens is ours when it is gone. With its
 * namespaces the mount loses its place, but lasts as long as the descriptor, as after umount -l.
 * Whole it takes 0.8 ms.
 *
 * The old mount(2) and not fsconfig(2), whose strings end at 256 bytes; the layers are named by the
 * child's own descriptors, so that their paths may be long and hold commas and colons.
 */
#include "host/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/io.h"

#define STACK_SIZE   (64u << 10)
#define OPTIONS_SIZE 4096u /* mount(2) takes a page */

/* The child's; the parent reads the last two. */
struct job {
    const struct host_overlay *overlay;
    uid_t uid;
    gid_t gid;
    char options[OPTIONS_SIZE];
    size_t len;
    int fds[HOST_OVERLAY_LAYERS + 2], nfds;
    const char *step;
    int result;
};

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

/* One id is what an ordinary user may map: ours, to 0. The numbers mean nothing outside. */
static int map_ids(struct job *j)
{
    char line[32];
    j->step = "a user namespace with a map of ids";
    /* Without giving up setgroups() first, groups are not to be mapped (Linux 3.19). */
    (void)write_text("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "0 %u 1", j->uid);
    int result = write_text("/proc/self/uid_map", line);
    if (result)
        return result;
    snprintf(line, sizeof line, "0 %u 1", j->gid);
    return write_text("/proc/self/gid_map", line);
}

static void append(struct job *j, const char *text)
{
    size_t len = strlen(text);
    if (j->len + len < sizeof j->options)
        memcpy(j->options + j->len, text, len + 1);
    j->len += len;
}

/* overlayfs takes only what lies in its own mount namespace, so it is opened here. */
static int append_directory(struct job *j, const char *before, const char *path)
{
    char name[32];
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        j->step = path;
        return -errno;
    }
    j->fds[j->nfds++] = fd;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    append(j, before);
    append(j, name);
    return 0;
}

static int mount_layers(struct job *j)
{
    const struct host_overlay *o = j->overlay;
    int result = 0;
    for (size_t i = 0; result == 0 && i < o->nlower; i++)
        result = append_directory(j, i ? ":" : "lowerdir=", o->lower[i]);
    if (result == 0)
        result = append_directory(j, ",upperdir=", o->upper);
    if (result == 0)
        result = append_directory(j, ",workdir=", o->work);
    if (result)
        return result;
    /* index=off: what a distribution's default may turn on wants file handles. */
    append(j, o->is_volatile ? ",userxattr,index=off,volatile" : ",userxattr,index=off");
    j->step = "mounting it";
    if (j->len >= sizeof j->options)
        return -E2BIG;
    if (mount("overlay", o->work, "overlay", 0, j->options))
        return -errno;
    int fd = open(o->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int child(void *arg)
{
    struct job *j = arg;
    j->result = map_ids(j);
    if (j->result == 0)
        j->result = mount_layers(j);
    for (int i = 0; i < j->nfds; i++)
        close(j->fds[i]);
    return 0;
}

/* Run the child to its end. A child that is waited for while SIGCHLD is ignored leaves no signal,
 * and no times in RUSAGE_CHILDREN, which are the guest's. */
static int run_child(struct job *j, char *stack)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    if (sigaction(SIGCHLD, &ignore, &before))
        return -errno;
    int pid =
        clone(child, stack + STACK_SIZE,
              CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, j);
    int result = pid < 0 ? -errno : 0;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    (void)sigaction(SIGCHLD, &before, NULL);
    return result;
}

int host_overlay_mount(const struct host_overlay *overlay, const char **step)
{
    static struct job job;
    job = (struct job){.overlay = overlay,
                       .uid = geteuid(),
                       .gid = getegid(),
                       .step = "a user namespace",
                       .result = -EINTR}; /* until it says otherwise: it may be killed */
    *step = job.step;
    if (overlay->nlower == 0 || overlay->nlower > HOST_OVERLAY_LAYERS)
        return -EINVAL;
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return -errno;
    int result = run_child(&job, stack);
    munmap(stack, STACK_SIZE);
    *step = job.step;
    if (result)
        return result;
    return job.result < 0 ? job.result : host_fd_private(job.result);
}
