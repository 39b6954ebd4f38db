/* Attention of one head in the manner of FlashAttention (Dao et al. 2022), for short heads on a
 * CPU: four query rows at a time against all keys, scores in a scratch of 4 rows, never T x T.
 * Everything is laid out [width][time], padded to whole vectors, so that lanes run along keys and
 * no sum over lanes is needed inside a loop. The backward pass recomputes the weights from the
 * saved log-sum-exp. */

enum { QUERY_ROWS = 4, WIDTH_CHUNK = 3 };

#ifdef NN_DOUBLE
INLINE vec keep_mask(uint32_t row_seed, size_t at, uint32_t threshold, nn_real inverse) {
    vec v;
    for (size_t i = 0; i < LANES; i++)
        v[i] = (nn_hash32((uint32_t)(at + i) ^ row_seed) >> 8) < threshold ? inverse : 0;
    return v;
}
#else
typedef uint32_t uvec __attribute__((vector_size(NN_VECTOR)));
INLINE vec keep_mask(uint32_t row_seed, size_t at, uint32_t threshold, nn_real inverse) {
    uvec x;
    for (uint32_t i = 0; i < LANES; i++) x[i] = i;
    x = (x + (uint32_t)at) ^ row_seed; /* then nn_hash32 in lanes */
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    ivec keep = (ivec)(x >> 8) < (ivec)((uvec){0} + threshold);
    return (vec)((ivec)splat(inverse) & keep);
}
#endif

/* y (+)= x * mask / keep; the mask depends on seed and position alone */
static void dropout(size_t n, uint64_t seed, nn_real keep, bool add, const nn_real *x, nn_real *y) {
    const size_t row = 65536;
    uint32_t threshold = (uint32_t)(keep * 16777216);
    nn_real inverse = 1 / keep;
    for (size_t start = 0; start < n; start += row) {
        uint32_t row_seed = nn_hash64(seed, start / row);
        size_t count = BASE_MIN(row, n - start), i = 0;
        const nn_real *in = x + start;
        nn_real *out = y + start;
        for (; i + LANES <= count; i += LANES) {
            vec v = load(in + i) * keep_mask(row_seed, i, threshold, inverse);
            store(out + i, add ? load(out + i) + v : v);
        }
        if (i < count) {
            vec mask = keep_mask(row_seed, i, threshold, inverse);
            for (size_t j = 0; i + j < count; j++) {
                nn_real v = in[i + j] * mask[j];
                out[i + j] = add ? out[i + j] + v : v;
            }
        }
    }
}

/* Keys that query row `i` may see, rounded up to vectors for a block of rows. */
INLINE size_t visible(const nn_attention_shape *s, size_t i) {
    if (!s->causal) return s->keys;
    size_t end = i + 1 + (s->keys > s->queries ? s->keys - s->queries : 0);
    return BASE_MIN(end, s->keys);
}

/* Scores of one vector of keys for four rows, bias and causal mask applied. */
INLINE void score_block(const nn_attention_shape *s, const nn_real *query, const nn_real *k,
                        size_t k_stride, size_t i, size_t j, vec out[QUERY_ROWS]) {
    vec bias = load(s->bias + j);
    for (int r = 0; r < QUERY_ROWS; r++) out[r] = bias;
    for (size_t d = 0; d < s->width; d++) {
        vec key = load(k + d * k_stride + j);
        for (int r = 0; r < QUERY_ROWS; r++) out[r] += splat(query[d * QUERY_ROWS + r]) * key;
    }
    if (s->causal && j + LANES > visible(s, i))
        for (size_t r = 0; r < QUERY_ROWS; r++)
            for (size_t l = 0; l < LANES; l++)
                if (j + l >= visible(s, i + r)) out[r][l] = -(nn_real)INFINITY;
}

INLINE vec larger(vec a, vec b) { return select(a > b, a, b); }

