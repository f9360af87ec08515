/* main.c - elfuse-vm: a launch spec in, a guest out. This process becomes the guest. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "host/io.h"
#include "host/log.h"
#include "host/system.h"
#include "launch/launch.h"
#include "launch/startup_trace.h"
#include "linux/process/task.h"
#include "vcpu/vcpu.h"

#ifndef ELFUSE_VERSION
#define ELFUSE_VERSION "0.1.0"
#endif

static const char usage[] =
    "usage: elfuse-vm (--spec-fd N | --spec FILE)\n"
    "       elfuse-vm --version | --engine | --help\n"
    "\n"
    "Runs a linux/arm64 program as a launch spec (JSON) says; see docs/launch-spec.md.\n"
    "It is started by `elfuse run` and `elfuse oci run`.\n";

static char *read_all(int fd, size_t *len)
{
    size_t size = 0, capacity = 64u << 10;
    char *text = malloc(capacity);
    while (text && size <= SPEC_MAX_SIZE) {
        int64_t n = host_read(fd, text + size, capacity - size);
        if (n < 0) {
            host_log("cannot read the launch spec (error %d)", (int)-n);
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        size += (size_t)n;
        if (size == capacity) {
            char *more = realloc(text, capacity *= 2);
            if (!more)
                free(text);
            text = more;
        }
    }
    if (!text)
        host_log("out of memory");
    *len = size;
    return text;
}

static int run(int spec_fd)
{
    struct launch_spec spec;
    struct task *task;
    char err[512] = "";
    size_t len;
    char *text = read_all(spec_fd, &len);
    host_fd_close(spec_fd);
    if (!text)
        return EXIT_ELFUSE_FAILED;
    int result = launch_standard_streams();
    if (result) {
        host_log("cannot open /dev/null (error %d)", -result);
        free(text);
        return EXIT_ELFUSE_FAILED;
    }
    startup_trace_step("descriptors");
    result = spec_parse(&spec, text, len, err, sizeof err);
    free(text);
    startup_trace_step("spec");
    if (result == 0)
        result = launch_setup(&spec, &task, err, sizeof err);
    if (result) {
        host_log("%s", err);
        return EXIT_ELFUSE_FAILED;
    }
    startup_trace_step("first thread");
    result = launch_program(task, &spec);
    if (result)
        return result;
    spec_free(&spec);
    startup_trace_step("program");
    startup_trace_end();
    task_run(task);
}

static int number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *text == '\0' || *end != '\0' || n < 0 || n > INT_MAX ? -1 : (int)n;
}

static int start(const char *option, const char *value)
{
    startup_trace_begin();
    bool is_file = !strcmp(option, "--spec");
    int fd = is_file ? host_open_path(value, LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0) : number(value);
    if (fd < 0) {
        if (is_file)
            host_log("%s: cannot open the launch spec", value);
        else
            host_log("--spec-fd %s: not a descriptor number", value);
        return EXIT_ELFUSE_FAILED;
    }
    int err = host_drop_capabilities();
    if (err) {
        host_log("cannot give up capabilities (error %d)", -err);
        return EXIT_ELFUSE_FAILED;
    }
    return run(fd);
}

int main(int argc, char **argv)
{
    if (argc == 3 && (!strcmp(argv[1], "--spec-fd") || !strcmp(argv[1], "--spec")))
        return start(argv[1], argv[2]);
    if (argc == 2 && !strcmp(argv[1], "--version")) {
        printf("elfuse-vm %s\n", ELFUSE_VERSION);
        return 0;
    }
    if (argc == 2 && !strcmp(argv[1], "--engine")) {
        const char *why;
        enum vcpu_engine engine = vcpu_engine_auto(&why);
        printf("%s: %s\n", engine == VCPU_ENGINE_JIT ? "jit" : "interp", why);
        return 0;
    }
    bool help = argc == 2 && !strcmp(argv[1], "--help");
    fputs(usage, help ? stdout : stderr);
    return help ? 0 : EXIT_ELFUSE_FAILED;
}
