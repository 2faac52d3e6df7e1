// Weights of four bits from the words of a checkpoint into panels: eight whole numbers to a word of
// 32 bits, in one of three orders, become words of a panel in registers, with their scales and zero
// points behind them. Nothing is rounded but scales of other types than halves.

#pragma once

#include "pack.h"
#include "quantized.h"

// Neighbouring panels and inputs of a work item, and the inputs that its panels take by turns: a
// line of memory that holds numbers of several panels is used up while it is near.
enum { STRIP_PANELS = 8, STRIP_INPUTS = 1024, TURN_INPUTS = 128 };

ALWAYS_INLINE uint32_t load_word(const char *from, int64_t index) {
    uint32_t word;
    memcpy(&word, from + 4 * index, sizeof word);
    return word;
}

// Where an output of eight is kept in a word of outputs: the places are in the order 0, 2, 4, 6, 1,
// 3, 5, 7.
ALWAYS_INLINE int64_t output_place(int64_t output) { return output / 2 + output % 2 * 4; }

// Eight neighbouring inputs, the first in the lowest bits, as a panel has them: the first four in
// the low halves of the bytes, the others in the high ones.
ALWAYS_INLINE words panel_words(words x) {
    words low = x & 0xFFFFu, high = x >> 16;
    low = (low | low << 8) & 0x00FF00FFu;
    high = (high | high << 8) & 0x00FF00FFu;
    low = (low | low << 4) & 0x0F0F0F0Fu;
    high = (high | high << 4) & 0x0F0F0F0Fu;
    return low | high << 4;
}

// Where an input of eight begins in a word of a panel.
ALWAYS_INLINE int panel_shift(int input) { return input < 4 ? 8 * input : 8 * input - 28; }

// One whole number.
ALWAYS_INLINE uint32_t saved_number(const tern_pack_words_args *a, int64_t row, int64_t input) {
    const int64_t eights = a->stored_inputs / 8, word = input / 8, shift = 4 * (input % 8);
    if (a->order == TERN_WORDS_OF_ROWS)
        return load_word(a->numbers, row * eights + word) >> shift & 15;
    if (a->order == TERN_WORDS_OF_COLUMNS)
        return load_word(a->numbers, word * a->outputs + row) >> shift & 15;
    return load_word(a->numbers, input * (a->outputs / 8) + row / 8) >> 4 * output_place(row % 8)
        & 15;
}

// Sixteen outputs from one on, a multiple of 8, of eight inputs: words of outputs.
ALWAYS_INLINE words gather_outputs(
    const tern_pack_words_args *a, int64_t row, int64_t first) {
    const words shifts = {0, 16, 4, 20, 8, 24, 12, 28, 0, 16, 4, 20, 8, 24, 12, 28};
    const int64_t eights = a->outputs / 8;
    words line = {0};
    UNROLL for (int i = 0; i < 8; i++) {
        const int64_t at = (first + i) * eights + row / 8;
        const uint32_t b = load_word(a->numbers, at), c = load_word(a->numbers, at + 1);
        const words both = {b, b, b, b, b, b, b, b, c, c, c, c, c, c, c, c};
        line |= (both >> shifts & 15) << panel_shift(i);
    }
    return line;
}

// Inputs [first, end) of a full panel whose outputs begin with a word's first, multiples of 8.
ALWAYS_INLINE void lay_full(
    const tern_pack_words_args *a, int64_t row, char *panel, int64_t first, int64_t end) {
    const int64_t row_bytes = a->stored_inputs / 2;
    int64_t k = first;
    if (a->order == TERN_WORDS_OF_ROWS) {
        const char *from = a->numbers + row * row_bytes;
        for (; k + 128 <= end; k += 128)
            turn_lines(from + k / 2, row_bytes, panel + k * 8, TERN_FLOAT32);
        // What is less than a line of each row.
        for (int64_t rest = k; rest < end; rest += 8)
            for (int64_t lane = 0; lane < 16; lane++)
                memcpy(panel + rest * 8 + lane * 4, from + lane * row_bytes + rest / 2, 4);
    }
    for (k = first; k < end; k += 8) {
        words line;
        if (a->order == TERN_WORDS_OF_OUTPUTS) {
            line = gather_outputs(a, row, k);
        } else {
            const char *from = a->order == TERN_WORDS_OF_ROWS
                ? panel + k * 8
                : a->numbers + (k / 8 * a->outputs + row) * 4;
            line = panel_words((words)load16(from));
        }
        memcpy(panel + k * 8, &line, sizeof line);
    }
}

