/* guest-test: flags=-Wno-stringop-overflow,-Wno-stringop-overread,-Wno-format-overflow,-Wno-nonnull
 */
/* Owner, mode and times as the guest sets and sees them, and what an unprivileged guest user may.
 * The guest is root whoever runs it on the host, so this holds on a real kernel as root only: no
 * reference. */
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "guest.h"

static struct stat look(const char *path)
{
    struct stat st = {0};
    EQ(lstat(path, &st), 0);
    return st;
}

static void modes(void)
{
    EQ(umask(027), 022);
    int fd = open("own-f", O_CREAT | O_RDWR, 0666);
    EQ(look("own-f").st_mode & 07777, 0640);
    EQ(umask(022), 027);
    EQ(fchmod(fd, 04755), 0);
    EQ(look("own-f").st_mode & 07777, 04755);
    EQ(chmod("own-f", 0), 0);
    EQ(look("own-f").st_mode & 07777, 0);
    char c;
    EQ(read(fd, &c, 1), 0);
    close(fd);
    fd = open("own-f", O_RDWR); /* root may */
    CHECK(fd >= 0);
    close(fd);
    EQ(mkdir("own-d", 01777), 0);
    EQ(look("own-d").st_mode & 07777, 01755);
    EQ(chmod("own-d", 02775), 0);
    EQ(look("own-d").st_mode & 07777, 02775);
    EQ(chown("own-d", 0, 50), 0);
    EQ(mkdir("own-d/sub", 0755), 0);
    EQ(look("own-d/sub").st_mode & 07777, 02755);
    EQ(look("own-d/sub").st_gid, 50);
    fd = open("own-d/file", O_CREAT | O_WRONLY, 0644);
    close(fd);
    EQ(look("own-d/file").st_gid, 50);
    ERR(syscall(SYS_fchmodat, AT_FDCWD, "own-none", 0644), ENOENT);
    EQ(symlink("own-f", "own-l"), 0);
    long r = syscall(452, AT_FDCWD, "own-l", 0600, AT_SYMLINK_NOFOLLOW); /* fchmodat2 */
    CHECK(r == -1 && errno == EOPNOTSUPP);
    EQ(syscall(452, AT_FDCWD, "own-l", 0600, 0), 0);
    EQ(look("own-f").st_mode & 07777, 0600);
}

static void owners(void)
{
    EQ(chown("own-f", 1000, 1001), 0);
    EQ(look("own-f").st_uid, 1000);
    EQ(look("own-f").st_gid, 1001);
    EQ(chown("own-f", -1, 7), 0);
    EQ(look("own-f").st_uid, 1000);
    EQ(look("own-f").st_gid, 7);
    EQ(chmod("own-f", 06755), 0);
    EQ(chown("own-f", 5, -1), 0);
    EQ(look("own-f").st_mode & 07777, 0755); /* set-id bits go */
    int fd = open("own-f", O_RDONLY);
    EQ(fchown(fd, 0, 0), 0);
    EQ(look("own-f").st_uid, 0);
    close(fd);
    EQ(lchown("own-l", 3, 3), 0);
    EQ(look("own-f").st_uid, 0);
    EQ(mknod("own-dev", S_IFBLK | 0660, 0x801), 0);
    EQ(look("own-dev").st_mode, S_IFBLK | 0640);
    EQ(look("own-dev").st_rdev, 0x801);
    EQ(chown("own-dev", 0, 6), 0);
    EQ(look("own-dev").st_mode & S_IFMT, S_IFBLK);
    EQ(look("own-dev").st_rdev, 0x801);
    EQ(unlink("own-dev"), 0);
}

static void times(void)
{
    struct timespec t[2] = {{1000, 1}, {2000, 2}};
    struct stat st;

    EQ(utimensat(AT_FDCWD, "own-f", t, 0), 0);
    st = look("own-f");
    EQ(st.st_atim.tv_sec, 1000);
    EQ(st.st_mtim.tv_sec, 2000);
    EQ(st.st_mtim.tv_nsec, 2);
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_nsec = UTIME_NOW;
    EQ(utimensat(AT_FDCWD, "own-f", t, 0), 0);
    st = look("own-f");
    EQ(st.st_atim.tv_sec, 1000);
    CHECK(st.st_mtim.tv_sec > 1500000000);
    t[0] = t[1] = (struct timespec){3000, 0};
    EQ(utimensat(AT_FDCWD, "own-l", t, AT_SYMLINK_NOFOLLOW), 0);
    EQ(look("own-l").st_mtim.tv_sec, 3000);
    CHECK(look("own-f").st_mtim.tv_sec != 3000);
    int fd = open("own-f", O_RDONLY);
    EQ(futimens(fd, t), 0);
    EQ(look("own-f").st_mtim.tv_sec, 3000);
    close(fd);
    t[0].tv_nsec = 1000000000;
    ERR(utimensat(AT_FDCWD, "own-f", t, 0), EINVAL);
    ERR(utimensat(AT_FDCWD, "own-none", NULL, 0), ENOENT);
}

/* Devices are the host's: their attributes are not for the guest to change. */
static void devices(void)
{
    struct stat before = look("/dev/null"), after;
    int fd = open("/dev/null", O_RDWR);

    ERR(fchmod(fd, 0600), EPERM);
    ERR(chmod("/dev/null", 0600), EPERM);
    EQ(futimens(fd, NULL), 0);
    after = look("/dev/null");
    EQ(after.st_mode, before.st_mode);
    EQ(fstat(fd, &after), 0);
    EQ(after.st_mode & 0777, 0666);
    EQ(fchown(fd, 1, 1), 0);
    EQ(fstat(fd, &after), 0);
    EQ(after.st_uid, 0);
    close(fd);
    int p[2];
    EQ(pipe(p), 0);
    EQ(fchmod(p[0], 0644), 0);
}

