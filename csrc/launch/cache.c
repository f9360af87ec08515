/* cache.c - the directory of kept translations: made if need be, and used only if it is ours alone.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "launch/launch.h"
#include "vcpu/vcpu.h"

#define FOLDER "translations"

/* Returns false: none is wanted, or the path is too long. */
static bool cache_path(const struct launch_spec *spec, char *path, size_t size)
{
    const char *own = getenv("ELFUSE_CACHE_DIR"), *home = getenv("HOME");
    const char *xdg = getenv("XDG_CACHE_HOME");
    int n = 0;
    if (spec->no_cache)
        return false;
    if (spec->cache)
        n = snprintf(path, size, "%s", spec->cache);
    else if (own)
        n = snprintf(path, size, "%s", own);
    else if (xdg && *xdg == '/')
        n = snprintf(path, size, "%s/elfuse", xdg);
    else if (home && *home == '/')
        n = snprintf(path, size, "%s/.cache/elfuse", home);
    return n > 0 && (size_t)n < size;
}

static int open_directory(int dirfd, const char *name)
{
    return host_open_beneath(dirfd, name, LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
}

static int open_path(const char *path)
{
    return host_open_path(path, LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
}

/* With its parents. */
static int make_path(char *path)
{
    int fd = open_path(path);
    char *slash = strrchr(path, '/');
    if (fd != -LINUX_ENOENT || !slash || slash == path)
        return fd;
    *slash = '\0';
    int parent = make_path(path);
    *slash = '/';
    if (parent < 0)
        return parent;
    host_mkdirat(parent, slash + 1, 0700);
    host_fd_close(parent);
    return open_path(path);
}

static bool is_ours_alone(int fd)
{
    struct linux_statx st;
    return host_statx_fd(fd, &st) == 0 && st.stx_uid == host_euid() && !(st.stx_mode & 022);
}

void launch_cache(const struct launch_spec *spec, struct vcpu_vm *vm)
{
    char path[PATH_MAX];
    if (!vcpu_vm_cache(vm, -1) || !cache_path(spec, path, sizeof path))
        return;
    int top = make_path(path);
    if (top < 0)
        return;
    int fd = open_directory(top, FOLDER);
    if (fd == -LINUX_ENOENT) {
        host_mkdirat(top, FOLDER, 0700); /* another process may have been first */
        fd = open_directory(top, FOLDER);
    }
    host_fd_close(top);
    if (fd >= 0 && !is_ours_alone(fd)) {
        host_fd_close(fd);
        return;
    }
    fd = host_fd_private(fd);
    if (fd >= 0)
        vcpu_vm_cache(vm, fd);
}
