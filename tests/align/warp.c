/* The warping tools against definitions written out plainly. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "affect/align.h"

static uint64_t state = 11;
static double uniform(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

enum { MOST = 400 };
static double a[MOST * 3], b[MOST * 3];

static double cost(size_t i, size_t j, size_t d) {
    double sum = 0;
    for (size_t c = 0; c < d; c++) sum += pow(a[i * d + c] - b[j * d + c], 2);
    return sum;
}

/* Without a band, the whole matrix; within one, only cells near the diagonal. */
static double plain_dtw(size_t n, size_t m, size_t d, double band) {
    static double sum[MOST][MOST];
    size_t radius = band > 0 ? (size_t)ceil(band * (double)BASE_MAX(n, m)) : BASE_MAX(n, m);
    radius = BASE_MAX(radius, m / n + 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            size_t centre =
                n > 1 ? (size_t)((double)i * (double)(m - 1) / (double)(n - 1) + 0.5) : j;
            double best = i || j ? INFINITY : 0;
            if (i && j) best = fmin(best, sum[i - 1][j - 1]);
            if (i) best = fmin(best, sum[i - 1][j]);
            if (j) best = fmin(best, sum[i][j - 1]);
            bool inside = j <= centre + radius && j + radius >= centre;
            sum[i][j] = inside ? best + cost(i, j, d) : INFINITY;
        }
    return sum[n - 1][m - 1];
}

static void fill(size_t n, size_t m, size_t d) {
    for (size_t k = 0; k < n * d; k++) a[k] = normal();
    for (size_t k = 0; k < m * d; k++) b[k] = normal();
}

/* Breaks when the band, the recomputed parts or the walk back are wrong. */
static void dtw_is_the_plain_one(void **unused) {
    (void)unused;
    const size_t sizes[][3] = {{1, 1, 1},   {1, 9, 2},   {9, 1, 1},     {2, 3, 1},     {50, 50, 1},
                               {60, 17, 3}, {17, 60, 2}, {200, 190, 1}, {399, 400, 1}, {3, 350, 1}};
    const double bands[] = {0, 1, 0.3, 0.05};
    static affect_align_pair path[2 * MOST];
    for (size_t s = 0; s < BASE_COUNT(sizes); s++)
        for (size_t k = 0; k < BASE_COUNT(bands); k++) {
            size_t n = sizes[s][0], m = sizes[s][1], d = sizes[s][2], length;
            fill(n, m, d);
            double want = plain_dtw(n, m, d, bands[k]), only, got, along = 0;
            assert_int_equal(affect_align_dtw(NULL, a, n, b, m, d, bands[k], &only, NULL, NULL),
                             AFFECT_OK);
            assert_int_equal(affect_align_dtw(NULL, a, n, b, m, d, bands[k], &got, path, &length),
                             AFFECT_OK);
            assert_near(only, want, 1e-9 * want);
            assert_near(got, want, 1e-9 * want);
            assert_true(length >= BASE_MAX(n, m) && length <= n + m - 1);
            assert_true(path[0].i == 0 && path[0].j == 0);
            assert_true(path[length - 1].i == n - 1 && path[length - 1].j == m - 1);
            for (size_t p = 0; p < length; p++) {
                along += cost(path[p].i, path[p].j, d);
                if (!p) continue;
                size_t di = path[p].i - path[p - 1].i, dj = path[p].j - path[p - 1].j;
                assert_true(di <= 1 && dj <= 1 && di + dj >= 1);
            }
            assert_near(along, want, 1e-9 * want);
        }
}

static double plain_soft(size_t n, size_t m, size_t d, double gamma) {
    static double sum[MOST][MOST];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            double from[3] = {i && j ? sum[i - 1][j - 1] : INFINITY, i ? sum[i - 1][j] : INFINITY,
                              j ? sum[i][j - 1] : INFINITY};
            if (!i && !j) from[0] = 0;
            double total = 0, least = fmin(from[0], fmin(from[1], from[2]));
            for (int k = 0; k < 3; k++) total += exp(-(from[k] - least) / gamma);
            sum[i][j] = cost(i, j, d) + least - gamma * log(total);
        }
    return sum[n - 1][m - 1];
}

