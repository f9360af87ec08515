/* guest-test: flags=-pthread,-O1 args=1,5000,3 */
/*
 * Every system call number with hostile arguments, at random from a seed, by several threads at
 * once: hostile_calls SEED CALLS THREADS elfuse must go on, answer with a result or an errno that
 * Linux has, and touch no register but x0. What would end this program by Linux's own rules (exit,
 * a garbage handler, unmapping its own stack) is left out; each thread is interrupted by signals
 * all the time, so that no call waits for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <ucontext.h>

#include "guest.h"

#define P         4096ul
#define PLAY_LOW  3 /* descriptors that the calls may close, and that are made again */
#define PLAY_HIGH 40
#define LAST_CALL 470

static uint64_t rw, ro, none, edge, gone, victim;
static uint64_t paths[12];
static unsigned npaths;
static volatile int running;

struct worker {
    pthread_t thread;
    uint64_t state, calls;
    uint64_t nr, args[6]; /* the last call, for a report */
    unsigned served;
    volatile int ended;
};
static struct worker workers[16];
static _Thread_local struct worker *self;

static uint64_t rnd(void)
{
    uint64_t x = self->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return self->state = x;
}
static uint64_t below(uint64_t n)
{
    return rnd() % n;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL)
        return;
    if (info->si_code <= 0) /* somebody's kill() */
        return;
    FAIL("signal %d at pc %llx, address %p, after call %llu(%llx, %llx, %llx, %llx, %llx, %llx)",
         sig, (long long)uc->uc_mcontext.pc, info->si_addr, (long long)self->nr,
         (long long)self->args[0], (long long)self->args[1], (long long)self->args[2],
         (long long)self->args[3], (long long)self->args[4], (long long)self->args[5]);
    _exit(1);
}

/* The call itself; *spoiled is set when another register than x0 came back changed. */
static uint64_t call(uint64_t nr, const uint64_t a[6], int *spoiled)
{
    register uint64_t x8 __asm__("x8") = nr;
    register uint64_t x0 __asm__("x0") = a[0];
    register uint64_t x1 __asm__("x1") = a[1];
    register uint64_t x2 __asm__("x2") = a[2];
    register uint64_t x3 __asm__("x3") = a[3];
    register uint64_t x4 __asm__("x4") = a[4];
    register uint64_t x5 __asm__("x5") = a[5];
    register uint64_t x9 __asm__("x9") = 0x123456789;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x8),
                       "+r"(x9)
                     :
                     : "memory", "cc");
    *spoiled = x1 != a[1] || x2 != a[2] || x3 != a[3] || x4 != a[4] || x5 != a[5] || x8 != nr ||
               x9 != 0x123456789;
    return x0;
}

/* Addresses where nothing of ours lies. */
static uint64_t bad_address(void)
{
    static const uint64_t fixed[] = {
        0,
        8,
        0xffful,
        1ul << 45,
        (1ul << 45) + P,
        (1ul << 45) - 1,
        1ul << 47,
        (1ul << 48) - P,
        1ul << 48,
        1ul << 55,
        0x7ffffffff000ul,
        0xffff000000000000ul,
        ~0ul,
        -8ul,
        -P,
        1ul << 63,
        0xffff800008080000ul,
        0x00ff000000000000ul,
    };
    switch (below(6)) {
    case 0: return gone + below(P);
    case 1: return none + below(P);
    case 2: return rnd() | 1ul << 46;
    case 3:
        return rw | (1 + below(255)) << 56; /* a tag, which calls do not ignore unless asked to */
    default: return fixed[below(sizeof(fixed) / sizeof(fixed[0]))];
    }
}

static uint64_t address(void)
{
    switch (below(8)) {
    case 0: return ro + below(P);
    case 1: return edge + P - 1 - below(64); /* runs into nothing */
    case 2:
    case 3: return rw + (below(2) ? 0 : below(P));
    case 4: return paths[below(npaths)];
    default: return bad_address();
    }
}

static uint64_t descriptor(void)
{
    static const uint64_t odd[] = {-1ul,       -100ul,       200,           65535,
                                   65536,      65537,        1024,          768,
                                   769,        49152,        786432,        1ul << 20,
                                   0x7fffffff, 0x80000000ul, 15000,         15360,
                                   15361,      393216,       1ul << 32 | 3, 0xffffffff00000000ul};
    if (below(4))
        return PLAY_LOW + below(PLAY_HIGH - PLAY_LOW + 1);
    if (below(3) == 0)
        return 700 + below(1ul << 20); /* where those of elfuse are */
    return odd[below(sizeof(odd) / sizeof(odd[0]))];
}

static uint64_t number(void)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   2,
                                   7,
                                   8,
                                   16,
                                   63,
                                   64,
                                   128,
                                   4095,
                                   4096,
                                   4097,
                                   65536,
                                   0x7fffffff,
                                   -1ul,
                                   0x80000000ul,
                                   0xffffffff,
                                   1ul << 31,
                                   1ul << 32,
                                   1ul << 45,
                                   1ul << 62,
                                   1ul << 63,
                                   (1ul << 63) - 1,
                                   -4096ul,
                                   -4095ul,
                                   1025,
                                   1024};
    switch (below(4)) {
    case 0: return below(64);
    case 1: return 1ul << below(64);
    case 2: return below(2) ? rnd() : rnd() & 0xffff;
    default: return odd[below(sizeof(odd) / sizeof(odd[0]))];
    }
}

