#include "layer/tar_field.h"

#include <string.h>

/* Some old writers summed signed chars; readers accept both (Go's archive/tar, GNU tar). */
bool tar_checksum_ok(const struct tar_header *h)
{
    const unsigned char *bytes = (const unsigned char *)h;
    int32_t sum = 0, high = 0;
    int64_t want;

    /* No condition on the place: the compiler makes vectors of this. */
    for (size_t i = 0; i < sizeof(*h); i++) {
        sum += bytes[i];
        high += bytes[i] >> 7;
    }
    for (size_t i = 0; i < sizeof(h->checksum); i++) {
        unsigned char byte = (unsigned char)h->checksum[i];

        sum += ' ' - byte;
        high -= byte >> 7;
    }
    return tar_number(h->checksum, sizeof(h->checksum), &want) &&
           (want == sum || want == sum - 256 * high);
}

/* GNU base-256: the first bit says so, the rest is big-endian two's complement. */
static bool base256(const unsigned char *field, size_t len, int64_t *value)
{
    bool negative = field[0] & 0x40;
    uint64_t result = negative ? ~(uint64_t)0 : 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = field[i];

        if (i == 0)
            byte = negative ? byte | 0x80 : byte & 0x7f;
        if (result >> 55 !=
            (negative ? 0x1ff : 0)) /* the next shift would lose a bit or the sign */
            return false;
        result = result << 8 | byte;
    }
    *value = (int64_t)result;
    return true;
}

bool tar_number(const char *field, size_t len, int64_t *value)
{
    uint64_t result = 0;
    size_t i = 0, end = len;

    if ((unsigned char)field[0] & 0x80)
        return base256((const unsigned char *)field, len, value);
    while (i < end && (field[i] == ' ' || field[i] == 0))
        i++;
    while (end > i && (field[end - 1] == ' ' || field[end - 1] == 0))
        end--;
    for (; i < end; i++) {
        /* Old writers put junk after the terminator; it ends the number. */
        if (field[i] == 0)
            break;
        if (field[i] < '0' || field[i] > '7')
            return false;
        result = result << 3 | (uint64_t)(field[i] - '0'); /* at most 12 digits: 36 bits */
    }
    *value = (int64_t)result;
    return true;
}

void tar_string(const char *field, size_t len, char *buf)
{
    size_t n = strnlen(field, len);

    memcpy(buf, field, n);
    buf[n] = 0;
}
