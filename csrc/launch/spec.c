/*
 * spec.c - reading the launch spec. Members are tables of name and reader, so that an unknown one
 * and one that is missing are noticed in one place.
 */
#include "launch/spec.h"

#include <json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/abi/sched.h"

struct reader {
    struct launch_spec *spec;
    char *err;
    size_t err_size;
    struct fs_mount_spec *mount; /* being read */
    const char *mount_type, *root_type;
    struct spec_rlimit *rlimit;
    uint64_t version;
};

struct member {
    const char *name;
    int (*read)(struct reader *r, json_object *value, const char *name);
    bool required;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->err, r->err_size, format, ap);
    va_end(ap);
    return -LINUX_EINVAL;
}

static int read_object(struct reader *r, json_object *object, const char *what,
                       const struct member *members, size_t count)
{
    uint32_t seen = 0;
    if (!json_object_is_type(object, json_type_object))
        return fail(r, "launch spec: %s is not an object", what);
    json_object_object_foreach(object, key, item)
    {
        size_t i = 0;
        while (i < count && strcmp(members[i].name, key))
            i++;
        if (i == count)
            return fail(r, "launch spec: unknown member \"%.60s\" in %s", key, what);
        seen |= 1u << i;
        int err = members[i].read(r, item, members[i].name);
        if (err)
            return err;
    }
    for (size_t i = 0; i < count; i++) {
        if (members[i].required && !(seen & 1u << i))
            return fail(r, "launch spec: member \"%s\" is missing in %s", members[i].name, what);
    }
    return 0;
}
#define READ_OBJECT(r, object, what, members)                                                      \
    read_object(r, object, what, members, sizeof(members) / sizeof((members)[0]))

static int get_string(struct reader *r, json_object *v, const char *name, const char **out)
{
    if (!json_object_is_type(v, json_type_string))
        return fail(r, "launch spec: \"%s\" is not a string", name);
    *out = json_object_get_string(v);
    if (strlen(*out) != (size_t)json_object_get_string_len(v))
        return fail(r, "launch spec: \"%s\" has a NUL in it", name);
    return 0;
}

static int get_absolute(struct reader *r, json_object *v, const char *name, const char **out)
{
    int err = get_string(r, v, name, out);
    if (err == 0 && **out != '/')
        err = fail(r, "launch spec: \"%s\" is not an absolute path: %.200s", name, *out);
    return err;
}

static int get_number(struct reader *r, json_object *v, const char *name, uint64_t max,
                      uint64_t *out)
{
    if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
        json_object_get_uint64(v) > max)
        return fail(r, "launch spec: \"%s\" is not a number from 0 to %llu", name,
                    (unsigned long long)max);
    *out = json_object_get_uint64(v);
    return 0;
}

static int get_bool(struct reader *r, json_object *v, const char *name, bool *out)
{
    if (!json_object_is_type(v, json_type_boolean))
        return fail(r, "launch spec: \"%s\" is not true or false", name);
    *out = json_object_get_boolean(v);
    return 0;
}

static int check_array(struct reader *r, json_object *v, const char *name)
{
    return json_object_is_type(v, json_type_array)
               ? 0
               : fail(r, "launch spec: \"%s\" is not an array", name);
}

/* An array of strings as a vector that ends with NULL. */
static int get_strings(struct reader *r, json_object *v, const char *name, const char ***out,
                       size_t *count)
{
    int err = check_array(r, v, name);
    if (err)
        return err;
    const char **list = calloc(json_object_array_length(v) + 1, sizeof *list);
    if (!list)
        return fail(r, "out of memory");
    *out = list;
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        err = get_string(r, json_object_array_get_idx(v, i), name, list);
        if (err)
            return err;
        list++;
    }
    if (count)
        *count = (size_t)(list - *out);
    return 0;
}

/* ---- root ---- */

static int root_type(struct reader *r, json_object *v, const char *name)
{
    return get_string(r, v, name, &r->root_type);
}
static int root_path(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->spec->fs.root);
}
static int root_lower(struct reader *r, json_object *v, const char *name)
{
    int err = get_strings(r, v, name, &r->spec->lower, &r->spec->fs.nlower);
    r->spec->fs.lower = r->spec->lower;
    for (size_t i = 0; err == 0 && i < r->spec->fs.nlower; i++) {
        if (r->spec->lower[i][0] != '/')
            err = fail(r, "launch spec: \"lower\" is not an absolute path: %.200s",
                       r->spec->lower[i]);
    }
    return err;
}
static int root_upper(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->spec->fs.upper);
}
static int root_work(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->spec->fs.work);
}
static int root_volatile(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->spec->fs.host_volatile);
}

