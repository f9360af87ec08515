/*
 * tree.h - what the programs here share. Each is started in the image's directory /image (or, for
 * the reference, in the same tree below the host's own overlayfs), with words that say what may
 * differ:
 *
 *   exdev     a directory of the image cannot be renamed
 *   broken    a write through one of several names of a file of the image leaves the others as they
 *             were
 *   numbers   a name that a file of the image gets shows another number than its first one
 *   whiteouts a rename may leave a whiteout behind
 */
#ifndef ELFUSE_SNAPSHOTS_TREE_H
#define ELFUSE_SNAPSHOTS_TREE_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../guest/guest.h"

static int words;
static char **word;

static inline int is_said(const char *what)
{
    for (int i = 2; i < words; i++)
        if (!strcmp(word[i], what))
            return 1;
    return 0;
}

static inline void enter(int argc, char **argv)
{
    words = argc;
    word = argv;
    if (argc < 2 || chdir(argv[1])) {
        FAIL("cannot enter the tree");
        exit(1);
    }
}

static inline void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    OK(fd);
    EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* The file has this text and no more. */
static inline void holds(const char *path, const char *text)
{
    static char buf[4096];
    int fd = open(path, O_RDONLY);
    OK(fd);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf - 1);
    buf[n < 0 ? 0 : n] = '\0';
    if (strcmp(buf, text))
        FAIL("%s holds \"%s\", want \"%s\"", path, buf, text);
    close(fd);
}

static inline void is_absent(const char *path)
{
    struct stat st;
    ERR(lstat(path, &st), ENOENT);
    ERR(open(path, O_RDONLY | O_NOFOLLOW), ENOENT);
}

/* How often the directory lists the name; each name it lists can be looked at. */
static inline int times_listed(const char *dir, const char *name)
{
    int n = 0;
    DIR *d = opendir(dir);
    CHECK(d);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        OK(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW));
        if (strcmp(e->d_name, ".."))
            EQ(e->d_ino, st.st_ino);
        n += !strcmp(e->d_name, name);
    }
    if (d)
        closedir(d);
    return n;
}

/* How many names the directory lists, but for the dots. */
static inline int size_of(const char *dir)
{
    int n = -2;
    DIR *d = opendir(dir);
    CHECK(d);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

#endif
