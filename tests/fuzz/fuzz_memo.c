/* A memo: any bytes are a whole one or none, and comparing what is taken with this machine reads
 * nothing that is not there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "front/memo.h"
#include "fuzz.h"

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memo memo;
    char *text = malloc(size + 1);
    size_t total = 0;
    if (!text)
        return 0;
    memcpy(text, data, size);
    int result = memo_parse(&memo, text, size);
    free(text); /* what was taken lives by itself */
    MUST(result == 0 || result == -EINVAL);
    if (result == 0) {
        const struct memo_request *r = &memo.request;
        for (size_t i = 0; i < memo.nwords; i++)
            total += strlen(memo.words[i]);
        for (size_t i = 0; i < memo.nvariables; i++)
            total += strlen(memo.variables[i].name) +
                     (memo.variables[i].value ? strlen(memo.variables[i].value) : 0);
        for (size_t i = 0; i < memo.nfiles; i++)
            MUST(memo.files[i].path[0] == '/');
        for (size_t i = 0; i < memo.nblobs; i++)
            MUST(memo.blobs[i].path[0] == '/');
        if (r->asked) {
            MUST(!strncmp(r->url, "http", 4) && r->accept && r->agent && r->document && r->bundle);
            MUST(strlen(r->digest) == 71 && (!r->token_url || !strncmp(r->token_url, "http", 4)));
            for (size_t i = 0; i < r->nauthorities; i++)
                total += strlen(r->authorities[i]);
        }
        if (memo.run) {
            const struct memo_run *run = memo.run;
            MUST(run->store[0] == '/' && run->id && run->program && run->record && run->spec);
            for (size_t i = 0; i < run->nclaims; i++)
                total += strlen(run->claims[i]);
            for (size_t i = 0; i < run->nentries; i++) {
                MUST(run->entries[i].name[0] != '/' && run->entries[i].mode <= 07777);
                MUST(!run->entries[i].attribute == !run->entries[i].value);
            }
        }
        MUST(memo.run || !memo.open_ended);
        MUST(total + strlen(memo.output) <= size * 4 + 4);
    }
    memo_free(&memo);
    return 0;
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WORDS                                                                                      \
    "\"words\":[\"oci\",\"pull\",\"-q\",\"a/b:1\"],\"environment\":[[\"HOME\",\"/"                 \
    "h\"],[\"X\",null]],"
#define FILES "\"files\":[[\"/a\"],[\"/b\",65024,18446744073709551615,3,-1,1795802871038077244]],"
#define BLOBS "\"blobs\":[[\"/c\",10],[\"/d\",11,4294967295]],"

static const char *const seeds[] = {
    "{\"format\":1,\"openEnded\":false," WORDS FILES BLOBS
    "\"request\":null,\"run\":null,\"output\":\"a\\n\"}",
    "{\"format\":1,\"openEnded\":false," WORDS FILES BLOBS
    "\"request\":{\"url\":\"https://r/v2/b/manifests/1\",\"head\":false,\"accept\":\"x\",\"agent\":"
    "\"e/1\",\"digest\":\"" DIGEST "\",\"document\":\"/d\",\"verify\":true,\"bundle\":\"/ca\","
    "\"authorities\":[\"/x.crt\",\"/y.crt\"],\"tokenUrl\":\"https://t/token?scope=x\","
    "\"tokenVerify\":true},\"run\":null,\"output\":\"a\\n\"}",
    "{\"format\":1,\"openEnded\":true," WORDS FILES BLOBS
    "\"request\":null,\"output\":\"\",\"run\":{\"store\":\"/s\",\"id\":\"0123456789ab\","
    "\"program\":\"/vm\",\"stdin\":true,\"claims\":[\"/s/"
    "t\"],\"entries\":[[\"etc\",448],[\"upper\","
    "493,\"user.x\",\"0:0:0755:dir\"],[\"etc/hosts\",420,\"127.0.0.1 h\\n\"]],\"record\":{\"argv\":"
    "[\"sh\"],\"pid\":1},\"spec\":{\"argv\":[\"sh\"],\"root\":{\"lower\":[\"/l\"]}}}}",
    "{\"format\":1,\"openEnded\":false,\"words\":[],\"environment\":[],\"files\":[],\"blobs\":[],"
    "\"request\":null,\"run\":null,\"output\":\"\"}",
    "{\"format\":2}",
    "[[[[[[[[[[[[[[1]]]]]]]]]]]]]]",
    "{\"format\":1,\"words\":[null],\"words\":{}}",
    "\"\\u0000\"",
};

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    if (index >= sizeof seeds / sizeof seeds[0] || strlen(seeds[index]) > max)
        return 0;
    memcpy(buf, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
