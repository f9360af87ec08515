/* guest-test: flags=-Wno-stringop-overread */
/* What execve and execveat refuse, and what they look at first. */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

#define BAD    ((char *)8)
#define FILE_  "exec-errors"
#define INTERP "exec-errors.so"

static char *argv[] = {"x", NULL}, *none[] = {NULL};

static void file_with(const char *path, const void *data, size_t size, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    CHECK(fd >= 0);
    EQ(write(fd, data, size), size);
    OK(fchmod(fd, mode));
    close(fd);
}

static long exec_at(int dir, const char *path, int flags)
{
    return syscall(SYS_execveat, dir, path, argv, none, flags);
}

static void paths(void)
{
    char longest[4097], name[300] = "/tmp/";
    memset(longest, 'a', sizeof(longest) - 1);
    longest[4096] = 0;
    memset(name + 5, 'a', 256);
    ERR(execve("/no/such/file", argv, none), ENOENT);
    ERR(execve("", argv, none), ENOENT);
    ERR(execve(longest, argv, none), ENAMETOOLONG);
    ERR(execve(name, argv, none), ENAMETOOLONG);
    ERR(execve("/", argv, none), EACCES);
    ERR(execve("/dev/null", argv, none), EACCES);
    ERR(execve("/etc/passwd/x", argv, none), ENOTDIR);
    ERR(execve("/etc/passwd/", argv, none), ENOTDIR);
    ERR(execve(BAD, argv, none), EFAULT);
    OK(symlink("exec-loop", "exec-loop"));
    ERR(execve("exec-loop", argv, none), ELOOP);
    OK(unlink("exec-loop"));
}

static void descriptors(void)
{
    int dir = open("/etc", O_DIRECTORY), file = open("/etc/passwd", O_RDONLY);
    ERR(exec_at(AT_FDCWD, "/bin", 0x40000000), EINVAL);
    ERR(exec_at(900, "x", 0), EBADF);
    ERR(exec_at(900, "x", 0x40000000), EINVAL);
    ERR(exec_at(900, BAD, 0x40000000), EFAULT);
    ERR(exec_at(900, "", AT_EMPTY_PATH), EBADF);
    ERR(exec_at(dir, "", 0), ENOENT);
    ERR(exec_at(dir, "none", 0), ENOENT);
    ERR(exec_at(dir, "", AT_EMPTY_PATH), EACCES);
    ERR(exec_at(dir, "passwd", 0), EACCES);
    ERR(exec_at(file, "x", 0), ENOTDIR);
    ERR(exec_at(file, "", AT_EMPTY_PATH), EACCES);
    OK(symlink("/bin", "exec-link"));
    ERR(exec_at(AT_FDCWD, "exec-link", AT_SYMLINK_NOFOLLOW), ELOOP);
    ERR(exec_at(AT_FDCWD, "exec-link", 0), EACCES);
    OK(unlink("exec-link"));
    close(dir);
    /* A script by a descriptor that its interpreter will not have. */
    close(file);
    file_with(FILE_, "#!/bin/sh\n", 10, 0755);
    file = open(FILE_, O_RDONLY | O_CLOEXEC);
    ERR(exec_at(file, "", AT_EMPTY_PATH), ENOENT);
    close(file);
}

/* The file comes before the arguments, and these before what is in it. */
static void arguments(void)
{
    enum { MANY = 2000000, STRING = 128 << 10 };
    char *big = malloc(STRING + 1), **many = calloc(MANY + 1, sizeof(char *));
    char *huge[] = {big, NULL}, *wild[] = {BAD, NULL};
    memset(big, 'a', STRING);
    big[STRING] = 0;
    for (int i = 0; i < MANY; i++)
        many[i] = "abc";
    file_with(FILE_, "no program", 10, 0755);
    ERR(execve("/no/such/file", (char **)BAD, none), ENOENT);
    ERR(execve("/no/such/file", huge, none), ENOENT);
    ERR(execve("/", wild, none), EACCES);
    ERR(execve(FILE_, (char **)BAD, none), EFAULT);
    ERR(execve(FILE_, argv, (char **)BAD), EFAULT);
    ERR(execve(FILE_, wild, none), EFAULT);
    ERR(execve(FILE_, argv, wild), EFAULT);
    ERR(execve(FILE_, huge, none), E2BIG); /* one string of more than 128 KiB */
    ERR(execve(FILE_, argv, huge), E2BIG);
    ERR(execve(FILE_, huge, wild), EFAULT); /* the environment is copied first */
    ERR(execve(FILE_, wild, huge), E2BIG);
    ERR(execve(FILE_, many, none), E2BIG);
    big[STRING - 1] = 0;
    ERR(execve(FILE_, huge, none), ENOEXEC);
    free(many);
    free(big);
}

/* The file takes no descriptor. */
static void without_descriptors(void)
{
    struct rlimit old, no_more;
    file_with(FILE_, "no program", 10, 0755);
    OK(getrlimit(RLIMIT_NOFILE, &old));
    no_more = (struct rlimit){0, old.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &no_more));
    ERR(open(FILE_, O_RDONLY), EMFILE);
    ERR(execve(FILE_, argv, none), ENOEXEC);
    OK(setrlimit(RLIMIT_NOFILE, &old));
}

