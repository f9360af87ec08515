/* guest-test: flags=-pthread */
/*
 * Code that is written while the program runs, in the ways that runtimes have: LuaJIT (one mapping
 * whose permission changes), V8 and the JVM (a call or jump patched while other threads run it),
 * sljit, .NET and QEMU (one view to write, one to run), and what files and madvise() do to it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"

#define P  4096ul
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define PA (MAP_PRIVATE | MAP_ANONYMOUS)

#define MOV_W0(n) (0x52800000u | (unsigned)(n) << 5)
#define RET       0xd65f03c0u

static sigjmp_buf back;
static void on_fault(int sig)
{
    siglongjmp(back, sig);
}

static int call(const void *code)
{
    return ((int (*)(void))code)();
}

/* What it returns, or -signal. */
static int try_call(const void *code)
{
    int sig = sigsetjmp(back, 1);
    return sig ? -sig : call(code);
}

static void flush(void *at, size_t len)
{
    __builtin___clear_cache((char *)at, (char *)at + len);
}

static void put(void *at, int n)
{
    unsigned *words = at;
    words[0] = MOV_W0(n);
    words[1] = RET;
}

static int memory_file(size_t pages)
{
    int fd = memfd_create("code", 0);
    EQ(ftruncate(fd, (off_t)(pages * P)), 0);
    return fd;
}

/* Write, allow, run, and again: each time it is the new code. */
static void permission_changes(void)
{
    char *p = mmap(NULL, 4 * P, RW, PA, -1, 0);
    for (int i = 0; i < 40; i++) {
        EQ(mprotect(p, 4 * P, RW), 0);
        for (int k = 0; k < 4; k++)
            put(p + (size_t)k * P + 64, i * 4 + k);
        flush(p, 4 * P);
        EQ(mprotect(p, 4 * P, RX), 0);
        for (int k = 0; k < 4; k++)
            EQ(call(p + (size_t)k * P + 64), i * 4 + k);
    }
    EQ(mprotect(p, P, RW), 0);
    EQ(try_call(p + 64), -SIGSEGV);
    EQ(call(p + P + 64), 157);
    munmap(p, 4 * P);
}

/* Two views of one file: written through the one, run through the other. */
static void two_views(void)
{
    int fd = memory_file(2);
    char *w = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 0),
         *x = mmap(NULL, 2 * P, RX, MAP_SHARED, fd, 0);
    CHECK(w != MAP_FAILED && x != MAP_FAILED);
    for (int i = 0; i < 60; i++) {
        put(w + (i & 1) * P, i);
        flush(x + (i & 1) * P, 8);
        EQ(call(x + (i & 1) * P), i);
    }
    /* By write(2), and by the kernel's read into the view. */
    unsigned words[2] = {MOV_W0(1000), RET};
    EQ(pwrite(fd, words, sizeof words, 0), sizeof words);
    flush(x, 8);
    EQ(call(x), 1000);
    int ends[2];
    EQ(pipe(ends), 0);
    words[0] = MOV_W0(1001);
    EQ(write(ends[1], words, sizeof words), sizeof words);
    EQ(read(ends[0], w, sizeof words), sizeof words);
    flush(x, 8);
    EQ(call(x), 1001);
    /* A hole punched into it. */
    EQ(madvise(w, P, MADV_REMOVE), 0);
    flush(x, 8);
    EQ(try_call(x), -SIGILL);
    put(w, 1002);
    flush(x, 8);
    EQ(call(x), 1002);
    munmap(w, 2 * P);
    munmap(x, 2 * P);
    close(fd);
}

/* The memory under the address changes without a word to the caches: a new mapping is new code. */
static void mappings(void)
{
    int fd = memory_file(2);
    char *w = mmap(NULL, 2 * P, RW, MAP_SHARED, fd, 0);
    put(w, 1);
    put(w + P, 2);
    char *x = mmap(NULL, P, RX, MAP_PRIVATE, fd, 0);
    EQ(call(x), 1);
    CHECK(mmap(x, P, RX, MAP_PRIVATE | MAP_FIXED, fd, P) == x);
    EQ(call(x), 2);
    CHECK(mmap(x, P, RX, MAP_SHARED | MAP_FIXED, fd, 0) == x);
    EQ(call(x), 1);
    munmap(x, P);
    EQ(try_call(x), -SIGSEGV);
    char *p = mmap(x, P, RW | PROT_EXEC, PA | MAP_FIXED, -1, 0);
    EQ(try_call(p), -SIGILL); /* zeroes */
    put(p, 3);
    flush(p, 8);
    EQ(call(p), 3);
    /* Moved: the code is at the new place, and nothing is left at the old one. */
    char *q =
        mremap(p, P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, mmap(NULL, 2 * P, PROT_NONE, PA, -1, 0));
    EQ(call(q), 3);
    EQ(try_call(p), -SIGSEGV);
    CHECK(mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p) == p);
    EQ(call(p), 3);
    EQ(try_call(q), -SIGILL);
    EQ(madvise(p, P, MADV_DONTNEED), 0);
    EQ(try_call(p), -SIGILL);
    put(p, 4);
    flush(p, 8);
    EQ(call(p), 4);
    /* A private page of a file goes back to what the file has. */
    char *c = mmap(NULL, P, RW | PROT_EXEC, MAP_PRIVATE, fd, 0);
    EQ(call(c), 1);
    put(c, 5);
    flush(c, 8);
    EQ(call(c), 5);
    EQ(madvise(c, P, MADV_DONTNEED), 0);
    EQ(call(c), 1);
    munmap(w, 2 * P);
    close(fd);
}

/* Many pieces in one page, made and patched while others of it run. */
static void pieces(void)
{
    char *p = mmap(NULL, P, RW | PROT_EXEC, PA, -1, 0);
    for (int i = 0; i < 100; i++) {
        put(p + i * 8, i);
        flush(p + i * 8, 8);
        EQ(call(p + i * 8), i);
        EQ(call(p + i / 2 * 8), i / 2);
    }
    /* One instruction of a function that calls on: b forward, and a function that writes itself. */
    unsigned *words = (unsigned *)(void *)p;
    words[0] = 0x14000004u; /* b +16 */
    words[4] = MOV_W0(77);
    words[5] = RET;
    flush(p, 64);
    EQ(call(p), 77);
    words[4] = MOV_W0(78);
    flush(&words[4], 4);
    EQ(call(p), 78);
    words[0] = MOV_W0(79);
    words[1] = RET;
    flush(p, 8);
    EQ(call(p), 79);
    munmap(p, P);
}

/* A thread runs a loop whose one instruction is changed under it. */
static char *patched;
static _Atomic int seen, stop;

static void *run(void *arg)
{
    int last = 0;
    (void)arg;
    while (!stop) {
        int n = call(patched);
        if (n < last)
            return "went back";
        last = n;
        seen = n;
    }
    return NULL;
}

static void patching(void)
{
    int fd = memory_file(1);
    char *w = mmap(NULL, P, RW, MAP_SHARED, fd, 0);
    patched = mmap(NULL, P, RX, MAP_SHARED, fd, 0);
    put(w, 0);
    flush(patched, 8);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, run, NULL);
    for (int n = 1; n <= 40; n++) {
        __atomic_store_n((unsigned *)(void *)w, MOV_W0(n), __ATOMIC_RELEASE);
        flush(patched, 4);
        while (seen < n)
            sched_yield();
    }
    stop = 1;
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(t[i], &result);
        CHECK(result == NULL);
    }
    close(fd);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    permission_changes();
    two_views();
    mappings();
    pieces();
    patching();
    return done();
}