/* out[d][r] of a chunk of `count` channels: sum over j of weights[r][j] * x[d][j]. */
INLINE void weighted_sums(const int count, size_t end, const nn_real *weights, size_t padded,
                          const nn_real *x, size_t stride, nn_real *out, size_t out_stride,
                          const nn_real *factor, bool add) {
    vec sum[WIDTH_CHUNK][QUERY_ROWS];
    for (int d = 0; d < count; d++)
        for (int r = 0; r < QUERY_ROWS; r++) sum[d][r] = (vec){0};
    for (size_t j = 0; j < end; j += LANES) {
        vec w[QUERY_ROWS];
        for (size_t r = 0; r < QUERY_ROWS; r++) w[r] = load(weights + r * padded + j);
        for (int d = 0; d < count; d++) {
            vec v = load(x + (size_t)d * stride + j);
            for (int r = 0; r < QUERY_ROWS; r++) sum[d][r] += w[r] * v;
        }
    }
    for (int d = 0; d < count; d++)
        for (int r = 0; r < QUERY_ROWS; r++) {
            nn_real *at = out + (size_t)d * out_stride + r;
            nn_real value = sum_of(sum[d][r]) * factor[r];
            *at = add ? *at + value : value;
        }
}

INLINE void weighted_sums_all(size_t width, size_t end, const nn_real *weights, size_t padded,
                              const nn_real *x, size_t stride, nn_real *out, size_t out_stride,
                              const nn_real *factor, bool add) {
    size_t d = 0;
    for (; d + WIDTH_CHUNK <= width; d += WIDTH_CHUNK)
        weighted_sums(WIDTH_CHUNK, end, weights, padded, x + d * stride, stride,
                      out + d * out_stride, out_stride, factor, add);
    for (; d < width; d++)
        weighted_sums(1, end, weights, padded, x + d * stride, stride, out + d * out_stride,
                      out_stride, factor, add);
}

static void gather_rows(size_t width, const nn_real *x, size_t stride, size_t i, nn_real scale,
                        nn_real *out) {
    for (size_t d = 0; d < width; d++)
        for (size_t r = 0; r < QUERY_ROWS; r++)
            out[d * QUERY_ROWS + r] = x[d * stride + i + r] * scale;
}

static void attention_forward(const nn_attention_shape *s, const nn_real *q, const nn_real *k,
                              const nn_real *v, size_t q_stride, size_t k_stride, nn_real *out,
                              nn_real *lse, nn_real *scratch) {
    size_t padded = nn_attention_padded(s->keys);
    nn_real *weights = scratch, *query = scratch + QUERY_ROWS * padded;
    uint32_t threshold = (uint32_t)(s->keep * 16777216);
    nn_real inverse = 1 / s->keep;
    for (size_t i = 0; i < s->queries; i += QUERY_ROWS) {
        size_t end = visible(s, BASE_MIN(i + QUERY_ROWS, s->queries) - 1);
        vec top[QUERY_ROWS], sum[QUERY_ROWS];
        for (int r = 0; r < QUERY_ROWS; r++) {
            top[r] = splat(-(nn_real)INFINITY);
            sum[r] = (vec){0};
        }
        gather_rows(s->width, q, q_stride, i, s->scale, query);
        for (size_t j = 0; j < end; j += LANES) {
            vec score[QUERY_ROWS];
            score_block(s, query, k, k_stride, i, j, score);
            for (size_t r = 0; r < QUERY_ROWS; r++) {
                top[r] = larger(top[r], score[r]);
                store(weights + r * padded + j, score[r]);
            }
        }
        nn_real factor[QUERY_ROWS];
        for (size_t r = 0; r < QUERY_ROWS; r++) {
            nn_real best = top[r][0];
            for (int l = 1; l < LANES; l++) best = BASE_MAX(best, top[r][l]);
            if (!(best > -(nn_real)INFINITY)) best = 0; /* every key is masked: weights are 0 */
            uint32_t row_seed = s->keep < 1 ? nn_hash64(s->seed, i + r) : 0;
            nn_real *row = weights + r * padded;
            for (size_t j = 0; j < end; j += LANES) {
                vec w = vector_exp_below(load(row + j) - splat(best));
                sum[r] += w;
                if (s->keep < 1) w *= keep_mask(row_seed, j, threshold, inverse);
                store(row + j, w);
            }
            nn_real total = sum_of(sum[r]);
            factor[r] = total > 0 ? 1 / total : 0;
            /* +inf makes exp(score - lse) zero in the backward pass */
            lse[i + r] = total > 0 ? best + NN_LOG(total) : (nn_real)INFINITY;
        }
        weighted_sums_all(s->width, end, weights, padded, v, k_stride, out + i, q_stride, factor,
                          false);
    }
}