static uint64_t anything(void)
{
    switch (below(5)) {
    case 0:
    case 1: return address();
    case 2: return descriptor();
    default: return number();
    }
}

/* Keep a call from doing what Linux, too, would let it do to this program or to the machine. False:
 * leave out. */
static int tame(uint64_t nr, uint64_t a[6])
{
    int second = nr == SYS_splice || nr == SYS_copy_file_range ? 2
                 : nr == SYS_tee || nr == SYS_dup3             ? 1
                                                               : 0;
    if ((uint32_t)a[0] < PLAY_LOW)
        a[0] = below(2) ? -1ul : PLAY_LOW; /* the standard descriptors are for reports */
    if (second && (uint32_t)a[second] < PLAY_LOW)
        a[second] = PLAY_LOW;
    switch (nr) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_rt_sigreturn: return 0;
    case SYS_sync:
    case SYS_syncfs: return below(64) == 0;
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
    case SYS_prlimit64:
    case SYS_setrlimit:
    case SYS_chroot:
    case SYS_clone3: /* clone: below */
        a[0] = nr == SYS_chroot || nr == SYS_clone3 ? bad_address() : number();
        a[1] = nr == SYS_clone3 ? number() : bad_address();
        if (nr == SYS_prlimit64)
            a[1] = number(), a[2] = bad_address();
        break;
    case SYS_kill:
    case SYS_tkill: a[1] = below(2) ? 0 : 65 + below(1000); break;
    case SYS_rt_sigqueueinfo: a[1] = below(2) ? 0 : 65 + below(1000); break;
    case SYS_tgkill:
    case SYS_rt_tgsigqueueinfo: a[2] = below(2) ? 0 : 65 + below(1000); break;
    case SYS_clone:
        a[0] = below(2) ? 0x10000 : 0x800;
        break; /* THREAD or SIGHAND alone: never valid */
    case SYS_execve:
    case SYS_execveat: a[nr == SYS_execveat] = below(2) ? bad_address() : paths[0]; break;
    case SYS_close_range:
        a[0] = below(2) ? PLAY_LOW + below(30) : 600 + below(1ul << 20);
        a[1] = a[0] < 600 ? a[0] + below(8) : ~0ul;
        break;
    case SYS_rt_sigsuspend: a[0] = ro; break;
    case SYS_ppoll: a[3] = below(2) ? ro : bad_address(); break;
    case SYS_pselect6: a[5] = below(2) ? 0 : bad_address(); break;
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2: a[4] = below(2) ? ro : bad_address(); break;
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_msync:
    case SYS_madvise:
    case SYS_mlock:
    case SYS_mlock2:
    case SYS_munlock:
    case SYS_mincore:
    case SYS_remap_file_pages:
    case SYS_mmap:
    case SYS_mremap:
    case SYS_shmat:
    case SYS_shmdt:
    case SYS_set_mempolicy:
    case SYS_mbind:
    case SYS_pkey_mprotect: {
        unsigned at = nr == SYS_shmat ? 1 : 0;
        a[at] =
            below(2) ? victim + below(8) * P + (below(4) ? 0 : below(P)) : 1ul << (45 + below(19));
        if (a[1 - at] > 8 * P && a[1 - at] < 1ul << 46)
            a[1 - at] = below(8 * P);
        if (nr == SYS_mremap) {
            a[2] = a[2] > 16 * P && a[2] < 1ul << 46 ? below(8 * P) : a[2];
            a[4] = victim + below(8) * P;
        }
        break;
    }
    case SYS_brk: a[0] = below(2) ? 0 : 1ul << (45 + below(19)); break;
    case SYS_mlockall: a[0] &= ~2ul; break;
    case SYS_fallocate: a[3] = below(2) ? below(1 << 16) : ~0ul << 62; break;
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setfsuid:
    case SYS_setfsgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid: a[0] = a[1] = a[2] = ~0ul; break;
    case SYS_capset: a[1] = bad_address(); break;
    case SYS_sched_setscheduler:
    case SYS_sched_setattr:
    case SYS_sched_setparam: a[nr == SYS_sched_setscheduler ? 2 : 1] = bad_address(); break;
    }
    return 1;
}

