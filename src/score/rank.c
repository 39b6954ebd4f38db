/* Ranks of a million numbers: radix, not comparisons.
 *
 * A double's bits, with the sign folded in, order as unsigned integers. An item is a word of 64
 * bits: as many of the bits in which the values differ as fit above the item's place. Passes of
 * eight bits sort by the upper half; the few items that agree there are put in order by their
 * words, and where not all bits fit, by their values. Ranks go back to their places by way of
 * blocks that fit the nearest cache: scattering them over the whole array costs more than the sort.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "score/sort.h"

enum {
    DIGITS = 256,
    PASSES = 4,
    SHORT_RUN = 24,
    BLOCK_BITS = 12, /* places in a block: 16 KiB of ranks */
    HUGE_PAGE = 2 << 20
};

static uint64_t key_of(double value) {
    uint64_t bits;
    value += 0.0; /* -0 and 0 are one value */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (-(bits >> 63) | UINT64_C(1) << 63);
}

typedef struct ranking {
    const double *values;
    uint64_t *items, *spare;
    size_t n;
    int place_bits;
    bool cut; /* not all bits of the values fit */
} ranking;

static uint64_t whole_key(const ranking *r, uint64_t item) {
    return key_of(r->values[item & ((UINT64_C(1) << r->place_bits) - 1)]);
}

static void swap_items(ranking *r) {
    uint64_t *items = r->items;
    r->items = r->spare;
    r->spare = items;
}

