/* guest-test: flags=-pthread */
/* POSIX shared memory and named semaphores, which the C library keeps below /dev/shm: between
 * processes, with process-shared locks and condition variables in them. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

struct shared {
    pthread_mutex_t plain;
    pthread_cond_t cond;
    sem_t sem;
    int count, ready;
};

static void init(struct shared *s)
{
    pthread_mutexattr_t attr;
    pthread_condattr_t cond;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    EQ(pthread_mutex_init(&s->plain, &attr), 0);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    EQ(pthread_cond_init(&s->cond, &cond), 0);
    EQ(sem_init(&s->sem, 1, 0), 0);
}

static struct shared *map(int flags)
{
    int fd = shm_open("/elf-shm", flags, 0600);
    CHECK(fd >= 0);
    if (flags & O_CREAT)
        EQ(ftruncate(fd, sizeof(struct shared)), 0);
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    close(fd);
    return p;
}

static int child(void)
{
    struct shared *s = map(O_RDWR); /* by its name */
    pthread_mutex_lock(&s->plain);
    while (!s->ready)
        pthread_cond_wait(&s->cond, &s->plain);
    pthread_mutex_unlock(&s->plain);
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&s->plain);
        s->count++;
        pthread_mutex_unlock(&s->plain);
    }
    sem_post(&s->sem);
    return 0;
}

int main(void)
{
    struct stat st;
    shm_unlink("/elf-shm");
    sem_unlink("/elf-sem");
    EQ(stat("/dev/shm", &st), 0);
    EQ(st.st_mode, S_IFDIR | 01777);
    ERR(shm_open("/elf-shm", O_RDWR, 0), ENOENT);
    struct shared *s = map(O_RDWR | O_CREAT | O_EXCL);
    ERR(shm_open("/elf-shm", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    EQ(stat("/dev/shm/elf-shm", &st), 0);
    EQ(st.st_size, sizeof(struct shared));
    EQ(st.st_mode, S_IFREG | 0600);
    init(s);
    pid_t pid[3];
    int status;
    for (int i = 0; i < 3; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(child());
    }
    pthread_mutex_lock(&s->plain);
    s->ready = 1;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->plain);
    for (int i = 0; i < 3; i++)
        EQ(sem_wait(&s->sem), 0);
    EQ(s->count, 3000);
    for (int i = 0; i < 3; i++) {
        EQ(waitpid(pid[i], &status, 0), pid[i]);
        EQ(status, 0);
    }
    sem_t *named = sem_open("/elf-sem", O_CREAT | O_EXCL, 0600, 0);
    CHECK(named != SEM_FAILED);
    pid[0] = fork();
    if (pid[0] == 0) {
        sem_t *mine = sem_open("/elf-sem", 0);
        _exit(mine == SEM_FAILED || sem_post(mine) ? 1 : 0);
    }
    EQ(sem_wait(named), 0);
    EQ(waitpid(pid[0], &status, 0), pid[0]);
    EQ(status, 0);
    EQ(sem_close(named), 0);
    EQ(sem_unlink("/elf-sem"), 0);
    EQ(shm_unlink("/elf-shm"), 0);
    ERR(shm_unlink("/elf-shm"), ENOENT);
    EQ(s->count, 3000); /* it stays mapped */
    return done();
}
