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
#include "front/python.h"
#include "front/run.h"

/* What the command itself answers (elfuse/cli/main.py). */
#define EXIT_FAILED     1
#define EXIT_RUN_FAILED 125
/* Words up to the image's name of a run that is worth a memo: `oci run IMAGE`, and options. */
#define SHORTEST_RUN 3
#define LONGEST_RUN  24

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

static bool is_ascii(char *const *words)
{
    for (; *words; words++)
        for (const char *p = *words; *p; p++)
            if (*p & 0x80)
                return false;
    return true;
}

static bool answers(const struct memo *memo, char *const *words)
{
    if (!(words_hold(memo, words) && environment_holds(memo) && files_hold(memo) &&
          blobs_hold(memo)))
        return false;
    if (memo->run) {
        /* What is no ASCII may be no UTF-8, which a run's record would have to say in its way. */
        if (is_ascii(words + memo->nwords))
            become_run(memo, words + memo->nwords);
        return false;
    }
    /* The files once more at the end: while the store's index is the one that pins the image, no
     * prune takes a blob of it, so what was seen to be there in between still is. */
    return (!memo->request.asked || registry_says_unchanged(&memo->request)) && files_hold(memo) &&
           print(memo->output);
}

static bool try_memo(char *const *words, size_t count, bool open_ended)
{
    struct memo memo;
    size_t length;
    char *text = find_memo(words, count, open_ended, &length);
    if (!text)
        return false;
    bool done = memo_parse(&memo, text, length) == 0 && answers(&memo, words);
    memo_free(&memo);
    free(text);
    return done;
}

static bool is_run(char *const *words)
{
    return words[0] && (!strcmp(words[0], "run") ||
                        (!strcmp(words[0], "oci") && words[1] && !strcmp(words[1], "run")));
}

static bool answer(char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    if (!standard_streams_are_open())
        return false;
    /* A reader that went away is Python's to see, too. */
    void (*usual)(int) = signal(SIGPIPE, SIG_IGN);
    bool done = try_memo(words, count, false);
    /* Where the image's name ends the options, only who reads them knows. */
    for (size_t n = SHORTEST_RUN; !done && is_run(words) && n < count && n <= LONGEST_RUN; n++)
        done = try_memo(words, n, true);
    signal(SIGPIPE, usual);
    return done;
}

static int become_python(char **argv)
{
    const char *path = python_command();
    int failure = ENOENT;
    if (path) {
        argv[0] = (char *)path;
        execv(path, argv);
        failure = errno;
    }
    fprintf(stderr, "elfuse: cannot start %s: %s; install elfuse again\n",
            path ? path : "elfuse-python", strerror(failure));
    return is_run(argv + 1) ? EXIT_RUN_FAILED : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (argc > 1 && answer(argv + 1))
        return 0;
    return become_python(argv);
}
