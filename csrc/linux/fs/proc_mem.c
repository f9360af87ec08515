/*
 * proc_mem.c - /proc/<pid>/maps and its relatives: areas from the guest's address space; names and
 * numbers of mapped files, and what is resident, from the host's view of the same range.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/fs/procfs.h"
#include "linux/mm/mm.h"

typedef unsigned long long ull;

/* Figures of an area in smaps, in the order they are printed; all of the host's. */
static const char *const figure_names[] = {
    "Rss",
    "Pss",
    "Pss_Dirty",
    "Shared_Clean",
    "Shared_Dirty",
    "Private_Clean",
    "Private_Dirty",
    "Referenced",
    "Anonymous",
    "KSM",
    "LazyFree",
    "AnonHugePages",
    "ShmemPmdMapped",
    "FilePmdMapped",
    "Shared_Hugetlb",
    "Private_Hugetlb",
    "Swap",
    "SwapPss",
    "Locked",
};
#define FIGURES   (sizeof figure_names / sizeof figure_names[0])
#define PSS       1
#define PSS_DIRTY 2

/* A mapping of the host in the guest's range. */
struct row {
    uint64_t start, end, inode;
    unsigned major, minor;
    char *path; /* the guest's; NULL if it has none */
    uint32_t kb[FIGURES];
};

struct maps {
    struct fs_context *fs;
    const struct mm *mm;
    struct row *rows;
    size_t n, cap, at;
    struct synth_text *out;
    bool smaps, failed;
    uint64_t first, last; /* what the areas span */
    uint64_t sum[FIGURES];
    uint64_t pss[3]; /* of anonymous memory, files, shared memory */
};

/* The guest's name for what the host calls the mapped object. */
static char *guest_name(struct fs_context *fs, const char *host_path)
{
    char host[LINUX_PATH_MAX], guest[LINUX_PATH_MAX];
    size_t len = strlen(host_path);
    bool deleted = len > 10 && strcmp(host_path + len - 10, " (deleted)") == 0;

    if (len >= sizeof host)
        return NULL;
    memcpy(host, host_path, len + 1);
    if (deleted)
        host[len - 10] = '\0';
    if (fs_guest_path(fs, host, guest, sizeof guest - 16) < 0) {
        /* Memory without a name in the tree keeps what the kernel calls it; a file of the host has
         * none. */
        if (strncmp(host, "/memfd:", 7) != 0 && strncmp(host, "/dev/", 5) != 0 &&
            strncmp(host, "/SYSV", 5) != 0)
            return NULL;
        strcpy(guest, host);
    }
    if (deleted)
        strcat(guest, " (deleted)");
    return strdup(guest);
}

static struct row *new_row(struct maps *m)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 64;
        struct row *rows = realloc(m->rows, cap * sizeof *rows);
        if (rows == NULL) {
            m->failed = true;
            return NULL;
        }
        m->rows = rows;
        m->cap = cap;
    }
    m->rows[m->n] = (struct row){0};
    return &m->rows[m->n++];
}

/* A line "start-end perms offset dev inode path": its row, NULL when it is not in the range. */
static struct row *parse_mapping(struct maps *m, const char *line)
{
    ull start, end, inode, base = (uintptr_t)m->mm->base;
    unsigned major, minor;
    int path = 0;

    if (sscanf(line, "%llx-%llx %*s %*x %x:%x %llu %n", &start, &end, &major, &minor, &inode,
               &path) < 5 ||
        end <= base || start >= base + m->mm->size)
        return NULL;
    struct row *r = new_row(m);
    if (r == NULL)
        return NULL;
    r->start = start < base ? 0 : start - base;
    r->end = end - base;
    r->major = major;
    r->minor = minor;
    r->inode = inode;
    if (path && line[path] == '/')
        r->path = guest_name(m->fs, line + path);
    return r;
}