// As lay_full, of any rows.
static void lay_some(
    const tern_pack_words_args *a, tern_panel_rows rows, char *panel, int64_t first, int64_t end) {
    for (int64_t k = first; k < end; k += 8)
        for (int64_t lane = 0; lane < rows.count; lane++) {
            uint32_t word = 0;
            for (int i = 0; i < 8; i++)
                word |= saved_number(a, rows.first + lane, k + i) << panel_shift(i);
            memcpy(panel + k * 8 + lane * 4, &word, sizeof word);
        }
}

// The scale and zero point of a group of each row.
static void lay_quantization(
    const tern_pack_words_args *a, tern_panel_rows rows, char *panel, int64_t group) {
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    const int by_rows = a->order == TERN_WORDS_OF_ROWS;
    char *scales = panel + word_bytes(a->stored_inputs, TERN_GROUPED_INT4);
    for (int64_t lane = 0; lane < rows.count; lane++) {
        const int64_t row = rows.first + lane;
        const int64_t at = by_rows ? row * groups + group : group * a->outputs + row;
        const uint16_t half = float_half(
            load_element(a->scales + at * type_bytes(a->scale_type), a->scale_type));
        memcpy(scales + (group * 16 + lane) * 2, &half, sizeof half);
        uint32_t zero = 8;
        if (a->zeros) {
            const int64_t word = by_rows ? row / 8 * groups + group
                                         : group * (a->outputs / 8) + row / 8;
            const int64_t place =
                a->order == TERN_WORDS_OF_OUTPUTS ? output_place(row % 8) : row % 8;
            zero = (load_word(a->zeros, word) >> 4 * place & 15) + (uint32_t)a->zero_offset;
        }
        scales[groups * 32 + group * 16 + lane] = (char)zero;
    }
}

// Inputs [first, end) of one panel, and what its groups begin with there.
static void lay_panel(
    const tern_pack_words_args *a, tern_panel_rows rows, int64_t first, int64_t end) {
    char *panel = a->weight + rows.panel * a->panel_bytes;
    const int whole_words = a->order != TERN_WORDS_OF_OUTPUTS || rows.first % 8 == 0;
    if (rows.count == 16 && whole_words)
        lay_full(a, rows.first, panel, first, end);
    else
        lay_some(a, rows, panel, first, end);
    // Several views may share a group: the first of them writes what belongs to all.
    for (int64_t group = quotient_up(first, a->group); group * a->group < end; group++)
        lay_quantization(a, rows, panel, group);
}

static void pack_words(void *arguments, tern_share share) {
    tern_pack_words_args *a = arguments;
    const int64_t strips = quotient_up(a->panels, STRIP_PANELS);
    const int64_t view_end = a->first_input + a->inputs;
    const int64_t items = strips * quotient_up(a->inputs, STRIP_INPUTS);
    for (claims work = claims_of(share, items); claim(&work);) {
        const int64_t item = work.item;
        const int64_t panel = item % strips * STRIP_PANELS;
        const int64_t last = least(panel + STRIP_PANELS, a->panels);
        const int64_t begin = a->first_input + item / strips * STRIP_INPUTS;
        const int64_t end = least(begin + STRIP_INPUTS, view_end);
        for (int64_t k = begin; k < end; k += TURN_INPUTS)
            for (int64_t p = panel; p < last; p++)
                lay_panel(a, a->rows[p], k, least(k + TURN_INPUTS, end));
    }
}