/* Breaks when the soft minimum or its backward recursion is wrong: value against the definition,
 * every gradient against central differences. */
static void soft_dtw_has_the_right_gradients(void **unused) {
    (void)unused;
    const size_t n = 13, m = 9, d = 2;
    const double gammas[] = {0.05, 1, 20};
    for (size_t g = 0; g < BASE_COUNT(gammas); g++) {
        fill(n, m, d);
        double value, ga[26], gb[18], step = 1e-6;
        assert_int_equal(affect_align_soft_dtw(NULL, a, n, b, m, d, gammas[g], &value, ga, gb),
                         AFFECT_OK);
        assert_near(value, plain_soft(n, m, d, gammas[g]), 1e-9 * (1 + fabs(value)));
        for (size_t side = 0; side < 2; side++)
            for (size_t k = 0; k < (side ? m : n) * d; k++) {
                double *x = (side ? b : a) + k, kept = *x, up, down;
                *x = kept + step;
                assert_int_equal(
                    affect_align_soft_dtw(NULL, a, n, b, m, d, gammas[g], &up, NULL, NULL),
                    AFFECT_OK);
                *x = kept - step;
                assert_int_equal(
                    affect_align_soft_dtw(NULL, a, n, b, m, d, gammas[g], &down, NULL, NULL),
                    AFFECT_OK);
                *x = kept;
                assert_near((side ? gb : ga)[k], (up - down) / (2 * step), 1e-5);
            }
        double same, other;
        assert_int_equal(affect_align_soft_dtw_divergence(NULL, a, n, a, n, d, gammas[g], &same),
                         AFFECT_OK);
        assert_int_equal(affect_align_soft_dtw_divergence(NULL, a, n, b, m, d, gammas[g], &other),
                         AFFECT_OK);
        assert_near(same, 0, 1e-9);
        assert_true(other > 0);
    }
}

/* Breaks when the barycentre does not fall in inertia or leaves the series it is the mean of. */
static void the_barycentre_undoes_warping(void **unused) {
    (void)unused;
    enum { N = 120, COUNT = 8 };
    static double series[COUNT][N], mean[N];
    const double *pointers[COUNT];
    size_t lengths[COUNT];
    for (size_t k = 0; k < COUNT; k++) { /* one bump each, up to a quarter of the length apart */
        double at = 45 + 30 * uniform();
        for (size_t t = 0; t < N; t++) series[k][t] = exp(-pow(((double)t - at) / 8, 2));
        pointers[k] = series[k];
        lengths[k] = N;
    }
    double inertia_first, inertia, highest = 0, plain = 0;
    memset(mean, 0, sizeof mean);
    for (size_t k = 0; k < COUNT; k++)
        for (size_t t = 0; t < N; t++) mean[t] += series[k][t] / COUNT;
    for (size_t t = 0; t < N; t++) plain = fmax(plain, mean[t]);
    assert_int_equal(affect_align_barycentre(NULL, pointers, lengths, COUNT, 1, NULL, 0, 0, mean, N,
                                             &inertia_first),
                     AFFECT_OK);
    assert_int_equal(
        affect_align_barycentre(NULL, pointers, lengths, COUNT, 1, NULL, 0, 30, mean, N, &inertia),
        AFFECT_OK);
    for (size_t t = 0; t < N; t++) highest = fmax(highest, mean[t]);
    assert_true(inertia < 0.2 * inertia_first);
    assert_true(plain < 0.8 && highest > 0.9);
    /* Weight on one series alone gives that series back. */
    double weights[COUNT] = {0, 0, 1};
    memcpy(mean, series[2], sizeof mean);
    assert_int_equal(affect_align_barycentre(NULL, pointers, lengths, COUNT, 1, weights, 0, 10,
                                             mean, N, &inertia),
                     AFFECT_OK);
    assert_near(inertia, 0, 1e-12);
}

