/* launch.h - between the launcher's files. Exit statuses are podman's and docker's. */
#ifndef ELFUSE_LAUNCH_H
#define ELFUSE_LAUNCH_H

#include "launch/spec.h"
#include "linux/kernel.h"

#define EXIT_ELFUSE_FAILED 125
#define EXIT_NOT_EXECUTED  126
#define EXIT_NOT_FOUND     127

/* The standard streams that are closed become /dev/null: the next file that is opened would be one
 * of them. 0 or -errno. */
int launch_standard_streams(void);

/* Let the engine keep translated code, unless the spec or the environment (ELFUSE_CACHE_DIR empty)
 * is against it or there is no safe place. */
void launch_cache(const struct launch_spec *spec, struct vcpu_vm *vm);

/* Build everything of the guest but its program, after every descriptor but the standard streams is
 * closed or out of the guest's reach, and our own lines go to a copy of standard error. 0, or
 * -errno with the cause in err. */
int launch_setup(const struct launch_spec *spec, struct task **task, char *err, size_t err_size);

/* Find argv[0] and load it. 0, or the exit status after a line to standard error. */
int launch_program(struct task *task, const struct launch_spec *spec);

#endif
