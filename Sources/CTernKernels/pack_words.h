// Weights of four bits from the words of a checkpoint into panels: eight whole numbers to a word of
// 32 bits, in one of three orders, become words of a panel in registers, with their scales and zero
// points behind them. Nothing is rounded but scales of other types than halves.

#pragma once

#include "pack.h"
#include "quantized.h"

// Neighbouring panels and inputs of a work item, and the inputs that its panels take by turns: a
// line of memory that holds numbers of several panels is used up while it is near. And how many
// inputs ahead words that lie input by input are sent for.
enum { STRIP_PANELS = 8, STRIP_INPUTS = 1024, TURN_INPUTS = 128, AHEAD_INPUTS = 64 };

// Sends for 64 bytes, which may lie in two lines, into the first cache: they are needed soon. Steps
// are too long, or streams too many, for a processor to look ahead by itself.
ALWAYS_INLINE void fetch_64_bytes(const char *from) {
    __builtin_prefetch(from);
    __builtin_prefetch(from + 63);
}

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

// Number j of each word of line i becomes number i of that word of line j: blocks of half the size
// beside the diagonal change places, three times.
ALWAYS_INLINE void turn_numbers(words *lines) {
#define EXCHANGE_NUMBERS(DISTANCE, LOW) \
    UNROLL for (int i = 0; i < 8; i++) { \
        if (i & DISTANCE) continue; \
        const words upper = lines[i], lower = lines[i + DISTANCE]; \
        lines[i] = (upper & LOW) | (lower & LOW) << 4 * DISTANCE; \
        lines[i + DISTANCE] = (upper >> 4 * DISTANCE & LOW) | (lower & ~LOW); \
    }
    EXCHANGE_NUMBERS(4, 0x0000FFFFu)
    EXCHANGE_NUMBERS(2, 0x00FF00FFu)
    EXCHANGE_NUMBERS(1, 0x0F0F0F0Fu)
#undef EXCHANGE_NUMBERS
}

// Inputs [first, end) of a whole strip, multiples of 8, from words of outputs: those of an input
// for all panels are 64 neighbouring bytes.
static void lay_strip_of_outputs(
    const tern_pack_words_args *a, const tern_panel_rows *strip, int64_t first, int64_t end) {
    const int64_t row_bytes = a->outputs / 2;
    char *panels[STRIP_PANELS];
    for (int p = 0; p < STRIP_PANELS; p++) panels[p] = a->weight + strip[p].panel * a->panel_bytes;
    for (int64_t k = first; k < end; k += 8) {
        const char *from = a->numbers + k * row_bytes + strip->first / 2;
        for (int i = 0; i < 8; i++) fetch_64_bytes(from + (AHEAD_INPUTS + i) * row_bytes);
        words saved[8], lines[8];
        // Inputs in the order in which a panel's word has them.
        UNROLL for (int i = 0; i < 8; i++)
            memcpy(&saved[i], from + (i / 2 + i % 2 * 4) * row_bytes, sizeof saved[i]);
        turn_numbers(saved);
        // Out of the order in which saved words have their outputs.
        UNROLL for (int i = 0; i < 8; i++) lines[i] = saved[output_place(i)];
        // Word 2p + h of line i becomes word 8h + i of line p.
        EXCHANGE_HALVES(lines, 8, 4)
        EXCHANGE_QUARTERS(lines, 8, 2)
        EXCHANGE(lines, 8, 1, (0, 16, 4, 20, 8, 24, 12, 28, 1, 17, 5, 21, 9, 25, 13, 29),
            (2, 18, 6, 22, 10, 26, 14, 30, 3, 19, 7, 23, 11, 27, 15, 31))
        UNROLL for (int p = 0; p < STRIP_PANELS; p++)
            memcpy(panels[p] + k * 8, &lines[p], sizeof lines[p]);
    }
}

// Whether panels of a strip are full, their outputs neighbours that begin with a word's first.
static int is_whole_strip(const tern_panel_rows *strip, int64_t panels) {
    if (panels < STRIP_PANELS || strip->first % 8 != 0) return 0;
    for (int p = 0; p < STRIP_PANELS; p++)
        if (strip[p].count != 16 || strip[p].first != strip->first + 16 * p) return 0;
    return 1;
}

// Inputs [first, end) of a full panel, multiples of 8, from words of inputs that lie row by row.
static void lay_words_of_rows(
    const tern_pack_words_args *a, int64_t row, char *panel, int64_t first, int64_t end) {
    const int64_t row_bytes = a->stored_inputs / 2;
    const char *from = a->numbers + row * row_bytes;
    int64_t k = first;
    for (; k + 128 <= end; k += 128) {
        for (int64_t lane = 0; lane < 16; lane++)
            fetch_64_bytes(from + lane * row_bytes + k / 2 + 64);
        turn_lines(from + k / 2, row_bytes, panel + k * 8, TERN_FLOAT32);
    }
    // What is less than a line of each row.
    for (; k < end; k += 8)
        for (int64_t lane = 0; lane < 16; lane++)
            memcpy(panel + k * 8 + lane * 4, from + lane * row_bytes + k / 2, 4);
    for (k = first; k < end; k += 8) {
        const words line = panel_words((words)load16(panel + k * 8));
        memcpy(panel + k * 8, &line, sizeof line);
    }
}

