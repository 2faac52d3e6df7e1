// All kernels, compiled for the instruction set that the including file has chosen, and their
// table.

#include "linear.h"
#include "attend_items.h"
#include "rows.h"
#include "moves.h"
#include "experts.h"
#include "draws.h"
#include "pack.h"
#include "pack_quantized.h"
#include "pack_words.h"
#include "embed.h"
#include "store.h"
#include "probe.h"

#ifndef TERN_LINEAR
#define TERN_HAS_TILES 0
#define TERN_LINEAR linear
#define TERN_QUANTIZE_INPUT quantize_input
#define TERN_ROUND_INPUT round_input
#define TERN_ROW_BYTES input_row_bytes
#endif
#include "kernel_table.h"
