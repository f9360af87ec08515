/*
 * emitters.c - which emitter translates which row of the instruction table.
 */
#include "vcpu/jit/emit_fp.h"
#include "vcpu/jit/emit_int.h"
#include "vcpu/jit/emit_ldst.h"
#include "vcpu/jit/emit_simd.h"
#include "vcpu/jit/emit_sys.h"

#define ROW(name, emit) [A64_##name] = (emit),
jit_emit *const jit_emitters[A64_COUNT + 1] = {EMIT_ROWS_SYS(ROW) EMIT_ROWS_INT(ROW) EMIT_ROWS_LDST(
    ROW) EMIT_ROWS_FP(ROW) EMIT_ROWS_SIMD(ROW)};