/* FIFOs, sockets, terminals and links have no attribute to keep an owner in: their maker can use,
 * change and remove them all the same. */
static void nameless(void)
{
    struct sockaddr_un address = {AF_UNIX, "own-open/socket"};
    struct stat st;

    EQ(mkfifo("own-open/fifo", 0600), 0);
    EQ(look("own-open/fifo").st_uid, 1000);
    EQ(look("own-open/fifo").st_gid, 1000);
    int fd = open("own-open/fifo", O_RDWR);
    CHECK(fd >= 0);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_uid, 1000);
    close(fd);
    EQ(chmod("own-open/fifo", 0400), 0);
    EQ(look("own-open/fifo").st_mode & 07777, 0400);
    ERR(open("own-open/fifo", O_WRONLY | O_NONBLOCK), EACCES);
    EQ(chown("own-open/fifo", 1000, 50), 0);
    ERR(chown("own-open/fifo", 1001, -1), EPERM);
    EQ(unlink("own-open/fifo"), 0);

    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    EQ(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    EQ(listen(server, 1), 0);
    EQ(look(address.sun_path).st_uid, 1000);
    EQ(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    EQ(chmod(address.sun_path, 0500), 0);
    close(client);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(connect(client, (struct sockaddr *)&address, sizeof address), EACCES);
    EQ(unlink(address.sun_path), 0);
    close(client);
    close(server);

    int ours = posix_openpt(O_RDWR | O_NOCTTY);
    if (ours >= 0) { /* a host without /dev/ptmx has none for us either */
        EQ(unlockpt(ours), 0);
        fd = open(ptsname(ours), O_RDWR | O_NOCTTY);
        CHECK(fd >= 0);
        EQ(fstat(fd, &st), 0);
        EQ(st.st_uid, 1000);
        EQ(look(ptsname(ours)).st_uid, 1000);
        close(fd);
        close(ours);
    }

    struct timespec old[2] = {{4000, 0}, {5000, 0}};
    EQ(symlink("x", "own-open/link"), 0);
    EQ(look("own-open/link").st_uid, 1000);
    fd = open("own-open/link", O_PATH | O_NOFOLLOW);
    EQ(fstat(fd, &st), 0);
    EQ(st.st_uid, 1000);
    close(fd);
    EQ(utimensat(AT_FDCWD, "own-open/link", old, AT_SYMLINK_NOFOLLOW), 0);
    EQ(look("own-open/link").st_mtim.tv_sec, 5000);
    EQ(lchown("own-open/link", 1000, 50), 0);
    ERR(lchown("own-open/link", 0, 50), EPERM);
    ERR(lchown("own-open/link", -1, 60), EPERM);
    EQ(unlink("own-open/link"), 0);
}

/* As uid 1000: what the modes allow and nothing more. */
static void unprivileged(void)
{
    gid_t group = 50;

    EQ(mkdir("own-p", 0700), 0);
    EQ(mkdir("own-p/in", 0777), 0);
    EQ(mkdir("own-open", 0777), 0);
    EQ(chmod("own-open", 01777), 0);
    int fd = open("own-open/roots", O_CREAT | O_WRONLY, 0644);
    close(fd);
    fd = open("own-g", O_CREAT | O_WRONLY, 0640);
    close(fd);
    EQ(chown("own-g", 0, 50), 0);
    EQ(chmod("own-f", 0600), 0);
    EQ(setgroups(1, &group), 0);
    EQ(setresgid(1000, 1000, 1000), 0);
    EQ(setresuid(1000, 1000, 1000), 0);
    ERR(open("own-f", O_RDONLY), EACCES);
    ERR(access("own-f", R_OK), EACCES);
    ERR(open("own-p/in", O_RDONLY), EACCES);
    ERR(chdir("own-p"), EACCES);
    ERR(mkdir("own-p/x", 0755), EACCES);
    fd = open("own-g", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    ERR(open("own-g", O_WRONLY), EACCES);
    ERR(chmod("own-g", 0666), EPERM);
    ERR(chown("own-g", 1000, -1), EPERM);
    ERR(unlink("own-open/roots"), EPERM); /* sticky */
    ERR(rename("own-open/roots", "own-open/x"), EPERM);
    fd = open("own-open/mine", O_CREAT | O_RDWR, 0666);
    CHECK(fd >= 0);
    struct stat st;
    EQ(fstat(fd, &st), 0);
    EQ(st.st_uid, 1000);
    EQ(st.st_gid, 1000);
    EQ(st.st_mode & 07777, 0644);
    EQ(fchmod(fd, 0), 0);
    ERR(open("own-open/mine", O_RDONLY), EACCES);
    EQ(fchown(fd, -1, 50), 0);
    ERR(fchown(fd, -1, 60), EPERM);
    close(fd);
    EQ(unlink("own-open/mine"), 0);
    nameless();
    ERR(mknod("own-open/dev", S_IFCHR | 0600, 0x103), EPERM);
    ERR(open("own-open", O_TMPFILE, 0600), EINVAL);
    fd = open("own-open", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0 || errno == EOPNOTSUPP);
}

int main(void)
{
    modes();
    owners();
    times();
    devices();
    unprivileged();
    return done();
}
