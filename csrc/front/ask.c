/*
 * ask.c - the request of a memo, made as elfuse/oci/multi.py makes it: the same trust, no redirect,
 * no proxy. No retries either, and little patience: whatever goes wrong, Python tries from the
 * beginning, and it is Python that explains.
 */
#include "front/ask.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "front/plain.h"

#define CONNECT_TIMEOUT 3000l /* ms */
#define TIMEOUT         10000l
#define TOKEN_LIMIT     (64u << 10)
#define DOCUMENT_LIMIT  (4u << 20)

/* Loading libcurl and the thirty libraries that it wants takes ten times as long as all the rest,
 * so that only who has a question pays for it. */
struct curl {
    void *library;
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    void (*easy_cleanup)(CURL *);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
};

struct answer {
    long status;
    char digest[128]; /* Docker-Content-Digest; empty without one */
    char *body;       /* owned */
    size_t size, limit;
};

struct bytes {
    char *data; /* owned */
    size_t size;
};

static bool load(struct curl *c)
{
    const struct {
        void *to;
        const char *name;
    } wanted[] = {
        {&c->easy_init, "curl_easy_init"},           {&c->easy_setopt, "curl_easy_setopt"},
        {&c->easy_perform, "curl_easy_perform"},     {&c->easy_getinfo, "curl_easy_getinfo"},
        {&c->easy_cleanup, "curl_easy_cleanup"},     {&c->slist_append, "curl_slist_append"},
        {&c->slist_free_all, "curl_slist_free_all"},
    };
    c->library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!c->library)
        return false;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        void *symbol = dlsym(c->library, wanted[i].name);
        if (!symbol)
            return false;
        memcpy(wanted[i].to, &symbol, sizeof symbol);
    }
    return true;
}

static size_t on_header(char *line, size_t one, size_t length, void *context)
{
    struct answer *answer = context;
    static const char name[] = "docker-content-digest:";
    size_t at = sizeof name - 1;
    if (length > at && !strncasecmp(line, name, at)) {
        while (at < length && (line[at] == ' ' || line[at] == '\t'))
            at++;
        size_t end = length;
        while (end > at && strchr(" \t\r\n", line[end - 1]))
            end--;
        if (end - at < sizeof answer->digest) {
            memcpy(answer->digest, line + at, end - at);
            answer->digest[end - at] = '\0';
        }
    }
    return one * length;
}

static size_t on_body(char *data, size_t one, size_t length, void *context)
{
    struct answer *answer = context;
    if (length > answer->limit - answer->size)
        return 0;
    char *more = realloc(answer->body, answer->size + length + 1);
    if (!more)
        return 0;
    memcpy(more + answer->size, data, length);
    answer->body = more;
    answer->size += length;
    more[answer->size] = '\0';
    return one * length;
}

/* The whole file, with a NUL after it that does not count. */
static bool append_file(struct bytes *bytes, const char *path)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;
    if (!file)
        return false;
    while (n > 0) {
        char *more = realloc(bytes->data, bytes->size + 65536);
        if (!more)
            break;
        bytes->data = more;
        n = fread(more + bytes->size, 1, 65535, file);
        bytes->size += n;
        more[bytes->size] = '\0';
    }
    bool good = n == 0 && !ferror(file);
    fclose(file);
    return good;
}

/* As elfuse/oci/http.py authorities(): extra files count beside the bundle. The folder of
 * authorities that a distribution has built into its libcurl does not. */
static bool set_trust(const struct curl *c, CURL *easy, const struct memo_request *r, bool verify)
{
    struct bytes all = {NULL, 0};
    bool good = c->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1l : 0l) == CURLE_OK &&
                c->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2l : 0l) == CURLE_OK &&
                c->easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (good && r->nauthorities == 0)
        return c->easy_setopt(easy, CURLOPT_CAINFO, r->bundle) == CURLE_OK;
    good = good && append_file(&all, r->bundle);
    for (size_t i = 0; good && i < r->nauthorities; i++) {
        all.data[all.size++] = '\n'; /* in the place of the NUL */
        good = append_file(&all, r->authorities[i]);
    }
    struct curl_blob blob = {all.data, all.size, CURL_BLOB_COPY};
    good = good && c->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
    free(all.data);
    return good;
}

