/* Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016): a 4x4 tile of a 3x3 convolution
 * costs 36 multiplications a channel pair instead of 144. Transforms of one tile; lanes run over
 * channels. `out`/`in` hold 36 planes, `stride` values apart, of `channels` values each. */

INLINE void input_line(const vec *x, int step, vec *y) {
    vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step],
        x5 = x[5 * step];
    vec t0 = x4 - splat(4) * x2, t1 = x3 - splat(4) * x1, t2 = x4 - x2, t3 = splat(2) * (x3 - x1);
    y[0] = splat(4) * x0 - splat(5) * x2 + x4;
    y[step] = t0 + t1;
    y[2 * step] = t0 - t1;
    y[3 * step] = t2 + t3;
    y[4 * step] = t2 - t3;
    y[5 * step] = splat(4) * x1 - splat(5) * x3 + x5;
}

static void winograd_input(size_t channels, const nn_real *const pixels[36], nn_real *out,
                           size_t stride) {
    for (size_t c = 0; c < channels; c += LANES) {
        vec d[36];
        for (int i = 0; i < 36; i++) d[i] = pixels[i] ? load(pixels[i] + c) : (vec){0};
        for (int i = 0; i < 6; i++) input_line(d + i, 6, d + i);
        for (int i = 0; i < 6; i++) input_line(d + 6 * i, 1, d + 6 * i);
        for (int i = 0; i < 36; i++) store(out + (size_t)i * stride + c, d[i]);
    }
}

INLINE void output_line(const vec *x, int step, vec *y, int out_step) {
    vec s1 = x[step] + x[2 * step], d1 = x[step] - x[2 * step];
    vec s2 = x[3 * step] + x[4 * step], d2 = x[3 * step] - x[4 * step];
    y[0] = x[0] + s1 + s2;
    y[out_step] = d1 + splat(2) * d2;
    y[2 * out_step] = s1 + splat(4) * s2;
    y[3 * out_step] = d1 + splat(8) * d2 + x[5 * step];
}

static void winograd_output(size_t channels, const nn_real *in, size_t stride,
                            nn_real *const pixels[16], bool add) {
    for (size_t c = 0; c < channels; c += LANES) {
        vec d[36], t[24], y[16];
        for (int i = 0; i < 36; i++) d[i] = load(in + (size_t)i * stride + c);
        for (int i = 0; i < 6; i++) output_line(d + i, 6, t + i, 6);
        for (int i = 0; i < 4; i++) output_line(t + 6 * i, 1, y + 4 * i, 1);
        for (int i = 0; i < 16; i++)
            if (pixels[i]) store(pixels[i] + c, add ? load(pixels[i] + c) + y[i] : y[i]);
    }
}

/* A dy A^T: the transpose of the output transform, for the gradient of the weights. */
INLINE void gradient_line(const vec *x, int step, vec *y, int out_step) {
    vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step];
    vec s1 = x0 + x2, d1 = x1 + x3, s2 = x0 + splat(4) * x2, d2 = splat(2) * x1 + splat(8) * x3;
    y[0] = x0;
    y[out_step] = s1 + d1;
    y[2 * out_step] = s1 - d1;
    y[3 * out_step] = s2 + d2;
    y[4 * out_step] = s2 - d2;
    y[5 * out_step] = x3;
}

static void winograd_gradient(size_t channels, const nn_real *const pixels[16], nn_real *out,
                              size_t stride) {
    for (size_t c = 0; c < channels; c += LANES) {
        vec d[16], t[24], y[36];
        for (int i = 0; i < 16; i++) d[i] = pixels[i] ? load(pixels[i] + c) : (vec){0};
        for (int i = 0; i < 4; i++) gradient_line(d + i, 4, t + i, 4); /* t: 6 rows x 4 */
        for (int i = 0; i < 6; i++) gradient_line(t + 4 * i, 1, y + 6 * i, 1);
        for (int i = 0; i < 36; i++) store(out + (size_t)i * stride + c, y[i]);
    }
}

/* G = [1/4 0 0; -1/6 -1/6 -1/6; -1/6 1/6 -1/6; 1/24 1/12 1/6; 1/24 -1/12 1/6; 0 0 1] */
INLINE void filter_line(const vec *x, int step, vec *y, int out_step) {
    vec x0 = x[0], x1 = x[step], x2 = x[2 * step];
    const nn_real sixth = (nn_real)(1. / 6), small = (nn_real)(1. / 24);
    vec s = splat(-sixth) * (x0 + x2), m = splat(sixth) * x1;
    vec q = splat(small) * x0 + splat(sixth) * x2, h = splat(2 * small) * x1;
    y[0] = splat((nn_real).25) * x0;
    y[out_step] = s - m;
    y[2 * out_step] = s + m;
    y[3 * out_step] = q + h;
    y[4 * out_step] = q - h;
    y[5 * out_step] = x2;
}

static void winograd_filter(size_t count, const nn_real *w, ptrdiff_t stride, nn_real *out,
                            size_t out_stride) {
    for (size_t c = 0; c < count; c += LANES) {
        vec x[9], t[18], y[36];
        for (int i = 0; i < 9; i++) x[i] = load(w + i * stride + (ptrdiff_t)c);
        for (int i = 0; i < 3; i++) filter_line(x + i, 3, t + i, 3);
        for (int i = 0; i < 6; i++) filter_line(t + 3 * i, 1, y + 6 * i, 1);
        for (int i = 0; i < 36; i++) store(out + (size_t)i * out_stride + c, y[i]);
    }
}

INLINE void filter_gradient_line(const vec *x, int step, vec *y, int out_step) {
    vec s = x[step] + x[2 * step], d = x[2 * step] - x[step];
    vec a = x[3 * step] + x[4 * step], b = x[3 * step] - x[4 * step];
    const nn_real sixth = (nn_real)(1. / 6), small = (nn_real)(1. / 24);
    y[0] = splat((nn_real).25) * x[0] - splat(sixth) * s + splat(small) * a;
    y[out_step] = splat(sixth) * d + splat(2 * small) * b;
    y[2 * out_step] = splat(sixth) * (a - s) + x[5 * step];
}

static void winograd_filter_gradient(size_t count, const nn_real *u, size_t stride, nn_real *out,
                                     size_t out_stride) {
    for (size_t c = 0; c < count; c += LANES) {
        vec x[36], t[18], y[9];
        for (int i = 0; i < 36; i++) x[i] = load(u + (size_t)i * stride + c);
        for (int i = 0; i < 6; i++) filter_gradient_line(x + i, 6, t + i, 6); /* t: 3 x 6 */
        for (int i = 0; i < 3; i++) filter_gradient_line(t + 6 * i, 1, y + 3 * i, 1);
        for (int i = 0; i < 9; i++) {
            nn_real *at = out + (size_t)i * out_stride + c;
            store(at, load(at) + y[i]);
        }
    }
}
