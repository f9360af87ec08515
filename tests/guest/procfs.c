/* /proc as programs read it. qemu-user shows its own process here and there, so there is no
 * reference. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "guest.h"

static char text[65536];

static const char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n, len = 0;

    text[0] = '\0';
    if (fd < 0) {
        FAIL("%s: errno %d", path, errno);
        return text;
    }
    while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
        len += n;
    text[len] = '\0';
    close(fd);
    return text;
}

static void self(void)
{
    char buf[PATH_MAX], link[64];
    long n;

    n = readlink("/proc/self", buf, sizeof buf);
    buf[n > 0 ? n : 0] = '\0';
    EQ(atoi(buf), getpid());
    n = readlink("/proc/thread-self", buf, sizeof buf);
    buf[n > 0 ? n : 0] = '\0';
    snprintf(link, sizeof link, "%d/task/%d", (int)getpid(), (int)getpid());
    CHECK(strcmp(buf, link) == 0);
    n = readlink("/proc/self/exe", buf, sizeof buf);
    buf[n > 0 ? n : 0] = '\0';
    CHECK(buf[0] == '/' && access(buf, X_OK) == 0);
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0);
    EQ(read(fd, buf, 4), 4);
    CHECK(memcmp(buf, "\177ELF", 4) == 0);
    close(fd);
    n = readlink("/proc/self/cwd", buf, sizeof buf);
    buf[n > 0 ? n : 0] = '\0';
    CHECK(strcmp(buf, "/tmp") == 0);
    CHECK(strstr(slurp("/proc/self/environ"), "PATH=") != NULL);
    slurp("/proc/self/cmdline");
    CHECK(text[0] != '\0');
    prctl(PR_SET_NAME, "renamed");
    CHECK(strcmp(slurp("/proc/self/comm"), "renamed\n") == 0);
    fd = open("/proc/self/comm", O_WRONLY);
    EQ(write(fd, "other\n", 6), 6);
    close(fd);
    prctl(PR_GET_NAME, buf);
    CHECK(strncmp(buf, "other", 5) == 0);
    CHECK(strstr(slurp("/proc/self/status"), "\nPid:\t") != NULL);
    CHECK(strstr(text, "\nVmRSS:") && strstr(text, "\nThreads:\t1\n") &&
          strstr(text, "\nSigCgt:\t"));
    int pid = 0;
    char state = 0;
    EQ(sscanf(slurp("/proc/self/stat"), "%d (%*[^)]) %c", &pid, &state), 2);
    EQ(pid, getpid());
    n = 0;
    for (const char *s = text; (s = strchr(s, ' ')) != NULL; s++)
        n++;
    EQ(n, 51); /* 52 fields */
    long pages = 0;
    EQ(sscanf(slurp("/proc/self/statm"), "%ld", &pages), 1);
    CHECK(pages > 10);
    CHECK(strstr(slurp("/proc/self/limits"), "Max open files") != NULL);
    CHECK(strstr(slurp("/proc/self/cgroup"), "0::/") != NULL);
    CHECK(strstr(slurp("/proc/mounts"), " /proc proc ") != NULL);
    CHECK(strstr(slurp("/proc/self/mountinfo"), " / / ") != NULL);
}

