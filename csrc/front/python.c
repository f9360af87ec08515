/* python.c - where the whole command is. */
#include "front/python.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define NAME "elfuse-python"

const char *python_command(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof NAME);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, NAME);
    return path;
}
