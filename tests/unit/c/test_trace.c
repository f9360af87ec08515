/* The words of --strace: each type of the table is known, strings and flags are written as strace
 * writes them. */
#include <string.h>

#include "check.h"
#include "linux/strace.h"
#include "linux/trace/args.h"

static void test_types(void)
{
    for (uint64_t nr = 0; nr < syscall_table_size(); nr++) {
        const struct syscall_row *row = syscall_row(nr);
        const char *at = row ? row->signature : "";
        while (*at) {
            char type[32];
            size_t len = strcspn(at, " ");
            CHECK(len < sizeof(type));
            memcpy(type, at, len);
            type[len] = '\0';
            if (!args_known(type))
                fprintf(stderr, "%s: no type %s\n", row->name, type);
            CHECK(args_known(type));
            at += strcspn(at, ",");
            at += strspn(at, ", ");
        }
    }
    CHECK(!args_known("nonsense"));
}

static void quoted(const char *bytes, size_t len, bool more, const char *expected)
{
    struct trace_text t = {0};
    text_quoted(&t, bytes, len, more);
    CHECK(!strcmp(t.text, expected));
}

static void test_strings(void)
{
    quoted("a\"b\\", 4, false, "\"a\\\"b\\\\\"");
    quoted("\n\t\r\v\f\a", 6, false, "\"\\n\\t\\r\\v\\f\\7\"");
    quoted("\0001\1a\1779\377", 7, true, "\"\\0001\\1a\\1779\\377\"...");
    quoted("\0", 1, false, "\"\\0\"");
}

static void named(const char *type, uint64_t value, const char *expected)
{
    struct trace_text t = {0};
    names_put_type(&t, type, value);
    CHECK(!strcmp(t.text, expected));
}

static void test_names(void)
{
    named("prot", 0, "PROT_NONE");
    named("prot", 5, "PROT_READ|PROT_EXEC");
    named("prot", 0x40000001, "PROT_READ|0x40000000");
    named("atflags", 0, "0");
    named("atflags", 0x10, "0x10 /* AT_??? */");
    named("oflags", 04010000, "O_SYNC");
    named("oflags", 020040000, "O_TMPFILE");
    named("madvice", 4, "MADV_DONTNEED");
    named("madvice", 77, "0x4d /* MADV_??? */");
    named("sicode", (uint32_t)-1, "SI_QUEUE");
    named("cloneflags", 0x200000100, "CLONE_VM|CLONE_INTO_CGROUP");
}

static void sigset(uint64_t set, const char *expected)
{
    struct trace_text t = {0};
    names_put_sigset(&t, set);
    CHECK(!strcmp(t.text, expected));
}

static void test_sigsets(void)
{
    sigset(0, "[]");
    sigset(~0ull, "~[]");
    sigset(1ull << 1 | 1ull << 31 | 1ull << 33, "[INT RTMIN RT_2]");
    sigset(~(1ull << 8), "~[KILL]");
}

static void test_long_lines(void)
{
    struct trace_text t = {0};
    for (int i = 0; i < TRACE_TEXT_SIZE; i++)
        text_put(&t, "ab");
    CHECK_EQ(t.len, TRACE_TEXT_SIZE - 1);
    CHECK(!strcmp(t.text + t.len - 5, "ab..."));
}

int main(void)
{
    test_types();
    test_strings();
    test_names();
    test_sigsets();
    test_long_lines();
    return check_done("trace");
}
