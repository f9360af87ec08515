/* signal.h - arm64 wire structs and numbers of signals: asm-generic/signal.h, siginfo.h,
 * asm/sigcontext.h. */
#ifndef ELFUSE_LINUX_ABI_SIGNAL_H
#define ELFUSE_LINUX_ABI_SIGNAL_H

#include <stdint.h>

#define LINUX_SIGHUP    1
#define LINUX_SIGINT    2
#define LINUX_SIGQUIT   3
#define LINUX_SIGILL    4
#define LINUX_SIGTRAP   5
#define LINUX_SIGABRT   6
#define LINUX_SIGBUS    7
#define LINUX_SIGFPE    8
#define LINUX_SIGKILL   9
#define LINUX_SIGUSR1   10
#define LINUX_SIGSEGV   11
#define LINUX_SIGUSR2   12
#define LINUX_SIGPIPE   13
#define LINUX_SIGALRM   14
#define LINUX_SIGTERM   15
#define LINUX_SIGSTKFLT 16
#define LINUX_SIGCHLD   17
#define LINUX_SIGCONT   18
#define LINUX_SIGSTOP   19
#define LINUX_SIGTSTP   20
#define LINUX_SIGTTIN   21
#define LINUX_SIGTTOU   22
#define LINUX_SIGURG    23
#define LINUX_SIGXCPU   24
#define LINUX_SIGXFSZ   25
#define LINUX_SIGVTALRM 26
#define LINUX_SIGPROF   27
#define LINUX_SIGWINCH  28
#define LINUX_SIGIO     29
#define LINUX_SIGPWR    30
#define LINUX_SIGSYS    31
#define LINUX_SIGRTMIN  32
#define LINUX_NSIG      64

#define LINUX_SIG_BIT(sig) (1ULL << ((sig)-1))

#define LINUX_SIG_DFL 0
#define LINUX_SIG_IGN 1

#define LINUX_SA_NOCLDSTOP      0x00000001u
#define LINUX_SA_NOCLDWAIT      0x00000002u
#define LINUX_SA_SIGINFO        0x00000004u
#define LINUX_SA_UNSUPPORTED    0x00000400u
#define LINUX_SA_EXPOSE_TAGBITS 0x00000800u
#define LINUX_SA_RESTORER       0x04000000u
#define LINUX_SA_ONSTACK        0x08000000u
#define LINUX_SA_RESTART        0x10000000u
#define LINUX_SA_NODEFER        0x40000000u
#define LINUX_SA_RESETHAND      0x80000000u

#define LINUX_SIG_BLOCK   0
#define LINUX_SIG_UNBLOCK 1
#define LINUX_SIG_SETMASK 2

#define LINUX_SS_ONSTACK    1
#define LINUX_SS_DISABLE    2
#define LINUX_SS_AUTODISARM (1u << 31)
/* arm64's own, larger than asm-generic's: asm/signal.h. The kernel's floor is the frame it has to
 * write. */
#define LINUX_MINSIGSTKSZ 5120

#define LINUX_SI_USER    0
#define LINUX_SI_KERNEL  0x80
#define LINUX_SI_QUEUE   (-1)
#define LINUX_SI_TIMER   (-2)
#define LINUX_SI_MESGQ   (-3)
#define LINUX_SI_ASYNCIO (-4)
#define LINUX_SI_TKILL   (-6)

#define LINUX_CLD_EXITED    1
#define LINUX_CLD_KILLED    2
#define LINUX_CLD_DUMPED    3
#define LINUX_CLD_TRAPPED   4
#define LINUX_CLD_STOPPED   5
#define LINUX_CLD_CONTINUED 6

#define LINUX_NSIGPOLL 6 /* POLL_IN to POLL_HUP */

#define LINUX_ILL_ILLOPC  1
#define LINUX_SEGV_MAPERR 1
#define LINUX_SEGV_ACCERR 2
#define LINUX_BUS_ADRALN  1
#define LINUX_BUS_ADRERR  2
#define LINUX_TRAP_BRKPT  1

struct linux_sigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

struct linux_stack {
    uint64_t ss_sp;
    int32_t ss_flags;
    uint32_t pad;
    uint64_t ss_size;
};

struct linux_siginfo {
    int32_t si_signo;
    int32_t si_errno;
    int32_t si_code;
    int32_t pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } rt; /* kill, tkill, sigqueue */
        struct {
            int32_t timerid;
            int32_t overrun;
            uint64_t value;
        } timer;
        struct {
            uint64_t addr;
            int16_t addr_lsb;
        } fault;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status;
            int64_t utime, stime; /* ticks of 1/100 s */
        } child;
        struct {
            int64_t band;
            int32_t fd;
        } poll;
        uint8_t raw[112];
    };
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo_t");

struct linux_sigcontext {
    uint64_t fault_address;
    uint64_t regs[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    _Alignas(16) uint8_t reserved[4096];
};

struct linux_ucontext {
    uint64_t uc_flags;
    uint64_t uc_link;
    struct linux_stack uc_stack;
    uint64_t uc_sigmask;
    uint8_t unused[1024 / 8 - sizeof(uint64_t)];
    _Alignas(16) struct linux_sigcontext uc_mcontext;
};

struct linux_rt_sigframe {
    struct linux_siginfo info;
    struct linux_ucontext uc;
};
_Static_assert(sizeof(struct linux_rt_sigframe) == 4688, "struct rt_sigframe");

struct linux_ctx_head {
    uint32_t magic;
    uint32_t size;
};
#define LINUX_FPSIMD_MAGIC 0x46508001u
#define LINUX_ESR_MAGIC    0x45535201u
#define LINUX_EXTRA_MAGIC  0x45585401u

struct linux_fpsimd_context {
    struct linux_ctx_head head;
    uint32_t fpsr;
    uint32_t fpcr;
    uint64_t vregs[32][2];
};

struct linux_esr_context {
    struct linux_ctx_head head;
    uint64_t esr;
};

struct linux_extra_context {
    struct linux_ctx_head head;
    uint64_t datap;
    uint32_t size;
    uint32_t reserved[3];
};

/* The frame record that a handler's backtrace goes through, above the signal frame. */
struct linux_frame_record {
    uint64_t fp;
    uint64_t lr;
};

struct linux_signalfd_siginfo {
    uint32_t ssi_signo;
    int32_t ssi_errno;
    int32_t ssi_code;
    uint32_t ssi_pid;
    uint32_t ssi_uid;
    int32_t ssi_fd;
    uint32_t ssi_tid;
    uint32_t ssi_band;
    uint32_t ssi_overrun;
    uint32_t ssi_trapno;
    int32_t ssi_status;
    int32_t ssi_int;
    uint64_t ssi_ptr;
    uint64_t ssi_utime;
    uint64_t ssi_stime;
    uint64_t ssi_addr;
    uint16_t ssi_addr_lsb;
    uint16_t pad2;
    int32_t ssi_syscall;
    uint64_t ssi_call_addr;
    uint32_t ssi_arch;
    uint8_t pad[28];
};
_Static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "struct signalfd_siginfo");

#endif
