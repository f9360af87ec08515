/* cred.h - credentials are the guest's own: no host identity changes. */
#ifndef ELFUSE_LINUX_CRED_H
#define ELFUSE_LINUX_CRED_H

#include "linux/kernel.h"

#define LINUX_CAP_DAC_OVERRIDE  1
#define LINUX_CAP_FOWNER        3
#define LINUX_CAP_KILL          5
#define LINUX_CAP_SETGID        6
#define LINUX_CAP_SETUID        7
#define LINUX_CAP_SETPCAP       8
#define LINUX_CAP_IPC_LOCK      14
#define LINUX_CAP_IPC_OWNER     15
#define LINUX_CAP_SYS_PTRACE    19
#define LINUX_CAP_SYS_ADMIN     21
#define LINUX_CAP_SYS_NICE      23
#define LINUX_CAP_SYS_RESOURCE  24
#define LINUX_CAP_AUDIT_CONTROL 30
#define LINUX_CAP_LAST          40
#define LINUX_CAP_FULL          ((1ull << (LINUX_CAP_LAST + 1)) - 1)

static inline bool cred_capable(const struct process *proc, int cap)
{
    return proc->cred.cap_effective >> cap & 1;
}

/* Set all ids and groups at launch, and the capabilities that a login as that user would have. */
void cred_init(struct process *proc, uint32_t uid, uint32_t gid, const uint32_t *groups,
               uint32_t ngroups);
/* Capabilities as execve computes them; set-id bits are not honoured. */
void cred_exec(struct process *proc);

#endif
