/* msg.c - System V messages: as Linux's ipc/msg.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/ipc/ipc.h"
#include "linux/mm/uaccess.h"
#include "syscalls_gen.h"

#define MSGMAX 8192
#define MSGMNB 16384

enum search { SEARCH_ANY, SEARCH_EQUAL, SEARCH_NOTEQUAL, SEARCH_LESSEQUAL, SEARCH_NUMBER };

static struct ipc_table msg_table(void)
{
    return (struct ipc_table){
        .ids = &ipc->msg_ids, .objects = ipc->queue, .size = sizeof ipc->queue[0], .max = MSGMNI};
}

static struct msg_queue *find_queue(int id)
{
    const struct ipc_table table = msg_table();
    return (struct msg_queue *)ipc_find(&table, id);
}

static int64_t create(struct task *task, const struct ipc_get *get)
{
    const struct ipc_table table = msg_table();
    struct msg_queue *q = (struct msg_queue *)ipc_add(task, &table, get->key, get->flags);
    if (!q)
        return -LINUX_ENOSPC;
    q->qbytes = MSGMNB;
    q->ctime = ipc_now();
    return ipc_id(&table, &q->perm);
}

int64_t sys_msgget(struct task *task, const uint64_t args[6])
{
    ipc_lock();
    const struct ipc_table table = msg_table();
    const struct ipc_get get = {
        .key = (int32_t)args[0], .flags = (uint32_t)args[1], .create = create};
    int64_t result = ipc_get(task, &table, &get);
    ipc_leave();
    return result;
}

/* ---- messages in a queue ---- */

static void append(struct msg_queue *q, struct ipc_msg *m)
{
    IPC_SAVE(*q);
    IPC_SAVE(ipc->msg_bytes);
    IPC_SAVE(ipc->msg_count);
    m->next = NULL;
    if (q->last) {
        IPC_SAVE(q->last->next);
        q->last->next = m;
    } else {
        q->first = m;
    }
    q->last = m;
    q->cbytes += m->size;
    q->qnum++;
    ipc->msg_bytes += m->size;
    ipc->msg_count++;
}

static void take_out(struct msg_queue *q, struct ipc_msg *m)
{
    struct ipc_msg *before = NULL;
    for (struct ipc_msg *at = q->first; at != m; at = at->next)
        before = at;
    IPC_SAVE(*q);
    IPC_SAVE(ipc->msg_bytes);
    IPC_SAVE(ipc->msg_count);
    if (before) {
        IPC_SAVE(before->next);
        before->next = m->next;
    } else {
        q->first = m->next;
    }
    if (q->last == m)
        q->last = before;
    q->cbytes -= m->size;
    q->qnum--;
    ipc->msg_bytes -= m->size;
    ipc->msg_count--;
}

static bool matches(const struct ipc_msg *m, int64_t type, int mode)
{
    switch (mode) {
    case SEARCH_ANY:
    case SEARCH_NUMBER: return true;
    case SEARCH_LESSEQUAL: return m->type <= type;
    case SEARCH_EQUAL: return m->type == type;
    default: return m->type != type;
    }
}

static struct ipc_msg *find_msg(const struct msg_queue *q, int64_t type, int mode)
{
    struct ipc_msg *found = NULL;
    int64_t number = 0;
    for (struct ipc_msg *m = q->first; m; m = m->next) {
        if (!matches(m, type, mode))
            continue;
        if (mode == SEARCH_NUMBER && number++ != type)
            continue;
        if (mode != SEARCH_LESSEQUAL)
            return m;
        found = m;
        if (m->type == 1)
            break;
        type = m->type - 1;
    }
    return found;
}

/* ---- sending ---- */

/* pipelined_send(): hand it to the first that waits for such a one. */
static bool hand_over(struct process *proc, struct msg_queue *q, struct ipc_msg *m)
{
    for (struct ipc_waiter *w = q->receivers.first, *next; w; w = next) {
        next = w->next;
        if (!matches(m, w->type, w->mode) || !ipc_proc_alive(proc, w->proc))
            continue;
        if (w->max_size < m->size) {
            ipc_wake(w, -LINUX_E2BIG);
            continue;
        }
        IPC_SAVE(*w);
        IPC_SAVE(*q);
        w->msg = m;
        q->lrpid = w->pid;
        q->rtime = ipc_now();
        ipc_wake(w, 0);
        return true;
    }
    return false;
}

