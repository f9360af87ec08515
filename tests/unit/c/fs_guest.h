/*
 * fs_guest.h - a guest without a program, for tests of the file system: a root made of directories
 * of the host, and system calls made directly. Each test function runs in a child process, as the
 * user that started the test and, when that is root, once more as nobody.
 */
#ifndef ELFUSE_FS_GUEST_H
#define ELFUSE_FS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "host/time.h"
#include "linux/fs/fdtable.h"
#include "linux/fs/path.h"
#include "linux/mm/mm.h"
#include "linux/mm/uaccess.h"
#include "linux/process/cred.h"
#include "linux/process/rlimit.h"
#include "linux/process/task.h"
#include "linux/signal/signal.h"
#include "syscalls_gen.h"

static struct task *guest;
static char guest_base[64]; /* host directory of the test */
static gva_t guest_page;    /* 64 KiB of guest memory */

/* Copy a string (or bytes) to guest memory; four places in turn. */
static gva_t guest_str(const char *s)
{
    static unsigned turn;
    gva_t at = guest_page + 8192 * (turn++ % 4);

    memcpy(mm_host(guest->proc->mm, at), s, strlen(s) + 1);
    return at;
}
#define GUEST_BUF (guest_page + 40960)
static inline void *guest_buf(void)
{
    return mm_host(guest->proc->mm, GUEST_BUF);
}

static inline int64_t call6(syscall_fn *fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                            uint64_t e, uint64_t f)
{
    return fn(guest, (const uint64_t[6]){a, b, c, d, e, f});
}
#define CALL_(fn, a, b, c, d, e, f, ...)                                                           \
    call6(fn, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e),           \
          (uint64_t)(f))
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define AT        LINUX_AT_FDCWD

static inline int64_t g_open(const char *path, int flags, int mode)
{
    return CALL(sys_openat, AT, guest_str(path), flags, mode);
}
static inline int64_t g_close(int64_t fd)
{
    return CALL(sys_close, fd);
}
static inline int64_t g_mkdir(const char *path, int mode)
{
    return CALL(sys_mkdirat, AT, guest_str(path), mode);
}
static inline int64_t g_unlink(const char *path)
{
    return CALL(sys_unlinkat, AT, guest_str(path), 0);
}
static inline int64_t g_rmdir(const char *path)
{
    return CALL(sys_unlinkat, AT, guest_str(path), LINUX_AT_REMOVEDIR);
}
static inline int64_t g_symlink(const char *to, const char *path)
{
    return CALL(sys_symlinkat, guest_str(to), AT, guest_str(path));
}
static inline int64_t g_link(const char *from, const char *to)
{
    return CALL(sys_linkat, AT, guest_str(from), AT, guest_str(to), 0);
}
static inline int64_t g_rename(const char *from, const char *to)
{
    return CALL(sys_renameat2, AT, guest_str(from), AT, guest_str(to), 0);
}
static inline int64_t g_chdir(const char *path)
{
    return CALL(sys_chdir, guest_str(path));
}
static inline int64_t g_lstat(const char *path, struct linux_stat *st)
{
    int64_t r = CALL(sys_newfstatat, AT, guest_str(path), GUEST_BUF, LINUX_AT_SYMLINK_NOFOLLOW);
    if (r == 0)
        memcpy(st, guest_buf(), sizeof *st);
    return r;
}
static inline int64_t g_stat(const char *path, struct linux_stat *st)
{
    int64_t r = CALL(sys_newfstatat, AT, guest_str(path), GUEST_BUF, 0);
    if (r == 0)
        memcpy(st, guest_buf(), sizeof *st);
    return r;
}
static inline int64_t g_fstat(int64_t fd, struct linux_stat *st)
{
    int64_t r = CALL(sys_fstat, fd, GUEST_BUF);
    if (r == 0)
        memcpy(st, guest_buf(), sizeof *st);
    return r;
}

