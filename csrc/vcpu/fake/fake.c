/*
 * fake.c - see fake.h.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vcpu/fake/fake.h"

struct protection {
    uint64_t start, end;
    unsigned prot;
};

struct vcpu_vm {
    struct vcpu_vm_config config;
    pthread_mutex_t lock;           /* guards what follows */
    struct protection *protections; /* oldest first */
    size_t count;
};

struct step {
    struct vcpu_exit exit;
    fake_prepare *prepare;
    void *context;
    bool is_svc;
    uint64_t number, args[6];
};

struct vcpu {
    struct vcpu_regs regs;
    struct step *steps;
    size_t count, next;
    atomic_bool interrupted;
};

const char *vcpu_engine_name(const struct vcpu_vm *vm)
{
    (void)vm;
    return "fake";
}

enum vcpu_engine vcpu_engine_auto(const char **why)
{
    *why = "there is no other";
    return VCPU_ENGINE_AUTO;
}

void vcpu_vm_report(struct vcpu_vm *vm)
{
    (void)vm;
}

bool vcpu_vm_cache(struct vcpu_vm *vm, int dir)
{
    (void)vm;
    (void)dir;
    return false;
}

void vcpu_vm_program(struct vcpu_vm *vm, uint64_t entry)
{
    (void)vm;
    (void)entry;
}

bool vcpu_vm_to_keep(struct vcpu_vm *vm)
{
    (void)vm;
    return false;
}

void vcpu_vm_keep(struct vcpu_vm *vm, bool last)
{
    (void)vm;
    (void)last;
}

void vcpu_vm_fork(struct vcpu_vm *vm, enum vcpu_fork when)
{
    if (when == VCPU_FORK_PREPARE)
        pthread_mutex_lock(&vm->lock);
    else
        pthread_mutex_unlock(&vm->lock);
}

struct vcpu_vm *vcpu_vm_create(const struct vcpu_vm_config *config)
{
    struct vcpu_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->config = *config;
    pthread_mutex_init(&vm->lock, NULL);
    return vm;
}

void vcpu_vm_destroy(struct vcpu_vm *vm)
{
    if (!vm)
        return;
    pthread_mutex_destroy(&vm->lock);
    free(vm->protections);
    free(vm);
}

int vcpu_vm_protect(struct vcpu_vm *vm, uint64_t addr, uint64_t len, unsigned prot)
{
    pthread_mutex_lock(&vm->lock);
    struct protection *grown = realloc(vm->protections, (vm->count + 1) * sizeof *grown);
    if (grown) {
        vm->protections = grown;
        grown[vm->count++] = (struct protection){addr, addr + len, prot};
    }
    pthread_mutex_unlock(&vm->lock);
    return grown ? 0 : -12;
}

unsigned fake_prot(const struct vcpu_vm *vm, uint64_t addr)
{
    unsigned prot = 0;
    for (size_t i = 0; i < vm->count; i++) {
        if (addr >= vm->protections[i].start && addr < vm->protections[i].end)
            prot = vm->protections[i].prot;
    }
    return prot;
}

void vcpu_vm_code_changed(struct vcpu_vm *vm, uint64_t addr, uint64_t len)
{
    (void)vm;
    (void)addr;
    (void)len;
}

struct vcpu *vcpu_create(struct vcpu_vm *vm)
{
    (void)vm;
    return calloc(1, sizeof(struct vcpu));
}

void vcpu_destroy(struct vcpu *vcpu)
{
    if (!vcpu)
        return;
    free(vcpu->steps);
    free(vcpu);
}

struct vcpu_regs *vcpu_regs(struct vcpu *vcpu)
{
    return &vcpu->regs;
}

static int push(struct vcpu *vcpu, const struct step *step)
{
    struct step *grown = realloc(vcpu->steps, (vcpu->count + 1) * sizeof *grown);
    if (!grown)
        return -12;
    vcpu->steps = grown;
    grown[vcpu->count++] = *step;
    return 0;
}

int fake_push(struct vcpu *vcpu, const struct vcpu_exit *exit, fake_prepare *prepare, void *context)
{
    return push(vcpu, &(struct step){.exit = *exit, .prepare = prepare, .context = context});
}

int fake_push_svc(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    struct step step = {.exit = {.reason = VCPU_EXIT_SVC}, .is_svc = true, .number = number};
    memcpy(step.args, args, sizeof step.args);
    return push(vcpu, &step);
}

size_t fake_left(const struct vcpu *vcpu)
{
    return vcpu->count - vcpu->next;
}

void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    if (atomic_exchange(&vcpu->interrupted, false)) {
        *exit = (struct vcpu_exit){.reason = VCPU_EXIT_INTERRUPT};
        return;
    }
    if (vcpu->next == vcpu->count) {
        *exit = (struct vcpu_exit){.reason = VCPU_EXIT_BRK, .imm = FAKE_SCRIPT_END};
        return;
    }
    const struct step *step = &vcpu->steps[vcpu->next++];
    if (step->is_svc) {
        memcpy(vcpu->regs.x, step->args, sizeof step->args);
        vcpu->regs.x[8] = step->number;
        vcpu->regs.pc += 4;
    }
    if (step->prepare)
        step->prepare(&vcpu->regs, step->context);
    *exit = step->exit;
}

void vcpu_interrupt(struct vcpu *vcpu)
{
    atomic_store(&vcpu->interrupted, true);
}

bool vcpu_host_fault(struct vcpu *vcpu, uintptr_t host_addr, enum vcpu_access access,
                     enum vcpu_fault_cause cause, void *host_context)
{
    (void)vcpu;
    (void)host_addr;
    (void)access;
    (void)cause;
    (void)host_context;
    return false;
}
