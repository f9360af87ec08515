/*
 * fuzz.h - a fuzz target: one file fuzz_NAME.c with these two functions.
 *
 * Linked with replay.c it is a program that runs the seeds and a number of mutations of them, the
 * same ones each time (`make check-sanitize`, `make test`); linked with clang's -fsanitize=fuzzer
 * it is a libFuzzer
 * (`make fuzz`). A target aborts where something is wrong, and keeps no state from one input to the
 * next.
 */
#ifndef ELFUSE_FUZZ_H
#define ELFUSE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed number `index`, at most max bytes: its size, 0 when there are no more. */
size_t fuzz_seed(unsigned index, uint8_t *buf, size_t max);

#endif