static bool fits(const struct msg_queue *q, uint64_t size)
{
    return size + q->cbytes <= q->qbytes && 1 + q->qnum <= q->qbytes;
}

/* Wait in `list` of the queue. 0: something has changed; -LINUX_EIDRM, -LINUX_ERESTARTNOHAND. */
static int wait_for_room(struct task *task, struct msg_queue *q)
{
    int index = ipc_self(task->proc);
    struct ipc_waiter *w = index < 0 ? NULL : ipc_waiter_new(task, index);
    if (!w)
        return -LINUX_ENOMEM;
    ipc_enqueue(&q->senders, w);
    int err = ipc_wait(task, w, NULL);
    if (err == 0)
        err = w->result;
    ipc_waiter_free(w);
    return err == -LINUX_EINTR ? -LINUX_ERESTARTNOHAND : err;
}

static int64_t send(struct task *task, int id, uint32_t flags, int64_t type, const void *text,
                    uint64_t size)
{
    struct msg_queue *q = find_queue(id);
    if (!q)
        return -LINUX_EINVAL;
    for (;;) {
        if (!ipc_permitted(task, &q->perm, 0222))
            return -LINUX_EACCES;
        if (fits(q, size))
            break;
        if (flags & LINUX_IPC_NOWAIT)
            return -LINUX_EAGAIN;
        int err = wait_for_room(task, q);
        if (err)
            return err;
    }
    struct ipc_msg *m = ipc_alloc(sizeof *m + size);
    if (!m)
        return -LINUX_ENOMEM;
    m->type = type;
    m->size = size;
    memcpy(m->text, text, size);
    IPC_SAVE(*q);
    q->lspid = task->proc->pid;
    q->stime = ipc_now();
    if (!hand_over(task->proc, q, m))
        append(q, m);
    return 0;
}

int64_t sys_msgsnd(struct task *task, const uint64_t args[6])
{
    int id = (int)args[0];
    uint64_t size = args[2], type;
    char *text = NULL;
    if (copy_from_user(task, &type, args[1], sizeof type))
        return -LINUX_EFAULT;
    if (size > MSGMAX || id < 0 || (int64_t)type < 1)
        return -LINUX_EINVAL;
    if (!(text = malloc(size ? size : 1)))
        return -LINUX_ENOMEM;
    int64_t result = copy_from_user(task, text, args[1] + sizeof type, size);
    if (result == 0) {
        ipc_lock();
        result = send(task, id, (uint32_t)args[3], (int64_t)type, text, size);
        ipc_leave();
    }
    free(text);
    return result;
}

/* ---- receiving ---- */

struct receive {
    int id;
    uint32_t flags;
    int64_t type;
    enum search mode;
    uint64_t size;
    /* The answer. */
    int64_t got_type;
    uint64_t got;
    uint8_t *text;
};

/* convert_mode() */
static void set_mode(struct receive *r)
{
    if (r->flags & LINUX_MSG_COPY) {
        r->mode = SEARCH_NUMBER;
    } else if (r->type == 0) {
        r->mode = SEARCH_ANY;
    } else if (r->type < 0) {
        r->type = r->type == INT64_MIN ? INT64_MAX : -r->type;
        r->mode = SEARCH_LESSEQUAL;
    } else {
        r->mode = r->flags & LINUX_MSG_EXCEPT ? SEARCH_NOTEQUAL : SEARCH_EQUAL;
    }
}

static void take_text(struct receive *r, const struct ipc_msg *m)
{
    r->got_type = m->type;
    r->got = m->size < r->size ? m->size : r->size;
    memcpy(r->text, m->text, r->got);
}

static int wait_for_msg(struct task *task, struct msg_queue *q, struct receive *r)
{
    int index = ipc_self(task->proc);
    struct ipc_waiter *w = index < 0 ? NULL : ipc_waiter_new(task, index);
    if (!w)
        return -LINUX_ENOMEM;
    w->mode = r->mode;
    w->type = r->type;
    w->max_size = r->flags & LINUX_MSG_NOERROR ? INT32_MAX : r->size;
    ipc_enqueue(&q->receivers, w);
    int err = ipc_wait(task, w, NULL);
    if (err == 0)
        err = w->result;
    bool got = err == 0 && w->msg;
    if (got)
        take_text(r, w->msg);
    ipc_waiter_free(w);
    if (err == -LINUX_EINTR)
        return -LINUX_ERESTARTNOHAND;
    return err ? err : got;
}

