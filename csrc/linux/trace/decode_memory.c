/* decode_memory.c - arguments of the memory calls, System V objects and message queues. */
#include "linux/abi/fs.h"
#include "linux/abi/ipc.h"
#include "linux/abi/mman.h"
#include "linux/mm/uaccess.h"
#include "linux/trace/args.h"

static void put_byte(struct trace_text *t, struct task *task, const void *entry)
{
    (void)task;
    text_put(t, "%d", *(const uint8_t *)entry & 1);
}

/* mincore's: a byte a page. */
static void put_residency(struct trace_call *c, uint64_t v)
{
    uint64_t pages = (call_arg(c, 1) + LINUX_PAGE_SIZE - 1) / LINUX_PAGE_SIZE;
    if (call_failed(c))
        text_address(c->out, v);
    else
        text_user_array(c->out, c->task, v, pages, 1, put_byte);
}

/* mremap's fifth, which only these flags read. */
static void put_new_address(struct trace_call *c, uint64_t v)
{
    if (call_arg(c, 3) & (LINUX_MREMAP_FIXED | LINUX_MREMAP_DONTUNMAP))
        text_address(c->out, v);
}

/* ---- System V ---- */

static void put_key(struct trace_call *c, uint64_t v)
{
    if ((int32_t)v == LINUX_IPC_PRIVATE)
        text_put(c->out, "IPC_PRIVATE");
    else
        text_put(c->out, "%#x", (unsigned)v);
}

static void put_get_flags(struct trace_text *t, const char *type, uint64_t v)
{
    if (v & ~0777ull & 0xffffffff) {
        names_put_type(t, type, v & ~0777ull);
        text_put(t, "|");
    }
    text_octal(t, v & 0777);
}
static void put_shmget_flags(struct trace_call *c, uint64_t v)
{
    put_get_flags(c->out, "shmgetflags", v);
}
static void put_ipcget_flags(struct trace_call *c, uint64_t v)
{
    put_get_flags(c->out, "ipcflags", v);
}

/* IPC_SET reads three fields of it; all are shown of what the kernel has stored. */
static void put_permissions(struct trace_text *t, const char *name, const struct linux_ipc_perm *p,
                            bool set)
{
    text_put(t, "{%s={uid=%u, gid=%u, mode=", name, p->uid, p->gid);
    text_octal(t, p->mode);
    if (!set)
        text_put(t, ", key=%d, cuid=%u, cgid=%u", p->key, p->cuid, p->cgid);
    text_put(t, "}");
}

/* Has the command, which stands before the struct, one that is shown? Then it is read. */
static bool fetch_object(struct trace_call *c, gva_t at, void *object, size_t size, bool *set)
{
    uint32_t cmd = (uint32_t)call_arg(c, c->index - 1);
    *set = cmd == LINUX_IPC_SET;
    if (*set || cmd == LINUX_IPC_STAT)
        return fetch(c, object, at, size);
    text_address(c->out, at);
    return false;
}

static void put_shmid(struct trace_call *c, uint64_t v)
{
    struct linux_shmid_ds ds;
    bool set;
    if (!fetch_object(c, v, &ds, sizeof(ds), &set))
        return;
    put_permissions(c->out, "shm_perm", &ds.perm, set);
    if (!set)
        text_put(c->out,
                 ", shm_segsz=%llu, shm_cpid=%d, shm_lpid=%d, shm_nattch=%llu, shm_atime=%lld, "
                 "shm_dtime=%lld, shm_ctime=%lld",
                 (unsigned long long)ds.segsz, ds.cpid, ds.lpid, (unsigned long long)ds.nattch,
                 (long long)ds.atime, (long long)ds.dtime, (long long)ds.ctime);
    text_put(c->out, "}");
}

