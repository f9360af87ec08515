/* Prints the descriptors that are open. */
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
    const char *gap = "";
    for (int fd = 0; fd < 70000; fd++) {
        if (fcntl(fd, F_GETFD) != -1) {
            printf("%s%d", gap, fd);
            gap = " ";
        }
    }
    printf("\n");
    return 0;
}
