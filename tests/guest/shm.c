/* System V shared memory: keys, rights, attaching twice, removal that waits for the last detach. */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "guest.h"

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
    CHECK(shmat(id, a + 1, SHM_RND | SHM_REMAP) == a);
    EQ(shmdt(a), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(shmat(id, NULL, 0), EACCES);
    ERR(shmctl(id, IPC_RMID, NULL), EPERM);
    ERR(shmctl(id, 77, NULL), EINVAL);
    return done();
}
