/* Values out of ggml's types (ggml-common.h, ggml-quants.c), in loops that the compiler makes vectors of. Part of
 * kernels_body.h. */

/* Half precision: the exponent is moved by a product, which also mends what is below the smallest normal one. */
INLINE float half_value(uint16_t h) {
    uint32_t bits = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    f *= 0x1p112f;
    memcpy(&bits, &f, sizeof f);
    bits |= sign | ((h & 0x7c00) == 0x7c00 ? 0x7f800000u : 0);
    memcpy(&f, &bits, sizeof f);
    return f;
}

INLINE float half_at(const unsigned char *at) {
    uint16_t h;
    memcpy(&h, at, sizeof h);
    return half_value(h);
}

static void read_f32(size_t count, const unsigned char *data, nn_real *out) {
#ifdef NN_DOUBLE
    for (size_t i = 0; i < count; i++) {
        float x;
        memcpy(&x, data + 4 * i, sizeof x);
        out[i] = x;
    }
#else
    memcpy(out, data, count * sizeof *out);
#endif
}

static void read_f16(size_t count, const unsigned char *data, nn_real *out) {
    for (size_t i = 0; i < count; i++) out[i] = half_at(data + 2 * i);
}

static void read_bf16(size_t count, const unsigned char *data, nn_real *out) {
    for (size_t i = 0; i < count; i++) {
        uint16_t h;
        memcpy(&h, data + 2 * i, sizeof h);
        uint32_t bits = (uint32_t)h << 16;
        float x;
        memcpy(&x, &bits, sizeof x);
        out[i] = x;
    }
}

static void read_q8_0(size_t count, const unsigned char *data, nn_real *out) {
    for (size_t b = 0; b < count / 32; b++, data += 34, out += 32) {
        nn_real d = half_at(data);
        const signed char *q = (const signed char *)data + 2;
        for (int i = 0; i < 32; i++) out[i] = d * (nn_real)q[i];
    }
}

/* half d, half dmin; 8 pairs of 6 bits (scale, least) in 12 bytes; 4 bits a value. */
static void read_q4_k(size_t count, const unsigned char *data, nn_real *out) {
    for (size_t b = 0; b < count / 256; b++, data += 144) {
        nn_real d = half_at(data), least = half_at(data + 2);
        const unsigned char *s = data + 4, *q = data + 16;
        for (int j = 0; j < 8; j++, out += 32) {
            int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
            int low = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
            nn_real a = d * (nn_real)scale, c = least * (nn_real)low;
            const unsigned char *at = q + j / 2 * 32;
            int shift = j % 2 * 4;
            for (int i = 0; i < 32; i++) out[i] = a * (nn_real)(at[i] >> shift & 15) - c;
        }
    }
}

/* 4 low bits of each value (128 bytes), 2 high ones (64), 16 scales (signed), half d. */
static void read_q6_k(size_t count, const unsigned char *data, nn_real *out) {
    for (size_t b = 0; b < count / 256; b++, data += 210, out += 256) {
        const signed char *scale = (const signed char *)data + 192;
        nn_real d = half_at(data + 208);
        for (int part = 0; part < 8; part++) { /* 32 values each */
            int half = part / 4, quarter = part % 4;
            const unsigned char *low = data + half * 64 + quarter % 2 * 32;
            const unsigned char *high = data + 128 + half * 32;
            int low_shift = quarter / 2 * 4, high_shift = quarter * 2;
            for (int i = 0; i < 32; i++) {
                int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
                const int group = half * 8 + quarter * 2 + i / 16;
                out[part * 32 + i] = d * (nn_real)scale[group] * (nn_real)(q - 32);
            }
        }
    }
}

/* `type`: ggml's number; see nn/matrix.h. */
static void read_numbers(uint32_t type, size_t count, const unsigned char *data, nn_real *out) {
    switch (type) {
    case 0: read_f32(count, data, out); break;
    case 1: read_f16(count, data, out); break;
    case 8: read_q8_0(count, data, out); break;
    case 12: read_q4_k(count, data, out); break;
    case 14: read_q6_k(count, data, out); break;
    case 30: read_bf16(count, data, out); break;
    default: break;
    }
}