/* Descriptors of many kinds at random numbers of the play area. */
static void new_descriptor(void)
{
    int fd = -1, two[2] = {-1, -1};
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    switch (below(10)) {
    case 0: fd = open("/tmp/hostile-file", O_RDWR | O_CREAT, 0600); break;
    case 1: fd = open("/tmp", O_RDONLY | O_DIRECTORY); break;
    case 2: fd = pipe2(two, O_NONBLOCK * (int)below(2)) ? -1 : two[0]; break;
    case 3:
        fd = socketpair(AF_UNIX, below(2) ? SOCK_STREAM : SOCK_DGRAM, 0, two) ? -1 : two[0];
        break;
    case 4: fd = epoll_create1(0); break;
    case 5: fd = eventfd(0, EFD_NONBLOCK); break;
    case 6: fd = timerfd_create(CLOCK_MONOTONIC, 0); break;
    case 7: fd = open("/proc/self/maps", O_RDONLY); break;
    case 8: fd = open("/dev/null", O_RDWR); break;
    default:
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd >= 0) {
            bind(fd, (struct sockaddr *)&sun, sizeof(sa_family_t));
            listen(fd, 1);
        }
    }
    for (int i = -1; i < 2; i++) {
        int from = i < 0 ? fd : two[i];
        if (from < PLAY_LOW)
            continue;
        if (i >= 0 && from == fd)
            continue;
        dup2(from, PLAY_LOW + (int)below(PLAY_HIGH - PLAY_LOW + 1));
        if (from > PLAY_HIGH)
            close(from);
    }
}

static void *work(void *arg)
{
    self = arg;
    for (uint64_t i = 0; i < self->calls; i++) {
        if (below(8) == 0)
            new_descriptor();
        uint64_t nr = below(16) ? below(LAST_CALL + 1) : number(), a[6];
        a[0] = below(2) ? descriptor() : anything();
        for (int k = 1; k < 6; k++)
            a[k] = anything();
        if (!tame(nr & 0xffffffff, a))
            continue;
        self->nr = nr;
        memcpy(self->args, a, sizeof(a));
        int spoiled;
        int64_t r = (int64_t)call(nr, a, &spoiled);
        /* 133 (EHWPOISON) is the last errno; the kernel's internal ones must not be seen. */
        if ((r < -133 && r >= -4095) || spoiled)
            FAIL("call %llu(%llx, %llx, %llx, %llx, %llx, %llx) is %lld%s", (long long)nr,
                 (long long)a[0], (long long)a[1], (long long)a[2], (long long)a[3],
                 (long long)a[4], (long long)a[5], (long long)r,
                 spoiled ? ", and changed registers" : "");
        if (r != -ENOSYS)
            self->served++;
        if (i % 64 == 0) { /* have memory to play with again */
            mmap((void *)victim, 8 * P, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            memset((void *)rw, (int)below(3) - 1, P);
        }
    }
    self->ended = 1;
    for (;;) /* the word that pthread_join() waits for may have been given away */
        pause();
    return NULL;
}

static uint64_t page(int prot)
{
    return (uint64_t)mmap(NULL, P, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_memory(void)
{
    static const char *const names[] = {"/tmp/hostile-none",
                                        "/tmp/hostile-file",
                                        "/tmp",
                                        "",
                                        ".",
                                        "/proc/self/fd/",
                                        "user.hostile",
                                        "/dev/null",
                                        "../../../../../..",
                                        "/proc/self/status"};
    rw = (uint64_t)mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ro = page(PROT_READ);
    none = page(PROT_NONE);
    edge = (uint64_t)mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap((void *)(edge + P), P);
    gone = page(PROT_READ);
    munmap((void *)gone, P);
    /* Alone between two gaps: growing and moving finds room. */
    victim = (uint64_t)mmap(NULL, 256 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 64 * P;
    char *text = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(text + P, 'a', 3 * P); /* a string that ends with the mapping */
    for (unsigned i = 0, at = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        paths[npaths++] = (uint64_t)strcpy(text + at, names[i]);
        at += strlen(names[i]) + 1;
    }
    paths[npaths++] = (uint64_t)text + P;
    paths[npaths++] = (uint64_t)text + 4 * P - 5;
    mprotect(text, 4 * P, PROT_READ);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             calls = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
    int threads = argc > 3 ? atoi(argv[3]) : 2;
    struct {
        void *handler;
        unsigned long flags, mask;
    } act = {(void *)on_signal, SA_SIGINFO, 0};
    for (int sig = 1; sig < 65; sig++) /* also those that libc keeps for itself */
        syscall(SYS_rt_sigaction, sig, &act, NULL, 8);
    struct rlimit small = {1 << 24, 1 << 24};
    setrlimit(RLIMIT_FSIZE, &small);
    make_memory();
    for (int i = 0; i < threads; i++) {
        workers[i].state = (seed * 0x9e3779b97f4a7c15ul + (unsigned)i * 0x2545f4914f6cdd1dul) | 1;
        workers[i].calls = calls;
        EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    unsigned served = 0;
    for (int ended = 0; ended < threads;) {
        ended = 0;
        for (int i = 0; i < threads; i++) {
            ended += workers[i].ended;
            if (!workers[i].ended)
                pthread_kill(workers[i].thread, SIGUSR1);
        }
        usleep(1000);
    }
    for (int i = 0; i < threads; i++)
        served += workers[i].served;
    CHECK(served > calls * (unsigned)threads / 4);
    int status = done();
    fflush(stdout);
    _exit(status);
}
