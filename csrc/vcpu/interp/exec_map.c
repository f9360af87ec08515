/*
 * exec_map.c - the executable guest ranges, a sorted array: a process has some dozens, and only
 * mmap-like calls change it.
 */
#include <stdlib.h>

#include "vcpu/interp/interp_core.h"

/* The first range that ends after addr. */
static size_t range_after(const struct vcpu_vm *vm, uint64_t addr)
{
    size_t low = 0, high = vm->exec_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (vm->exec[mid].end > addr)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const struct exec_range *exec_map_at(const struct vcpu_vm *vm, uint64_t addr)
{
    size_t i = range_after(vm, addr);
    return i < vm->exec_count && vm->exec[i].start <= addr ? &vm->exec[i] : NULL;
}

bool exec_map_meets(const struct vcpu_vm *vm, uint64_t start, uint64_t end)
{
    size_t i = range_after(vm, start);
    return i < vm->exec_count && vm->exec[i].start < end;
}

static int reserve(struct vcpu_vm *vm, size_t count)
{
    if (count <= vm->exec_room)
        return 0;
    size_t room = count * 2;
    struct exec_range *ranges = realloc(vm->exec, room * sizeof *ranges);
    if (!ranges)
        return -12;
    vm->exec = ranges;
    vm->exec_room = room;
    return 0;
}

/* Replace count ranges at index by the ones in with. */
static void splice(struct vcpu_vm *vm, size_t index, size_t count, const struct exec_range *with,
                   size_t with_count)
{
    memmove(vm->exec + index + with_count, vm->exec + index + count,
            (vm->exec_count - index - count) * sizeof *vm->exec);
    memcpy(vm->exec + index, with, with_count * sizeof *with);
    vm->exec_count = vm->exec_count - count + with_count;
}

int exec_map_set(struct vcpu_vm *vm, uint64_t start, uint64_t end, unsigned prot)
{
    if (start >= end)
        return 0;
    /* What takes the place of all that meets or touches [start, end): a range before, the new one,
     * a range behind. */
    if (reserve(vm, vm->exec_count + 2))
        return -12;
    size_t first = range_after(vm, start);
    if (first > 0 && vm->exec[first - 1].end == start)
        first--;
    size_t last = first;
    while (last < vm->exec_count && vm->exec[last].start <= end)
        last++;
    struct exec_range with[3], made = {start, end, (prot & VCPU_PROT_FILE) != 0}, tail = {0};
    bool executable = prot & VCPU_PROT_EXEC;
    size_t n = 0;
    for (size_t i = first; i < last; i++) {
        struct exec_range r = vm->exec[i];
        if (executable && r.file == made.file) {
            made.start = r.start < made.start ? r.start : made.start;
            made.end = r.end > made.end ? r.end : made.end;
            continue;
        }
        if (r.start < start)
            with[n++] = (struct exec_range){r.start, r.end < start ? r.end : start, r.file};
        if (r.end > end)
            tail = (struct exec_range){r.start > end ? r.start : end, r.end, r.file};
    }
    if (executable)
        with[n++] = made;
    if (tail.end)
        with[n++] = tail;
    splice(vm, first, last - first, with, n);
    return 0;
}
