/* overlay.h - one tree out of several directories, merged by the host's own kernel. */
#ifndef ELFUSE_HOST_OVERLAY_H
#define ELFUSE_HOST_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_OVERLAY_LAYERS 128

/* Absolute host paths. upper and work are directories of one file system, work is empty, and nobody
 * else has either mounted. */
struct host_overlay {
    const char *const *lower; /* topmost first */
    size_t nlower;
    const char *upper, *work;
    bool is_volatile; /* what is written need not survive a crash of the machine: no sync waits */
};

/*
 * Merge them, where no path of the host's leads: an O_PATH descriptor of the root, above the
 * boundary. The merged tree lasts as long as something of it is open, and /proc/self/fd shows its
 * files by their paths below its root. Its files have a device number that no other mount has, if
 * all the directories lie on one file system.
 *
 * Takes no privilege where the host lets its users make user namespaces; the caller stays outside
 * of them. Precondition: the process has one thread. Or -errno, and *step says what was refused.
 */
int host_overlay_mount(const struct host_overlay *overlay, const char **step);

#endif
