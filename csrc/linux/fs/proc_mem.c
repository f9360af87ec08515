/*
 * proc_mem.c - /proc/<pid>/maps and its relatives: areas from the guest's address space, names and
 * numbers of mapped files from the host's view of the same range.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/io.h"
#include "host/mem.h"
#include "linux/fs/procfs.h"
#include "linux/mm/mm.h"

struct file_row {
    uint64_t start, end, offset, inode;
    unsigned major, minor;
    char *path; /* the guest's; NULL if it has none */
};

struct maps {
    struct fs_context *fs;
    struct mm *mm;
    struct file_row *rows;
    size_t n, cap, at;
    struct synth_text *out;
    bool smaps, failed;
    struct {
        uint64_t size, rss;
    } sum;
};

static int add_row(void *arg, const struct host_mem_info *info)
{
    struct maps *m = arg;
    char host[LINUX_PATH_MAX], guest[LINUX_PATH_MAX];
    uint64_t base = (uint64_t)(uintptr_t)m->mm->base;

    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 64;
        struct file_row *rows = realloc(m->rows, cap * sizeof *rows);
        if (rows == NULL) {
            m->failed = true;
            return 1;
        }
        m->rows = rows;
        m->cap = cap;
    }
    struct file_row *r = &m->rows[m->n++];
    *r = (struct file_row){info->start - base, info->end - base, info->offset, info->inode,
                           info->dev_major,    info->dev_minor,  NULL};
    size_t len = strlen(info->path);
    bool deleted = len > 10 && strcmp(info->path + len - 10, " (deleted)") == 0;
    if (len >= sizeof host)
        return 0;
    memcpy(host, info->path, len + 1);
    if (deleted)
        host[len - 10] = '\0';
    if (fs_guest_path(m->fs, host, guest, sizeof guest - 16) < 0) {
        /* Memory without a name in the tree keeps what the kernel calls it; a file of the host has
         * none. */
        if (strncmp(host, "/memfd:", 7) != 0 && strncmp(host, "/dev/", 5) != 0 &&
            strncmp(host, "/SYSV", 5) != 0)
            return 0;
        strcpy(guest, host);
    }
    if (deleted)
        strcat(guest, " (deleted)");
    r->path = strdup(guest);
    return 0;
}

static const struct file_row *row_of(struct maps *m, uint64_t addr)
{
    while (m->at < m->n && m->rows[m->at].end <= addr)
        m->at++;
    return m->at < m->n && m->rows[m->at].start <= addr ? &m->rows[m->at] : NULL;
}

static uint64_t resident(struct maps *m, const struct vma *v)
{
    uint8_t vec[256];
    uint64_t pages = 0;

    for (uint64_t at = v->start; at < v->end;) {
        uint64_t len =
            v->end - at < sizeof vec * LINUX_PAGE_SIZE ? v->end - at : sizeof vec * LINUX_PAGE_SIZE;
        if (host_mem_incore(m->mm->base + at, len, vec) < 0)
            break;
        for (uint64_t i = 0; i < len / LINUX_PAGE_SIZE; i++)
            pages += vec[i] & 1;
        at += len;
    }
    return pages * LINUX_PAGE_SIZE;
}

