// The tables of all instruction sets, for dispatch.c.

#pragma once

#include "tern_kernels.h"

#if defined(__x86_64__)
extern const tern_kernels tern_kernels_avx512;
extern const tern_kernels tern_kernels_avx2;
#endif
extern const tern_kernels tern_kernels_portable;