static void sort_items(ranking *r) {
    uint32_t count[PASSES][DIGITS] = {{0}};
    for (size_t i = 0; i < r->n; i++) {
        uint64_t key = r->items[i] >> 32;
        for (int p = 0; p < PASSES; p++) count[p][key >> (8 * p) & (DIGITS - 1)]++;
    }
    for (int p = 0; p < PASSES; p++) {
        int shift = 32 + 8 * p;
        uint32_t sum = 0;
        if (count[p][r->items[0] >> shift & (DIGITS - 1)] == r->n) continue; /* one digit only */
        for (int d = 0; d < DIGITS; d++) {
            uint32_t here = count[p][d];
            count[p][d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < r->n; i++)
            r->spare[count[p][r->items[i] >> shift & (DIGITS - 1)]++] = r->items[i];
        swap_items(r);
    }
}

static int by_word(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Orders items [from, to), which agree in their upper halves. */
static void sort_words(uint64_t *items, size_t from, size_t to) {
    size_t sorted = from + 1; /* ties are, by their places */
    while (sorted < to && items[sorted - 1] < items[sorted]) sorted++;
    if (sorted == to) return;
    if (to - from > SHORT_RUN) {
        qsort(items + from, to - from, sizeof *items, by_word);
        return;
    }
    for (size_t i = from + 1; i < to; i++) {
        uint64_t item = items[i];
        size_t k = i;
        for (; k > from && items[k - 1] > item; k--) items[k] = items[k - 1];
        items[k] = item;
    }
}

typedef struct keyed {
    uint64_t key, item;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Orders items [from, to), of which all bits that fit agree, by their values. */
static bool sort_values(ranking *r, size_t from, size_t to) {
    uint64_t *items = r->items, first = whole_key(r, items[from]);
    size_t same = from + 1;
    while (same < to && whole_key(r, items[same]) == first) same++;
    if (same == to) return true;
    keyed *run = base_alloc((to - from) * sizeof *run);
    if (!run) return false;
    for (size_t i = from; i < to; i++) run[i - from] = (keyed){whole_key(r, items[i]), items[i]};
    qsort(run, to - from, sizeof *run, by_key);
    for (size_t i = from; i < to; i++) items[i] = run[i - from].item;
    base_free(run);
    return true;
}

/* Items [from, end) agree in all bits that fit; those that are equal share a mean rank. */
static bool number_ties(ranking *r, size_t from, size_t end, uint64_t place) {
    if (r->cut && end - from > 1 && !sort_values(r, from, end)) return false;
    for (size_t i = from; i < end;) {
        size_t j = r->cut ? i + 1 : end;
        if (j < end)
            for (uint64_t key = whole_key(r, r->items[i]);
                 j < end && whole_key(r, r->items[j]) == key;)
                j++;
        uint64_t twice = i + j + 1;
        for (; i < j; i++) r->items[i] = twice << 32 | (r->items[i] & place);
    }
    return true;
}

/* Sorted items become twice the mean rank (upper half) and the place. */
static bool number_ranks(ranking *r) {
    uint64_t place = (UINT64_C(1) << r->place_bits) - 1, *items = r->items;
    for (size_t i = 0; i < r->n;) {
        uint64_t upper = items[i] >> 32;
        size_t end = i + 1;
        if (end == r->n || items[end] >> 32 != upper) { /* nearly all */
            uint64_t twice = 2 * (uint64_t)end;
            items[i] = twice << 32 | (items[i] & place);
            i = end;
            continue;
        }
        while (end < r->n && items[end] >> 32 == upper) end++;
        sort_words(items, i, end);
        while (i < end) {
            size_t j = i + 1;
            while (j < end && (items[j] ^ items[i]) <= place) j++;
            if (!number_ties(r, i, j, place)) return false;
            i = j;
        }
    }
    return true;
}

/* rank[place] is twice the mean rank of each value. */
static bool rank_items(ranking *r, uint32_t *rank, uint32_t *start) {
    double low = r->values[0], high = low;
    uint64_t first = key_of(low), differ = 0;
    for (size_t i = 1; i < r->n; i++) {
        low = r->values[i] < low ? r->values[i] : low;
        high = r->values[i] > high ? r->values[i] : high;
    }
    for (size_t i = 1; i < r->n; i++) differ |= key_of(r->values[i]) ^ first;
    /* Trailing bits that all values share (whole numbers, float32) carry nothing. */
    uint64_t least = key_of(low), span = key_of(high) - least;
    int trailing = differ ? __builtin_ctzll(differ) : 0;
    int bits = span ? 64 - __builtin_clzll(span) : 0, room = 64 - r->place_bits;
    r->cut = bits - trailing > room;
    int down = r->cut ? bits - room : bits > room ? trailing : 0;
    int up = room - (bits - down); /* the highest bit on top, so that the upper half tells most */
    for (size_t i = 0; i < r->n; i++)
        r->items[i] = bits ? (key_of(r->values[i]) - least) >> down << up << r->place_bits | i : i;
    sort_items(r);
    if (!number_ranks(r)) return false;
    /* A block holds as many items as places, so where each begins is known. */
    size_t blocks = (r->n >> BLOCK_BITS) + 1;
    for (size_t b = 0; b < blocks; b++) start[b] = (uint32_t)(b << BLOCK_BITS);
    for (size_t i = 0; i < r->n; i++)
        r->spare[start[(uint32_t)r->items[i] >> BLOCK_BITS]++] = r->items[i];
    for (size_t i = 0; i < r->n; i++) rank[(uint32_t)r->spare[i]] = (uint32_t)(r->spare[i] >> 32);
    return true;
}

affect_status score_ranks(affect_context *ctx, const double *values, size_t n, uint32_t *rank) {
    if (!n) return AFFECT_OK;
    if (n >= INT32_MAX)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "ranks of %zu numbers: fewer than 2^31", n);
    /* One piece of huge pages: the passes write to hundreds of places in turn. */
    size_t blocks = (n >> BLOCK_BITS) + 1;
    size_t bytes = 2 * n * sizeof(uint64_t) + blocks * sizeof(uint32_t);
    uint64_t *memory = base_alloc_aligned(bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes);
    if (!memory) return base_fail_memory(ctx);
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE) (void)madvise(memory, bytes, MADV_HUGEPAGE); /* only advice */
#endif
    ranking r = {.values = values,
                 .items = memory,
                 .spare = memory + n,
                 .n = n,
                 .place_bits = score_bits(n)};
    bool good = rank_items(&r, rank, (uint32_t *)(memory + 2 * n));
    base_free(memory);
    return good ? AFFECT_OK : base_fail_memory(ctx);
}