/* Breaks when canonical directions or the alternation are wrong: two views of one curve, warped in
 * time and mixed with noise channels. */
static void ctw_finds_the_shared_curve(void **unused) {
    (void)unused;
    enum { N = 200, M = 160 };
    static double x[N * 3], y[M * 2];
    static affect_align_pair path[N + M];
    for (size_t t = 0; t < N; t++) {
        double u = (double)t / (N - 1), z = sin(9 * u) + u;
        x[3 * t] = 2 * z + 0.5 * normal();
        x[3 * t + 1] = normal();
        x[3 * t + 2] = -z + 0.5 * normal();
    }
    for (size_t t = 0; t < M; t++) {
        double u = (double)t / (M - 1), v = pow(u, 1.3), z = sin(9 * v) + v;
        y[2 * t] = 0.3 * normal();
        y[2 * t + 1] = -3 * z + 0.5 * normal();
    }
    double pa[3], pb[2], r;
    size_t length;
    assert_int_equal(
        affect_align_ctw(NULL, x, N, 3, y, M, 2, 1, 0.3, 0.01, pa, pb, path, &length, &r),
        AFFECT_OK);
    assert_true(r > 0.95);
    double off = 0;
    for (size_t k = 0; k < length; k++) {
        double u = (double)path[k].i / (N - 1), v = pow((double)path[k].j / (M - 1), 1.3);
        off += fabs(u - v) / (double)length;
    }
    if (off > 0.03) fail_msg("the path is off by %.3f of the length", off);
    assert_true(fabs(pa[1]) < 0.3 * fabs(pa[0]) && pa[0] * pa[2] < 0 && pa[0] * pb[1] < 0);
}

static void bad_arguments_are_refused(void **unused) {
    (void)unused;
    double v, x[4] = {0}, m[4] = {0};
    const double *s[] = {x};
    size_t l[] = {4}, length;
    affect_align_pair path[8];
    assert_int_equal(affect_align_dtw(NULL, NULL, 4, x, 4, 1, 0, &v, NULL, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_dtw(NULL, x, 0, x, 4, 1, 0, &v, NULL, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_dtw(NULL, x, 4, x, 4, 1, 1.5, &v, NULL, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_soft_dtw(NULL, x, 4, x, 4, 1, 0, &v, NULL, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_soft_dtw_divergence(NULL, x, 4, x, 4, 1, 1, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_barycentre(NULL, s, l, 0, 1, NULL, 0, 3, m, 4, &v),
                     AFFECT_ERROR_ARGUMENT);
    /* A series that stands still has no direction. */
    assert_int_equal(affect_align_ctw(NULL, x, 4, 1, x, 4, 1, 1, 0, 0, m, m + 1, path, &length, &v),
                     AFFECT_ERROR_ARGUMENT);
}

static affect_status all(void *unused) {
    (void)unused;
    double value, ga[60], mean[30], pa[4], pb[4], r;
    const double *pointers[] = {a, b};
    size_t lengths[] = {30, 30}, length;
    affect_align_pair path[60];
    memcpy(mean, a, sizeof mean);
    affect_status s = affect_align_dtw(NULL, a, 30, b, 30, 1, 0.2, &value, path, &length);
    if (!s) s = affect_align_soft_dtw(NULL, a, 30, b, 30, 2, 1, &value, ga, NULL);
    if (!s) s = affect_align_barycentre(NULL, pointers, lengths, 2, 1, NULL, 0, 2, mean, 30, NULL);
    if (!s) s = affect_align_ctw(NULL, a, 30, 2, b, 30, 2, 2, 0, 0.1, pa, pb, path, &length, &r);
    return s;
}

static void each_allocation_may_fail(void **unused) {
    (void)unused;
    fill(30, 30, 2);
    assert_true(test_fail_each_allocation("warping", all, NULL) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtw_is_the_plain_one),
        cmocka_unit_test(soft_dtw_has_the_right_gradients),
        cmocka_unit_test(the_barycentre_undoes_warping),
        cmocka_unit_test(ctw_finds_the_shared_curve),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
