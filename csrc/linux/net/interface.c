/*
 * interface.c - ioctls of sockets: netdevice(7), the network interfaces, which are the host's, as
 * its sockets are. They can be asked for by name and number, and listed; changing one takes
 * CAP_NET_ADMIN over the host's network, which no guest has.
 */
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "linux/abi/fs.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"
#include "syscalls_gen.h"

#define SIOCGIFCONF 0x8912u

#define INT_SIZE    4u
#define TIME_SIZE   16u
#define IFREQ_SIZE  40u
#define ARPREQ_SIZE 68u
#define LIST_MAX    (1024u * IFREQ_SIZE) /* what is given for more room than this */

enum access {
    READ,   /* size bytes in and out */
    OUT,    /* size bytes out */
    CHANGE, /* size bytes in, and EPERM */
    OWNER_IN,
    OWNER_OUT,
};

static const struct request {
    uint32_t nr;
    enum access access;
    uint32_t size;
} requests[] = {
    {0x8901, OWNER_IN, INT_SIZE},  /* FIOSETOWN */
    {0x8902, OWNER_IN, INT_SIZE},  /* SIOCSPGRP */
    {0x8903, OWNER_OUT, INT_SIZE}, /* FIOGETOWN */
    {0x8904, OWNER_OUT, INT_SIZE}, /* SIOCGPGRP */
    {0x8905, OUT, INT_SIZE},       /* SIOCATMARK */
    {0x8906, OUT, TIME_SIZE},      /* SIOCGSTAMP_OLD: long is 64 bits wide on both sides */
    {0x8907, OUT, TIME_SIZE},      /* SIOCGSTAMPNS_OLD */
    {0x80108906, OUT, TIME_SIZE},  /* SIOCGSTAMP_NEW */
    {0x80108907, OUT, TIME_SIZE},  /* SIOCGSTAMPNS_NEW */
    {0x890b, CHANGE, 0},           /* SIOCADDRT */
    {0x890c, CHANGE, 0},           /* SIOCDELRT */
    {0x8910, READ, IFREQ_SIZE},    /* SIOCGIFNAME */
    {0x8913, READ, IFREQ_SIZE},    /* SIOCGIFFLAGS */
    {0x8914, CHANGE, IFREQ_SIZE},  /* SIOCSIFFLAGS */
    {0x8915, READ, IFREQ_SIZE},    /* SIOCGIFADDR */
    {0x8916, CHANGE, IFREQ_SIZE},  /* SIOCSIFADDR */
    {0x8917, READ, IFREQ_SIZE},    /* SIOCGIFDSTADDR */
    {0x8918, CHANGE, IFREQ_SIZE},  /* SIOCSIFDSTADDR */
    {0x8919, READ, IFREQ_SIZE},    /* SIOCGIFBRDADDR */
    {0x891a, CHANGE, IFREQ_SIZE},  /* SIOCSIFBRDADDR */
    {0x891b, READ, IFREQ_SIZE},    /* SIOCGIFNETMASK */
    {0x891c, CHANGE, IFREQ_SIZE},  /* SIOCSIFNETMASK */
    {0x891d, READ, IFREQ_SIZE},    /* SIOCGIFMETRIC */
    {0x891e, CHANGE, IFREQ_SIZE},  /* SIOCSIFMETRIC */
    {0x8921, READ, IFREQ_SIZE},    /* SIOCGIFMTU */
    {0x8922, CHANGE, IFREQ_SIZE},  /* SIOCSIFMTU */
    {0x8923, CHANGE, IFREQ_SIZE},  /* SIOCSIFNAME */
    {0x8924, CHANGE, IFREQ_SIZE},  /* SIOCSIFHWADDR */
    {0x8927, READ, IFREQ_SIZE},    /* SIOCGIFHWADDR */
    {0x8931, CHANGE, IFREQ_SIZE},  /* SIOCADDMULTI */
    {0x8932, CHANGE, IFREQ_SIZE},  /* SIOCDELMULTI */
    {0x8933, READ, IFREQ_SIZE},    /* SIOCGIFINDEX */
    {0x8934, CHANGE, IFREQ_SIZE},  /* SIOCSIFPFLAGS */
    {0x8935, READ, IFREQ_SIZE},    /* SIOCGIFPFLAGS */
    {0x8936, CHANGE, IFREQ_SIZE},  /* SIOCDIFADDR */
    {0x8937, CHANGE, IFREQ_SIZE},  /* SIOCSIFHWBROADCAST */
    {0x8942, READ, IFREQ_SIZE},    /* SIOCGIFTXQLEN */
    {0x8943, CHANGE, IFREQ_SIZE},  /* SIOCSIFTXQLEN */
    {0x894b, OUT, INT_SIZE},       /* SIOCOUTQNSD */
    {0x8953, CHANGE, ARPREQ_SIZE}, /* SIOCDARP */
    {0x8954, READ, ARPREQ_SIZE},   /* SIOCGARP */
    {0x8955, CHANGE, ARPREQ_SIZE}, /* SIOCSARP */
    {0x8970, READ, IFREQ_SIZE},    /* SIOCGIFMAP */
    {0x8971, CHANGE, IFREQ_SIZE},  /* SIOCSIFMAP */
};

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

static const struct request *find(uint32_t nr)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].nr == nr)
            return &requests[i];
    return NULL;
}

/* fcntl(2) under another name. */
static int64_t set_owner(struct task *task, int fd, gva_t arg)
{
    uint32_t pid;
    if (get_user_u32(task, &pid, arg))
        return -LINUX_EFAULT;
    return sys_fcntl(task, (uint64_t[6]){(uint64_t)fd, LINUX_F_SETOWN, pid});
}

static int64_t get_owner(struct task *task, int fd, gva_t arg)
{
    int64_t pid = sys_fcntl(task, (uint64_t[6]){(uint64_t)fd, LINUX_F_GETOWN});
    return put_user_u32(task, arg, (uint32_t)pid);
}

static int64_t exchange(struct task *task, int fd, const struct request *req, gva_t arg)
{
    uint8_t buf[ARPREQ_SIZE] = {0};
    if (req->access != OUT && copy_from_user(task, buf, arg, req->size))
        return -LINUX_EFAULT;
    if (req->access == CHANGE)
        return -LINUX_EPERM;
    int64_t r = host_ioctl(fd, req->nr, (uint64_t)(uintptr_t)buf);
    if (r >= 0 && copy_to_user(task, arg, buf, req->size))
        return -LINUX_EFAULT;
    return r;
}

int64_t sock_ioctl(struct task *task, int fd, uint32_t nr, gva_t arg)
{
    const struct request *req = find(nr);
    if (sock_option(fd, LINUX_SO_TYPE) < 0)
        return -LINUX_ENOTTY;
    if (nr == SIOCGIFCONF)
        return list(task, fd, arg);
    if (!req)
        return -LINUX_ENOTTY;
    switch (req->access) {
    case OWNER_IN: return set_owner(task, fd, arg);
    case OWNER_OUT: return get_owner(task, fd, arg);
    default: return exchange(task, fd, req, arg);
    }
}
