/* Goes where its first word says and prints where it is, and what each further file is called. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char text[4096];
    if (argc < 2 || chdir(argv[1]) || getcwd(text, sizeof text) == NULL)
        return 1;
    puts(text);
    for (int i = 2; i < argc; i++) {
        char name[64];
        int fd = open(argv[i], O_RDONLY);
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(name, text, sizeof text - 1);
        if (n < 0)
            return 2;
        text[n] = '\0';
        puts(text);
    }
    return 0;
}
