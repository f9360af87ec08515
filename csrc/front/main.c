/* main.c - elfuse, the command: the answer of a memo, or Python's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/ask.h"
#include "front/find.h"
#include "front/holds.h"
#include "front/memo.h"

#define PYTHON_COMMAND "elfuse-python"
/* What the command itself answers (elfuse/cli/main.py). */
#define EXIT_FAILED     1
#define EXIT_RUN_FAILED 125

/* Python fills them first; a socket of ours must not get the number of one that is closed. */
static bool standard_streams_are_open(void)
{
    return fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0;
}

/* Whole or not at all, so that Python can still say it instead: a pipe takes so little in one
 * piece.
 */
static bool print(const char *text)
{
    size_t length = strlen(text);
    return length <= PIPE_BUF && write(STDOUT_FILENO, text, length) == (ssize_t)length;
}

static bool answers(const struct memo *memo, char *const *words)
{
    /* The files once more at the end: while the store's index is the one that pins the image, no
     * prune takes a blob of it, so what was seen to be there in between still is. */
    return words_hold(memo, words) && environment_holds(memo) && files_hold(memo) &&
           blobs_hold(memo) && (!memo->request.asked || registry_says_unchanged(&memo->request)) &&
           files_hold(memo) && print(memo->output);
}

static bool answer(char *const *words)
{
    struct memo memo;
    size_t length;
    if (!words[0] || !standard_streams_are_open())
        return false;
    char *text = find_memo(words, &length);
    if (!text)
        return false;
    /* A reader that went away is Python's to see, too. */
    void (*usual)(int) = signal(SIGPIPE, SIG_IGN);
    bool done = memo_parse(&memo, text, length) == 0 && answers(&memo, words);
    signal(SIGPIPE, usual);
    memo_free(&memo);
    free(text);
    return done;
}

static bool is_run(char *const *words)
{
    return words[0] && (!strcmp(words[0], "run") ||
                        (!strcmp(words[0], "oci") && words[1] && !strcmp(words[1], "run")));
}

/* The whole command lies beside this one, wherever a link to this one may be. */
static int become_python(char **argv)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof PYTHON_COMMAND);
    int failure = ENOENT;
    if (length > 0) {
        path[length] = '\0';
        strcpy(strrchr(path, '/') + 1, PYTHON_COMMAND);
        argv[0] = path;
        execv(path, argv);
        failure = errno;
    }
    fprintf(stderr, "elfuse: cannot start %s: %s; install elfuse again\n",
            length > 0 ? path : PYTHON_COMMAND, strerror(failure));
    return is_run(argv + 1) ? EXIT_RUN_FAILED : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (argc > 1 && answer(argv + 1))
        return 0;
    return become_python(argv);
}
