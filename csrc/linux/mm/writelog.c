/* writelog.c - see writelog.h. */
#include "linux/mm/writelog.h"

#include <stdlib.h>
#include <string.h>

#include "host/mem.h"

struct logged_page {
    struct logged_page *next;
    gva_t addr;
    uint8_t before[LINUX_PAGE_SIZE];
};

struct write_log {
    struct logged_page *pages;
};

/* Equal bytes between two that differ: a run less costs more to send than these. */
#define JOIN_WITHIN 32

static bool is_logged(const struct vma *v)
{
    return v->prot & LINUX_PROT_WRITE && !(v->flags & (VMA_SHARED | VMA_SPECIAL));
}

void mm_log_start(struct mm *mm)
{
    struct write_log *log = calloc(1, sizeof *log);
    if (!log)
        return;
    host_mutex_lock(&mm->lock);
    for (size_t i = 0; i < mm->count; i++) {
        const struct vma *v = &mm->vmas[i];
        if (is_logged(v))
            host_mem_protect(mm_host(mm, v->start), v->end - v->start,
                             (v->prot & ~LINUX_PROT_WRITE) | LINUX_PROT_READ);
    }
    mm->log = log;
    host_mutex_unlock(&mm->lock);
}

void mm_log_stop(struct mm *mm)
{
    if (!mm->log)
        return;
    host_mutex_lock(&mm->lock);
    for (size_t i = 0; i < mm->count; i++) {
        const struct vma *v = &mm->vmas[i];
        if (is_logged(v))
            host_mem_protect(mm_host(mm, v->start), v->end - v->start, v->prot);
    }
    while (mm->log->pages) {
        struct logged_page *p = mm->log->pages;
        mm->log->pages = p->next;
        free(p);
    }
    free(mm->log);
    mm->log = NULL;
    host_mutex_unlock(&mm->lock);
}

static const struct logged_page *find(const struct write_log *log, gva_t page)
{
    const struct logged_page *p = log->pages;
    while (p && p->addr != page)
        p = p->next;
    return p;
}

bool mm_log_fault(struct mm *mm, gva_t addr)
{
    gva_t page = addr & LINUX_PAGE_MASK;
    bool mended = false;
    if (!mm->log || addr >= mm->size)
        return false;
    host_mutex_lock(&mm->lock);
    size_t i = vma_lower(mm, page);
    /* A page that is logged already was protected by the guest itself. */
    if (i < mm->count && mm->vmas[i].start <= page && is_logged(&mm->vmas[i]) &&
        !find(mm->log, page)) {
        struct logged_page *p = malloc(sizeof *p);
        if (p) {
            p->addr = page;
            memcpy(p->before, mm_host(mm, page), LINUX_PAGE_SIZE);
            p->next = mm->log->pages;
            mm->log->pages = p;
        }
        mended = host_mem_protect(mm_host(mm, page), LINUX_PAGE_SIZE, mm->vmas[i].prot) == 0;
    }
    host_mutex_unlock(&mm->lock);
    return mended;
}

void mm_log_touch(struct mm *mm, gva_t addr, uint64_t len)
{
    for (gva_t page = addr & LINUX_PAGE_MASK; len && page < addr + len; page += LINUX_PAGE_SIZE)
        mm_log_fault(mm, page);
}

static int each_run(const struct logged_page *p, const uint8_t *now,
                    int (*fn)(void *arg, gva_t addr, const void *bytes, uint64_t len), void *arg)
{
    for (unsigned at = 0; at < LINUX_PAGE_SIZE; at++) {
        if (now[at] == p->before[at])
            continue;
        unsigned end = at + 1;
        for (unsigned i = end; i < LINUX_PAGE_SIZE && i - end < JOIN_WITHIN; i++) {
            if (now[i] != p->before[i])
                end = i + 1;
        }
        int result = fn(arg, p->addr + at, now + at, end - at);
        if (result)
            return result;
        at = end;
    }
    return 0;
}

void mm_log_each(struct mm *mm, int (*fn)(void *arg, gva_t addr, const void *bytes, uint64_t len),
                 void *arg)
{
    for (const struct logged_page *p = mm->log ? mm->log->pages : NULL; p; p = p->next) {
        struct vma vma;
        /* Unmapped since, or made unreadable: nothing to compare with. */
        if (!mm_find(mm, p->addr, &vma) || !vma.prot)
            continue;
        if (each_run(p, mm_host(mm, p->addr), fn, arg))
            return;
    }
}