static void permissions(void)
{
    file_with(FILE_, "#!/bin/none\n", 12, 0644);
    ERR(execve(FILE_, argv, none), EACCES);
    file_with(FILE_, "#!/bin/none\n", 12, 0700);
    int status;
    pid_t child = fork();
    if (child == 0) {
        guest_failed = 0;
        OK(setresuid(1000, 1000, 1000));
        ERR(execve(FILE_, argv, none), EACCES);
        _exit(guest_failed);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    ERR(execve("/proc/self/status", argv, none), EACCES);
}

static void scripts(void)
{
    char text[32], path[32];
    file_with(FILE_, "#!/bin/none\n", 12, 0755);
    ERR(execve(FILE_, argv, none), ENOENT);
    file_with(FILE_, "#!/etc/passwd\n", 14, 0755);
    ERR(execve(FILE_, argv, none), EACCES);
    file_with(FILE_, "#!/etc/passwd/x\n", 16, 0755);
    ERR(execve(FILE_, argv, none), ENOTDIR);
    file_with(FILE_, "#!/tmp\n", 7, 0755);
    ERR(execve(FILE_, argv, none), EACCES);
    file_with(FILE_, "#!\n", 3, 0755);
    ERR(execve(FILE_, argv, none), ENOEXEC);
    /* Scripts of scripts, to a limit. */
    file_with("script-0", "no program", 10, 0755);
    for (int i = 1; i <= 6; i++) {
        snprintf(path, sizeof(path), "script-%d", i);
        snprintf(text, sizeof(text), "#!/tmp/script-%d\n", i - 1);
        file_with(path, text, strlen(text), 0755);
        ERR(execve(path, argv, none), i < 6 ? ENOEXEC : ELOOP);
    }
    for (int i = 0; i <= 6; i++) {
        snprintf(path, sizeof(path), "script-%d", i);
        OK(unlink(path));
    }
}

struct program {
    Elf64_Ehdr header;
    Elf64_Phdr load, interp, more;
    char interpreter[64];
};

/* One that maps nothing but itself and names its interpreter. */
static struct program program_of(const char *interpreter)
{
    struct program p = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
                   .e_type = ET_DYN,
                   .e_machine = EM_AARCH64,
                   .e_version = 1,
                   .e_phoff = offsetof(struct program, load),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .load = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_filesz = sizeof(p),
                 .p_memsz = sizeof(p),
                 .p_align = 4096},
        .interp = {.p_type = PT_INTERP, .p_offset = offsetof(struct program, interpreter)},
    };
    snprintf(p.interpreter, sizeof(p.interpreter), "%s", interpreter);
    p.interp.p_filesz = strlen(p.interpreter) + 1;
    return p;
}

static long exec_program(const struct program *p)
{
    file_with(FILE_, p, sizeof(*p), 0755);
    return execve(FILE_, argv, none);
}

static void headers(void)
{
    struct program p = program_of("/bin/none");
    ERR(exec_program(&p), ENOENT);
    p.header.e_machine = EM_X86_64;
    ERR(exec_program(&p), ENOEXEC);
    p = program_of("/bin/none");
    p.header.e_type = ET_REL;
    ERR(exec_program(&p), ENOEXEC);
    p = program_of("/bin/none");
    p.header.e_phentsize = 32;
    ERR(exec_program(&p), ENOEXEC);
    p = program_of("/bin/none");
    p.header.e_phnum = 0;
    ERR(exec_program(&p), ENOEXEC);
    p = program_of("/bin/none");
    p.header.e_phoff = 1 << 20;
    ERR(exec_program(&p), ENOEXEC);
}

static void interpreter_names(void)
{
    struct program p = program_of("/bin/none");
    p.interp.p_filesz = 1;
    ERR(exec_program(&p), ENOEXEC);
    p.interp.p_filesz = 4097;
    ERR(exec_program(&p), ENOEXEC);
    p.interp.p_filesz = 5; /* without its end */
    ERR(exec_program(&p), ENOEXEC);
    p.interp.p_offset = 1 << 20;
    ERR(exec_program(&p), EIO);
    p.interp.p_offset = sizeof(p) - 2;
    ERR(exec_program(&p), EIO);
    p.interp.p_offset = 1ul << 63;
    ERR(exec_program(&p), EINVAL);
    /* The first that is named is the one. */
    p = program_of("/bin/none");
    p.header.e_phnum = 3;
    p.more = p.interp;
    p.more.p_filesz = 1;
    ERR(exec_program(&p), ENOENT);
}

static void interpreters(void)
{
    struct program p = program_of("/tmp"), so = program_of("");
    ERR(exec_program(&p), EACCES);
    p = program_of("/etc/passwd/x");
    ERR(exec_program(&p), ENOTDIR);
    p = program_of("/tmp/" INTERP);
    file_with(INTERP, "short", 5, 0755);
    ERR(exec_program(&p), EIO);
    memset(so.header.e_ident, 'x', EI_NIDENT);
    file_with(INTERP, &so, sizeof(so), 0755);
    ERR(exec_program(&p), ELIBBAD);
    file_with(INTERP, &so, sizeof(so), 0644);
    ERR(exec_program(&p), EACCES);
    so = program_of("");
    so.header.e_machine = EM_X86_64;
    file_with(INTERP, &so, sizeof(so), 0755);
    ERR(exec_program(&p), ELIBBAD);
    so = program_of("");
    so.header.e_phnum = 0;
    file_with(INTERP, &so, sizeof(so), 0755);
    ERR(exec_program(&p), ELIBBAD);
    OK(unlink(INTERP));
    OK(symlink(INTERP, INTERP));
    ERR(exec_program(&p), ELOOP);
    OK(unlink(INTERP));
}

int main(void)
{
    paths();
    descriptors();
    arguments();
    without_descriptors();
    permissions();
    scripts();
    headers();
    interpreter_names();
    interpreters();
    unlink(FILE_);
    return done();
}
