/* memo.c - reading a memo. Every member must be there and be what it has to be. */
#include "front/memo.h"

#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

#define NESTING 12
/* What Python's docker.io HEAD announces, and every other digest in a memo. */
#define DIGEST_LENGTH (sizeof "sha256:" - 1 + 64)

static bool as_text(json_object *value, const char **out)
{
    if (!json_object_is_type(value, json_type_string))
        return false;
    *out = json_object_get_string(value);
    return strlen(*out) == (size_t)json_object_get_string_len(value);
}

static bool as_text_or_null(json_object *value, const char **out)
{
    *out = NULL;
    return !value || as_text(value, out);
}

static bool as_bool(json_object *value, bool *out)
{
    *out = json_object_get_boolean(value);
    return json_object_is_type(value, json_type_boolean);
}

static bool as_unsigned(json_object *value, uint64_t *out)
{
    *out = json_object_get_uint64(value);
    return json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0;
}

static bool as_signed(json_object *value, int64_t *out)
{
    *out = json_object_get_int64(value);
    return json_object_is_type(value, json_type_int);
}

/* json-c tells a member that is null from one that is not there only so. */
static bool member(json_object *object, const char *name, json_object **out)
{
    return json_object_is_type(object, json_type_object) &&
           json_object_object_get_ex(object, name, out);
}

static bool text_member(json_object *object, const char *name, const char **out)
{
    json_object *value;
    return member(object, name, &value) && as_text(value, out);
}

static bool optional_text_member(json_object *object, const char *name, const char **out)
{
    json_object *value;
    return member(object, name, &value) && as_text_or_null(value, out);
}

static bool bool_member(json_object *object, const char *name, bool *out)
{
    json_object *value;
    return member(object, name, &value) && as_bool(value, out);
}

/* The array `name` of `object`, with room for its items: *items is zeroed, and NULL for none. */
static bool array_member(json_object *object, const char *name, size_t item_size,
                         json_object **array, void **items, size_t *count)
{
    if (!member(object, name, array) || !json_object_is_type(*array, json_type_array))
        return false;
    *count = json_object_array_length(*array);
    *items = *count ? calloc(*count, item_size) : NULL;
    return *items || !*count;
}

static json_object *item(json_object *array, size_t index)
{
    return json_object_array_get_idx(array, index);
}

static bool texts_member(json_object *object, const char *name, const char ***out, size_t *count)
{
    json_object *array;
    void *items = NULL;
    bool good = array_member(object, name, sizeof **out, &array, &items, count);
    *out = items;
    for (size_t i = 0; good && i < *count; i++)
        good = as_text(item(array, i), &(*out)[i]);
    return good;
}

static bool is_array(json_object *value, size_t length)
{
    return json_object_is_type(value, json_type_array) && json_object_array_length(value) == length;
}

/* [name, value or null] */
static bool read_variables(struct memo *memo)
{
    json_object *array;
    void *items = NULL;
    bool good = array_member(memo->root, "environment", sizeof *memo->variables, &array, &items,
                             &memo->nvariables);
    memo->variables = items;
    for (size_t i = 0; good && i < memo->nvariables; i++) {
        json_object *pair = item(array, i);
        good = is_array(pair, 2) && as_text(item(pair, 0), &memo->variables[i].name) &&
               as_text_or_null(item(pair, 1), &memo->variables[i].value);
    }
    return good;
}

/* [path] for one that is not there, or [path, device, inode, size, modified, changed] */
static bool read_files(struct memo *memo)
{
    json_object *array;
    void *items = NULL;
    bool good =
        array_member(memo->root, "files", sizeof *memo->files, &array, &items, &memo->nfiles);
    memo->files = items;
    for (size_t i = 0; good && i < memo->nfiles; i++) {
        json_object *list = item(array, i);
        struct memo_file *file = &memo->files[i];
        file->absent = is_array(list, 1);
        good = (file->absent || is_array(list, 6)) && as_text(item(list, 0), &file->path) &&
               file->path[0] == '/';
        if (good && !file->absent)
            good = as_unsigned(item(list, 1), &file->device) &&
                   as_unsigned(item(list, 2), &file->inode) &&
                   as_unsigned(item(list, 3), &file->size) &&
                   as_signed(item(list, 4), &file->modified) &&
                   as_signed(item(list, 5), &file->changed);
    }
    return good;
}

/* [path, size] or, for a document, [path, size, crc] */
static bool read_blobs(struct memo *memo)
{
    json_object *array;
    void *items = NULL;
    bool good =
        array_member(memo->root, "blobs", sizeof *memo->blobs, &array, &items, &memo->nblobs);
    memo->blobs = items;
    for (size_t i = 0; good && i < memo->nblobs; i++) {
        json_object *list = item(array, i);
        struct memo_blob *blob = &memo->blobs[i];
        uint64_t crc = 0;
        blob->has_crc = is_array(list, 3);
        good = (blob->has_crc || is_array(list, 2)) && as_text(item(list, 0), &blob->path) &&
               as_unsigned(item(list, 1), &blob->size) && blob->path[0] == '/';
        if (good && blob->has_crc)
            good = as_unsigned(item(list, 2), &crc) && crc <= UINT32_MAX;
        blob->crc = (uint32_t)crc;
    }
    return good;
}