static const struct member root_members[] = {
    {"type", root_type, true},    {"path", root_path, false}, {"lower", root_lower, false},
    {"upper", root_upper, false}, {"work", root_work, false}, {"volatile", root_volatile, false},
};

static int read_root(struct reader *r, json_object *v, const char *name)
{
    int err = READ_OBJECT(r, v, name, root_members);
    if (err)
        return err;
    struct fs_context_spec *fs = &r->spec->fs;
    fs->host_overlay = !strcmp(r->root_type, "kernel-overlay");
    if (fs->host_volatile && !fs->host_overlay)
        return fail(r, "launch spec: only a kernel-overlay root has \"volatile\"");
    if (!strcmp(r->root_type, "plain")) {
        if (!fs->root || fs->lower || fs->upper || fs->work)
            return fail(r, "launch spec: a plain root has \"path\" and nothing else");
    } else if (fs->host_overlay || !strcmp(r->root_type, "overlay")) {
        if (fs->root || !fs->nlower || !fs->upper || !fs->work)
            return fail(r, "launch spec: an overlay root has \"lower\", \"upper\" and \"work\"");
    } else {
        return fail(r, "launch spec: unknown root type \"%.60s\"", r->root_type);
    }
    return 0;
}

/* ---- mounts ---- */

static int mount_type(struct reader *r, json_object *v, const char *name)
{
    return get_string(r, v, name, &r->mount_type);
}
static int mount_target(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->mount->target);
}
static int mount_source(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->mount->source);
}
static int mount_read_only(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->mount->read_only);
}

static const struct member mount_members[] = {
    {"type", mount_type, true},
    {"target", mount_target, true},
    {"source", mount_source, false},
    {"read_only", mount_read_only, false},
};

static int read_mount(struct reader *r, json_object *v)
{
    static const struct {
        const char *name;
        enum fs_mount_type type;
        bool source;
    } types[] = {{"proc", FS_PROC, false},
                 {"dev", FS_DEV, false},
                 {"sys", FS_SYS, false},
                 {"bind", FS_BIND, true},
                 {"tmpfs", FS_TMPFS, true}};
    int err = READ_OBJECT(r, v, "a mount", mount_members);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, r->mount_type))
            continue;
        r->mount->type = types[i].type;
        if (types[i].source != (r->mount->source != NULL))
            return fail(r, "launch spec: a mount of type %s %s \"source\"", types[i].name,
                        types[i].source ? "needs" : "has no");
        return 0;
    }
    return fail(r, "launch spec: unknown mount type \"%.60s\"", r->mount_type);
}

static int read_mounts(struct reader *r, json_object *v, const char *name)
{
    int err = check_array(r, v, name);
    if (err)
        return err;
    r->spec->mounts = calloc(json_object_array_length(v) + 1, sizeof *r->spec->mounts);
    if (!r->spec->mounts)
        return fail(r, "out of memory");
    r->spec->fs.mounts = r->spec->mounts;
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        r->mount = &r->spec->mounts[r->spec->fs.nmounts++];
        err = read_mount(r, json_object_array_get_idx(v, i));
        if (err)
            return err;
    }
    return 0;
}

/* ---- user ---- */

static int read_id(struct reader *r, json_object *v, const char *name, uint32_t *out)
{
    uint64_t id = 0;
    int err = get_number(r, v, name, UINT32_MAX - 1, &id);
    if (err == 0)
        *out = (uint32_t)id;
    return err;
}
static int user_uid(struct reader *r, json_object *v, const char *name)
{
    struct cred *c = &r->spec->cred;
    int err = read_id(r, v, name, &c->uid);
    c->euid = c->suid = c->fsuid = c->uid;
    return err;
}
static int user_gid(struct reader *r, json_object *v, const char *name)
{
    struct cred *c = &r->spec->cred;
    int err = read_id(r, v, name, &c->gid);
    c->egid = c->sgid = c->fsgid = c->gid;
    return err;
}
static int user_groups(struct reader *r, json_object *v, const char *name)
{
    struct cred *c = &r->spec->cred;
    int err = check_array(r, v, name);
    if (err)
        return err;
    if (json_object_array_length(v) > LINUX_NGROUPS_KEPT)
        return fail(r, "launch spec: more than %d groups", LINUX_NGROUPS_KEPT);
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        err = read_id(r, json_object_array_get_idx(v, i), name, &c->groups[c->ngroups++]);
        if (err)
            return err;
    }
    return 0;
}