static int print_area(void *arg, const struct vma *v, const char *name)
{
    struct maps *m = arg;
    struct synth_text *t = m->out;
    size_t begin = t->len;
    const struct file_row *row = v->flags & VMA_FILE ? row_of(m, v->start) : NULL;

    if (row && row->path)
        name = row->path;
    synth_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu", (unsigned long long)v->start,
                 (unsigned long long)v->end, v->prot & LINUX_PROT_READ ? 'r' : '-',
                 v->prot & LINUX_PROT_WRITE ? 'w' : '-', v->prot & LINUX_PROT_EXEC ? 'x' : '-',
                 v->flags & VMA_SHARED ? 's' : 'p', (unsigned long long)(row ? v->offset : 0),
                 row ? row->major : 0, row ? row->minor : 0,
                 (unsigned long long)(row ? row->inode : 0));
    if (name) {
        /* seq_setwidth(): names begin at column 73. */
        size_t col = t->len - begin;
        synth_printf(t, "%*s%s", col < 72 ? (int)(73 - col) : 1, "", name);
    }
    synth_printf(t, "%s\n", name ? "" : " ");
    if (!m->smaps)
        return 0;
    unsigned long long kb = (v->end - v->start) / 1024, rss = resident(m, v) / 1024;
    synth_printf(t,
                 "Size:           %8llu kB\nKernelPageSize: %8d kB\nMMUPageSize:    %8d kB\n"
                 "Rss:            %8llu kB\nPss:            %8llu kB\nShared_Clean:   %8d kB\n"
                 "Shared_Dirty:   %8d kB\nPrivate_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\n"
                 "Referenced:     %8llu kB\nAnonymous:      %8llu kB\nLazyFree:       %8d kB\n"
                 "AnonHugePages:  %8d kB\nSwap:           %8d kB\nSwapPss:        %8d kB\n"
                 "Locked:         %8d kB\nTHPeligible:    %8d\nVmFlags:%s%s%s%s mr mw me\n",
                 kb, 4, 4, rss, rss, 0, 0, row ? rss : 0ull, row ? 0ull : rss, rss,
                 row ? 0ull : rss, 0, 0, 0, 0, 0, 0, v->prot & LINUX_PROT_READ ? " rd" : "",
                 v->prot & LINUX_PROT_WRITE ? " wr" : "", v->prot & LINUX_PROT_EXEC ? " ex" : "",
                 v->flags & VMA_SHARED ? " sh" : "");
    m->sum.size += kb;
    m->sum.rss += rss;
    return 0;
}

static void run_maps(const struct proc_req *req, struct synth_text *t, struct maps *m)
{
    struct mm *mm = req->task->proc->mm;

    *m = (struct maps){.fs = req->fs, .mm = mm, .out = t, .smaps = m->smaps};
    if (mm == NULL)
        return;
    host_mem_for_each(mm->base, mm->base + mm->size, add_row, m);
    if (m->failed)
        t->failed = true;
    mm_for_each(mm, print_area, m);
    for (size_t i = 0; i < m->n; i++)
        free(m->rows[i].path);
    free(m->rows);
}

void proc_maps(const struct proc_req *req, struct synth_text *t)
{
    struct maps m = {0};
    run_maps(req, t, &m);
}

void proc_smaps(const struct proc_req *req, struct synth_text *t)
{
    struct maps m = {.smaps = true};
    run_maps(req, t, &m);
}

void proc_smaps_rollup(const struct proc_req *req, struct synth_text *t)
{
    struct synth_text all = {0};
    struct maps m = {.smaps = true};

    run_maps(req, &all, &m);
    free(all.data);
    unsigned long long rss = m.sum.rss;
    synth_printf(t,
                 "00010000-%08llx ---p 00000000 00:00 0%*s[rollup]\nRss:            %8llu kB\n"
                 "Pss:            %8llu kB\nSwap:           %8d kB\n",
                 (unsigned long long)(req->task->proc->mm ? req->task->proc->mm->size : 0), 27, "",
                 rss, rss, 0);
}

/* Resident pages as the host counts them for the whole process: ours are in it. */
static unsigned long long host_rss_pages(void)
{
    struct synth_text t = {0};
    unsigned long long size = 0, rss = 0;

    proc_host_file(&t, "/proc/self/statm");
    synth_append(&t, "", 1);
    if (t.data && sscanf(t.data, "%llu %llu", &size, &rss) != 2)
        rss = 0;
    free(t.data);
    return rss;
}

void proc_statm(const struct proc_req *req, struct synth_text *t)
{
    struct mm_usage u;

    mm_usage(req->task->proc->mm, &u);
    synth_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)u.total / LINUX_PAGE_SIZE,
                 host_rss_pages(), (unsigned long long)u.shared / LINUX_PAGE_SIZE,
                 (unsigned long long)u.text / LINUX_PAGE_SIZE,
                 (unsigned long long)u.data / LINUX_PAGE_SIZE);
}
