// The shapes of tiles for 32 registers of 16 lanes.

#pragma once

// Up to 24 sums in registers. Few rows read four panels at once, for as many streams of memory:
// with eight, a row of int4 takes 1.09 times as long, and took more where panels lay a power of two
// apart (60 % of the read limit, with four 90 %).
#define TILE_ROWS 12
#define TILE_SUMS 24
#define TILE_PANELS {0, 4, 4, 4, 4, 4, 4, 3, 3, 2, 2, 2, 2}
#define FOR_EACH_TILE(DO) \
    DO(1, 4) DO(2, 4) DO(3, 4) DO(4, 4) DO(5, 4) DO(6, 4) DO(7, 3) DO(8, 3) DO(9, 2) DO(10, 2) \
    DO(11, 2) DO(12, 2)
#define FOR_EACH_ATTEND(DO) DO(1, 8) DO(2, 8) DO(4, 4) DO(8, 2) DO(12, 2)
