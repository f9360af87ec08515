/*
 * engine.c - which engine runs a guest.
 */
#include <stdlib.h>

#include "vcpu/interp/interp_core.h"
#include "vcpu/jit/jit.h"

enum vcpu_engine vcpu_engine_auto(const char **why)
{
    enum vcpu_engine engine;
    const char *name = getenv("ELFUSE_ENGINE");
    if (name && vcpu_engine_parse(name, &engine) && engine != VCPU_ENGINE_AUTO) {
        *why = "ELFUSE_ENGINE asks for it";
        return engine;
    }
    if (jit_translator()) {
        *why = "this CPU has what the translator needs";
        return VCPU_ENGINE_JIT;
    }
    *why = "the translator needs an x86-64 CPU with AVX";
    return VCPU_ENGINE_INTERP;
}

struct vcpu_vm *vcpu_vm_create(const struct vcpu_vm_config *config)
{
    const char *why;
    enum vcpu_engine engine = config->engine;
    if (engine == VCPU_ENGINE_AUTO)
        engine = vcpu_engine_auto(&why);
    const struct translator *translator = engine == VCPU_ENGINE_JIT ? jit_translator() : NULL;
    struct vcpu_vm *vm = translator ? interp_vm_create(config, translator) : NULL;
    /* A host may refuse memory that can be executed. */
    if (!vm && (engine == VCPU_ENGINE_INTERP || config->engine == VCPU_ENGINE_AUTO))
        vm = interp_vm_create(config, NULL);
    return vm;
}
