/* regex.c - a backtracking matcher of regular expressions (literals, . [a-z] [^..] ( ) | * + ?),
 * compiled to a small program: SIZE passes over a made-up log. */
#include "bench.h"

enum kind { CHAR, ANY, CLASS, SPLIT, JUMP, MATCH };
struct step {
    enum kind kind;
    unsigned char c;
    int next, other; /* JUMP, SPLIT: next is tried first */
    uint32_t set[8];
};

struct pattern {
    struct step steps[128];
    int count;
    const char *at;
};

static int add(struct pattern *p, enum kind kind)
{
    p->steps[p->count] = (struct step){.kind = kind};
    return p->count++;
}

/* Make room for one step before `from`; jumps behind it move along. */
static void insert(struct pattern *p, int from, struct step step)
{
    memmove(p->steps + from + 1, p->steps + from, (size_t)(p->count - from) * sizeof(step));
    p->steps[from] = step;
    p->count++;
    for (int i = from + 1; i < p->count; i++) {
        if (p->steps[i].kind == JUMP || p->steps[i].kind == SPLIT) {
            p->steps[i].next += p->steps[i].next >= from;
            p->steps[i].other += p->steps[i].other >= from;
        }
    }
}

static void alternatives(struct pattern *p);

static void set_of(struct pattern *p, struct step *step)
{
    int negative = *p->at == '^';
    p->at += negative;
    for (; *p->at != ']'; p->at++) {
        int low = (unsigned char)*p->at, high = low;
        if (p->at[1] == '-') {
            high = (unsigned char)p->at[2];
            p->at += 2;
        }
        for (int c = low; c <= high; c++)
            step->set[c >> 5] |= 1u << (c & 31);
    }
    p->at++;
    for (int i = 0; negative && i < 8; i++)
        step->set[i] = ~step->set[i];
}

static void atom(struct pattern *p)
{
    char c = *p->at++;
    if (c == '(') {
        alternatives(p);
        p->at++;
    } else if (c == '[') {
        set_of(p, &p->steps[add(p, CLASS)]);
    } else if (c == '.') {
        add(p, ANY);
    } else {
        p->steps[add(p, CHAR)].c = (unsigned char)c;
    }
}

static void sequence(struct pattern *p)
{
    while (*p->at && *p->at != '|' && *p->at != ')') {
        int from = p->count;
        atom(p);
        char c = *p->at;
        if (c == '*' || c == '?') {
            insert(p, from, (struct step){.kind = SPLIT, .next = from + 1});
            if (c == '*')
                p->steps[add(p, JUMP)].next = from;
            p->steps[from].other = p->count;
            p->at++;
        } else if (c == '+') {
            int split = add(p, SPLIT);
            p->steps[split].next = from;
            p->steps[split].other = p->count;
            p->at++;
        }
    }
}

static void alternatives(struct pattern *p)
{
    int from = p->count;
    sequence(p);
    while (*p->at == '|') {
        p->at++;
        insert(p, from, (struct step){.kind = SPLIT, .next = from + 1});
        int jump = add(p, JUMP);
        p->steps[from].other = p->count;
        alternatives(p);
        p->steps[jump].next = p->count;
    }
}

static const char *match(const struct step *steps, int at, const char *text)
{
    for (;;) {
        const struct step *step = steps + at;
        unsigned char c = (unsigned char)*text;
        switch (step->kind) {
        case CHAR:
            if (c != step->c)
                return NULL;
            text++, at++;
            break;
        case ANY:
            if (c == 0)
                return NULL;
            text++, at++;
            break;
        case CLASS:
            if (c == 0 || !(step->set[c >> 5] >> (c & 31) & 1))
                return NULL;
            text++, at++;
            break;
        case JUMP: at = step->next; break;
        case SPLIT: {
            const char *end = match(steps, step->next, text);
            if (end)
                return end;
            at = step->other;
            break;
        }
        case MATCH: return text;
        }
    }
}

#define LINES 400
static char lines[LINES][128];

static void make_log(void)
{
    static const char *const paths[] = {"/index.html", "/img/logo.png", "/api/v2/items", "/login"};
    uint64_t state = 11;
    for (int i = 0; i < LINES; i++) {
        uint64_t r = bench_random(&state);
        snprintf(lines[i], sizeof(lines[i]),
                 "10.%u.%u.7 - user%u [%02u:%02u:%02u] \"GET %s?id=%u HTTP/1.1\" %u %u",
                 (unsigned)(r & 255), (unsigned)(r >> 8 & 255), (unsigned)(r >> 16 & 15),
                 (unsigned)(r >> 20) % 24, (unsigned)(r >> 28) % 60, (unsigned)(r >> 36) % 60,
                 paths[r >> 44 & 3], (unsigned)(r >> 50), r >> 62 ? 200 : 404,
                 (unsigned)(r >> 30 & 0xffff));
    }
}

int main(int argc, char **argv)
{
    static const char *const patterns[] = {
        "(GET|POST) [^ ]*[.](png|gif|html)",
        "[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+",
        "user(1|2|3)+ .*HTTP/1[.][01]. 4[0-9][0-9]",
        "(a|b|i)*(mg|pi)/.*id=[0-9]*7 ",
    };
    long rounds = bench_size(argc, argv, 45);
    uint64_t sum = 0;
    make_log();
    double start = bench_now();
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
            static struct pattern p;
            p.count = 0;
            p.at = patterns[i];
            alternatives(&p);
            add(&p, MATCH);
            for (int line = 0; line < LINES; line++) {
                for (const char *text = lines[line]; *text; text++) {
                    const char *end = match(p.steps, 0, text);
                    if (end) {
                        sum = sum * 31 + (uint64_t)(text - lines[line]) * 128 +
                              (uint64_t)(end - text);
                        text = end - (end > text);
                    }
                }
            }
        }
    }
    return bench_done(sum, start);
}
