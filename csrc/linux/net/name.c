/* name.c - socket names between guest and host: lengths, families, and who looks at what first. */
#include <string.h>

#include "host/io.h"
#include "host/net.h"
#include "linux/mm/uaccess.h"
#include "linux/net/net.h"

static uint16_t family(const struct sock_name *name)
{
    uint16_t f = LINUX_AF_UNSPEC;
    if (name->len >= sizeof f)
        memcpy(&f, name->data, sizeof f);
    return f;
}

int64_t sock_option(int fd, int name)
{
    int32_t value = 0;
    uint32_t len = sizeof value;
    int err = host_getsockopt(fd, LINUX_SOL_SOCKET, name, &value, &len);
    return err ? err : value;
}

int64_t sock_error(int fd, int64_t err)
{
    int64_t type = sock_option(fd, LINUX_SO_TYPE);
    return type == -LINUX_EBADF || type == -LINUX_ENOTSOCK ? type : err;
}

int sock_name_copy(struct task *task, struct sock_name *name, gva_t addr, uint32_t len)
{
    *name = SOCK_NAME_NONE;
    if (len > sizeof name->data)
        return -LINUX_EINVAL;
    name->len = len;
    return copy_from_user(task, name->data, addr, len);
}

/* Whether the name is to be found by unix.c. Another family's socket refuses it unread, and an
 * AF_UNIX socket what is too short or too long for it. */
static bool is_unix(int fd, const struct sock_name *name)
{
    return family(name) == LINUX_AF_UNIX && name->len > SUN_PATH_AT && name->len <= SUN_MAX &&
           sock_option(fd, LINUX_SO_DOMAIN) == LINUX_AF_UNIX;
}

/*
 * unix_may_passcred(): who wants credentials gets a name before it talks. Were it left to the host
 * to find one, answers to it would be looked for among the run's names.
 */
static int name_for_answers(int fd)
{
    return sock_option(fd, LINUX_SO_PASSCRED) > 0 ? unix_autobind(fd) : 0;
}

int sock_name_resolve(struct task *task, int fd, struct sock_name *name)
{
    if (!is_unix(fd, name))
        return 0;
    int err = name_for_answers(fd);
    return err ? err : unix_find(task, name);
}

int sock_name_resolve_to_send(struct task *task, int fd, struct sock_name *name)
{
    /* Connected kinds refuse or ignore a name, whatever it is. */
    if (!is_unix(fd, name) || sock_option(fd, LINUX_SO_TYPE) != LINUX_SOCK_DGRAM)
        return 0;
    int err = name_for_answers(fd);
    return err ? err : unix_find(task, name);
}

void sock_name_done(struct sock_name *name)
{
    if (name->fd >= 0)
        host_fd_close(name->fd);
    name->fd = -1;
}

void sock_name_to_guest(struct sock_name *name)
{
    if (family(name) == LINUX_AF_UNIX && name->len > SUN_PATH_AT)
        unix_to_guest(name);
}

int sock_name_export(struct task *task, struct sock_name *name, gva_t addr, gva_t addrlen)
{
    uint32_t room;
    if (get_user_u32(task, &room, addrlen))
        return -LINUX_EFAULT;
    sock_name_to_guest(name);
    if ((int32_t)room > (int32_t)name->len)
        room = name->len;
    if ((int32_t)room < 0)
        return -LINUX_EINVAL;
    if (room && copy_to_user(task, addr, name->data, room))
        return -LINUX_EFAULT;
    return put_user_u32(task, addrlen, name->len);
}