static void parse_figure(struct row *r, const char *line)
{
    size_t len = strcspn(line, ":");

    for (size_t i = 0; i < FIGURES; i++)
        if (strlen(figure_names[i]) == len && memcmp(figure_names[i], line, len) == 0)
            r->kb[i] = (uint32_t)strtoul(line + len + 1, NULL, 10);
}

/* The host's maps or smaps of the process. */
static void read_host(struct maps *m, const struct proc_view *v)
{
    struct synth_text text = {0};
    struct row *row = NULL;

    proc_view_host_file(v, 0, m->smaps ? "smaps" : "maps", &text);
    synth_append(&text, "", 1);
    for (char *line = text.data; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        /* Mappings begin with a small hexadecimal digit, figures with a capital letter. */
        if (*line < 'A' || *line > 'Z')
            row = parse_mapping(m, line);
        else if (row)
            parse_figure(row, line);
        line = end ? end + 1 : line + strlen(line);
    }
    m->failed |= text.failed;
    free(text.data);
}

/* What the host counts for an area. It may have joined areas that differ only for the guest: each
 * gets its share. */
static void figures_of(const struct maps *m, const struct vma *v, uint64_t kb[FIGURES])
{
    for (size_t i = m->at; i < m->n && m->rows[i].start < v->end; i++) {
        const struct row *r = &m->rows[i];
        uint64_t from = r->start > v->start ? r->start : v->start;
        uint64_t to = r->end < v->end ? r->end : v->end;
        if (from >= to)
            continue;
        for (size_t k = 0; k < FIGURES; k++)
            kb[k] += r->end - r->start == to - from
                         ? r->kb[k]
                         : (uint64_t)((double)r->kb[k] * (double)(to - from) /
                                      (double)(r->end - r->start)) &
                               ~3ull;
    }
}

static void print_figure(struct synth_text *t, const char *name, uint64_t kb)
{
    synth_printf(t, "%s:%*s%8llu kB\n", name, (int)(15 - strlen(name)), "", (ull)kb);
}

static void print_smaps(struct maps *m, const struct vma *v)
{
    struct synth_text *t = m->out;
    uint64_t kb[FIGURES] = {0};

    figures_of(m, v, kb);
    for (size_t i = 0; i < FIGURES; i++)
        m->sum[i] += kb[i];
    m->pss[v->flags & VMA_FILE ? 1 : v->flags & VMA_SHARED ? 2 : 0] += kb[PSS];
    print_figure(t, "Size", (v->end - v->start) / 1024);
    print_figure(t, "KernelPageSize", LINUX_PAGE_SIZE / 1024);
    print_figure(t, "MMUPageSize", LINUX_PAGE_SIZE / 1024);
    for (size_t i = 0; i < FIGURES; i++)
        print_figure(t, figure_names[i], kb[i]);
    synth_printf(t, "THPeligible:    %8d\nVmFlags:%s%s%s%s mr mw me%s%s%s%s \n", 0,
                 v->prot & LINUX_PROT_READ ? " rd" : "", v->prot & LINUX_PROT_WRITE ? " wr" : "",
                 v->prot & LINUX_PROT_EXEC ? " ex" : "", v->flags & VMA_SHARED ? " sh" : "",
                 v->flags & VMA_SHARED ? " ms" : "", v->flags & VMA_GROWSDOWN ? " gd" : "",
                 v->flags & VMA_LOCKED ? " lo" : "", v->flags & VMA_NORESERVE ? " nr" : "");
}

