/* decode_memory.c - arguments of the memory calls and of System V objects. */
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

static void put_permissions(struct trace_text *t, const char *name, const struct linux_ipc_perm *p)
{
    text_put(t, "{%s={uid=%u, gid=%u, mode=", name, p->uid, p->gid);
    text_octal(t, p->mode);
    text_put(t, ", key=%d, cuid=%u, cgid=%u}", p->key, p->cuid, p->cgid);
}

static void put_shmid(struct trace_call *c, uint64_t v)
{
    struct linux_shmid_ds ds;
    uint32_t cmd = (uint32_t)call_arg(c, 1);
    if (cmd != LINUX_IPC_STAT && cmd != LINUX_SHM_STAT && cmd != LINUX_SHM_STAT_ANY) {
        text_address(c->out, v);
        return;
    }
    if (!fetch(c, &ds, v, sizeof(ds)))
        return;
    put_permissions(c->out, "shm_perm", &ds.perm);
    text_put(c->out, ", shm_segsz=%llu, shm_cpid=%d, shm_lpid=%d, shm_nattch=%llu",
             (unsigned long long)ds.segsz, ds.cpid, ds.lpid, (unsigned long long)ds.nattch);
    text_put(c->out, ", shm_atime=%lld, shm_dtime=%lld, shm_ctime=%lld}", (long long)ds.atime,
             (long long)ds.dtime, (long long)ds.ctime);
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

const struct arg_type types_memory[] = {
    {"outresidency", ARG_AFTER, put_residency, 0},
    {"newaddress", ARG_BEFORE, put_new_address, 0},
    {"ipckey", ARG_BEFORE, put_key, 0},
    {"shmget", ARG_BEFORE, put_shmget_flags, 0},
    {"ipcget", ARG_BEFORE, put_ipcget_flags, 0},
    {"outshmid", ARG_AFTER, put_shmid, 0},
    {"sembufs", ARG_BEFORE, put_sembufs, 0},
    {"msgbuf", ARG_BEFORE, put_message, 0},
    {"outmsgbuf", ARG_AFTER, put_message, 0},
    {NULL, 0, NULL, 0},
};
