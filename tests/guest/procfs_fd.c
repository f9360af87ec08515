/* What a descriptor of a file of /proc or /sys cannot do, though its content may lie in memory. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#include "guest.h"

#define P 4096ul

static char buf[32768];

static long entries(int fd, void *to, int size)
{
    return syscall(SYS_getdents64, fd, to, size);
}

static void each(const char *path, long magic)
{
    struct statfs fs;
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0);
    EQ(fstatfs(fd, &fs), 0);
    EQ(fs.f_type, magic);
    ERR(mmap(NULL, P, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
    ERR(mmap(NULL, P, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    ERR(mmap(NULL, P, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
    ERR(mmap(NULL, P, PROT_READ, 0, fd, 0), EINVAL);
    ERR(fcntl(fd, F_GET_SEALS), EINVAL);
    ERR(fallocate(fd, 0, 0, 1), EBADF);
    ERR(entries(fd, buf, sizeof buf), ENOTDIR);
    close(fd);
}

static void directory(const char *path)
{
    int fd = open(path, O_RDONLY);

    ERR(entries(fd, buf, 10), EINVAL);
    ERR(entries(fd, buf, 0), EINVAL);
    ERR(entries(fd, buf, -1), EINVAL);
    ERR(entries(fd, (void *)8, sizeof buf), EFAULT);
    CHECK(entries(fd, buf, sizeof buf) > 0);
    close(fd);
    fd = open(path, O_PATH);
    ERR(entries(fd, buf, sizeof buf), EBADF);
    close(fd);
}

int main(void)
{
    each("/proc/self/maps", PROC_SUPER_MAGIC);
    each("/proc/self/status", PROC_SUPER_MAGIC);
    each("/proc/self/comm", PROC_SUPER_MAGIC);
    each("/sys/devices/system/cpu/online", SYSFS_MAGIC);
    directory("/proc");
    directory("/sys");
    directory(".");
    int fd = open("/proc/self/exe", O_PATH | O_NOFOLLOW);
    ERR(entries(fd, buf, sizeof buf), EBADF);
    close(fd);
    fd = open("/proc/self/comm", O_RDWR);
    ERR(fallocate(fd, 0, 0, 1), EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EOPNOTSUPP);
    ERR(fallocate(fd, 0, -1, 1), EINVAL);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
    return done();
}
