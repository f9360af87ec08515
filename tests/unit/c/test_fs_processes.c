/*
 * Several processes that share one overlay, as those of a guest do: each a fork of the first, with
 * its own memory. They change the same names at once, and some are killed while they do.
 */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "fs_guest.h"

#define WORKERS 4
#define ROUNDS  60

static void tree(void)
{
    static const char *lower[1];
    static struct fs_context_spec spec = {.lower = lower, .nlower = 1};
    char name[64];

    h_mkdir("low");
    h_mkdir("up");
    h_mkdir("work");
    h_mkdir("low/dir");
    h_mkdir("low/dir/sub");
    h_write("low/dir/a", "content");
    h_write("low/dir/log", "");
    h_write("low/dir/sub/deep", "deep");
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof name, "low/dir/log%d", i);
        h_write(name, "0");
        snprintf(name, sizeof name, "low/dir/sub/f%d", i);
        h_write(name, "f");
    }
    lower[0] = strdup(host_at("low"));
    spec.upper = strdup(host_at("up"));
    spec.work = strdup(host_at("work"));
    guest_start(&spec);
}

static pid_t g_fork(void)
{
    fs_fork_prepare(guest->proc);
    pid_t pid = fork();
    if (pid == 0) {
        fs_fork_child(guest->proc, false);
        check_count = check_failed = 0;
    } else {
        fs_fork_parent(guest->proc);
    }
    return pid;
}

/* Run fn(worker) in WORKERS processes at once. */
static void at_once(void (*fn)(int worker))
{
    pid_t pids[WORKERS];
    int status;

    for (int i = 0; i < WORKERS; i++)
        if ((pids[i] = g_fork()) == 0) {
            fn(i);
            fflush(stderr);
            _exit(check_failed != 0);
        }
    for (int i = 0; i < WORKERS; i++) {
        CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
        CHECK_EQ(status, 0);
    }
}

static int64_t append(const char *path, const char *text)
{
    int64_t fd = g_open(path, LINUX_O_WRONLY | LINUX_O_APPEND, 0), n = fd;
    if (fd >= 0) {
        n = CALL(sys_write, fd, guest_str(text), strlen(text));
        g_close(fd);
    }
    return n;
}

static void append_all(int worker)
{
    char name[32], text[2] = {(char)('a' + worker), 0};
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof name, "/dir/log%d", i);
        CHECK_EQ(append(name, text), 1);
    }
}

/* One copy-up for all that ask for it at once: nobody's write is lost. */
static void copying(void)
{
    char name[32];

    tree();
    at_once(append_all);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof name, "/dir/log%d", i);
        const char *text = g_read(name);
        CHECK(text && strlen(text) == 1 + WORKERS);
        for (int w = 0; text && w < WORKERS; w++)
            CHECK(strchr(text, 'a' + w) != NULL);
    }
    CHECK_EQ(rmdir(host_at("work")), 0);
}

/* Exactly one of the processes makes, takes or moves each name. */
static void compete(int worker)
{
    char name[32], other[32];
    int won = 0;

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof name, "/dir/log%d", i);
        snprintf(other, sizeof other, "/dir/sub/to%d-%d", i, worker);
        int64_t r = g_rename(name, other);
        CHECK(r == 0 || r == -LINUX_ENOENT);
        won += r == 0;
        snprintf(name, sizeof name, "/dir/sub/f%d", i);
        r = g_unlink(name);
        CHECK(r == 0 || r == -LINUX_ENOENT);
        r = g_open(name, LINUX_O_CREAT | LINUX_O_EXCL | LINUX_O_WRONLY, 0600);
        CHECK(r >= 0 || r == -LINUX_EEXIST);
        if (r >= 0)
            g_close(r);
        snprintf(name, sizeof name, "/dir/d%d", i);
        r = g_mkdir(name, 0755);
        CHECK(r == 0 || r == -LINUX_EEXIST);
        r = g_rmdir(name);
        CHECK(r == 0 || r == -LINUX_ENOENT);
    }
    snprintf(name, sizeof name, "/dir/won-%d-%d", won, worker);
    CHECK_EQ(g_write(name, ""), 0);
}