static int receive(struct task *task, struct receive *r)
{
    struct msg_queue *q = find_queue(r->id);
    if (!q)
        return -LINUX_EINVAL;
    for (;;) {
        if (!ipc_permitted(task, &q->perm, 0444))
            return -LINUX_EACCES;
        struct ipc_msg *m = find_msg(q, r->type, r->mode);
        if (m && r->size < m->size && !(r->flags & LINUX_MSG_NOERROR))
            return -LINUX_E2BIG;
        if (m && r->flags & LINUX_MSG_COPY) { /* copy_msg() cuts nothing off */
            take_text(r, m);
            return r->size < m->size ? -LINUX_EINVAL : 0;
        }
        if (m) {
            take_text(r, m);
            take_out(q, m);
            ipc_free(m);
            q->rtime = ipc_now();
            q->lrpid = task->proc->pid;
            ipc_wake_all(&q->senders, 0);
            return 0;
        }
        if (r->flags & LINUX_IPC_NOWAIT)
            return -LINUX_ENOMSG;
        int got = wait_for_msg(task, q, r);
        if (got)
            return got < 0 ? got : 0;
    }
}

int64_t sys_msgrcv(struct task *task, const uint64_t args[6])
{
    struct receive r = {
        .id = (int)args[0], .size = args[2], .type = (int64_t)args[3], .flags = (uint32_t)args[4]};
    if (r.id < 0 || (int64_t)r.size < 0)
        return -LINUX_EINVAL;
    if (r.flags & LINUX_MSG_COPY && (r.flags & LINUX_MSG_EXCEPT || !(r.flags & LINUX_IPC_NOWAIT)))
        return -LINUX_EINVAL;
    set_mode(&r);
    r.text = malloc(MSGMAX);
    if (!r.text)
        return -LINUX_ENOMEM;
    /* prepare_copy() makes the copy of what is there. */
    if (r.flags & LINUX_MSG_COPY &&
        copy_from_user(task, r.text, args[1], r.size < MSGMAX ? r.size : MSGMAX)) {
        free(r.text);
        return -LINUX_EFAULT;
    }
    ipc_lock();
    int64_t result = receive(task, &r);
    ipc_leave();
    if (result == 0) {
        result = (int64_t)r.got;
        if (copy_to_user(task, args[1], &r.got_type, sizeof r.got_type) ||
            copy_to_user(task, args[1] + sizeof r.got_type, r.text, r.got))
            result = -LINUX_EFAULT;
    }
    free(r.text);
    return result;
}

/* ---- msgctl ---- */

static int64_t control_stat(struct task *task, int id, int cmd, struct linux_msqid_ds *ds)
{
    const struct ipc_table table = msg_table();
    struct ipc_perm *perm =
        cmd == LINUX_IPC_STAT ? ipc_find(&table, id) : ipc_find_index(&table, id);
    if (!perm)
        return -LINUX_EINVAL;
    if (cmd != LINUX_MSG_STAT_ANY && !ipc_permitted(task, perm, 0444))
        return -LINUX_EACCES;
    const struct msg_queue *q = (struct msg_queue *)perm;
    *ds = (struct linux_msqid_ds){.stime = q->stime,
                                  .rtime = q->rtime,
                                  .ctime = q->ctime,
                                  .cbytes = q->cbytes,
                                  .qnum = q->qnum,
                                  .qbytes = q->qbytes,
                                  .lspid = q->lspid,
                                  .lrpid = q->lrpid};
    ipc_export(&q->perm, &ds->perm);
    return cmd == LINUX_IPC_STAT ? 0 : ipc_id(&table, perm);
}

static void remove_queue(struct msg_queue *q)
{
    const struct ipc_table table = msg_table();
    while (q->first) {
        struct ipc_msg *m = q->first;
        take_out(q, m);
        ipc_free(m);
        ipc_commit(); /* what is undone at once is limited */
    }
    ipc_remove(&table, &q->perm);
    ipc_wake_all(&q->receivers, -LINUX_EIDRM);
    ipc_wake_all(&q->senders, -LINUX_EIDRM);
}

