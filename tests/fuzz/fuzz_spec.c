/* The launch spec: any bytes are taken or refused with words (host_log() makes them one line), and
 * what is taken is whole. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "launch/spec.h"
#include "linux/abi/errno.h"

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct launch_spec spec;
    char err[256] = "";
    int result = spec_parse(&spec, (const char *)data, size, err, sizeof err);
    MUST(result == 0 || (result == -LINUX_EINVAL && err[0]));
    if (result == 0) {
        MUST(spec.argv && spec.argv[0] && spec.envp && strlen(spec.hostname) <= 64);
        for (const char **p = spec.envp; *p; p++)
            MUST(strchr(*p, '='));
        MUST(spec.cred.ngroups <= LINUX_NGROUPS_KEPT);
    }
    spec_free(&spec);
    return 0;
}

static const char *const seeds[] = {
    "{\"version\":1,\"root\":{\"type\":\"plain\",\"path\":\"/r\"},\"argv\":[\"/bin/"
    "true\"],\"env\":[\"A=b\"],"
    "\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0,\"groups\":[1,2]},\"hostname\":\"h\"}",
    "{\"version\":1,\"root\":{\"type\":\"overlay\",\"lower\":[\"/a\",\"/b\"],\"upper\":\"/"
    "u\",\"work\":\"/w\"},"
    "\"read_only\":true,\"mounts\":[{\"type\":\"proc\",\"target\":\"/"
    "proc\"},{\"type\":\"dev\",\"target\":\"/dev\"},"
    "{\"type\":\"bind\",\"source\":\"/s\",\"target\":\"/"
    "t\",\"read_only\":true},{\"type\":\"tmpfs\",\"target\":"
    "\"/tmp\",\"source\":\"/x\"}],\"argv\":[\"sh\",\"-c\",\"\\u0041\\n\"],\"env\":[\"PATH=/"
    "bin\",\"X=\"],\"cwd\":"
    "\"/"
    "w\",\"user\":{\"uid\":4294967294,\"gid\":7,\"groups\":[]},\"hostname\":\"\",\"rlimits\":[{"
    "\"type\":\"nofile\","
    "\"soft\":1,\"hard\":1048576}],\"strace\":false,\"keep_fds\":[3,9]}",
    "{}",
    "[[[[[[[[[[[[1]]]]]]]]]]]]",
    "{\"version\":1e400,\"root\":null}",
    "{\"version\":1,\"version\":2}",
    "\"\\ud800\\u0000\"",
};

size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max)
{
    if (index >= sizeof seeds / sizeof seeds[0] || strlen(seeds[index]) > max)
        return 0;
    memcpy(buf, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