static int print_area(void *arg, const struct vma *v, const char *name)
{
    struct maps *m = arg;
    struct synth_text *t = m->out;
    size_t begin = t->len;

    while (m->at < m->n && m->rows[m->at].end <= v->start)
        m->at++;
    const struct row *row = NULL;
    if ((v->flags & (VMA_FILE | VMA_SHARED)) && m->at < m->n && m->rows[m->at].start <= v->start)
        row = &m->rows[m->at];
    if (row && row->path && !(v->flags & VMA_SHM))
        name = row->path;
    synth_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu", (ull)v->start, (ull)v->end,
                 v->prot & LINUX_PROT_READ ? 'r' : '-', v->prot & LINUX_PROT_WRITE ? 'w' : '-',
                 v->prot & LINUX_PROT_EXEC ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p',
                 (ull)(row ? v->offset : 0), row ? row->major : 0, row ? row->minor : 0,
                 (ull)(row ? row->inode : 0));
    if (name) {
        /* seq_setwidth(): names begin at column 73. */
        size_t col = t->len - begin;
        synth_printf(t, "%*s%s", col < 72 ? (int)(73 - col) : 1, "", name);
    }
    synth_printf(t, "%s\n", name ? "" : " ");
    if (m->last == 0)
        m->first = v->start;
    m->last = v->end;
    if (m->smaps)
        print_smaps(m, v);
    return 0;
}

/* A process without memory (a zombie) has empty files; of one that the host does not let us look
 * into nobody is told. */
static int nothing(const struct proc_req *req)
{
    return req->view->zombie ? 0 : -LINUX_EACCES;
}

static bool run_maps(const struct proc_req *req, struct synth_text *t, struct maps *m)
{
    struct mm *mm = req->view->zombie ? NULL : proc_view_mm(req->view);

    if (mm == NULL)
        return false;
    *m = (struct maps){.fs = req->fs, .mm = mm, .out = t, .smaps = m->smaps};
    read_host(m, req->view);
    mm_for_each(mm, print_area, m);
    if (m->failed)
        t->failed = true;
    for (size_t i = 0; i < m->n; i++)
        free(m->rows[i].path);
    free(m->rows);
    return true;
}

int proc_maps(const struct proc_req *req, struct synth_text *t)
{
    struct maps m = {0};

    return run_maps(req, t, &m) ? 0 : nothing(req);
}

int proc_smaps(const struct proc_req *req, struct synth_text *t)
{
    struct maps m = {.smaps = true};

    return run_maps(req, t, &m) ? 0 : nothing(req);
}

int proc_smaps_rollup(const struct proc_req *req, struct synth_text *t)
{
    static const char *const parts[] = {"Pss_Anon", "Pss_File", "Pss_Shmem"};
    struct synth_text all = {0};
    struct maps m = {.smaps = true};

    bool any = run_maps(req, &all, &m);
    free(all.data);
    if (!any)
        return -LINUX_ESRCH;
    int n = snprintf(NULL, 0, "%08llx-%08llx ---p 00000000 00:00 0", (ull)m.first, (ull)m.last);
    synth_printf(t, "%08llx-%08llx ---p 00000000 00:00 0%*s[rollup]\n", (ull)m.first, (ull)m.last,
                 n < 72 ? 73 - n : 1, "");
    for (size_t i = 0; i < FIGURES; i++) {
        print_figure(t, figure_names[i], m.sum[i]);
        for (size_t k = 0; i == PSS_DIRTY && k < 3; k++)
            print_figure(t, parts[k], m.pss[k]);
    }
    return 0;
}

int proc_statm(const struct proc_req *req, struct synth_text *t)
{
    struct mm *mm = req->view->zombie ? NULL : proc_view_mm(req->view);
    struct synth_text host = {0};
    struct mm_usage u = {0};
    ull size = 0, rss = 0, shared = 0;

    if (mm) {
        mm_usage(mm, &u);
        /* Resident pages as the host counts them for the whole process: ours are in it. */
        proc_view_host_file(req->view, 0, "statm", &host);
        synth_append(&host, "", 1);
        if (host.data && sscanf(host.data, "%llu %llu %llu", &size, &rss, &shared) != 3)
            rss = shared = 0;
        free(host.data);
    }
    synth_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", (ull)u.total / LINUX_PAGE_SIZE, rss, shared,
                 (ull)u.text / LINUX_PAGE_SIZE, (ull)(u.data + u.stack) / LINUX_PAGE_SIZE);
    return 0;
}
