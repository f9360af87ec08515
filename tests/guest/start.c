/* guest-test: args=one,two */
/* What a program finds when it starts: arguments, environment, auxiliary vector, stack, /proc/self.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guest.h"

extern char **environ;
extern char __ehdr_start[];

static void auxiliary(char **argv)
{
    EQ(getauxval(AT_PAGESZ), 4096);
    EQ(getauxval(AT_CLKTCK), 100);
    EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    EQ(getauxval(AT_PHDR), (unsigned long)__ehdr_start + ((Elf64_Ehdr *)__ehdr_start)->e_phoff);
    EQ(getauxval(AT_PHNUM), ((Elf64_Ehdr *)__ehdr_start)->e_phnum);
    EQ(getauxval(AT_ENTRY), ((Elf64_Ehdr *)__ehdr_start)->e_entry);
    EQ(getauxval(AT_BASE), 0);
    EQ(getauxval(AT_FLAGS), 0);
    EQ(getauxval(AT_UID), getuid());
    EQ(getauxval(AT_EUID), geteuid());
    EQ(getauxval(AT_GID), getgid());
    EQ(getauxval(AT_EGID), getegid());
    EQ(getauxval(AT_SECURE), 0);
    EQ(getauxval(AT_MINSIGSTKSZ), 4720);
    CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "aarch64"));
    CHECK(!strcmp((char *)getauxval(AT_EXECFN), "/bin/start"));
    CHECK(!strcmp(argv[0], "/bin/start"));
    /* fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc
     * asimddp flagm */
    EQ(getauxval(AT_HWCAP), 0x810fffb);
    EQ(getauxval(AT_HWCAP2), 1 << 8); /* frint */
    unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
    int zeros = 0;
    for (int i = 0; i < 16; i++)
        zeros += random[i] == 0;
    CHECK(zeros < 8);
}

static size_t slurp(const char *name, char *buf, size_t size)
{
    size_t n = 0;
    ssize_t got;
    int fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    while (n < size && (got = read(fd, buf + n, size - n)) > 0)
        n += (size_t)got;
    close(fd);
    return n;
}

static void proc(void)
{
    static char buf[65536], link[256];
    size_t n = slurp("/proc/self/cmdline", buf, sizeof buf);
    EQ(n, sizeof "/bin/start\0one\0two");
    CHECK(!memcmp(buf, "/bin/start\0one\0two", n));
    n = slurp("/proc/self/auxv", buf, sizeof buf);
    CHECK(n % 16 == 0 && n >= 320);
    ssize_t len = readlink("/proc/self/exe", link, sizeof link);
    EQ(len, 10);
    CHECK(!memcmp(link, "/bin/start", 10));
    n = slurp("/proc/self/maps", buf, sizeof buf - 1);
    buf[n] = '\0';
    CHECK(strstr(buf, "[stack]") && strstr(buf, "[vdso]") && strstr(buf, "[heap]"));
    CHECK(strstr(buf, "/bin/start\n"));
}

/* The whole stack may be used, without touching it in order; below the limit is nothing. */
static void stack(void)
{
    struct rlimit limit;
    volatile char here;
    EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    EQ(limit.rlim_cur, 8 << 20);
    volatile char *low = &here - (7 << 20);
    *low = 1;
    EQ(*low, 1);
    int fd = open("/dev/zero", O_RDONLY);
    EQ(read(fd, (char *)&here - (6 << 20), 4096), 4096); /* the kernel may be first, too */
    close(fd);
}

int main(int argc, char **argv)
{
    EQ(argc, 3);
    CHECK(!strcmp(argv[1], "one") && !strcmp(argv[2], "two") && !argv[3]);
    CHECK(!strcmp(environ[0], "PATH=/bin") && !strcmp(getenv("GUEST"), "yes") && !environ[3]);
    EQ((unsigned long)argv % 16, 8); /* argc is at sp, which is aligned */
    free(malloc(100));
    auxiliary(argv);
    proc();
    stack();
    return done();
}