static bool is_url(const char *text)
{
    return !strncmp(text, "https://", 8) || !strncmp(text, "http://", 7);
}

static bool read_request(struct memo *memo)
{
    struct memo_request *r = &memo->request;
    json_object *o;
    if (!member(memo->root, "request", &o))
        return false;
    r->asked = o != NULL;
    if (!r->asked)
        return true;
    return text_member(o, "url", &r->url) && is_url(r->url) && bool_member(o, "head", &r->head) &&
           text_member(o, "accept", &r->accept) && text_member(o, "agent", &r->agent) &&
           text_member(o, "digest", &r->digest) && strlen(r->digest) == DIGEST_LENGTH &&
           text_member(o, "document", &r->document) && bool_member(o, "verify", &r->verify) &&
           text_member(o, "bundle", &r->bundle) &&
           texts_member(o, "authorities", &r->authorities, &r->nauthorities) &&
           optional_text_member(o, "tokenUrl", &r->token_url) &&
           (!r->token_url || is_url(r->token_url)) &&
           bool_member(o, "tokenVerify", &r->token_verify);
}

/* [name, mode] or [name, mode, attribute, value] for a directory, [name, mode, content] */
static bool read_entry(json_object *list, struct memo_entry *entry)
{
    uint64_t mode = 0;
    bool is_file = is_array(list, 3), has_attribute = is_array(list, 4);
    if (!(is_file || has_attribute || is_array(list, 2)) || !as_text(item(list, 0), &entry->name) ||
        !as_unsigned(item(list, 1), &mode) || mode > 07777)
        return false;
    if (entry->name[0] == '/' || strstr(entry->name, ".."))
        return false;
    entry->mode = (mode_t)mode;
    if (is_file)
        return as_text(item(list, 2), &entry->content);
    return !has_attribute ||
           (as_text(item(list, 2), &entry->attribute) && as_text(item(list, 3), &entry->value));
}

static bool document_member(json_object *object, const char *name, json_object **out)
{
    json_object *argv;
    return member(object, name, out) && member(*out, "argv", &argv) &&
           json_object_is_type(argv, json_type_array);
}

static bool read_run(struct memo *memo)
{
    json_object *o, *array;
    void *items = NULL;
    if (!member(memo->root, "run", &o))
        return false;
    if (!o)
        return true;
    struct memo_run *run = memo->run = calloc(1, sizeof *run);
    bool good = run && text_member(o, "store", &run->store) && run->store[0] == '/' &&
                text_member(o, "id", &run->id) && text_member(o, "program", &run->program) &&
                bool_member(o, "stdin", &run->with_stdin) &&
                texts_member(o, "claims", &run->claims, &run->nclaims) &&
                document_member(o, "record", &run->record) &&
                document_member(o, "spec", &run->spec) &&
                array_member(o, "entries", sizeof *run->entries, &array, &items, &run->nentries);
    if (run)
        run->entries = items;
    for (size_t i = 0; good && i < run->nentries; i++)
        good = read_entry(item(array, i), &run->entries[i]);
    return good;
}

int memo_parse(struct memo *memo, const char *text, size_t length)
{
    json_object *format;
    uint64_t number;
    memset(memo, 0, sizeof *memo);
    if (length > MEMO_MAX_SIZE)
        return -EINVAL;
    json_tokener *tokener = json_tokener_new_ex(NESTING);
    if (!tokener)
        return -EINVAL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    memo->root = json_tokener_parse_ex(tokener, text, (int)length);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_tokener_get_parse_end(tokener) == length;
    json_tokener_free(tokener);
    bool good =
        whole && member(memo->root, "format", &format) && as_unsigned(format, &number) &&
        number == MEMO_FORMAT && texts_member(memo->root, "words", &memo->words, &memo->nwords) &&
        read_variables(memo) && read_files(memo) && read_blobs(memo) && read_request(memo) &&
        read_run(memo) && bool_member(memo->root, "openEnded", &memo->open_ended) &&
        text_member(memo->root, "output", &memo->output) && (memo->run || !memo->open_ended);
    return good ? 0 : -EINVAL;
}

void memo_free(struct memo *memo)
{
    free(memo->words);
    free(memo->variables);
    free(memo->files);
    free(memo->blobs);
    free(memo->request.authorities);
    if (memo->run) {
        free(memo->run->claims);
        free(memo->run->entries);
        free(memo->run);
    }
    json_object_put(memo->root);
    memset(memo, 0, sizeof *memo);
}

uint32_t memo_crc32(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}
