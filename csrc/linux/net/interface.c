/*
 * interface.c - netdevice(7): the network interfaces, which are the host's, as its sockets are.
 * They can be asked for by name and number, and listed; changing one takes CAP_NET_ADMIN over the
 * host's network, which no guest has.
 */
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "linux/abi/fs.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

#define SIOCGIFNAME    0x8910u
#define SIOCGIFCONF    0x8912u
#define SIOCGIFFLAGS   0x8913u
#define SIOCGIFADDR    0x8915u
#define SIOCGIFDSTADDR 0x8917u
#define SIOCGIFBRDADDR 0x8919u
#define SIOCGIFNETMASK 0x891bu
#define SIOCGIFMETRIC  0x891du
#define SIOCGIFMTU     0x8921u
#define SIOCGIFHWADDR  0x8927u
#define SIOCGIFINDEX   0x8933u
#define SIOCGIFTXQLEN  0x8942u

#define IFREQ_SIZE 40u
#define LIST_MAX   (1024u * IFREQ_SIZE) /* what is given for more room than this */

/* struct ifconf; both architectures have 64-bit pointers. */
struct linux_ifconf {
    int32_t len, pad;
    uint64_t buf;
};

static int64_t list(struct task *task, int fd, gva_t arg)
{
    struct linux_ifconf conf, host = {0};
    uint8_t *room = NULL;

    if (copy_from_user(task, &conf, arg, sizeof conf) < 0)
        return -LINUX_EFAULT;
    if (conf.len < 0)
        return -LINUX_EINVAL;
    if (conf.buf) { /* without, only the size is asked for */
        host.len = (uint32_t)conf.len > LIST_MAX ? (int32_t)LIST_MAX : conf.len;
        room = malloc((size_t)host.len + 1);
        if (!room)
            return -LINUX_ENOMEM;
        host.buf = (uint64_t)(uintptr_t)room;
    }
    int64_t r = host_ioctl(fd, SIOCGIFCONF, (uint64_t)(uintptr_t)&host);
    if (r >= 0 && room && copy_to_user(task, conf.buf, room, (size_t)host.len) < 0)
        r = -LINUX_EFAULT;
    if (r >= 0 && put_user_u32(task, arg, (uint32_t)host.len) < 0)
        r = -LINUX_EFAULT;
    free(room);
    return r;
}

int64_t interface_ioctl(struct task *task, int fd, uint32_t nr, gva_t arg)
{
    struct linux_statx st;
    uint8_t ifreq[IFREQ_SIZE];
    int64_t r = host_statx_fd(fd, &st);

    if (r < 0 || (st.stx_mode & LINUX_S_IFMT) != LINUX_S_IFSOCK)
        return -LINUX_ENOTTY;
    switch (nr) {
    case SIOCGIFCONF: return list(task, fd, arg);
    case SIOCGIFNAME:
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFINDEX:
    case SIOCGIFTXQLEN: break;
    case 0x8914:                      /* SIOCSIFFLAGS, and the setters beside the above */
    case 0x8916:                      /* SIOCSIFADDR */
    case 0x891a:                      /* SIOCSIFBRDADDR */
    case 0x891c:                      /* SIOCSIFNETMASK */
    case 0x8922:                      /* SIOCSIFMTU */
    case 0x8923:                      /* SIOCSIFNAME */
    case 0x8924: return -LINUX_EPERM; /* SIOCSIFHWADDR */
    default: return -LINUX_ENOTTY;
    }
    if (copy_from_user(task, ifreq, arg, sizeof ifreq) < 0)
        return -LINUX_EFAULT;
    r = host_ioctl(fd, nr, (uint64_t)(uintptr_t)ifreq);
    if (r >= 0 && copy_to_user(task, arg, ifreq, sizeof ifreq) < 0)
        return -LINUX_EFAULT;
    return r;
}