static int64_t control_down(struct task *task, int id, int cmd, const struct linux_msqid_ds *ds)
{
    struct msg_queue *q = find_queue(id);
    if (!q)
        return -LINUX_EINVAL;
    if (!ipc_owns(task, &q->perm))
        return -LINUX_EPERM;
    if (cmd == LINUX_IPC_RMID) {
        remove_queue(q);
        return 0;
    }
    /* More is for who has CAP_SYS_RESOURCE over the machine. */
    if (ds->qbytes > MSGMNB)
        return -LINUX_EPERM;
    int err = ipc_set(&q->perm, &ds->perm);
    if (err)
        return err;
    IPC_SAVE(*q);
    q->qbytes = ds->qbytes;
    q->ctime = ipc_now();
    /* Rights and room may be others now: all look again. */
    ipc_wake_all(&q->receivers, 0);
    ipc_wake_all(&q->senders, 0);
    return 0;
}

static int64_t info(int cmd, struct linux_msginfo *info)
{
    const struct ipc_table table = msg_table();
    *info = (struct linux_msginfo){.msgpool = MSGMNI * (MSGMNB / 1024),
                                   .msgmap = MSGMNB,
                                   .msgmax = MSGMAX,
                                   .msgmnb = MSGMNB,
                                   .msgmni = MSGMNI,
                                   .msgssz = 16,
                                   .msgtql = MSGMNB,
                                   .msgseg = 0xffff};
    if (cmd == LINUX_MSG_INFO) {
        info->msgpool = table.ids->in_use;
        info->msgmap = (int32_t)ipc->msg_count;
        info->msgtql = (int32_t)ipc->msg_bytes;
    }
    return ipc_highest(&table);
}

static int64_t control(struct task *task, const uint64_t args[6], struct linux_msqid_ds *ds,
                       struct linux_msginfo *mi)
{
    int cmd = (int)args[1];
    switch (cmd) {
    case LINUX_IPC_INFO:
    case LINUX_MSG_INFO: return info(cmd, mi);
    case LINUX_IPC_STAT:
    case LINUX_MSG_STAT:
    case LINUX_MSG_STAT_ANY: return control_stat(task, (int)args[0], cmd, ds);
    case LINUX_IPC_SET:
    case LINUX_IPC_RMID: return control_down(task, (int)args[0], cmd, ds);
    default: return -LINUX_EINVAL;
    }
}

int64_t sys_msgctl(struct task *task, const uint64_t args[6])
{
    int cmd = (int)args[1];
    struct linux_msqid_ds ds = {0};
    struct linux_msginfo mi;
    if ((int)args[0] < 0 || cmd < 0)
        return -LINUX_EINVAL;
    if (cmd == LINUX_IPC_SET && copy_from_user(task, &ds, args[2], sizeof ds))
        return -LINUX_EFAULT;
    ipc_lock();
    int64_t result = control(task, args, &ds, &mi);
    ipc_leave();
    if (result < 0)
        return result;
    bool stat = cmd == LINUX_IPC_STAT || cmd == LINUX_MSG_STAT || cmd == LINUX_MSG_STAT_ANY;
    if (stat && copy_to_user(task, args[2], &ds, sizeof ds))
        return -LINUX_EFAULT;
    if ((cmd == LINUX_IPC_INFO || cmd == LINUX_MSG_INFO) &&
        copy_to_user(task, args[2], &mi, sizeof mi))
        return -LINUX_EFAULT;
    return result;
}

void ipc_list_msg(struct process *proc, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[256];
    fn(arg, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
            "      stime      rtime      ctime\n");
    (void)proc;
    ipc_lock();
    const struct ipc_table table = msg_table();
    for (int i = 0; i < ipc->msg_ids.highest; i++) {
        const struct msg_queue *q = &ipc->queue[i];
        if (!q->perm.used)
            continue;
        snprintf(line, sizeof line,
                 "%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u %10lld %10lld %10lld\n",
                 q->perm.key, ipc_id(&table, &q->perm), q->perm.mode, (unsigned long long)q->cbytes,
                 (unsigned long long)q->qnum, (unsigned)q->lspid, (unsigned)q->lrpid, q->perm.uid,
                 q->perm.gid, q->perm.cuid, q->perm.cgid, (long long)q->stime, (long long)q->rtime,
                 (long long)q->ctime);
        fn(arg, line);
    }
    ipc_leave();
}
