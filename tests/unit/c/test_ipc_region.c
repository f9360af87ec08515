/* The region that processes share for IPC: what a process leaves half done is undone by the next.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "linux/ipc/ipc.h"

/* Run in a process of its own, which ends in the middle. */
static void die_in(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        fn();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void half_done(void)
{
    ipc_lock();
    IPC_SAVE(ipc->used_sems);
    ipc->used_sems = 1;
    IPC_SAVE(ipc->used_sems);
    ipc->used_sems = 2;
    ipc_save(&ipc->set[5], sizeof ipc->set[5]);
    memset(&ipc->set[5], 0x55, sizeof ipc->set[5]);
    ipc_alloc(1000);
}

static void committed(void)
{
    ipc_lock();
    IPC_SAVE(ipc->used_sems);
    ipc->used_sems = 3;
    ipc_commit();
    IPC_SAVE(ipc->used_sems);
    ipc->used_sems = 4;
}

static void undone(void)
{
    ipc_lock();
    void *before = ipc_alloc(100);
    ipc_free(before);
    ipc->used_sems = 7;
    ipc_leave();
    die_in(half_done);
    ipc_lock();
    CHECK_EQ(ipc->used_sems, 7);
    CHECK(!ipc->set[5].perm.used);
    CHECK_EQ(ipc->set[5].nsems, 0);
    CHECK(ipc_alloc(100) == before);
    ipc_leave();
    die_in(committed);
    ipc_lock();
    CHECK_EQ(ipc->used_sems, 3);
    ipc_leave();
}

/* Pieces do not overlap, and all memory can be had again. */
static void memory(void)
{
    static struct {
        unsigned char *at;
        size_t size;
    } piece[500];
    unsigned seed = 1;
    ipc_lock();
    for (int round = 0; round < 20000; round++) {
        int i = rand_r(&seed) % 500;
        for (size_t k = 0; piece[i].at && k < piece[i].size; k++)
            CHECK(piece[i].at[k] == (unsigned char)i);
        ipc_free(piece[i].at);
        piece[i].size = 1 + (size_t)rand_r(&seed) % (i % 10 ? 300 : 9000);
        piece[i].at = ipc_alloc(piece[i].size);
        CHECK(piece[i].at);
        memset(piece[i].at, i, piece[i].size);
        ipc_commit();
    }
    for (int i = 0; i < 500; i++)
        ipc_free(piece[i].at);
    ipc_commit();
    void *most = ipc_alloc((64u << 20) - 4096);
    CHECK(most);
    CHECK(!ipc_alloc(1u << 20));
    CHECK(!ipc_alloc(65u << 20));
    ipc_free(most);
    ipc_leave();
}

int main(void)
{
    struct process proc = {.pid = 1};
    CHECK_EQ(ipc_create(&proc), 0);
    undone();
    memory();
    return check_done("test_ipc_region");
}
