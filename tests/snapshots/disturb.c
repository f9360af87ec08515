/* Changes of every kind all over the tree, none of which may reach the image. */
#include "tree.h"

static void walk(const char *dir, int depth)
{
    char path[512];
    DIR *d = opendir(dir);
    if (d == NULL || depth > 8)
        return;
    int n = 0;
    for (struct dirent *e; (e = readdir(d)); n++) {
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (lstat(path, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            walk(path, depth + 1);
            OK(chmod(path, 0711));
            continue;
        }
        switch (S_ISREG(st.st_mode) ? n % 6 : 5) {
        case 0: put(path, "written"); break;
        case 1: OK(chmod(path, 0600)); break;
        case 2: OK(rename(path, "renamed")); break;
        case 3: OK(chown(path, 1, 1)); break;
        case 4: OK(truncate(path, 1)); break;
        default: OK(unlink(path));
        }
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    enter(argc, argv);
    walk(".", 0);
    OK(mkdir("made", 0755));
    put("made/file", "x");
    return done();
}
