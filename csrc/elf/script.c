/* script.c - the "#!" line, as Linux's fs/binfmt_script.c reads it. */
#include <string.h>

#include "elf/parse.h"
#include "linux/abi/errno.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

bool script_is(const uint8_t *head, size_t size)
{
    return size >= 2 && head[0] == '#' && head[1] == '!';
}

/* Is there a character in [p, end) that ends the interpreter's name? */
static bool has_terminator(const char *p, const char *end)
{
    for (; p < end; p++)
        if (blank(*p) || *p == '\0')
            return true;
    return false;
}

int script_parse(struct script_line *line, const uint8_t *head, size_t size, const char **why)
{
    char buf[SCRIPT_HEAD_SIZE + 1];
    memset(line, 0, sizeof *line);
    if (size > SCRIPT_HEAD_SIZE)
        size = SCRIPT_HEAD_SIZE;
    memset(buf, 0, sizeof buf);
    memcpy(buf, head, size);

    const char *start = buf + 2, *end = memchr(start, '\n', SCRIPT_HEAD_SIZE - 2);
    if (!end) {
        /* A line that goes on past what is read is refused if the interpreter's name may be cut
         * short. */
        end = buf + SCRIPT_HEAD_SIZE - 1;
        while (start < end && blank(*start))
            start++;
        if (start == end || !has_terminator(start, end)) {
            *why = "has a #! line that is too long";
            return -LINUX_ENOEXEC;
        }
    }
    const char *nul = memchr(start, '\0', (size_t)(end - start));
    if (nul)
        end = nul;
    while (end > start && blank(end[-1]))
        end--;
    while (start < end && blank(*start))
        start++;
    if (start == end) {
        *why = "has a #! line that names no interpreter";
        return -LINUX_ENOEXEC;
    }
    const char *name_end = start;
    while (name_end < end && !blank(*name_end))
        name_end++;
    memcpy(line->interpreter, start, (size_t)(name_end - start));
    while (name_end < end && blank(*name_end))
        name_end++;
    if (name_end < end) {
        memcpy(line->argument, name_end, (size_t)(end - name_end));
        line->has_argument = true;
    }
    return 0;
}
