/* Each build of the kernels that this processor can run, against plain loops in double. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "nn/kernels.h"

static const nn_kernels *builds[3];
static size_t build_count;

static int find_builds(void **state) {
    (void)state;
    builds[build_count++] = &nn_kernels_baseline;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        builds[build_count++] = &nn_kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        builds[build_count++] = &nn_kernels_avx512;
#endif
    return 0;
}

static float noise(uint64_t i) { return (float)nn_hash64(5, i) / 2147483648.f - 1; }

static void exponential_is_exact_to_its_word(void **state) {
    (void)state;
    for (size_t b = 0; b < build_count; b++) {
        double worst = 0;
        for (int part = 0; part < 1000; part++) {
            float x[177], y[177];
            for (int i = 0; i < 177; i++) x[i] = -87 + 175.f * (float)(part * 177 + i) / 177000.f;
            builds[b]->exponential(177, x, y);
            for (int i = 0; i < 177; i++) worst = fmax(worst, fabs(y[i] / exp((double)x[i]) - 1));
        }
        print_message("%s: exp is off by at most %.2g\n", builds[b]->name, worst);
        assert_true(worst < 3e-7);
        float edge[4] = {-INFINITY, -200, 0, 89}, out[4];
        builds[b]->exponential(4, edge, out);
        assert_true(out[0] == 0 && out[1] == 0 && out[2] == 1 && isfinite(out[3]));
    }
}

static void products_match_plain_loops(void **state) {
    (void)state;
    static float a[12 * 3 * 7], panel[3 * 7 * 16] __attribute__((aligned(64))), c[12 * 16];
    for (size_t b = 0; b < build_count; b++)
        for (size_t rows = 1; rows <= builds[b]->rows; rows++)
            for (size_t columns = 1; columns <= 16; columns += 5) {
                const float *in[36];
                float *out[12];
                for (size_t i = 0; i < BASE_COUNT(a); i++) a[i] = noise(i);
                for (size_t i = 0; i < BASE_COUNT(panel); i++) panel[i] = noise(1000 + i);
                for (size_t i = 0; i < BASE_COUNT(c); i++) c[i] = 1;
                for (size_t t = 0; t < 3; t++) /* the middle tap is left out */
                    for (size_t r = 0; r < rows; r++)
                        in[t * rows + r] = t == 1 ? NULL : a + (t * 12 + r) * 7;
                for (size_t r = 0; r < rows; r++) out[r] = c + r * 16;
                builds[b]->multiply(rows, 3, 7, in, panel, out, columns, true);
                for (size_t r = 0; r < 12; r++)
                    for (size_t n = 0; n < 16; n++) {
                        double sum = 1;
                        for (size_t t = 0; r < rows && n < columns && t < 3; t += 2)
                            for (size_t k = 0; k < 7; k++)
                                sum +=
                                    (double)a[(t * 12 + r) * 7 + k] * panel[(t * 7 + k) * 16 + n];
                        if (!(fabs(c[r * 16 + n] - sum) < 1e-5))
                            fail_msg("%s: %zu rows, %zu columns: [%zu][%zu] is %g, expected %g",
                                     builds[b]->name, rows, columns, r, n, (double)c[r * 16 + n],
                                     sum);
                    }
            }
}

/* With masked keys, more queries than keys and a length that is no multiple of anything. */
static void attention_matches_plain_softmax(void **state) {
    (void)state;
    enum { Q = 13, K = 37, D = 5, QS = 16, KS = 48 };
    static float q[D * QS], k[D * KS], v[D * KS], out[D * QS], lse[QS], bias[KS], scratch[1024];
    assert_true(nn_attention_scratch(K, D) <= BASE_COUNT(scratch));
    for (size_t b = 0; b < build_count; b++) {
        memset(q, 0, sizeof q);
        memset(k, 0, sizeof k);
        memset(v, 0, sizeof v);
        for (size_t d = 0; d < D; d++) {
            for (size_t i = 0; i < Q; i++) q[d * QS + i] = 3 * noise(d * 100 + i);
            for (size_t j = 0; j < K; j++) {
                k[d * KS + j] = 3 * noise(5000 + d * 100 + j);
                v[d * KS + j] = noise(9000 + d * 100 + j);
            }
        }
        for (size_t j = 0; j < KS; j++) bias[j] = j >= 31 ? -INFINITY : noise(j);
        nn_attention_shape s = {
            .queries = Q, .keys = K, .width = D, .scale = .4f, .bias = bias, .keep = 1};
        builds[b]->attention_forward(&s, q, k, v, QS, KS, out, lse, scratch);
        for (size_t i = 0; i < Q; i++) {
            double w[K], sum = 0;
            for (size_t j = 0; j < K; j++) {
                double x = bias[j];
                for (size_t d = 0; d < D; d++) x += .4 * q[d * QS + i] * k[d * KS + j];
                sum += w[j] = exp(x);
            }
            for (size_t d = 0; d < D; d++) {
                double y = 0;
                for (size_t j = 0; j < K; j++) y += w[j] / sum * v[d * KS + j];
                if (!(fabs(out[d * QS + i] - y) < 2e-6))
                    fail_msg("%s: query %zu is %g, expected %g", builds[b]->name, i,
                             (double)out[d * QS + i], y);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential_is_exact_to_its_word),
        cmocka_unit_test(products_match_plain_loops),
        cmocka_unit_test(attention_matches_plain_softmax),
    };
    return cmocka_run_group_tests(tests, find_builds, NULL);
}