static void competing(void)
{
    char name[32];
    int moved = 0, won = 0;

    tree();
    at_once(compete);
    for (int i = 0; i < ROUNDS; i++) {
        int here = 0;
        for (int w = 0; w < WORKERS; w++) {
            struct linux_stat st;
            snprintf(name, sizeof name, "/dir/sub/to%d-%d", i, w);
            if (g_stat(name, &st) == 0) {
                CHECK_STR(g_read(name), "0");
                here++;
            }
        }
        CHECK_EQ(here, 1);
        moved += here;
        snprintf(name, sizeof name, "/dir/log%d", i);
        CHECK_EQ(g_open(name, 0, 0), -LINUX_ENOENT);
    }
    for (int w = 0; w < WORKERS; w++)
        for (int n = 0; n <= ROUNDS; n++) {
            struct linux_stat st;
            snprintf(name, sizeof name, "/dir/won-%d-%d", n, w);
            if (g_stat(name, &st) == 0)
                won += n;
        }
    CHECK_EQ(won, moved);
    CHECK_EQ(rmdir(host_at("work")), 0);
}

/* Each process changes one of the three and finds it as it left it. */
static void own(int worker)
{
    for (int i = 0; i < 400; i++) {
        struct linux_stat st;
        uint32_t mode = i % 2 ? 0604 : 04711;
        if (worker == 0)
            CHECK_EQ(CALL(sys_fchownat, AT, guest_str("/dir/a"), 1000 + i, -1, 0), 0);
        else if (worker == 1)
            CHECK_EQ(CALL(sys_fchownat, AT, guest_str("/dir/a"), -1, 1000 + i, 0), 0);
        else if (worker == 2)
            CHECK_EQ(CALL(sys_fchmodat, AT, guest_str("/dir/a"), mode), 0);
        CHECK_EQ(g_stat("/dir/a", &st), 0);
        if (worker == 0)
            CHECK_EQ(st.st_uid, 1000 + i);
        else if (worker == 1)
            CHECK_EQ(st.st_gid, 1000 + i);
        else if (worker == 2)
            CHECK_EQ(st.st_mode & 0777, mode & 0777); /* chown takes the set-id bit */
    }
}

/* Mode and owner lie in one attribute: a change of one does not undo that of the other. */
static void owning(void)
{
    struct linux_stat st;

    tree();
    at_once(own);
    CHECK_EQ(g_stat("/dir/a", &st), 0);
    CHECK_EQ(st.st_uid, 1399);
    CHECK_EQ(st.st_gid, 1399);
    CHECK_EQ(st.st_mode & 0777, 0604);
}

static void move_for_ever(int worker)
{
    (void)worker;
    for (;;) {
        (void)g_rename("/dir/a", "/dir/sub/b");
        (void)g_rename("/dir/sub/b", "/dir/a");
        (void)g_rename("/dir/sub", "/moved");
        (void)g_rename("/moved", "/dir/sub");
        (void)g_mkdir("/dir/new", 0755);
        (void)g_rmdir("/dir/new");
    }
}

/* Wherever it is killed, a process leaves a tree in which each file is once, and no lock. */
static void killing(void)
{
    struct linux_stat st;

    tree();
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = g_fork();
        if (pid == 0)
            move_for_ever(0);
        struct timespec t = {0, 200000 + i * 137000 % 5000000};
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        bool sub = g_stat("/dir/sub", &st) == 0, moved = g_stat("/moved", &st) == 0;
        CHECK_EQ(sub + moved, 1);
        CHECK_STR(g_read(sub ? "/dir/sub/deep" : "/moved/deep"), "deep");
        bool a = g_stat("/dir/a", &st) == 0;
        bool b = g_stat(sub ? "/dir/sub/b" : "/moved/b", &st) == 0;
        CHECK(a + b >= 1); /* two for a moment on a host without RENAME_WHITEOUT */
        if (moved)
            CHECK_EQ(g_rename("/moved", "/dir/sub"), 0);
        if (!a)
            CHECK_EQ(g_rename("/dir/sub/b", "/dir/a"), 0);
        CHECK_STR(g_read("/dir/a"), "content");
    }
}

int main(void)
{
    RUN(copying);
    RUN(competing);
    RUN(owning);
    RUN(killing);
    return check_done("fs_processes");
}
