/* guest-test: reference=qemu */
/* memfd_create: names, flags, seals, shared mappings of it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "guest.h"

int main(void)
{
    char name[300];
    int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(fd >= 0);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(ftruncate(fd, 8192), 0);
    char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
    a[4096] = 'm';
    EQ(b[0], 'm');
    EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    ERR(ftruncate(fd, 0), EPERM);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    munmap(a, 8192);
    munmap(b, 4096);
    EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ERR(write(fd, "x", 1), EPERM);
    EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    struct stat st;
    EQ(fstat(fd, &st), 0);
    EQ(st.st_size, 8192);
    close(fd);
    ERR(memfd_create("guest", 0x80), EINVAL);
    ERR(memfd_create((char *)8, 0), EFAULT);
    memset(name, 'n', sizeof name);
    name[249] = '\0';
    fd = memfd_create(name, 0);
    CHECK(fd >= 0);
    close(fd);
    name[249] = 'n';
    name[250] = '\0';
    ERR(memfd_create(name, 0), EINVAL);
    return done();
}
