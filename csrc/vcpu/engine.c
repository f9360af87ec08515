/*
 * engine.c - which engine runs a guest.
 */
#include <stdlib.h>
#include <string.h>

#include "vcpu/interp/interp_core.h"
#include "vcpu/jit/jit.h"

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

enum vcpu_engine vcpu_engine_auto(const char **why)
{
    enum vcpu_engine engine;
    const char *name = getenv("ELFUSE_ENGINE");
    if (name && vcpu_engine_parse(name, &engine) && engine != VCPU_ENGINE_AUTO) {
        *why = "ELFUSE_ENGINE asks for it";
        return engine;
    }
    *why = "the default";
    return VCPU_ENGINE_INTERP;
}

struct vcpu_vm *vcpu_vm_create(const struct vcpu_vm_config *config)
{
    const char *why;
    enum vcpu_engine engine = config->engine;
    if (engine == VCPU_ENGINE_AUTO)
        engine = vcpu_engine_auto(&why);
    if (engine == VCPU_ENGINE_INTERP)
        return interp_vm_create(config, NULL);
    const struct translator *translator = jit_translator();
    return translator ? interp_vm_create(config, translator) : NULL;
}
