/*
 * What a layer cannot cost less than, one stage at a time on one core:
 *
 *   layer_floors inflate BLOB... | hash FILE... | write ROOT TAR...
 *
 * Prints the seconds of the stage itself, its input mapped and paged in before. "write" creates
 * each entry by its path with its mode and time and nothing else: no safety, no owners, no
 * directory's time.
 */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#define OUT   (256u << 10)
#define BLOCK 512u

static void need(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bytes {
    const uint8_t *data;
    size_t len;
};

static struct bytes map(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    need(fd >= 0 && fstat(fd, &st) == 0, path);
    struct bytes b = {mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0),
                      (size_t)st.st_size};
    need(b.data != MAP_FAILED, path);
    close(fd);
    return b;
}

static void inflate_gzip(struct bytes in, uint8_t *out)
{
    struct inflate_state *s = malloc(sizeof(*s));

    isal_inflate_init(s);
    s->crc_flag = ISAL_GZIP;
    s->next_in = (uint8_t *)(uintptr_t)in.data;
    s->avail_in = (uint32_t)in.len;
    do {
        s->next_out = out;
        s->avail_out = OUT;
        need(isal_inflate(s) == ISAL_DECOMP_OK, "inflate");
    } while (s->block_state != ISAL_BLOCK_FINISH);
    free(s);
}

static void inflate_zstd(struct bytes in, uint8_t *out)
{
    ZSTD_DStream *s = ZSTD_createDStream();
    ZSTD_inBuffer from = {in.data, in.len, 0};
    size_t left = 1;

    while (left) {
        ZSTD_outBuffer to = {out, OUT, 0};

        left = ZSTD_decompressStream(s, &to, &from);
        need(!ZSTD_isError(left), "zstd");
    }
    ZSTD_freeDStream(s);
}

static void hash(struct bytes in)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int len;

    need(EVP_Digest(in.data, in.len, raw, &len, EVP_sha256(), NULL), "sha256");
}

static void make(int root, const uint8_t *header, const char *path, struct bytes body)
{
    const char *link = (const char *)header + 157;
    mode_t mode = (mode_t)strtoul((const char *)header + 100, NULL, 8) & 0777;
    struct timespec times[2] = {{strtol((const char *)header + 136, NULL, 8), 0}};
    size_t done = 0;
    int fd;

    times[1] = times[0];
    if (header[156] == '5') {
        mkdirat(root, path, 0755); /* a lower layer's may be there */
        return;
    }
    if (header[156] == '2')
        need(symlinkat(link, root, path) == 0 &&
                 utimensat(root, path, times, AT_SYMLINK_NOFOLLOW) == 0,
             path);
    if (header[156] == '1')
        need(linkat(root, link, root, path, 0) == 0, path);
    if (header[156] != '0')
        return;
    fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    need(fd >= 0, path);
    while (done < body.len) {
        ssize_t got = write(fd, body.data + done, body.len - done);

        need(got > 0, path);
        done += (size_t)got;
    }
    need(futimens(fd, times) == 0 && close(fd) == 0, path);
}

static void write_tar(int root, struct bytes in)
{
    char path[512];
    size_t at = 0;

    while (at + BLOCK <= in.len && in.data[at]) {
        const uint8_t *h = in.data + at;
        size_t size = strtoull((const char *)h + 124, NULL, 8);
        size_t prefix = strnlen((const char *)h + 345, 155);

        snprintf(path, sizeof(path), "%.155s%s%.100s", (const char *)h + 345, prefix ? "/" : "",
                 (const char *)h);
        make(root, h, path, (struct bytes){h + BLOCK, size});
        at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
}

int main(int argc, char **argv)
{
    int first = argc > 1 && strcmp(argv[1], "write") == 0 ? 3 : 2;
    struct bytes inputs[64];
    uint8_t *out = malloc(OUT);
    int root = -1;
    double start;

    need(argc > first && argc - first <= 64, "arguments");
    if (first == 3) {
        root = open(argv[2], O_RDONLY | O_DIRECTORY);
        need(root >= 0, argv[2]);
    }
    umask(0);
    for (int i = first; i < argc; i++)
        inputs[i - first] = map(argv[i]);
    start = now();
    for (int i = first; i < argc; i++) {
        struct bytes in = inputs[i - first];

        if (argv[1][0] == 'w')
            write_tar(root, in);
        else if (argv[1][0] == 'h')
            hash(in);
        else if (in.data[0] == 0x1f)
            inflate_gzip(in, out);
        else
            inflate_zstd(in, out);
    }
    printf("seconds %.6f\n", now() - start);
    return 0;
}