// The same from words of inputs that lie input by input.
static void lay_words_of_columns(
    const tern_pack_words_args *a, int64_t row, char *panel, int64_t first, int64_t end) {
    const int64_t column_bytes = a->outputs * 4;
    for (int64_t k = first; k < end; k += 8) {
        const char *from = a->numbers + k / 8 * column_bytes + row * 4;
        fetch_64_bytes(from + AHEAD_INPUTS / 8 * column_bytes);
        const words line = panel_words((words)load16(from));
        memcpy(panel + k * 8, &line, sizeof line);
    }
}

// The same from words of outputs, of which the first begins with the panel's first.
static void lay_words_of_outputs(
    const tern_pack_words_args *a, int64_t row, char *panel, int64_t first, int64_t end) {
    for (int64_t k = first; k < end; k += 8) {
        const words line = gather_outputs(a, row, k);
        memcpy(panel + k * 8, &line, sizeof line);
    }
}

// The same from any words, of any rows.
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

// The scales of a group of each row.
static void lay_scales(
    const tern_pack_words_args *a, tern_panel_rows rows, char *scales, int64_t group) {
    const int64_t bytes = type_bytes(a->scale_type);
    if (a->order != TERN_WORDS_OF_ROWS) {
        const char *from = a->scales + (group * a->outputs + rows.first) * bytes;
        convert_chunk(from, a->scale_type, scales, TERN_FLOAT16, rows.count);
        return;
    }
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    for (int64_t lane = 0; lane < rows.count; lane++) {
        const char *from = a->scales + ((rows.first + lane) * groups + group) * bytes;
        convert_chunk(from, a->scale_type, scales + lane * 2, TERN_FLOAT16, 1);
    }
}

// The zero points of a group of each row, a byte each.
static void lay_zeros(
    const tern_pack_words_args *a, tern_panel_rows rows, char *zeros, int64_t group) {
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    for (int64_t lane = 0; lane < rows.count; lane++) {
        const int64_t row = rows.first + lane;
        uint32_t zero = 8;
        if (a->zeros) {
            const int64_t word = a->order == TERN_WORDS_OF_ROWS
                ? row / 8 * groups + group
                : group * (a->outputs / 8) + row / 8;
            const int64_t place =
                a->order == TERN_WORDS_OF_OUTPUTS ? output_place(row % 8) : row % 8;
            zero = (load_word(a->zeros, word) >> 4 * place & 15) + (uint32_t)a->zero_offset;
        }
        zeros[lane] = (char)zero;
    }
}

// Inputs [first, end) of one panel.
static void lay_panel(
    const tern_pack_words_args *a, tern_panel_rows rows, int64_t first, int64_t end) {
    char *panel = a->weight + rows.panel * a->panel_bytes;
    if (rows.count < 16 || (a->order == TERN_WORDS_OF_OUTPUTS && rows.first % 8 != 0))
        lay_some(a, rows, panel, first, end);
    else if (a->order == TERN_WORDS_OF_ROWS)
        lay_words_of_rows(a, rows.first, panel, first, end);
    else if (a->order == TERN_WORDS_OF_COLUMNS)
        lay_words_of_columns(a, rows.first, panel, first, end);
    else
        lay_words_of_outputs(a, rows.first, panel, first, end);
}

// Inputs [first, end) of the panels of a strip, and what their groups begin with there.
static void lay_turn(
    const tern_pack_words_args *a, const tern_panel_rows *strip, int64_t panels, int64_t first,
    int64_t end) {
    if (a->order == TERN_WORDS_OF_OUTPUTS && is_whole_strip(strip, panels))
        lay_strip_of_outputs(a, strip, first, end);
    else
        for (int64_t p = 0; p < panels; p++) lay_panel(a, strip[p], first, end);
    const int64_t groups = quotient_up(a->stored_inputs, a->group);
    // Several views may share a group: the first of them writes what belongs to all.
    for (int64_t group = quotient_up(first, a->group); group * a->group < end; group++)
        for (int64_t p = 0; p < panels; p++) {
            char *scales = a->weight + strip[p].panel * a->panel_bytes
                + word_bytes(a->stored_inputs, TERN_GROUPED_INT4);
            lay_scales(a, strip[p], scales + group * 32, group);
            lay_zeros(a, strip[p], scales + groups * 32 + group * 16, group);
        }
}

static void pack_words(void *arguments, tern_share share) {
    tern_pack_words_args *a = arguments;
    const int64_t strips = quotient_up(a->panels, STRIP_PANELS);
    const int64_t view_end = a->first_input + a->inputs;
    const int64_t items = strips * quotient_up(a->inputs, STRIP_INPUTS);
    for (claims work = claims_of(share, items); claim(&work);) {
        const int64_t item = work.item;
        const int64_t panel = item % strips * STRIP_PANELS;
        const int64_t panels = least(STRIP_PANELS, a->panels - panel);
        const int64_t begin = a->first_input + item / strips * STRIP_INPUTS;
        const int64_t end = least(begin + STRIP_INPUTS, view_end);
        for (int64_t k = begin; k < end; k += TURN_INPUTS)
            lay_turn(a, a->rows + panel, panels, k, least(k + TURN_INPUTS, end));
    }
}