static bool set_up(const struct curl *c, CURL *easy, const struct memo_request *r, const char *url,
                   bool verify, struct answer *answer)
{
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT},
        {CURLOPT_TIMEOUT_MS, TIMEOUT},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    };
    const struct {
        CURLoption option;
        const void *value;
    } pointers[] = {
        {CURLOPT_URL, url},  {CURLOPT_PROTOCOLS_STR, "http,https"}, {CURLOPT_USERAGENT, r->agent},
        {CURLOPT_PROXY, ""}, {CURLOPT_HEADERDATA, answer},          {CURLOPT_WRITEDATA, answer},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (c->easy_setopt(easy, numbers[i].option, numbers[i].value) != CURLE_OK)
            return false;
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        if (c->easy_setopt(easy, pointers[i].option, pointers[i].value) != CURLE_OK)
            return false;
    return c->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           c->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           set_trust(c, easy, r, verify);
}

static bool perform(const struct curl *c, CURL *easy, struct answer *answer)
{
    return c->easy_perform(easy) == CURLE_OK &&
           c->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status) == CURLE_OK;
}

/* "Authorization: Bearer TOKEN" for anybody, from the realm that the registry named; for the caller
 * to free. NULL when there is none. */
static char *authorization(const struct curl *c, const struct memo_request *r)
{
    struct answer answer = {.limit = TOKEN_LIMIT};
    char *header = NULL;
    json_object *document = NULL, *value = NULL;
    CURL *easy = c->easy_init();
    if (easy && set_up(c, easy, r, r->token_url, r->token_verify, &answer) &&
        perform(c, easy, &answer) && answer.status == 200 && answer.body)
        document = json_tokener_parse(answer.body);
    if (json_object_is_type(document, json_type_object) &&
        (json_object_object_get_ex(document, "token", &value) ||
         json_object_object_get_ex(document, "access_token", &value)) &&
        json_object_is_type(value, json_type_string)) {
        const char *token = json_object_get_string(value);
        size_t length = (size_t)json_object_get_string_len(value), i = 0;
        /* It becomes a header: printable ASCII, as elfuse/oci/auth.py has it. */
        while (i < length && token[i] > ' ' && token[i] <= '~')
            i++;
        if (length && i == length && asprintf(&header, "Authorization: Bearer %s", token) < 0)
            header = NULL;
    }
    json_object_put(document);
    free(answer.body);
    if (easy)
        c->easy_cleanup(easy);
    return header;
}

static bool add_header(const struct curl *c, struct curl_slist **list, const char *name,
                       const char *value)
{
    char *line;
    if (asprintf(&line, "%s%s", name, value) < 0)
        return false;
    struct curl_slist *longer = c->slist_append(*list, line);
    free(line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

/* A registry that knows no If-None-Match sends the document again. */
static bool is_document(const struct answer *answer, const char *path)
{
    struct bytes ours = {NULL, 0};
    bool same = append_file(&ours, path) && answer->size == ours.size &&
                (!ours.size || !memcmp(answer->body, ours.data, ours.size));
    free(ours.data);
    return same;
}

static bool ask(const struct curl *c, CURL *easy, const struct memo_request *r,
                const char *authorized)
{
    struct answer answer = {.limit = DOCUMENT_LIMIT};
    struct curl_slist *headers = NULL;
    char known[160];
    snprintf(known, sizeof known, "\"%s\"", r->digest);
    bool good = add_header(c, &headers, "Accept: ", r->accept) &&
                (r->head || add_header(c, &headers, "If-None-Match: ", known)) &&
                (!authorized || add_header(c, &headers, authorized, "")) &&
                set_up(c, easy, r, r->url, r->verify, &answer) &&
                c->easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                (!r->head || c->easy_setopt(easy, CURLOPT_NOBODY, 1l) == CURLE_OK) &&
                perform(c, easy, &answer);
    if (good && r->head)
        good = answer.status == 200 && !strcmp(answer.digest, r->digest);
    else if (good)
        good = answer.status == 304 || (answer.status == 200 && is_document(&answer, r->document));
    c->slist_free_all(headers);
    free(answer.body);
    return good;
}

bool registry_says_unchanged(const struct memo_request *request)
{
    struct curl c;
    if (!strncmp(request->url, "http://", 7) && !request->head && !request->token_url)
        return is_unmodified(request);
    if (!load(&c))
        return false;
    char *authorized = request->token_url ? authorization(&c, request) : NULL;
    bool good = !request->token_url || authorized;
    CURL *easy = good ? c.easy_init() : NULL;
    good = easy && ask(&c, easy, request, authorized);
    if (easy)
        c.easy_cleanup(easy);
    free(authorized);
    return good;
}
