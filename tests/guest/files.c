/* guest-test: reference=qemu
 * flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull */
/* Reading, writing, positioning, space, and what bad arguments give. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "guest.h"

static void positions(int fd)
{
    char buf[16] = "";

    EQ(write(fd, "0123456789", 10), 10);
    EQ(lseek(fd, 0, SEEK_CUR), 10);
    EQ(lseek(fd, -4, SEEK_END), 6);
    EQ(read(fd, buf, 16), 4);
    CHECK(memcmp(buf, "6789", 4) == 0);
    EQ(read(fd, buf, 16), 0);
    ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    ERR(lseek(fd, 0, 99), EINVAL);
    EQ(pread(fd, buf, 3, 2), 3);
    CHECK(memcmp(buf, "234", 3) == 0);
    EQ(pwrite(fd, "xy", 2, 9), 2);
    EQ(lseek(fd, 0, SEEK_CUR), 10);
    ERR(pread(fd, buf, 3, -1), EINVAL);
    ERR(pwrite(fd, buf, 3, -1), EINVAL);
    EQ(lseek(fd, 3, SEEK_HOLE), 11);
    EQ(lseek(fd, 3, SEEK_DATA), 3);
    ERR(lseek(fd, 100, SEEK_DATA), ENXIO);
}

static void vectors(int fd)
{
    char a[4], b[4];
    struct iovec out[2] = {{"abc", 3}, {"defg", 4}}, in[2] = {{a, 4}, {b, 4}};

    OK(lseek(fd, 0, SEEK_SET));
    EQ(writev(fd, out, 2), 7);
    OK(lseek(fd, 0, SEEK_SET));
    EQ(readv(fd, in, 2), 8);
    CHECK(memcmp(a, "abcd", 4) == 0 && memcmp(b, "efg", 3) == 0);
    EQ(preadv(fd, in, 2, 1), 8);
    CHECK(memcmp(a, "bcde", 4) == 0);
    EQ(pwritev(fd, out, 2, 20), 7);
    EQ(preadv2(fd, in, 1, 20, 0), 4);
    CHECK(memcmp(a, "abcd", 4) == 0);
    OK(lseek(fd, 2, SEEK_SET));
    EQ(preadv2(fd, in, 1, -1, 0), 4);
    EQ(lseek(fd, 0, SEEK_CUR), 6);
    EQ(pwritev2(fd, out, 1, 30, 0), 3);
    EQ(readv(fd, in, 0), 0);
    ERR(readv(fd, in, -1), EINVAL);
    ERR(readv(fd, in, 1025), EINVAL);
    in[1].iov_len = (size_t)-1;
    ERR(readv(fd, in, 2), EINVAL);
    ERR(readv(fd, (void *)8, 2), EFAULT);
    in[0].iov_base = (void *)8;
    ERR(readv(fd, in, 1), EFAULT);
}

static void space(int fd)
{
    struct stat st;

    EQ(ftruncate(fd, 100), 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_size, 100);
    ERR(ftruncate(fd, -1), EINVAL);
    EQ(fallocate(fd, 0, 0, 8192), 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_size, 8192);
    EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 4096), 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_size, 8192);
    ERR(fallocate(fd, 0, -1, 10), EINVAL);
    EQ(truncate("file", 5), 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_size, 5);
    ERR(truncate("file", -1), EINVAL);
    ERR(truncate("none", 1), ENOENT);
    ERR(truncate(".", 1), EISDIR);
    EQ(fsync(fd), 0);
    EQ(fdatasync(fd), 0);
    EQ(syncfs(fd), 0);
    EQ(sync_file_range(fd, 0, 0, 2), 0);
    EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    EQ(posix_fadvise(fd, 0, 0, 77), EINVAL);
    EQ(readahead(fd, 0, 5), 0);
    sync();
}

static void flags(void)
{
    char buf[8];
    int ro = open("file", O_RDONLY), wo = open("file", O_WRONLY | O_APPEND);

    CHECK(ro >= 0 && wo >= 0);
    ERR(write(ro, "x", 1), EBADF);
    ERR(read(wo, buf, 1), EBADF);
    ERR(ftruncate(ro, 0), EINVAL);
    OK(lseek(wo, 0, SEEK_SET));
    EQ(write(wo, "app", 3), 3);
    EQ(lseek(wo, 0, SEEK_CUR), 8);
    ERR(read(-1, buf, 1), EBADF);
    ERR(read(999, buf, 1), EBADF);
    ERR(read(ro, (void *)8, 4), EFAULT);
    ERR(write(wo, (void *)8, 4), EFAULT);
    ERR(read(ro, (void *)-4096L, 4), EFAULT);
    EQ(read(ro, (void *)8, 0), 0);
    close(ro);
    close(wo);
    ro = open(".", O_RDONLY);
    ERR(read(ro, buf, 8), EISDIR);
    close(ro);
    ro = open("file", O_RDONLY | O_TRUNC);
    EQ(lseek(ro, 0, SEEK_END), 0);
    close(ro);
}

/* A buffer that ends outside of memory: what fits is transferred. */
static void edge(int fd)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap(page + 4096, 4096);
    EQ(ftruncate(fd, 8192), 0);
    OK(lseek(fd, 0, SEEK_SET));
    long n = read(fd, page + 4000, 4192);
    CHECK(n == 96 || (n == -1 && errno == EFAULT));
    munmap(page, 4096);
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);

    CHECK(fd >= 0);
    positions(fd);
    vectors(fd);
    space(fd);
    flags();
    edge(fd);
    close(fd);
    EQ(unlink("file"), 0);
    return done();
}
