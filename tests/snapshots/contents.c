/* What files hold, and which file it is: first writes, hard links, mappings, files without a name.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tree.h"

#define BIG (1 << 20)

static void appended(void)
{
    int fd = open("file", O_WRONLY | O_APPEND);
    OK(fd);
    EQ(write(fd, "+", 1), 1);
    close(fd);
    holds("file", "0123456789+");
    fd = open("file", O_RDWR);
    EQ(pwrite(fd, "x", 1, 3), 1);
    holds("file", "012x456789+");
    OK(fsync(fd));
    close(fd);
}

static void truncated(void)
{
    struct stat st;
    OK(truncate("cut", 4));
    holds("cut", "0123");
    int fd = open("cut2", O_RDWR);
    OK(ftruncate(fd, 20));
    OK(fstat(fd, &st));
    EQ(st.st_size, 20);
    char tail[11] = "";
    EQ(pread(fd, tail, 10, 10), 10);
    CHECK(!memcmp(tail, "\0\0\0\0\0\0\0\0\0\0", 10));
    close(fd);
    fd = open("cut3", O_WRONLY | O_TRUNC);
    OK(fd);
    close(fd);
    holds("cut3", "");
}

/* The number of a file stays when it is written to for the first time. */
static void same_file(void)
{
    struct stat before, after, open_one;
    int fd = open("file2", O_RDONLY);
    OK(stat("file2", &before));
    put("file2", "written");
    OK(stat("file2", &after));
    EQ(after.st_ino, before.st_ino);
    EQ(after.st_dev, before.st_dev);
    EQ(after.st_nlink, 1);
    OK(fstat(fd, &open_one));
    EQ(open_one.st_ino, before.st_ino);
    close(fd);
    EQ(times_listed(".", "file2"), 1); /* which compares the numbers */
    OK(stat("dir", &before));
    put("dir/new", "x");
    OK(stat("dir", &after));
    EQ(after.st_ino, before.st_ino);
    OK(stat("file2", &before));
    OK(rename("file2", "dir/file2"));
    OK(stat("dir/file2", &after));
    EQ(after.st_ino, before.st_ino);
}

static void hard_links(void)
{
    struct stat a, b;
    OK(link("linkee", "linker"));
    OK(stat("linkee", &a));
    OK(stat("linker", &b));
    if (!is_said("numbers"))
        EQ(a.st_ino, b.st_ino);
    EQ(a.st_nlink, 2);
    put("linker", "both");
    holds("linkee", "both");
    OK(unlink("linkee"));
    holds("linker", "both");
    OK(stat("linker", &b));
    EQ(b.st_nlink, 1);
    /* Two names that came with the image. */
    OK(stat("name1", &a));
    OK(stat("name2", &b));
    EQ(a.st_ino, b.st_ino);
    EQ(a.st_nlink, 2);
    put("name1", "changed");
    holds("name1", "changed");
    holds("name2", is_said("broken") ? "two names\n" : "changed");
    OK(unlink("name1"));
    holds("name2", is_said("broken") ? "two names\n" : "changed");
}

static void mapped(void)
{
    int fd = open("big", O_RDWR);
    OK(fd);
    char *map = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    EQ(map[0], 'A');
    EQ(map[BIG - 1], 'A' + (BIG - 1) % 26);
    map[5000] = '!';
    OK(msync(map, BIG, MS_SYNC));
    char c = 0;
    EQ(pread(fd, &c, 1, 5000), 1);
    EQ(c, '!');
    EQ(pwrite(fd, "?", 1, 9000), 1);
    EQ(map[9000], '?');
    int other = open("big", O_RDONLY);
    char *again = mmap(NULL, BIG, PROT_READ, MAP_PRIVATE, other, 0);
    CHECK(again != MAP_FAILED && again[5000] == '!' && again[9000] == '?' && again[1] == 'B');
    OK(unlink("big"));
    EQ(map[9000], '?'); /* a mapping outlives the name */
    munmap(map, BIG);
    munmap(again, BIG);
    close(fd);
    close(other);
    is_absent("big");
}

static void without_a_name(void)
{
    char path[64];
    int fd = open("dir", O_TMPFILE | O_RDWR, 0640);
    OK(fd);
    EQ(write(fd, "nameless", 8), 8);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_nlink, 0);
    EQ(st.st_mode & 07777, 0640);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    OK(linkat(AT_FDCWD, path, AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
    close(fd);
    holds("dir/named", "nameless");
    EQ(times_listed("dir", "named"), 1);
    /* A file that loses its name while it is open. */
    fd = open("gone", O_RDWR);
    OK(unlink("gone"));
    EQ(write(fd, "G", 1), 1);
    char c = 0;
    EQ(pread(fd, &c, 1, 0), 1);
    EQ(c, 'G');
    OK(fstat(fd, &st));
    EQ(st.st_nlink, 0);
    close(fd);
}

static void copied(void)
{
    int in = open("cut4", O_RDONLY), out = open("copy", O_CREAT | O_RDWR, 0600);
    EQ(copy_file_range(in, NULL, out, NULL, 10, 0), 10);
    close(in);
    close(out);
    holds("copy", "0123456789");
}

static void executed(void)
{
    int status = -1;
    OK(chmod("program", 0700)); /* the first change of it */
    pid_t child = fork();
    if (child == 0) {
        execl("program", "program", "child", (char *)NULL);
        _exit(99);
    }
    EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "child"))
        return 7;
    enter(argc, argv);
    appended();
    truncated();
    same_file();
    hard_links();
    mapped();
    without_a_name();
    copied();
    executed();
    return done();
}
