/* Memory over fork(): copied, shared, left out, emptied, unlocked; and a page written by many. */
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"

#define P  4096ul
#define RW (PROT_READ | PROT_WRITE)
#define PA (MAP_PRIVATE | MAP_ANONYMOUS)

static sigjmp_buf back;
static void on_fault(int sig)
{
    siglongjmp(back, sig);
}

static int touch(volatile char *p)
{
    int sig = sigsetjmp(back, 1);
    if (sig == 0)
        (void)*p;
    return sig;
}

static int in_child(int (*fn)(char *), char *p)
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(p));
    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

static int changes(char *p)
{
    if (p[0] != 'p')
        return 1;
    p[0] = 'c';
    return 0;
}

static int left_out(char *p)
{
    /* The first page is there, the second is not, and its place can be used. */
    if (p[0] != 'a' || touch(p + P) != SIGSEGV || p[2 * P] != 'c')
        return 1;
    char *q = mmap(p + P, P, RW, PA | MAP_FIXED_NOREPLACE, -1, 0);
    return q == p + P && *q == 0 ? 0 : 2;
}

static int emptied(char *p)
{
    if (p[0] != 'a' || p[P] != 0 || p[2 * P] != 'c')
        return 1;
    p[P] = 'n';
    /* The flag stays: this one's child has an empty page again. */
    pid_t pid = fork();
    if (pid == 0)
        _exit(p[P] == 0 ? 0 : 1);
    int status = -1;
    waitpid(pid, &status, 0);
    return status == 0 ? 0 : 2;
}

static char *three(void)
{
    char *p = mmap(NULL, 3 * P, RW, PA, -1, 0);
    for (int i = 0; i < 3; i++)
        p[i * P] = (char)('a' + i);
    return p;
}

static void advice(void)
{
    char *p = three();
    EQ(madvise(p + P, P, MADV_DONTFORK), 0);
    EQ(in_child(left_out, p), 0);
    EQ(p[P], 'b');
    EQ(madvise(p + P, P, MADV_DOFORK), 0);
    EQ(madvise(p + P, P, MADV_WIPEONFORK), 0);
    EQ(in_child(emptied, p), 0);
    EQ(p[P], 'b');
    EQ(madvise(p, 3 * P, MADV_KEEPONFORK), 0);
    p[0] = 'p';
    EQ(in_child(changes, p), 0);
    EQ(p[0], 'p');
    munmap(p, 3 * P);

    /* It moves and grows with the area. */
    p = mmap(NULL, P, RW, PA, -1, 0);
    EQ(madvise(p, P, MADV_WIPEONFORK), 0);
    p[0] = 'a';
    p = mremap(p, P, 3 * P, MREMAP_MAYMOVE);
    p[0] = p[P] = p[2 * P] = 'x';
    pid_t pid = fork();
    if (pid == 0)
        _exit(p[0] || p[P] || p[2 * P]);
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    munmap(p, 3 * P);

    int fd = memfd_create("file", 0);
    EQ(ftruncate(fd, P), 0);
    char *file = mmap(NULL, P, RW, MAP_PRIVATE, fd, 0);
    ERR(madvise(file, P, MADV_WIPEONFORK), EINVAL);
    EQ(madvise(file, P, MADV_DONTFORK), 0);
    char *shared = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ERR(madvise(shared, P, MADV_WIPEONFORK), EINVAL);
    EQ(madvise(shared, P, MADV_KEEPONFORK), 0);
    munmap(file, P);
    munmap(shared, P);
    close(fd);
}

static int adds(char *p)
{
    for (int i = 0; i < 20000; i++)
        __atomic_fetch_add((int *)(void *)p, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void shared(void)
{
    int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    EQ(ftruncate(fd, P), 0);
    char *file = mmap(NULL, P, RW, MAP_SHARED, fd, 0);
    char *anon = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *both[2] = {file, anon};
    for (int k = 0; k < 2; k++) {
        pid_t pid[3];
        for (int i = 0; i < 3; i++) {
            pid[i] = fork();
            if (pid[i] == 0)
                _exit(adds(both[k]));
        }
        for (int i = 0; i < 3; i++) {
            int status = -1;
            EQ(waitpid(pid[i], &status, 0), pid[i]);
            EQ(status, 0);
        }
        EQ(*(int *)(void *)both[k], 60000);
    }
    int n = 0;
    EQ(pread(fd, &n, sizeof n, 0), sizeof n);
    EQ(n, 60000);
    /* A mapping that a child makes is not its parent's. */
    char *hole = mmap(NULL, P, PROT_NONE, PA, -1, 0);
    munmap(hole, P);
    pid_t pid = fork();
    if (pid == 0)
        _exit(mmap(hole, P, RW, PA | MAP_FIXED, -1, 0) == hole && touch(hole) == 0 ? 0 : 1);
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(touch(hole), SIGSEGV);
    close(fd);
}

static long locked_kb(void)
{
    char line[200];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "VmLck: %ld", &kb);
    if (f)
        fclose(f);
    return kb;
}

static int unlocked(char *p)
{
    /* Neither what is there nor what comes. */
    if (locked_kb() != 0)
        return 1;
    char *q = mmap(NULL, P, RW, PA, -1, 0);
    return q != MAP_FAILED && locked_kb() == 0 && madvise(p, P, MADV_DONTNEED) == 0 ? 0 : 2;
}

static void locks(void)
{
    char *p = three();
    EQ(mlock(p, P), 0);
    EQ(locked_kb(), 4);
    EQ(mlockall(MCL_FUTURE), 0);
    EQ(in_child(unlocked, p), 0);
    EQ(munlockall(), 0);
    EQ(locked_kb(), 0);
}

/* Code that was run before the fork is changed on one side only. */
static int new_code(char *p)
{
    unsigned *code = (unsigned *)(void *)p;
    int (*f)(void) = (int (*)(void))(void *)p;
    if (f() != 10)
        return 1;
    code[0] = 0x52800160; /* mov w0, #11 */
    __builtin___clear_cache(p, p + 8);
    return f() == 11 ? 0 : 2;
}

static void code(void)
{
    char *p = mmap(NULL, P, RW | PROT_EXEC, PA, -1, 0);
    unsigned *words = (unsigned *)(void *)p;
    int (*f)(void) = (int (*)(void))(void *)p;
    words[0] = 0x52800140; /* mov w0, #10 */
    words[1] = 0xd65f03c0; /* ret */
    __builtin___clear_cache(p, p + 8);
    EQ(f(), 10);
    EQ(in_child(new_code, p), 0);
    EQ(f(), 10);
    /* Shared code: what the child writes the parent runs after its own IC IVAU. */
    char *s = mmap(NULL, P, RW | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(s, p, 8);
    __builtin___clear_cache(s, s + 8);
    f = (int (*)(void))(void *)s;
    EQ(f(), 10);
    EQ(in_child(new_code, s), 0);
    __builtin___clear_cache(s, s + 8);
    EQ(f(), 11);
    /* Emptied code faults as data that is zero: an undefined instruction. */
    EQ(madvise(p, P, MADV_WIPEONFORK), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int sig = sigsetjmp(back, 1);
        if (sig == 0)
            ((int (*)(void))(void *)p)();
        _exit(sig);
    }
    int status = -1;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGILL << 8);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    char *p = mmap(NULL, P, RW, PA, -1, 0);
    p[0] = 'p';
    EQ(in_child(changes, p), 0);
    EQ(p[0], 'p');
    advice();
    shared();
    locks();
    code();
    return done();
}
