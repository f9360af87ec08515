/*
 * replay.c - a fuzz target as a test: its seeds, and mutations that depend on nothing but their
 * number.
 *
 *   NAME [MUTATIONS [FIRST]]  run them; a crash tells the number, with which `NAME 1 NUMBER` runs
 *                             that one again
 *   NAME --seeds DIR          write the seeds as files, for libFuzzer
 *   NAME --input FILE...      run these files; a crash tells which
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX (256u << 10)

static uint8_t seed[INPUT_MAX], input[INPUT_MAX], other[INPUT_MAX];
static uint64_t state;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
static size_t below(size_t n)
{
    return n ? (size_t)(rnd() % n) : 0;
}

static void put_number(size_t size)
{
    static const uint64_t odd[] = {
        0,          1,          0x7f,       0x80,      0xff,       0x7fff,     0xffff, 0x7fffffff,
        0x80000000, 0xffffffff, 1ull << 45, INT64_MAX, 1ull << 63, UINT64_MAX, 4096,   511};
    uint64_t n = odd[below(sizeof odd / sizeof odd[0])];
    size_t width = (size_t)1 << below(4);
    if (size >= width)
        memcpy(input + below(size - width + 1), &n, width);
}

/* One small change; returns the new size. */
static size_t mutate_once(size_t size)
{
    size_t at = below(size), n = 1 + below(below(8) ? 16 : 600);
    switch (below(9)) {
    case 0: input[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: input[at] = (uint8_t)rnd(); break;
    case 2: put_number(size); break;
    case 3: return size > 1 ? 1 + below(size) : size; /* cut off */
    case 4:                                           /* leave out */
        n = n > size - at ? size - at : n;
        if (n < size) {
            memmove(input + at, input + at + n, size - at - n);
            size -= n;
        }
        break;
    case 5: /* repeat */
        n = n > size - at ? size - at : n;
        if (size + n <= INPUT_MAX) {
            memmove(input + at + n, input + at, size - at);
            size += n;
        }
        break;
    case 6: { /* copy from elsewhere */
        size_t from = below(size);
        n = n > size - at ? size - at : n;
        n = n > size - from ? size - from : n;
        memmove(input + at, input + from, n);
        break;
    }
    case 7: input[at] = (uint8_t) " 0/.\n=\"{}[]\\-9x"[below(16)]; break;
    default: { /* a piece of another seed, or of nothing */
        size_t len = fuzz_seed((unsigned)below(32), other, INPUT_MAX);
        n = n > size - at ? size - at : n;
        if (len > n)
            memcpy(input + at, other + below(len - n), n);
        else
            memset(input + at, 0, n);
    }
    }
    return size;
}

static long running = -1; /* a seed; then the mutation's number */
static const char *running_file;

static void tell(void)
{
    char text[4200];
    int n = running_file ? snprintf(text, sizeof text, "replay: %s\n", running_file)
                         : snprintf(text, sizeof text, "replay: mutation %ld\n", running);
    if (write(2, text, (size_t)n) != n)
        _exit(1);
}

static void on_abort(int sig)
{
    tell();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* The sanitizers' own, where the program is linked with them. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void one(const uint8_t *data, size_t size)
{
    /* An exact copy, so that the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int write_seeds(const char *dir)
{
    for (unsigned i = 0;; i++) {
        size_t size = fuzz_seed(i, seed, INPUT_MAX);
        if (size == 0)
            return 0;
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%02u", dir, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(seed, 1, size, f) != size || fclose(f)) {
            perror(path);
            return 1;
        }
    }
}

static int run_files(char **paths)
{
    unsigned count = 0;
    for (; *paths; paths++, count++) {
        FILE *f = fopen(*paths, "rb");
        size_t size = f ? fread(input, 1, INPUT_MAX, f) : 0;
        if (!f)
            return perror(*paths), 1;
        fclose(f);
        running_file = *paths;
        one(input, size);
    }
    printf("%u files: ok\n", count);
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell);
    if (argc == 3 && !strcmp(argv[1], "--seeds"))
        return write_seeds(argv[2]);
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000,
                  first = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
    unsigned seeds = 0;
    if (argc > 2 && !strcmp(argv[1], "--input"))
        return run_files(argv + 2);
    one(input, 0);
    for (;; seeds++) {
        size_t size = fuzz_seed(seeds, input, INPUT_MAX);
        if (size == 0)
            break;
        one(input, size);
    }
    for (unsigned long i = first; i < first + count; i++) {
        running = (long)i;
        state = (i + 1) * 0x9e3779b97f4a7c15ull;
        size_t size = fuzz_seed((unsigned)(i % seeds), seed, INPUT_MAX);
        memcpy(input, seed, size);
        for (size_t n = 1 + below(6); n && size; n--)
            size = mutate_once(size);
        one(input, size);
    }
    const char *base = strrchr(argv[0], '/');
    printf("%s: %u seeds, %lu mutations: ok\n", base ? base + 1 : argv[0], seeds, count);
    return 0;
}
