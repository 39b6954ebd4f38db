/* Choice of the kernel build, packing, and plain matrix products on top of the tile kernels. */
#include <stdlib.h>
#include <string.h>

#include "nn/kernels.h"

const nn_kernels *nn_kernels_get(void) {
#if (defined(__x86_64__) || defined(__i386__)) && !defined(NN_DOUBLE)
    const char *wish = getenv("AFFECT_KERNELS");
    bool least = wish && strcmp(wish, "baseline") == 0;
    bool no_512 = least || (wish && strcmp(wish, "avx2") == 0);
    if (!no_512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return &nn_kernels_avx512;
    if (!least && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &nn_kernels_avx2;
#endif
    return &nn_kernels_baseline;
}

size_t nn_attention_scratch(size_t keys, size_t width) {
    return 8 * nn_attention_padded(keys) + 8 * width;
}

size_t nn_packed_size(size_t depth, size_t columns) {
    return (columns + NN_PANEL - 1) / NN_PANEL * NN_PANEL * depth;
}

typedef nn_real four __attribute__((vector_size(4 * sizeof(nn_real))));

static four load_four(const nn_real *from) {
    four x;
    memcpy(&x, from, sizeof x);
    return x;
}

/* NN_PANEL rows of `depth` values as columns, four by four. */
static void pack_rows(const nn_real *rows, size_t depth, size_t stride, nn_real *out) {
    size_t k = 0;
    for (; k + 4 <= depth; k += 4)
        for (size_t i = 0; i < NN_PANEL; i += 4) {
            const nn_real *from = rows + i * stride + k;
            four a = load_four(from), b = load_four(from + stride);
            four c = load_four(from + 2 * stride), d = load_four(from + 3 * stride);
            four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
            four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            const four column[] = {__builtin_shufflevector(ab, cd, 0, 1, 4, 5),
                                   __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                                   __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                                   __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
            for (size_t n = 0; n < 4; n++)
                memcpy(out + (k + n) * NN_PANEL + i, &column[n], sizeof column[n]);
        }
    for (; k < depth; k++)
        for (size_t i = 0; i < NN_PANEL; i++) out[k * NN_PANEL + i] = rows[i * stride + k];
}

void nn_pack(const nn_real *b, size_t depth, size_t columns, size_t stride, bool transposed,
             nn_real *out) {
    for (size_t n = 0; n < columns; n += NN_PANEL, out += depth * NN_PANEL) {
        size_t width = BASE_MIN((size_t)NN_PANEL, columns - n);
        if (width == NN_PANEL && transposed) {
            pack_rows(b + n * stride, depth, stride, out);
        } else if (width == NN_PANEL) {
            for (size_t k = 0; k < depth; k++)
                memcpy(out + k * NN_PANEL, b + k * stride + n, NN_PANEL * sizeof *out);
        } else {
            memset(out, 0, depth * NN_PANEL * sizeof *out);
            for (size_t k = 0; k < depth; k++)
                for (size_t i = 0; i < width; i++)
                    out[k * NN_PANEL + i] =
                        transposed ? b[(n + i) * stride + k] : b[k * stride + n + i];
        }
    }
}

void nn_multiply(size_t m, size_t n, size_t depth, const nn_real *a, size_t a_stride,
                 const nn_real *packed, nn_real *c, size_t c_stride, bool add) {
    const nn_kernels *kernels = nn_kernels_get();
    enum { TILE = 48 }; /* rows that share one pass over a panel */
    const nn_real *in[NN_MAX_ROWS];
    nn_real *out[NN_MAX_ROWS];
    for (size_t start = 0; start < m; start += TILE) {
        size_t end = BASE_MIN(m, start + TILE);
        const nn_real *panel = packed;
        for (size_t col = 0; col < n; col += NN_PANEL, panel += depth * NN_PANEL)
            for (size_t row = start; row < end; row += kernels->rows) {
                size_t rows = BASE_MIN(kernels->rows, end - row);
                for (size_t r = 0; r < rows; r++) {
                    in[r] = a + (row + r) * a_stride;
                    out[r] = c + (row + r) * c_stride + col;
                }
                kernels->multiply(rows, 1, depth, in, panel, out,
                                  BASE_MIN((size_t)NN_PANEL, n - col), add);
            }
    }
}

enum { CHUNK = 64 }; /* rows whose panels stay in the first-level cache */

size_t nn_transposed_scratch(size_t n) {
    return CHUNK * ((n + NN_PANEL - 1) / NN_PANEL * NN_PANEL);
}

void nn_multiply_transposed(size_t m, size_t depth, size_t n, const nn_real *x, size_t x_stride,
                            const nn_real *y, size_t y_stride, nn_real *w, size_t w_stride,
                            nn_real *scratch) {
    const nn_kernels *kernels = nn_kernels_get();
    const nn_real *in[CHUNK];
    for (size_t start = 0; start < m; start += CHUNK) {
        size_t count = BASE_MIN((size_t)CHUNK, m - start);
        for (size_t i = 0; i < count; i++) in[i] = x + (start + i) * x_stride;
        bool packed = n % NN_PANEL != 0; /* whole panels can be read where they are */
        const nn_real *rows = y + start * y_stride;
        if (packed) nn_pack(rows, count, n, y_stride, false, scratch);
        for (size_t col = 0; col < n; col += NN_PANEL)
            kernels->multiply_transposed(count, depth, in,
                                         packed ? scratch + col * count : rows + col,
                                         packed ? NN_PANEL : y_stride, w + col, w_stride,
                                         BASE_MIN((size_t)NN_PANEL, n - col));
    }
}
