/*
 * memo.h - what an earlier run of a command left for the next one: its words, all that its answer
 * rested on, and the answer. elfuse/cli/front.py writes it, as JSON.
 */
#ifndef ELFUSE_FRONT_MEMO_H
#define ELFUSE_FRONT_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMO_FORMAT   1
#define MEMO_MAX_SIZE (1u << 20)

struct memo_variable {
    const char *name, *value; /* value NULL: not set */
};

struct memo_file {
    const char *path;
    bool absent; /* the rest counts only when it is there */
    uint64_t device, inode, size;
    int64_t modified, changed; /* ns since the epoch */
};

/* A blob of the store. Using one changes its times, so they say nothing. */
struct memo_blob {
    const char *path;
    uint64_t size;
    bool has_crc; /* for a document, whose content counts too */
    uint32_t crc;
};

struct memo_request {
    bool asked; /* false: nothing was asked, and the rest is not set */
    bool head;  /* HEAD, where `digest` is announced; else GET, unless it is still that */
    const char *url, *accept, *agent, *digest;
    const char *document; /* the path of the blob with that digest */
    bool verify;
    const char *bundle;       /* of the system's authorities */
    const char **authorities; /* files of others beside them */
    size_t nauthorities;
    const char *token_url; /* NULL: none is needed */
    bool token_verify;
};

/* Something in a run's directory; content NULL: a directory, which may have an attribute. */
struct memo_entry {
    const char *name, *content;
    mode_t mode;
    const char *attribute, *value; /* NULL without one */
};

/* A run that was prepared from these words, to be made anew under another ID. */
struct memo_run {
    const char *store, *id, *program;
    bool with_stdin;
    const char **claims; /* directories that no prune may take before the run is there */
    size_t nclaims;
    struct memo_entry *entries; /* a directory before what is in it */
    size_t nentries;
    struct json_object *record, *spec; /* objects, each with the array "argv" */
};

/* Strings belong to the JSON document and live until memo_free(). */
struct memo {
    const char **words;
    size_t nwords;
    bool open_ended; /* at least one more word follows, for the program of the run */
    struct memo_variable *variables;
    size_t nvariables;
    struct memo_file *files;
    size_t nfiles;
    struct memo_blob *blobs;
    size_t nblobs;
    struct memo_request request;
    const char *output;
    struct memo_run *run; /* NULL: what answers is the output */

    struct json_object *root;
};

/* 0, or -EINVAL for anything that is not a whole memo. Call memo_free() in either case. */
int memo_parse(struct memo *memo, const char *text, size_t length);
void memo_free(struct memo *memo);

/* CRC-32 as in zlib and Python's binascii; `crc` is that of what came before, at first 0. */
uint32_t memo_crc32(uint32_t crc, const void *data, size_t length);

#endif