static const struct member user_members[] = {
    {"uid", user_uid, true}, {"gid", user_gid, true}, {"groups", user_groups, false}};

static int read_user(struct reader *r, json_object *v, const char *name)
{
    return READ_OBJECT(r, v, name, user_members);
}

/* ---- rlimits ---- */

static const char *const rlimit_names[LINUX_RLIM_NLIMITS] = {
    [LINUX_RLIMIT_CPU] = "cpu",           [LINUX_RLIMIT_FSIZE] = "fsize",
    [LINUX_RLIMIT_DATA] = "data",         [LINUX_RLIMIT_STACK] = "stack",
    [LINUX_RLIMIT_CORE] = "core",         [LINUX_RLIMIT_RSS] = "rss",
    [LINUX_RLIMIT_NPROC] = "nproc",       [LINUX_RLIMIT_NOFILE] = "nofile",
    [LINUX_RLIMIT_MEMLOCK] = "memlock",   [LINUX_RLIMIT_AS] = "as",
    [LINUX_RLIMIT_LOCKS] = "locks",       [LINUX_RLIMIT_SIGPENDING] = "sigpending",
    [LINUX_RLIMIT_MSGQUEUE] = "msgqueue", [LINUX_RLIMIT_NICE] = "nice",
    [LINUX_RLIMIT_RTPRIO] = "rtprio",     [LINUX_RLIMIT_RTTIME] = "rttime",
};

static int rlimit_type(struct reader *r, json_object *v, const char *name)
{
    const char *type = NULL;
    int err = get_string(r, v, name, &type);
    if (err)
        return err;
    for (int i = 0; i < LINUX_RLIM_NLIMITS; i++) {
        if (!strcmp(type, rlimit_names[i])) {
            r->rlimit->resource = i;
            return 0;
        }
    }
    return fail(r, "launch spec: unknown resource limit \"%.60s\"", type);
}
static int rlimit_soft(struct reader *r, json_object *v, const char *name)
{
    return get_number(r, v, name, UINT64_MAX, &r->rlimit->soft);
}
static int rlimit_hard(struct reader *r, json_object *v, const char *name)
{
    return get_number(r, v, name, UINT64_MAX, &r->rlimit->hard);
}

static const struct member rlimit_members[] = {
    {"type", rlimit_type, true}, {"soft", rlimit_soft, true}, {"hard", rlimit_hard, true}};

static int read_rlimits(struct reader *r, json_object *v, const char *name)
{
    int err = check_array(r, v, name);
    if (err)
        return err;
    r->spec->rlimits = calloc(json_object_array_length(v) + 1, sizeof *r->spec->rlimits);
    if (!r->spec->rlimits)
        return fail(r, "out of memory");
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        r->rlimit = &r->spec->rlimits[r->spec->nrlimits++];
        err = READ_OBJECT(r, json_object_array_get_idx(v, i), "a resource limit", rlimit_members);
        if (err)
            return err;
        if (r->rlimit->soft > r->rlimit->hard)
            return fail(r, "launch spec: a soft resource limit is above its hard limit");
    }
    return 0;
}

/* ---- the document ---- */

static int read_version(struct reader *r, json_object *v, const char *name)
{
    int err = get_number(r, v, name, UINT32_MAX, &r->version);
    if (err == 0 && r->version != 1)
        err =
            fail(r, "launch spec: version %u is not known to this launcher", (unsigned)r->version);
    return err;
}
static int read_read_only(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->spec->fs.read_only);
}
static int read_argv(struct reader *r, json_object *v, const char *name)
{
    size_t count = 0;
    int err = get_strings(r, v, name, &r->spec->argv, &count);
    if (err == 0 && count == 0)
        err = fail(r, "launch spec: \"argv\" is empty");
    return err;
}
static int read_env(struct reader *r, json_object *v, const char *name)
{
    int err = get_strings(r, v, name, &r->spec->envp, NULL);
    for (const char **e = r->spec->envp; err == 0 && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (!equals || equals == *e)
            err = fail(r, "launch spec: \"env\" has an entry that is not KEY=VALUE: %.60s", *e);
    }
    return err;
}
static int read_cwd(struct reader *r, json_object *v, const char *name)
{
    return get_absolute(r, v, name, &r->spec->fs.cwd);
}
static int read_hostname(struct reader *r, json_object *v, const char *name)
{
    int err = get_string(r, v, name, &r->spec->hostname);
    if (err == 0 && strlen(r->spec->hostname) > 64)
        err = fail(r, "launch spec: \"hostname\" has more than 64 bytes");
    return err;
}
static int read_strace(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->spec->strace);
}
static int read_verbose(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->spec->verbose);
}