static void descriptors(void)
{
    char buf[PATH_MAX], link[64];
    struct stat a, b;
    int p[2], found = 0, fd = open("proc-file", O_CREAT | O_RDWR, 0600);

    EQ(write(fd, "data", 4), 4);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = readlink(link, buf, sizeof buf);
    buf[n > 0 ? n : 0] = '\0';
    CHECK(strcmp(buf, "/tmp/proc-file") == 0);
    int again = open(link, O_RDONLY);
    EQ(read(again, buf, 8), 4);
    EQ(fstat(again, &a), 0);
    EQ(fstat(fd, &b), 0);
    EQ(a.st_ino, b.st_ino);
    close(again);
    EQ(unlink("proc-file"), 0);
    again = open(link, O_RDONLY); /* still there for who holds it */
    CHECK(again >= 0);
    EQ(read(again, buf, 8), 4);
    close(again);
    EQ(pipe(p), 0);
    snprintf(link, sizeof link, "/dev/fd/%d", p[1]);
    again = open(link, O_WRONLY);
    CHECK(again >= 0);
    EQ(write(again, "x", 1), 1);
    EQ(read(p[0], buf, 8), 1);
    close(again);
    snprintf(link, sizeof link, "/proc/self/fd/%d", p[0]);
    n = readlink(link, buf, sizeof buf);
    CHECK(n > 6 && memcmp(buf, "pipe:[", 6) == 0);
    snprintf(link, sizeof link, "/proc/self/fdinfo/%d", fd);
    CHECK(strstr(slurp(link), "pos:\t4\n") != NULL);
    unsigned flags = 0;
    const char *s = strstr(text, "flags:\t");
    CHECK(s && sscanf(s, "flags:\t%o", &flags) == 1);
    EQ(flags & O_ACCMODE, O_RDWR);
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *d;
    while (dir && (d = readdir(dir)) != NULL)
        found += atoi(d->d_name) == fd && d->d_name[0] != '.';
    EQ(found, 1);
    closedir(dir);
    close(fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ERR(lstat(link, &a), ENOENT);
    close(p[0]);
    close(p[1]);
}

static void memory(void)
{
    char want[64];
    char *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    snprintf(want, sizeof want, "%08lx-", (unsigned long)page);
    slurp("/proc/self/maps");
    CHECK(strstr(text, want) != NULL || strstr(text, "r-xp") != NULL);
    CHECK(strstr(text, "[stack]") && strstr(text, "[vdso]"));
    CHECK(strstr(text, "/program") || strstr(text, "/procfs"));
    CHECK(strstr(slurp("/proc/self/smaps"), "Rss:") != NULL);
    munmap(page, 4096);
}

static void system_files(void)
{
    struct stat st;
    char a[64], b[64];

    CHECK(strstr(slurp("/proc/cpuinfo"), "Features\t: fp asimd") != NULL);
    CHECK(strstr(text, "CPU implementer\t: 0x"));
    CHECK(strstr(slurp("/proc/meminfo"), "MemTotal:") != NULL);
    CHECK(strstr(slurp("/proc/version"), "Linux version ") == text);
    CHECK(strcmp(slurp("/proc/sys/kernel/ostype"), "Linux\n") == 0);
    CHECK(strcmp(slurp("/proc/sys/kernel/hostname"), "guest\n") == 0);
    strncpy(a, slurp("/proc/sys/kernel/random/uuid"), 63);
    strncpy(b, slurp("/proc/sys/kernel/random/uuid"), 63);
    CHECK(strlen(text) == 37 && memcmp(a, b, 36) != 0);
    slurp("/proc/uptime");
    slurp("/proc/loadavg");
    slurp("/proc/stat");
    slurp("/proc/filesystems");
    slurp("/proc/sys/vm/overcommit_memory");
    slurp("/proc/net/dev");
    ERR(open("/proc/none", O_RDONLY), ENOENT);
    ERR(open("/proc/2", O_RDONLY), ENOENT);
    ERR(open("/proc/version", O_WRONLY), EACCES);
    ERR(open("/proc/new", O_CREAT | O_WRONLY, 0600), ENOENT);
    ERR(mkdir("/proc/dir", 0755), ENOENT);
    ERR(unlink("/proc/version"), EPERM);
    EQ(stat("/proc/version", &st), 0);
    EQ(st.st_mode, S_IFREG | 0444);
    EQ(st.st_size, 0);
    EQ(stat("/proc/self/task", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    EQ(chdir("/proc/self"), 0);
    CHECK(access("status", R_OK) == 0 && access("../version", R_OK) == 0);
    EQ(chdir("/tmp"), 0);
}

static void devices(void)
{
    char buf[16];
    int fd = open("/dev/zero", O_RDONLY);

    EQ(read(fd, buf, 16), 16);
    EQ(buf[7], 0);
    close(fd);
    fd = open("/dev/full", O_WRONLY);
    ERR(write(fd, "x", 1), ENOSPC);
    close(fd);
    fd = open("/dev/shm/file", O_CREAT | O_RDWR | O_EXCL, 0600);
    CHECK(fd >= 0);
    close(fd);
    EQ(unlink("/dev/shm/file"), 0);
    ERR(open("/dev/mem", O_RDONLY), ENOENT);
    fd = open("/dev/stdout", O_WRONLY);
    CHECK(fd >= 0);
    close(fd);
    DIR *dir = opendir("/dev");
    int n = 0;
    while (dir && readdir(dir))
        n++;
    CHECK(n > 10);
    closedir(dir);
}

static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return d ? n : -1;
}

/* As another user than root: its own process is its own. */
static void unprivileged(void)
{
    struct stat st;

    EQ(setresgid(1001, 1001, 1001), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    EQ(prctl(PR_SET_DUMPABLE, 1), 0);
    EQ(stat("/proc/self", &st), 0);
    EQ(st.st_uid, 1000);
    EQ(st.st_gid, 1001);
    EQ(stat("/proc/self/environ", &st), 0);
    EQ(st.st_uid, 1000);
    EQ(lstat("/proc/self", &st), 0);
    EQ(st.st_uid, 0);
    EQ(stat("/proc/uptime", &st), 0);
    EQ(st.st_uid, 0);
    CHECK(count("/proc/self/fd") > 4);
    CHECK(count("/proc/thread-self/fdinfo") > 4);
    int fd = open("/proc/self/environ", O_RDONLY);
    CHECK(fd >= 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_uid, 1000);
    close(fd);
    EQ(prctl(PR_SET_DUMPABLE, 0), 0);
    ERR(open("/proc/self/environ", O_RDONLY), EACCES);
    EQ(stat("/proc/self/status", &st), 0);
    EQ(st.st_uid, 0);
    CHECK(count("/proc/self/fd") > 4);
}

int main(void)
{
    self();
    descriptors();
    memory();
    system_files();
    devices();
    unprivileged();
    return done();
}
