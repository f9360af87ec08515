/*
 * A layer's whole way: stream, decompression, tar and its extended headers, the tree. The first
 * byte is no part of the layer: bit 0 says that the checksums of the tar headers are made right, so
 * that a mutation gets behind them; bit 1 that the tar is packed as zstd, bit 2 as gzip (stored).
 * Nothing beside the root may change.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "layer/layer.h"
#include "layer_make.h"

static char top[64];
static int top_fd = -1;

static void clean_up(void)
{
    layer_remove_tree(AT_FDCWD, top);
}

static void make_top(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(top, sizeof top, "%s/elfuse-fuzz-XXXXXX", base);
    MUST(mkdtemp(top));
    atexit(clean_up);
    top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(top_fd >= 0);
    int fd = openat(top_fd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    MUST(fd >= 0 && write(fd, "canary", 6) == 6);
    close(fd);
}

/* Beside the root there are the canary and nothing else, and it is as it was. */
static void check_top(void)
{
    char text[16] = "";
    struct stat st;
    int fd = openat(top_fd, "canary", O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 07777) == 0644);
    MUST(read(fd, text, sizeof text) == 6 && !strcmp(text, "canary"));
    close(fd);
    DIR *dir = fdopendir(dup(top_fd));
    struct dirent *d;
    MUST(dir);
    rewinddir(dir);
    while ((d = readdir(dir)))
        MUST(!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") || !strcmp(d->d_name, "canary") ||
             !strcmp(d->d_name, "root"));
    closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (top_fd < 0)
        make_top();
    uint8_t *tar = malloc(size);
    memcpy(tar, data + 1, size - 1);
    size--;
    if (data[0] & 1)
        fix_checksums(tar, size);
    int blob = memfd_create("layer", MFD_CLOEXEC);
    FILE *out = fdopen(dup(blob), "wb");
    MUST(out);
    if (data[0] & 2)
        write_zstd(out, tar, size);
    else if (data[0] & 4)
        write_gzip(out, tar, size);
    else
        fwrite(tar, 1, size, out);
    fclose(out);
    free(tar);
    MUST(lseek(blob, 0, SEEK_SET) == 0);

    MUST(mkdirat(top_fd, "root", 0755) == 0);
    struct layer_request req = {.blob_fd = blob,
                                .root_fd =
                                    openat(top_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                .blob_size = -1,
                                .owner = LAYER_OWNER_VIRTUAL,
                                .limits = {.entries = 300, .tar_size = 4 << 20, .ratio = 100}};
    struct layer_stats stats;
    struct layer_error err = {0};
    MUST(req.root_fd >= 0);
    int result = layer_extract(&req, &stats, &err);
    MUST(result == 0 || (result < 0 && result >= LAYER_E_CANCELLED && err.message[0]));
    for (const char *p = err.message; *p; p++)
        MUST((unsigned char)*p >= ' ' && *p != 0x7f);
    close(req.root_fd);
    close(blob);
    check_top();
    MUST(layer_remove_tree(top_fd, "root") == 0);
    return 0;
}

/* ---- seeds ---- */

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    struct tar t = {buf + 1, 0, max - 1};
    char longer[300];
    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    buf[0] = 1;
    switch (index) {
    case 0: honest(&t); break;
    case 1:
        honest(&t);
        add(&t, '0', "dir/.wh.file", NULL, NULL, 0);
        add(&t, '0', "dir/.wh..wh..opq", NULL, NULL, 0);
        add(&t, '0', ".wh.dir", NULL, NULL, 0);
        break;
    case 2:
        pax(&t, 'x', "30 path=a/very/long/name/here\n20 mtime=1.25000000\n");
        add(&t, '0', "short", NULL, "x", 1);
        pax(&t, 'g', "13 uid=100000\n");
        pax(&t, 'x', "31 SCHILY.xattr.user.test=hello\n10 size=3\n");
        add(&t, '0', "attr", NULL, "abc", 3);
        break;
    case 3:
        add(&t, 'L', "././@LongLink", NULL, longer, sizeof longer);
        add(&t, '0', "cut", NULL, "long name", 9);
        add(&t, 'K', "././@LongLink", NULL, "dir/../../../canary", 20);
        add(&t, '2', "out", "cut", NULL, 0);
        break;
    case 4: /* links that lead out, and entries through them */
        add(&t, '2', "out", "../canary", NULL, 0);
        add(&t, '0', "out", NULL, "OWNED", 5);
        add(&t, '2', "up", "..", NULL, 0);
        add(&t, '0', "up/canary", NULL, "OWNED", 5);
        add(&t, '1', "hard", "../canary", NULL, 0);
        add(&t, '0', "../canary", NULL, "OWNED", 5);
        add(&t, '0', "/canary", NULL, "inside", 6);
        add(&t, '0', "up/.wh.canary", NULL, NULL, 0);
        break;
    case 5: /* one name, many kinds */
        add(&t, '5', "x", NULL, NULL, 0);
        add(&t, '0', "x/y", NULL, "1", 1);
        add(&t, '0', "x", NULL, "2", 1);
        add(&t, '2', "x", "y", NULL, 0);
        add(&t, '5', "x", NULL, NULL, 0);
        add(&t, '5', ".", NULL, NULL, 0);
        add(&t, '2', "./", "/", NULL, 0);
        break;
    case 6:
    case 7:
        honest(&t);
        buf[0] = index == 6 ? 3 : 5;
        break;
    case 8: { /* a whole gzip stream, to be mutated as such */
        uint8_t *tar = malloc(64u << 10);
        char *text = NULL;
        size_t size = 0;
        struct tar inner = {tar, 0, 64u << 10};
        FILE *out = open_memstream(&text, &size);
        honest(&inner);
        fix_checksums(tar, inner.size);
        write_gzip(out, tar, inner.size);
        fclose(out);
        buf[0] = 0;
        t.size = size < t.max ? size : t.max;
        memcpy(t.buf, text, t.size);
        free(text);
        free(tar);
        return t.size + 1;
    }
    case 9: { /* the same as zstd */
        uint8_t *tar = malloc(64u << 10);
        struct tar inner = {tar, 0, 64u << 10};
        honest(&inner);
        fix_checksums(tar, inner.size);
        buf[0] = 0;
        t.size = ZSTD_compress(t.buf, t.max, tar, inner.size, 3);
        free(tar);
        return ZSTD_isError(t.size) ? 0 : t.size + 1;
    }
    default: return 0;
    }
    end(&t);
    return t.size + 1;
}