static int read_init(struct reader *r, json_object *v, const char *name)
{
    return get_bool(r, v, name, &r->spec->init);
}
static int read_engine(struct reader *r, json_object *v, const char *name)
{
    const char *engine = NULL;
    int err = get_string(r, v, name, &engine);
    if (err == 0 && !vcpu_engine_parse(engine, &r->spec->engine))
        err = fail(r, "launch spec: \"engine\" is none of auto, jit, interp");
    return err;
}
static int read_cache(struct reader *r, json_object *v, const char *name)
{
    r->spec->no_cache = json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v);
    return r->spec->no_cache ? 0 : get_absolute(r, v, name, &r->spec->cache);
}
static int read_keep_fds(struct reader *r, json_object *v, const char *name)
{
    int err = check_array(r, v, name);
    if (err)
        return err;
    r->spec->keep_fds = calloc(json_object_array_length(v) + 1, sizeof *r->spec->keep_fds);
    if (!r->spec->keep_fds)
        return fail(r, "out of memory");
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        uint64_t fd = 0;
        err = get_number(r, json_object_array_get_idx(v, i), name, INT32_MAX, &fd);
        if (err)
            return err;
        if (fd < 3)
            return fail(r, "launch spec: \"keep_fds\" names a standard stream");
        r->spec->keep_fds[r->spec->nkeep_fds++] = (int)fd;
    }
    return 0;
}

static const struct member spec_members[] = {
    {"version", read_version, true},
    {"root", read_root, true},
    {"read_only", read_read_only, false},
    {"mounts", read_mounts, false},
    {"argv", read_argv, true},
    {"env", read_env, true},
    {"cwd", read_cwd, true},
    {"user", read_user, true},
    {"hostname", read_hostname, true},
    {"rlimits", read_rlimits, false},
    {"strace", read_strace, false},
    {"verbose", read_verbose, false},
    {"init", read_init, false},
    {"engine", read_engine, false},
    {"cache", read_cache, false},
    {"keep_fds", read_keep_fds, false},
};

static json_object *parse(struct reader *r, struct json_tokener *tokener, const char *text,
                          size_t len)
{
    json_object *document = json_tokener_parse_ex(tokener, text, (int)len);
    size_t end = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) == json_tokener_error_depth)
        fail(r, "launch spec: nested too deeply");
    else if (!document)
        fail(r, "launch spec: not JSON (at byte %zu)", end);
    while (document && end < len && memchr(" \n\r\t", text[end], 4))
        end++;
    if (!document || end == len)
        return document;
    fail(r, "launch spec: something follows the document");
    json_object_put(document);
    return NULL;
}

int spec_parse(struct launch_spec *spec, const char *text, size_t len, char *err, size_t err_size)
{
    struct reader r = {.spec = spec, .err = err, .err_size = err_size};
    memset(spec, 0, sizeof *spec);
    spec->fs.umask = 022;
    if (len > SPEC_MAX_SIZE)
        return fail(&r, "launch spec: larger than %u bytes", SPEC_MAX_SIZE);
    struct json_tokener *tokener = json_tokener_new_ex(SPEC_MAX_NESTING + 1);
    if (!tokener)
        return fail(&r, "out of memory");
    /* Strings may have bytes that are no UTF-8: they are paths, and what a user typed. */
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    spec->document = parse(&r, tokener, text, len);
    json_tokener_free(tokener);
    if (!spec->document)
        return -LINUX_EINVAL;
    return READ_OBJECT(&r, spec->document, "the document", spec_members);
}

void spec_free(struct launch_spec *spec)
{
    json_object_put(spec->document);
    free(spec->argv);
    free(spec->envp);
    free(spec->rlimits);
    free(spec->keep_fds);
    free(spec->mounts);
    free(spec->lower);
    memset(spec, 0, sizeof *spec);
}
