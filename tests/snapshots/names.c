/* Names: removed and made again, renamed over the image's, exchanged, listed. */
#include "tree.h"

static void removed_and_made_again(void)
{
    for (int i = 0; i < 3; i++) {
        OK(unlink("file"));
        is_absent("file");
        EQ(times_listed(".", "file"), 0);
        ERR(unlink("file"), ENOENT);
        OK(mkdir("file", 0755));
        EQ(size_of("file"), 0);
        OK(rmdir("file"));
        is_absent("file");
        put("file", "new");
        holds("file", "new");
        EQ(times_listed(".", "file"), 1);
    }
    ERR(open("file", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
}

/* A directory that takes the place of one of the image's shows nothing of it. */
static void directory_made_again(void)
{
    ERR(rmdir("dir/sub"), ENOTEMPTY);
    OK(unlink("dir/sub/deep/y"));
    ERR(rmdir("dir/sub"), ENOTEMPTY);
    OK(rmdir("dir/sub/deep"));
    OK(unlink("dir/sub/x"));
    EQ(size_of("dir/sub"), 0);
    OK(rmdir("dir/sub"));
    is_absent("dir/sub/x");
    OK(mkdir("dir/sub", 0700));
    EQ(size_of("dir/sub"), 0);
    is_absent("dir/sub/x");
    is_absent("dir/sub/deep/y");
    put("dir/sub/x", "mine");
    EQ(size_of("dir/sub"), 1);
    holds("dir/sub/x", "mine");
}

static void renamed_over(void)
{
    OK(rename("dir/a", "dir/b"));
    is_absent("dir/a");
    holds("dir/b", "a\n");
    EQ(times_listed("dir", "a"), 0);
    EQ(times_listed("dir", "b"), 1);
    put("fresh", "fresh");
    OK(rename("fresh", "dir/c"));
    holds("dir/c", "fresh");
    is_absent("fresh");
    ERR(renameat2(AT_FDCWD, "dir/c", AT_FDCWD, "dir/b", RENAME_NOREPLACE), EEXIST);
    ERR(rename("dir/c", "dir/sub"), EISDIR);
    ERR(rename("dir/sub", "dir/c"), ENOTDIR);
    ERR(rename("nothing", "dir/c"), ENOENT);
    /* Two names of one file: nothing is done. */
    OK(link("dir/c", "dir/c2"));
    OK(rename("dir/c", "dir/c2"));
    holds("dir/c", "fresh");
    OK(unlink("dir/c2"));
}

static void symbolic_links(void)
{
    char to[64] = "";
    OK(symlink("elsewhere", "new-link"));
    OK(rename("new-link", "link"));
    EQ(readlink("link", to, sizeof to), 9);
    CHECK(!strncmp(to, "elsewhere", 9));
    is_absent("new-link");
    OK(unlink("link"));
    is_absent("link");
    OK(symlink("dir", "link"));
    holds("link/b", "a\n");
    ERR(symlink("x", "dangling"), EEXIST);
    OK(rename("dangling", "dangling2"));
    EQ(readlink("dangling2", to, sizeof to), 7);
}

static void directories_renamed(void)
{
    OK(mkdir("made", 0755));
    put("made/x", "x");
    OK(rename("made", "made2"));
    holds("made2/x", "x");
    is_absent("made");
    EQ(rename("made2", "filled"), -1);
    CHECK(errno == ENOTEMPTY ||
          errno == EEXIST); /* the file system's choice; XFS takes the other */
    OK(rename("made2", "empty"));
    holds("empty/x", "x");
    EQ(size_of("empty"), 1);
    ERR(rename("empty", "empty/within"), EINVAL);

    if (is_said("exdev")) {
        ERR(rename("filled", "moved"), EXDEV);
        is_absent("moved");
        holds("filled/one", "1\n");
        return;
    }
    OK(rename("filled", "moved"));
    is_absent("filled");
    EQ(times_listed(".", "filled"), 0);
    holds("moved/one", "1\n");
    holds("moved/below/two", "2\n");
    OK(mkdir("filled", 0755));
    EQ(size_of("filled"), 0);
    OK(rmdir("filled"));
    OK(rename("moved", "filled"));
    holds("filled/below/two", "2\n");
}

static void exchanged(void)
{
    put("ours", "ours");
    OK(renameat2(AT_FDCWD, "ours", AT_FDCWD, "theirs", RENAME_EXCHANGE));
    holds("theirs", "ours");
    holds("ours", "theirs\n");
    OK(mkdir("d1", 0755));
    put("d1/in", "in");
    OK(renameat2(AT_FDCWD, "d1", AT_FDCWD, "theirs", RENAME_EXCHANGE));
    holds("theirs/in", "in");
    holds("d1", "ours");
    ERR(renameat2(AT_FDCWD, "d1", AT_FDCWD, "absent", RENAME_EXCHANGE), ENOENT);
    ERR(renameat2(AT_FDCWD, "d1", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
}

/* Overlays are made of whiteouts, and leave none that is a program's. */
static void left_behind(void)
{
    put("before", "x");
    if (is_said("whiteouts"))
        return;
    ERR(renameat2(AT_FDCWD, "before", AT_FDCWD, "after", RENAME_WHITEOUT), EINVAL);
    holds("before", "x");
    is_absent("after");
}

/* The marks of a merged tree are not the program's business. */
static void no_marks(void)
{
    struct stat st;
    for (const char *const *name = (const char *const[]){"dir", "dir/sub", "many", ".", NULL};
         *name; name++) {
        OK(stat(*name, &st));
        CHECK(S_ISDIR(st.st_mode));
    }
    EQ(times_listed(".", "dangling"), 0);
}

#define MANY 300

/* Where a listing stopped it goes on, however often, and each name is there once. */
static void listed(void)
{
    char name[32];
    static unsigned char seen[MANY + 50];
    for (int i = 0; i < MANY; i += 3) {
        snprintf(name, sizeof name, "many/%03d", i);
        OK(unlink(name));
    }
    for (int i = MANY; i < MANY + 50; i++) {
        snprintf(name, sizeof name, "many/%03d", i);
        put(name, "x");
    }
    DIR *d = opendir("many");
    CHECK(d);
    long at[MANY + 60];
    char after[MANY + 60][16];
    int n = 0;
    for (struct dirent *e; (e = readdir(d)); n++) {
        if (e->d_name[0] != '.')
            seen[atoi(e->d_name)]++;
        snprintf(after[n], sizeof after[n], "%.15s", e->d_name);
        at[n] = telldir(d);
    }
    EQ(n, MANY - 100 + 50 + 2);
    for (int i = 0; i < MANY + 50; i++)
        EQ(seen[i], i >= MANY || i % 3);
    for (int i = 0; i < n - 1; i += 17) {
        seekdir(d, at[i]);
        struct dirent *e = readdir(d);
        CHECK(e && !strcmp(e->d_name, after[i + 1]));
    }
    rewinddir(d);
    struct dirent *first = readdir(d);
    CHECK(first && !strcmp(first->d_name, after[0]));
    closedir(d);
}

int main(int argc, char **argv)
{
    enter(argc, argv);
    removed_and_made_again();
    directory_made_again();
    renamed_over();
    symbolic_links();
    directories_renamed();
    exchanged();
    listed();
    left_behind();
    no_marks();
    return done();
}
