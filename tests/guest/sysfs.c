/* /sys: what lscpu, nproc, the JVM and Go look for. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "guest.h"

static char text[1 << 16];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n, len = 0;

    text[0] = '\0';
    if (fd < 0)
        return -errno;
    while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
        len += n;
    int error = errno;
    close(fd);
    text[len] = '\0';
    return n < 0 ? -error : len;
}

static void processors(void)
{
    static const char *const files[] = {"online", "possible", "present", "kernel_max"};
    char path[128];
    struct stat st;
    int found = 0, listed = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/%s", files[i]);
        if (slurp(path) <= 0 || !isdigit((unsigned char)text[0]))
            FAIL("%s says \"%s\"", path, text);
    }
    int cpus = get_nprocs();
    DIR *d = opendir("/sys/devices/system/cpu");
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL)
        listed += strncmp(e->d_name, "cpu", 3) == 0 && isdigit((unsigned char)e->d_name[3]);
    if (d)
        closedir(d);
    CHECK(listed >= cpus);
    EQ(stat("/sys/devices/system/cpu/cpu0/topology", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    EQ(slurp("/sys/devices/system/cpu/cpu0/topology/core_id") > 0, 1);
    EQ(slurp("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list") > 0, 1);
    ERR(stat("/sys/devices/system/cpu/cpu99999/topology", &st), ENOENT);
    ERR(stat("/sys/devices/system/cpu/cpu0/topology/none", &st), ENOENT);
    ERR(open("/sys/devices/system/cpu/online", O_WRONLY), EACCES);
    slurp("/proc/cpuinfo");
    for (char *s = text; (s = strstr(s, "processor\t: ")) != NULL; s++)
        found++;
    EQ(found, cpus);
    CHECK(slurp("/sys/kernel/mm/transparent_hugepage/enabled") > 0 && strchr(text, '['));
    CHECK(slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") > 0 && atol(text) == 2097152);
    EQ(stat("/sys/fs/cgroup", &st), 0);
}

int main(void)
{
    processors();
    return done();
}