/* Whole content of a guest file in a static buffer, or NULL. */
static inline const char *g_read(const char *path)
{
    static char buf[8192];
    int64_t fd = g_open(path, LINUX_O_RDONLY, 0), n;

    if (fd < 0)
        return NULL;
    n = CALL(sys_read, fd, GUEST_BUF, 8000);
    g_close(fd);
    if (n < 0)
        return NULL;
    memcpy(buf, guest_buf(), (size_t)n);
    buf[n] = '\0';
    return buf;
}
static inline int64_t g_write(const char *path, const char *text)
{
    int64_t fd = g_open(path, LINUX_O_WRONLY | LINUX_O_CREAT | LINUX_O_TRUNC, 0644), n;

    if (fd < 0)
        return fd;
    n = CALL(sys_write, fd, guest_str(text), strlen(text));
    g_close(fd);
    return n;
}
static inline const char *g_readlink(const char *path)
{
    static char buf[4096];
    int64_t n = CALL(sys_readlinkat, AT, guest_str(path), GUEST_BUF, 4000);

    if (n < 0)
        return NULL;
    memcpy(buf, guest_buf(), (size_t)n);
    buf[n] = '\0';
    return buf;
}
/* Names in a directory, sorted, joined by spaces, without "." and "..". */
static inline int name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static inline const char *g_list(const char *path)
{
    static char out[16384];
    char *names[1024];
    int n = 0;
    int64_t fd = g_open(path, LINUX_O_RDONLY | LINUX_O_DIRECTORY, 0), got;

    if (fd < 0)
        return NULL;
    while ((got = CALL(sys_getdents64, fd, GUEST_BUF, 4096)) > 0)
        for (int64_t at = 0; at < got;) {
            const struct linux_dirent64 *d = (const void *)((char *)guest_buf() + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") && n < 1024)
                names[n++] = strdup(d->d_name);
        }
    g_close(fd);
    if (got < 0)
        return NULL;
    qsort(names, (size_t)n, sizeof *names, name_order);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (i)
            strcat(out, " ");
        strcat(out, names[i]);
        free(names[i]);
    }
    return out;
}
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *got_ = (got);                                                                  \
        check_count++;                                                                             \
        if (got_ == NULL || strcmp(got_, (want)) != 0) {                                           \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: %s is \"%s\", want \"%s\"\n", __FILE__, __LINE__, #got,        \
                    got_ ? got_ : "(none)", want);                                                 \
        }                                                                                          \
    } while (0)

/* ---- the host's side ---- */

static inline const char *host_at(const char *rel)
{
    static char buf[4][512];
    static unsigned turn;
    char *p = buf[turn++ % 4];

    snprintf(p, sizeof buf[0], "%s/%s", guest_base, rel);
    return p;
}
static inline void h_mkdir(const char *rel)
{
    if (mkdir(host_at(rel), 0755) < 0 && errno != EEXIST)
        perror(rel);
}
static inline void h_write(const char *rel, const char *text)
{
    int fd = open(host_at(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        perror(rel);
    close(fd);
}
static inline bool h_exists(const char *rel)
{
    struct stat st;
    return lstat(host_at(rel), &st) == 0;
}
static inline void h_owner(const char *rel, const char *value)
{
    if (setxattr(host_at(rel), OWNER_XATTR, value, strlen(value), 0) < 0)
        perror(rel);
}

/* A guest over the spec, the caller's thread being its task. */
static inline void guest_start(struct fs_context_spec *spec)
{
    struct process *proc;
    char err[256] = "";

    if (spec->cwd == NULL)
        spec->cwd = "/";
    spec->umask = 022;
    CHECK_EQ(process_create(&proc), 0);
    cred_init(proc, 0, 0, (const uint32_t[1]){0}, 0);
    int r = fs_context_create(spec, &proc->fs, err, sizeof err);
    if (r < 0)
        fprintf(stderr, "%s\n", err);
    CHECK_EQ(r, 0);
    proc->fds = fd_table_create();
    CHECK_EQ(mm_create(&proc->mm, VCPU_ENGINE_AUTO, host_counter, HOST_COUNTER_HZ, err, sizeof err),
             0);
    proc->vm = proc->mm->vm;
    rlimit_init(proc);
    CHECK_EQ(task_create_first(proc, &guest), 0);
    struct mm_map map = {.len = 65536,
                         .prot = LINUX_PROT_READ | LINUX_PROT_WRITE,
                         .map_flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS,
                         .fd = -1};
    int64_t at = mm_map(proc->mm, &map);
    CHECK(at > 0);
    guest_page = (gva_t)at;
}

static inline void guest_user(uint32_t uid, uint32_t gid)
{
    cred_init(guest->proc, uid, gid, (const uint32_t[1]){0}, 0);
}

/* Run fn in a child in a new directory, as uid 65534 if `nobody`. */
static inline void in_child(void (*fn)(void), bool nobody)
{
    char cmd[1024];

    snprintf(guest_base, sizeof guest_base, "/tmp/elfuse-fs-XXXXXX");
    if (mkdtemp(guest_base) == NULL) {
        perror(guest_base);
        exit(1);
    }
    if (nobody && chown(guest_base, 65534, 65534) < 0)
        perror("chown");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        check_count = check_failed = 0;
        if (nobody && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
            _exit(1);
        fn();
        fflush(stderr);
        _exit(check_failed || check_count == 0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (status != 0)
        fprintf(stderr, "failed as %s\n", nobody ? "nobody" : "the caller");
    CHECK_EQ(status, 0);
    snprintf(cmd, sizeof cmd, "chmod -R u+rwX %s && rm -rf %s", guest_base, guest_base);
    if (system(cmd) != 0)
        fprintf(stderr, "left behind: %s\n", guest_base);
}
#define RUN(fn)                                                                                    \
    do {                                                                                           \
        in_child(fn, false);                                                                       \
        if (getuid() == 0)                                                                         \
            in_child(fn, true);                                                                    \
    } while (0)

#endif
