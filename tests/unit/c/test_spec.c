/* The launch spec: what is read, and that whatever is unknown, missing or wrong is refused by name.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "launch/spec.h"

#define BASE                                                                                       \
    "\"version\":1,\"argv\":[\"sh\",\"-c\",\"x\"],\"env\":[\"A=1\",\"B=\"],\"cwd\":\"/w\","        \
    "\"user\":{\"uid\":7,\"gid\":8,\"groups\":[9,10]},\"hostname\":\"h\""
#define ROOT "\"root\":{\"type\":\"plain\",\"path\":\"/r\"}"

static void refuse(const char *text, const char *words)
{
    struct launch_spec spec;
    char err[512] = "";
    int result = spec_parse(&spec, text, strlen(text), err, sizeof err);
    spec_free(&spec);
    if (result == 0 || !strstr(err, words))
        fprintf(stderr, "for %.80s: \"%s\" lacks \"%s\"\n", text, err, words);
    CHECK(result < 0 && strstr(err, words));
}

static void test_good(void)
{
    static const char text[] =
        "{" BASE ",\"root\":{\"type\":\"overlay\",\"lower\":[\"/a\",\"/b\"],\"upper\":\"/"
        "u\",\"work\":\"/k\"},"
        "\"read_only\":true,\"mounts\":[{\"type\":\"proc\",\"target\":\"/"
        "proc\"},{\"type\":\"bind\","
        "\"source\":\"/s\",\"target\":\"/"
        "t\",\"read_only\":true}],\"rlimits\":[{\"type\":\"nofile\",\"soft\":5,"
        "\"hard\":18446744073709551615}],\"strace\":true,\"verbose\":true,\"keep_fds\":[5,6]}\n";
    struct launch_spec spec;
    char err[512] = "";
    CHECK_EQ(spec_parse(&spec, text, sizeof text - 1, err, sizeof err), 0);
    CHECK(!strcmp(spec.argv[1], "-c") && !spec.argv[3] && !strcmp(spec.envp[1], "B=") &&
          !spec.envp[2]);
    CHECK(!spec.fs.root && spec.fs.nlower == 2 && !strcmp(spec.fs.lower[1], "/b") &&
          spec.fs.read_only);
    CHECK(spec.fs.nmounts == 2 && spec.fs.mounts[1].type == FS_BIND && spec.fs.mounts[1].read_only);
    CHECK_EQ(spec.cred.fsuid, 7);
    CHECK_EQ(spec.cred.sgid, 8);
    CHECK_EQ(spec.cred.groups[1], 10);
    CHECK(spec.nrlimits == 1 && spec.rlimits[0].soft == 5 && spec.rlimits[0].hard == UINT64_MAX);
    CHECK(spec.strace && spec.verbose && spec.nkeep_fds == 2 && spec.keep_fds[1] == 6);
    spec_free(&spec);
}

/* An overlay that the host's kernel merges. */
static void test_kernel_overlay(void)
{
#define LAYERS "\"lower\":[\"/a\"],\"upper\":\"/u\",\"work\":\"/k\""
    static const char text[] =
        "{" BASE ",\"root\":{\"type\":\"kernel-overlay\"," LAYERS ",\"volatile\":true}}";
    struct launch_spec spec;
    char err[512] = "";
    CHECK_EQ(spec_parse(&spec, text, sizeof text - 1, err, sizeof err), 0);
    CHECK(spec.fs.host_overlay && spec.fs.host_volatile && spec.fs.nlower == 1);
    spec_free(&spec);
    refuse("{" BASE ",\"root\":{\"type\":\"kernel-overlay\",\"path\":\"/r\"}}",
           "an overlay root has");
    refuse("{" BASE ",\"root\":{\"type\":\"overlay\"," LAYERS ",\"volatile\":true}}",
           "only a kernel-overlay root");
}

/* Paths and arguments are bytes. */
static void test_bytes(void)
{
    static const char text[] = "{" BASE "," ROOT ",\"engine\":\"auto\",\"cache\":\"/\xff\xc3(\"}";
    struct launch_spec spec;
    char err[512] = "";
    CHECK_EQ(spec_parse(&spec, text, sizeof text - 1, err, sizeof err), 0);
    CHECK(!strcmp(spec.cache, "/\xff\xc3("));
    spec_free(&spec);
}

int main(void)
{
    test_good();
    test_bytes();
    test_kernel_overlay();
    refuse("", "not JSON");
    refuse("{", "not JSON");
    refuse("[]", "not an object");
    refuse("{" BASE "," ROOT "} x", "something follows");
    refuse("{" BASE "}", "\"root\" is missing");
    refuse("{" BASE "," ROOT ",\"colour\":1}", "unknown member \"colour\"");
    refuse("{" BASE "," ROOT ",}", "not JSON");
    refuse("{/**/" BASE "," ROOT "}", "not JSON");
    refuse("{\"version\":2}", "version 2");
    refuse("{" BASE ",\"root\":{\"type\":\"plain\"}}", "a plain root has");
    refuse("{" BASE ",\"root\":{\"type\":\"plain\",\"path\":\"r\"}}", "not an absolute path: r");
    refuse("{" BASE ",\"root\":{\"type\":\"cloud\"}}", "unknown root type \"cloud\"");
    refuse("{" BASE "," ROOT ",\"mounts\":[{\"type\":\"bind\",\"target\":\"/t\"}]}",
           "needs \"source\"");
    refuse("{" BASE "," ROOT ",\"mounts\":[{\"type\":\"nfs\",\"target\":\"/t\"}]}",
           "mount type \"nfs\"");
    refuse("{" BASE "," ROOT ",\"rlimits\":[{\"type\":\"x\",\"soft\":1,\"hard\":1}]}",
           "limit \"x\"");
    refuse("{" BASE "," ROOT ",\"rlimits\":[{\"type\":\"as\",\"soft\":2,\"hard\":1}]}",
           "above its hard");
    refuse("{" BASE "," ROOT ",\"keep_fds\":[1]}", "standard stream");
    refuse("{" BASE "," ROOT ",\"keep_fds\":[-1]}", "not a number");
    refuse("{" BASE "," ROOT ",\"keep_fds\":[5.5]}", "not a number");
    refuse("{" BASE "," ROOT ",\"keep_fds\":[99999999999999999999]}", "not a number");
    refuse("{" BASE "," ROOT ",\"strace\":1}", "not true or false");
    refuse("{" BASE "," ROOT ",\"verbose\":\"yes\"}", "not true or false");
    refuse("{\"argv\":[]}", "\"argv\" is empty");
    refuse("{\"env\":[\"=x\"]}", "not KEY=VALUE");
    refuse("{\"env\":[\"x\"]}", "not KEY=VALUE");
    refuse("{\"cwd\":\"/a\\u0000b\"}", "NUL");
    refuse("[[[[[[[[[[[[[[[[[[[[", "nested too deeply");
    char *big = malloc(SPEC_MAX_SIZE + 2);
    memset(big, ' ', SPEC_MAX_SIZE + 1);
    big[SPEC_MAX_SIZE + 1] = '\0';
    refuse(big, "larger than");
    free(big);
    return check_done("spec");
}