static void attention_backward(const nn_attention_shape *s, const nn_real *q, const nn_real *k,
                               const nn_real *v, size_t q_stride, size_t k_stride,
                               const nn_real *out, const nn_real *dout, const nn_real *lse,
                               nn_real *dq, nn_real *dk, nn_real *dv, nn_real *scratch) {
    size_t padded = nn_attention_padded(s->keys);
    nn_real *slope = scratch, *weights = slope + QUERY_ROWS * padded;
    nn_real *query = weights + QUERY_ROWS * padded, *dy = query + QUERY_ROWS * s->width;
    uint32_t threshold = (uint32_t)(s->keep * 16777216);
    nn_real inverse = 1 / s->keep;
    const nn_real ones[QUERY_ROWS] = {s->scale, s->scale, s->scale, s->scale};
    for (size_t i = 0; i < s->queries; i += QUERY_ROWS) {
        size_t end = visible(s, BASE_MIN(i + QUERY_ROWS, s->queries) - 1);
        gather_rows(s->width, q, q_stride, i, s->scale, query);
        gather_rows(s->width, dout, q_stride, i, 1, dy);
        nn_real total[QUERY_ROWS] = {0}; /* sum over d of dout * out = sum over j of w * dw */
        for (size_t d = 0; d < s->width; d++)
            for (size_t r = 0; r < QUERY_ROWS; r++)
                total[r] += dy[d * QUERY_ROWS + r] * out[d * q_stride + i + r];
        uint32_t row_seed[QUERY_ROWS];
        for (size_t r = 0; r < QUERY_ROWS; r++) row_seed[r] = nn_hash64(s->seed, i + r);
        for (size_t j = 0; j < end; j += LANES) {
            vec w[QUERY_ROWS], dw[QUERY_ROWS];
            score_block(s, query, k, k_stride, i, j, w);
            for (int r = 0; r < QUERY_ROWS; r++) dw[r] = (vec){0};
            for (size_t d = 0; d < s->width; d++) {
                vec value = load(v + d * k_stride + j);
                for (int r = 0; r < QUERY_ROWS; r++) dw[r] += splat(dy[d * QUERY_ROWS + r]) * value;
            }
            for (size_t r = 0; r < QUERY_ROWS; r++) {
                w[r] = vector_exp_below(w[r] - splat(lse[i + r]));
                vec kept = w[r];
                if (s->keep < 1) {
                    vec mask = keep_mask(row_seed[r], j, threshold, inverse);
                    kept *= mask;
                    dw[r] *= mask;
                }
                store(weights + r * padded + j, kept);
                store(slope + r * padded + j, w[r] * (dw[r] - splat(total[r])));
            }
        }
        for (size_t j = 0; j < end; j += LANES) {
            vec w[QUERY_ROWS], ds[QUERY_ROWS];
            for (size_t r = 0; r < QUERY_ROWS; r++) {
                w[r] = load(weights + r * padded + j);
                ds[r] = load(slope + r * padded + j);
            }
            for (size_t d = 0; d < s->width; d++) {
                vec a = load(dk + d * k_stride + j), b = load(dv + d * k_stride + j);
                for (int r = 0; r < QUERY_ROWS; r++) {
                    a += splat(query[d * QUERY_ROWS + r]) * ds[r];
                    b += splat(dy[d * QUERY_ROWS + r]) * w[r];
                }
                store(dk + d * k_stride + j, a);
                store(dv + d * k_stride + j, b);
            }
        }
        weighted_sums_all(s->width, end, slope, padded, k, k_stride, dq + i, q_stride, ones, true);
    }
}
