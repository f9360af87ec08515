/* Instruction words: each is decoded to a row that it matches, or to none, and printed in any room.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vcpu/a64/a64.h"

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static void one_word(uint32_t word, uint64_t pc, size_t room)
{
    enum a64_id id = a64_decode(word);
    const struct a64_row *row = a64_row(id);
    MUST((row == NULL) == (id == A64_INVALID));
    if (row)
        MUST((word & row->mask) == row->value);
    char *text = malloc(room ? room : 1), whole[256];
    int n = a64_disasm(whole, sizeof whole, word, pc);
    MUST(n > 0 && (size_t)n < sizeof whole && strlen(whole) == (size_t)n);
    for (int i = 0; i < n; i++)
        MUST(whole[i] == '\t' || (whole[i] >= ' ' && whole[i] < 0x7f));
    MUST(a64_disasm(text, room, word, pc) == n); /* as snprintf: the same length, cut off */
    if (room)
        MUST(!strncmp(text, whole, room - 1) && strlen(text) < room);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t word;
        memcpy(&word, data + at, sizeof word);
        one_word(word, word % 3 ? 0x400000 + at : 0xfffffffffffffffcull, word % 41);
    }
    return 0;
}

/* Each row of the table with its free bits at random, 64 rows a seed. */
size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    size_t n = 0;
    for (unsigned i = index * 64; i < index * 64 + 64 && n + 12 <= max; i++) {
        const struct a64_row *row = a64_row((enum a64_id)i);
        if (row == NULL)
            continue;
        for (uint32_t k = 1; k <= 3; k++, n += 4) {
            uint32_t word = row->value | (~row->mask & (i * 0x9e3779b9u + k * 0x85ebca6bu));
            memcpy(buf + n, &word, sizeof word);
        }
    }
    return n;
}