static void put_msqid(struct trace_call *c, uint64_t v)
{
    struct linux_msqid_ds ds;
    bool set;
    if (!fetch_object(c, v, &ds, sizeof(ds), &set))
        return;
    put_permissions(c->out, "msg_perm", &ds.perm, set);
    if (set)
        text_put(c->out, ", msg_qbytes=%llu", (unsigned long long)ds.qbytes);
    else
        text_put(c->out,
                 ", msg_stime=%lld, msg_rtime=%lld, msg_ctime=%lld, msg_qnum=%llu, "
                 "msg_qbytes=%llu, msg_lspid=%d, msg_lrpid=%d",
                 (long long)ds.stime, (long long)ds.rtime, (long long)ds.ctime,
                 (unsigned long long)ds.qnum, (unsigned long long)ds.qbytes, ds.lspid, ds.lrpid);
    text_put(c->out, "}");
}

static void put_semid(struct trace_call *c, uint64_t v)
{
    struct linux_semid_ds ds;
    bool set;
    if (!fetch_object(c, v, &ds, sizeof(ds), &set))
        return;
    put_permissions(c->out, "sem_perm", &ds.perm, set);
    if (!set)
        text_put(c->out, ", sem_otime=%lld, sem_ctime=%lld, sem_nsems=%llu", (long long)ds.otime,
                 (long long)ds.ctime, (unsigned long long)ds.nsems);
    text_put(c->out, "}");
}

static void put_sembuf(struct trace_text *t, struct task *task, const void *entry)
{
    const struct {
        uint16_t num;
        int16_t op, flags;
    } *op = entry;
    (void)task;
    text_put(t, "{sem_num=%u, sem_op=%d, sem_flg=%s%s%s}", op->num, op->op,
             op->flags & 0x1000 ? "SEM_UNDO" : "", (op->flags & 0x1800) == 0x1800 ? "|" : "",
             op->flags & 0x800    ? "IPC_NOWAIT"
             : op->flags & 0x1000 ? ""
                                  : "0");
}

static void put_sembufs(struct trace_call *c, uint64_t v)
{
    text_user_array(c->out, c->task, v, (uint32_t)call_arg(c, c->index + 1), 6, put_sembuf);
}

/* A System V message: its type, then as many bytes as the next argument, or the call, says. */
static void put_message(struct trace_call *c, uint64_t v)
{
    int64_t type;
    if (!fetch(c, &type, v, sizeof(type)))
        return;
    text_put(c->out, "{mtype=%lld, mtext=", (long long)type);
    text_user_bytes(c->out, c->task, v + sizeof(type),
                    c->output ? (uint64_t)c->ret : call_arg(c, c->index + 1), false);
    text_put(c->out, "}");
}

/* ---- POSIX message queues ---- */

static void put_mq_attr(struct trace_call *c, uint64_t v)
{
    struct linux_mq_attr a;
    if (!fetch(c, &a, v, sizeof(a)))
        return;
    text_put(c->out, "{mq_flags=");
    names_put_type(c->out, "cloexec", (uint64_t)a.flags);
    text_put(c->out, ", mq_maxmsg=%lld, mq_msgsize=%lld, mq_curmsgs=%lld}", (long long)a.maxmsg,
             (long long)a.msgsize, (long long)a.curmsgs);
}

/* mq_open's, which only O_CREAT reads. */
static void put_mq_open_attr(struct trace_call *c, uint64_t v)
{
    if (call_arg(c, 1) & LINUX_O_CREAT)
        put_mq_attr(c, v);
}

const struct arg_type types_memory[] = {
    {"outresidency", ARG_AFTER, put_residency, 0},
    {"newaddress", ARG_BEFORE, put_new_address, 0},
    {"ipckey", ARG_BEFORE, put_key, 0},
    {"shmget", ARG_BEFORE, put_shmget_flags, 0},
    {"ipcget", ARG_BEFORE, put_ipcget_flags, 0},
    {"outshmid", ARG_AFTER, put_shmid, 0},
    {"outmsqid", ARG_AFTER, put_msqid, 0},
    {"outsemid", ARG_AFTER, put_semid, 0},
    {"sembufs", ARG_BEFORE, put_sembufs, 0},
    {"msgbuf", ARG_BEFORE, put_message, 0},
    {"outmsgbuf", ARG_AFTER, put_message, 0},
    {"mqattr", ARG_BEFORE, put_mq_attr, 0},
    {"outmqattr", ARG_AFTER, put_mq_attr, 0},
    {"mqopenattr", ARG_BEFORE, put_mq_open_attr, 0},
    {NULL, 0, NULL, 0},
};
