/* The assignment against all permutations, and its pairs that must not be made. */
#include <math.h>

#include "face/face_private.h"
#include "tests/test.h"

static uint32_t seed = 12345;
static float chance(void) {
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 24);
}

/* The best (most pairs, then least cost) of all ways to give rows from `row` on a free column. */
static void best_of(const float *costs, size_t rows, size_t columns, size_t row, unsigned used,
                    int pairs, double sum, int *most, double *least) {
    if (row == rows) {
        if (pairs > *most || (pairs == *most && sum < *least)) {
            *most = pairs;
            *least = sum;
        }
        return;
    }
    best_of(costs, rows, columns, row + 1, used, pairs, sum, most, least);
    for (size_t c = 0; c < columns; c++)
        if (!(used >> c & 1) && isfinite(costs[row * columns + c]))
            best_of(costs, rows, columns, row + 1, used | 1u << c, pairs + 1,
                    sum + (double)costs[row * columns + c], most, least);
}

static void equals_brute_force(void **state) {
    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        size_t rows = 1 + (size_t)(chance() * 5), columns = 1 + (size_t)(chance() * 5);
        float costs[36];
        for (size_t i = 0; i < rows * columns; i++)
            costs[i] = chance() < 0.25f ? INFINITY : chance();
        int to[6], most = -1, pairs = 0;
        unsigned used = 0;
        double least = 0, sum = 0;
        best_of(costs, rows, columns, 0, 0, 0, 0, &most, &least);
        face_assign_least_cost(costs, rows, columns, to);
        for (size_t r = 0; r < rows; r++) {
            if (to[r] < 0) continue;
            assert_true(isfinite(costs[r * columns + (size_t)to[r]]));
            assert_false(used >> to[r] & 1); /* one column, one row */
            used |= 1u << to[r];
            sum += (double)costs[r * columns + (size_t)to[r]];
            pairs++;
        }
        assert_int_equal(pairs, most);
        assert_true(fabs(sum - least) < 1e-5);
    }
}

static void nothing_is_fine(void **state) {
    (void)state;
    int to[3] = {7, 7, 7};
    face_assign_least_cost(NULL, 3, 0, to);
    assert_int_equal(to[0], -1);
    assert_int_equal(to[2], -1);
    face_assign_least_cost(NULL, 0, 3, to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_brute_force),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests_name("face/assign", tests, NULL, NULL);
}
