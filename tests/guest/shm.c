/* System V shared memory: keys, rights, attaching twice, removal that waits for the last detach. */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "guest.h"

#define P 4096ul

/* The address space that a process may have, and the memory that a user may lock. */
static void limits(void)
{
    struct rlimit old, limit;
    int id = shmget(IPC_PRIVATE, 8 * P, 0600), second = shmget(IPC_PRIVATE, P, 0600);

    EQ(getrlimit(RLIMIT_AS, &old), 0);
    limit = old;
    limit.rlim_cur = 4 * P;
    EQ(setrlimit(RLIMIT_AS, &limit), 0);
    ERR(shmat(id, NULL, 0), ENOMEM);
    ERR(shmat(id, (void *)1, 0), EINVAL);
    EQ(setrlimit(RLIMIT_AS, &old), 0);

    limit = (struct rlimit){8 * P, 8 * P};
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EQ(shmctl(id, SHM_LOCK, NULL), 0);
    EQ(shmctl(id, SHM_LOCK, NULL), 0); /* what is locked does not count twice */
    ERR(shmctl(second, SHM_LOCK, NULL), ENOMEM);
    EQ(shmctl(id, SHM_UNLOCK, NULL), 0);
    EQ(shmctl(second, SHM_LOCK, NULL), 0);
    ERR(shmctl(id, SHM_LOCK, NULL), ENOMEM);
    EQ(shmctl(second, IPC_RMID, NULL), 0);
    EQ(shmctl(id, SHM_LOCK, NULL), 0);
    limit.rlim_cur = 0;
    EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    EQ(shmctl(id, SHM_UNLOCK, NULL), 0);
    ERR(shmctl(id, SHM_LOCK, NULL), ENOMEM);
    EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static void unprivileged(int id, int key)
{
    struct shmid_ds ds;
    int shared = shmget(IPC_PRIVATE, P, 0644);

    ERR(shmget(IPC_PRIVATE, P, 0600 | SHM_HUGETLB), ENOMEM); /* vm.hugetlb_shm_group is root's */
    ERR(shmctl(id, IPC_STAT, (void *)8), EFAULT);
    ERR(shmctl(id, IPC_SET, (void *)8), EFAULT);
    EQ(shmctl(id, IPC_STAT, &ds), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(shmat(id, NULL, 0), EACCES);
    ERR(shmat(id, NULL, SHM_RDONLY), EACCES);
    ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
    ERR(shmat(shared, NULL, 0), EACCES);
    ERR(shmat(shared, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
    char *p = shmat(shared, NULL, SHM_RDONLY);
    CHECK(p != (void *)-1);
    EQ(shmdt(p), 0);
    ERR(shmget(key, 0, 0400), EACCES);
    ERR(shmget(key, 200, 0400), EINVAL);
    ERR(shmget(key, 0, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    EQ(shmget(key, 0, 0), id); /* no right is asked for */
    ERR(shmget(IPC_PRIVATE, P, 0600 | SHM_HUGETLB), EPERM);
    ERR(shmget(IPC_PRIVATE, 0, 0600 | SHM_HUGETLB), EINVAL);
    ERR(shmctl(id, IPC_STAT, &ds), EACCES);
    ERR(shmctl(id, IPC_STAT, (void *)8), EACCES);
    EQ(shmctl(shared, IPC_STAT, &ds), 0);
    ERR(shmctl(shared, IPC_SET, &ds), EPERM);
    ERR(shmctl(shared, SHM_LOCK, NULL), EPERM);
    ERR(shmctl(id, SHM_UNLOCK, NULL), EPERM);
    ERR(shmctl(id, IPC_RMID, NULL), EPERM);
    ERR(shmctl(id, 77, NULL), EINVAL);
    /* No right to lock one's own, either. */
    EQ(shmctl(shmget(IPC_PRIVATE, P, 0600), SHM_UNLOCK, NULL), 0);
    ERR(shmctl(shmget(IPC_PRIVATE, P, 0600), SHM_LOCK, NULL), EPERM);
}

int main(void)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, 5000, 0600);
    CHECK(id >= 0);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    CHECK(a != (void *)-1 && b != (void *)-1 && a != b);
    a[4999] = 's';
    ERR(mprotect(b, 8192, PROT_READ | PROT_WRITE), EACCES);
    EQ(b[4999], 's');
    EQ(shmctl(id, IPC_STAT, &ds), 0);
    EQ(ds.shm_nattch, 2);
    EQ(ds.shm_segsz, 5000);
    EQ(ds.shm_perm.mode & 0777, 0600);
    EQ(shmdt(b), 0);
    ERR(shmdt(b), EINVAL);
    ERR(shmdt(a + 1), EINVAL);
    EQ(shmctl(id, IPC_RMID, NULL), 0);
    EQ(a[4999], 's');
    EQ(shmctl(id, IPC_STAT, &ds), 0);
    EQ(ds.shm_nattch, 1);
    EQ(munmap(a, 8192), 0); /* the last detach */
    ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
    ERR(shmat(id, NULL, 0), EINVAL);

    int key = 0x656c66;
    ERR(shmget(key, 100, 0), ENOENT);
    id = shmget(key, 100, IPC_CREAT | 0640);
    CHECK(id >= 0);
    EQ(shmget(key, 100, 0), id);
    EQ(shmget(key, 0, IPC_CREAT), id);
    ERR(shmget(key, 100, IPC_CREAT | IPC_EXCL), EEXIST);
    ERR(shmget(key, 200, 0), EINVAL);
    ERR(shmget(key, 200, IPC_CREAT | IPC_EXCL), EEXIST);
    ERR(shmget(key + 1, -1, 0600), ENOENT);
    ERR(shmget(key + 1, -1, IPC_CREAT | 0600), EINVAL);
    ERR(shmctl(id + 1, IPC_STAT, (void *)8), EINVAL);
    ERR(shmctl(id + 1, IPC_SET, (void *)8), EFAULT);
    ERR(shmctl(-1, IPC_SET, (void *)8), EINVAL);
    ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    a = shmat(id, (void *)0x20000000, 0);
    CHECK(a == (char *)0x20000000);
    char line[256], shown[256] = "";
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        if (strncmp(line, "20000000-20001000 rw-s ", 23) == 0)
            strcpy(shown, line);
    }
    fclose(maps);
    CHECK(strstr(shown, "/SYSV00656c66 (deleted)"));
    ERR(shmat(id, a, 0), EINVAL);
    ERR(shmat(id, a + 1, 0), EINVAL);
    ERR(shmat(id, (void *)1, SHM_RND), EPERM); /* rounded to an address that nobody has */
    ERR(shmat(id, (void *)1, SHM_RND | SHM_REMAP), EINVAL);
    ERR(shmat(id, NULL, SHM_RND | SHM_REMAP), EINVAL);
    ERR(shmat(id, (void *)(1ul << 60), 0), ENOMEM); /* no tag */
    ERR(shmat(id, (void *)-P, SHM_REMAP), ENOMEM);
    ERR(shmdt((char *)((uintptr_t)a | 1ul << 60)), EINVAL);
    CHECK(shmat(id, a + 1, SHM_RND | SHM_REMAP) == a);
    EQ(shmdt(a), 0);
    limits();
    unprivileged(id, key);
    return done();
}
