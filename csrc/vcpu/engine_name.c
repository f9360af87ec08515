/*
 * engine_name.c - engines by name, apart from them, for who only reads a launch spec.
 */
#include <string.h>

#include "vcpu/vcpu.h"

bool vcpu_engine_parse(const char *name, enum vcpu_engine *engine)
{
    static const char *const names[] = {"auto", "interp", "jit"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(name, names[i])) {
            *engine = (enum vcpu_engine)i;
            return true;
        }
    }
    return false;
}
