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

bool exec_map_has(const struct vcpu_vm *vm, uint64_t addr)
{
    size_t i = range_after(vm, addr);
    return i < vm->exec_count && vm->exec[i].start <= addr;
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

int exec_map_set(struct vcpu_vm *vm, uint64_t start, uint64_t end, bool executable)
{
    if (start >= end)
        return 0;
    /* Cutting a hole makes at most one range more. */
    if (reserve(vm, vm->exec_count + 1))
        return -12;
    size_t first = range_after(vm, start);
    if (executable && first > 0 && vm->exec[first - 1].end == start)
        first--;
    size_t last = first;
    while (last < vm->exec_count &&
           (vm->exec[last].start < end || (executable && vm->exec[last].start == end)))
        last++;
    struct exec_range with[2];
    size_t n = 0;
    if (executable) {
        with[0] = (struct exec_range){start, end};
        if (last > first) {
            if (vm->exec[first].start < start)
                with[0].start = vm->exec[first].start;
            if (vm->exec[last - 1].end > end)
                with[0].end = vm->exec[last - 1].end;
        }
        n = 1;
    } else if (last > first) {
        if (vm->exec[first].start < start)
            with[n++] = (struct exec_range){vm->exec[first].start, start};
        if (vm->exec[last - 1].end > end)
            with[n++] = (struct exec_range){end, vm->exec[last - 1].end};
    }
    splice(vm, first, last - first, with, n);
    return 0;
}
