/* Convolutions over channels-last images, without im2col: the multiply kernel reads the input rows
 * of each output pixel through pointers (an "indirect" convolution, Dukhan 2019), so that stride
 * and padding cost nothing. 3x3 at stride 1 with enough channels goes through Winograd's F(4x4,
 * 3x3). */
#include "nn/tape.h"

typedef struct geometry {
    size_t n, h, w, ci, ho, wo, co, kh, kw, stride, pad;
    size_t pad_y; /* pad, or 0 for sequences (height 1) */
} geometry;

typedef struct conv_node {
    nn_node node;
    nn_tensor *x, *y;
    int w, b;
    geometry g;
} conv_node;

/* ---- the indirect form ---- */

/* Packs w[taps][depth][columns] (or its per-tap transpose) to [panel][tap][depth][16]. */
static void pack_taps(const nn_real *w, size_t taps, size_t depth, size_t columns, bool transposed,
                      nn_real *out) {
    size_t panels = (columns + NN_PANEL - 1) / NN_PANEL;
    for (size_t p = 0; p < panels; p++)
        for (size_t t = 0; t < taps; t++) {
            size_t from = p * NN_PANEL, width = BASE_MIN((size_t)NN_PANEL, columns - from);
            const nn_real *b = w + t * depth * columns;
            nn_pack(transposed ? b + from * depth : b + from, depth, width,
                    transposed ? depth : columns, transposed,
                    out + (p * taps + t) * depth * NN_PANEL);
        }
}

enum { GROUPS = 8 }; /* tiles that share one pass over a panel */

/* Everything a run over output pixels needs: where each tap of each pixel is. */
typedef struct indirect {
    const nn_kernels *kernels;
    size_t taps, depth, columns;
    const nn_real *panels, *zeros;
    bool add;
    size_t filled, rows[GROUPS];
    const nn_real **in; /* [GROUPS][taps * NN_MAX_ROWS] */
    nn_real *out[GROUPS][NN_MAX_ROWS];
} indirect;

static void indirect_flush(indirect *r) {
    size_t panels = (r->columns + NN_PANEL - 1) / NN_PANEL;
    for (size_t p = 0; p < panels; p++)
        for (size_t g = 0; g < r->filled; g++) {
            nn_real *out[NN_MAX_ROWS];
            for (size_t i = 0; i < r->rows[g]; i++) out[i] = r->out[g][i] + p * NN_PANEL;
            r->kernels->multiply(r->rows[g], r->taps, r->depth, r->in + g * r->taps * NN_MAX_ROWS,
                                 r->panels + p * r->taps * r->depth * NN_PANEL, out,
                                 BASE_MIN((size_t)NN_PANEL, r->columns - p * NN_PANEL), r->add);
        }
    r->filled = 0;
}

/* Fills in[t * step] with where tap t of a pixel reads, NULL outside. */
typedef void (*taps_fn)(const void *user, size_t pixel, const nn_real **in, size_t step);

/* Adds a tile of `rows` pixels. A tap that is outside for every pixel is skipped by the kernel. */
static void indirect_tile(indirect *r, size_t rows, const size_t *pixel, nn_real *y, taps_fn taps,
                          const void *user) {
    const nn_real **in = r->in + r->filled * r->taps * NN_MAX_ROWS;
    for (size_t i = 0; i < rows; i++) taps(user, pixel[i], in + i, rows);
    for (size_t t = 0; t < r->taps; t++) {
        const nn_real **tap = in + t * rows;
        bool any = false, all = true;
        for (size_t i = 0; i < rows; i++) {
            any |= tap[i] != NULL;
            all &= tap[i] != NULL;
        }
        for (size_t i = 0; any && !all && i < rows; i++)
            if (!tap[i]) tap[i] = r->zeros;
    }
    for (size_t i = 0; i < rows; i++) r->out[r->filled][i] = y + pixel[i] * r->columns;
    r->rows[r->filled] = rows;
    if (++r->filled == GROUPS) indirect_flush(r);
}

static bool indirect_init(indirect *r, nn_tape *tape, size_t taps, size_t depth, size_t columns,
                          const nn_real *panels, bool add) {
    *r = (indirect){.kernels = tape->kernels, .taps = taps, .depth = depth, .columns = columns};
    r->panels = panels;
    r->add = add;
    r->in = nn_tape_bytes_alloc(tape, GROUPS * taps * NN_MAX_ROWS * sizeof *r->in);
    nn_real *zeros = nn_tape_alloc(tape, depth);
    if (!r->in || !zeros) return false;
    memset(zeros, 0, depth * sizeof *zeros);
    r->zeros = zeros;
    return true;
}

typedef struct forward_user {
    const geometry *g;
    const nn_real *x;
} forward_user;

/* The input rows under the taps of output pixel `pixel` (of all images). */
static void forward_taps(const void *user, size_t pixel, const nn_real **in, size_t step) {
    const forward_user *u = user;
    const geometry *g = u->g;
    size_t ox = pixel % g->wo, oy = pixel / g->wo % g->ho, n = pixel / (g->wo * g->ho);
    ptrdiff_t y0 = (ptrdiff_t)(oy * g->stride) - (ptrdiff_t)g->pad_y;
    ptrdiff_t x0 = (ptrdiff_t)(ox * g->stride) - (ptrdiff_t)g->pad;
    const nn_real *image = u->x + n * g->h * g->w * g->ci;
    for (ptrdiff_t y = y0; y < y0 + (ptrdiff_t)g->kh; y++)
        for (ptrdiff_t x = x0; x < x0 + (ptrdiff_t)g->kw; x++, in += step)
            *in = y < 0 || x < 0 || y >= (ptrdiff_t)g->h || x >= (ptrdiff_t)g->w
                      ? NULL
                      : image + ((size_t)y * g->w + (size_t)x) * g->ci;
}

/* The output gradient rows that the taps of input pixel `pixel` went to. */
static void backward_taps(const void *user, size_t pixel, const nn_real **in, size_t step) {
    const forward_user *u = user;
    const geometry *g = u->g;
    size_t x = pixel % g->w + g->pad, y = pixel / g->w % g->h + g->pad_y, n = pixel / (g->w * g->h);
    const nn_real *image = u->x + n * g->ho * g->wo * g->co;
    for (size_t ty = 0; ty < g->kh; ty++)
        for (size_t tx = 0; tx < g->kw; tx++, in += step) {
            *in = NULL;
            if (y < ty || x < tx || (y - ty) % g->stride || (x - tx) % g->stride) continue;
            size_t oy = (y - ty) / g->stride, ox = (x - tx) / g->stride;
            if (oy < g->ho && ox < g->wo) *in = image + (oy * g->wo + ox) * g->co;
        }
}

static void direct_forward(nn_tape *tape, const geometry *g, const nn_real *x, int w, nn_real *y) {
    size_t taps = g->kh * g->kw;
    bool fresh;
    nn_real *packed = nn_tape_packed(tape, w, 1, taps * nn_packed_size(g->ci, g->co), &fresh);
    if (!packed) return;
    if (fresh) pack_taps(nn_param_value(tape->params, w), taps, g->ci, g->co, false, packed);
    indirect run;
    if (!indirect_init(&run, tape, taps, g->ci, g->co, packed, false)) return;
    forward_user user = {g, x};
    size_t total = g->n * g->ho * g->wo;
    for (size_t at = 0; at < total; at += tape->kernels->rows) {
        size_t pixel[NN_MAX_ROWS], rows = BASE_MIN(tape->kernels->rows, total - at);
        for (size_t i = 0; i < rows; i++) pixel[i] = at + i;
        indirect_tile(&run, rows, pixel, y, forward_taps, &user);
    }
    indirect_flush(&run);
}

/* Pixels are taken by parity class, so that the taps a stride leaves out are left out for all
 * pixels of a tile. */
static void direct_backward_data(nn_tape *tape, const geometry *g, const nn_real *dy, int w,
                                 nn_real *dx, bool add) {
    size_t taps = g->kh * g->kw;
    nn_real *packed = nn_tape_alloc(tape, taps * nn_packed_size(g->co, g->ci));
    if (!packed) return;
    pack_taps(nn_param_value(tape->params, w), taps, g->co, g->ci, true, packed);
    indirect run;
    if (!indirect_init(&run, tape, taps, g->co, g->ci, packed, add)) return;
    forward_user user = {g, dy};
    for (size_t py = 0; py < BASE_MIN(g->stride, g->h); py++)
        for (size_t px = 0; px < BASE_MIN(g->stride, g->w); px++) {
            size_t pixel[NN_MAX_ROWS], rows = 0;
            for (size_t n = 0; n < g->n; n++)
                for (size_t y = py; y < g->h; y += g->stride)
                    for (size_t x = px; x < g->w; x += g->stride) {
                        pixel[rows++] = (n * g->h + y) * g->w + x;
                        if (rows < tape->kernels->rows) continue;
                        indirect_tile(&run, rows, pixel, dx, backward_taps, &user);
                        rows = 0;
                    }
            if (rows) indirect_tile(&run, rows, pixel, dx, backward_taps, &user);
        }
    indirect_flush(&run);
}

enum { CHUNK = 64 }; /* output pixels whose gradient panels stay in the first-level cache */

static void direct_backward_weights(nn_tape *tape, const geometry *g, const nn_real *x,
                                    const nn_real *dy, nn_real *dw) {
    size_t taps = g->kh * g->kw, total = g->n * g->ho * g->wo;
    nn_real *panels = nn_tape_alloc(tape, nn_packed_size(CHUNK, g->co));
    const nn_real **in = nn_tape_bytes_alloc(tape, taps * CHUNK * sizeof *in);
    if (!panels || !in) return;
    forward_user user = {g, x};
    bool packed = g->co % NN_PANEL != 0; /* whole panels can be read where they are */
    for (size_t at = 0; at < total; at += CHUNK) {
        size_t count = BASE_MIN((size_t)CHUNK, total - at);
        const nn_real *rows = dy + at * g->co;
        if (packed) nn_pack(rows, count, g->co, g->co, false, panels);
        for (size_t i = 0; i < count; i++) forward_taps(&user, at + i, in + i, count);
        for (size_t t = 0; t < taps; t++)
            for (size_t col = 0; col < g->co; col += NN_PANEL)
                tape->kernels->multiply_transposed(
                    count, g->ci, in + t * count, packed ? panels + col * count : rows + col,
                    packed ? NN_PANEL : g->co, dw + t * g->ci * g->co + col, g->co,
                    BASE_MIN((size_t)NN_PANEL, g->co - col));
    }
}

/* ---- Winograd ---- */

static bool use_winograd(const geometry *g) {
    /* With few tiles the transformed weights (4 times the size) cost more than they save. */
    return g->kh == 3 && g->kw == 3 && g->stride == 1 && g->pad == 1 && g->ci % 16 == 0 &&
           g->co % 16 == 0 && g->h * g->w >= 36 && g->n * g->h * g->w >= 216;
}

static size_t tile_rows(const geometry *g) { return (g->h + 3) / 4; }
static size_t tile_columns(const geometry *g) { return (g->w + 3) / 4; }

/* Tiles a block: both transforms of a block should stay in a second-level cache. */
static size_t block_tiles(const geometry *g) {
    size_t fits = ((size_t)512 << 10) / (36 * (g->ci + g->co) * sizeof(nn_real)) / 12 * 12;
    return BASE_MIN(BASE_MAX(fits, (size_t)12), (size_t)60);
}

/* U[36] = G w G^T for each channel pair, packed: [36][panel][depth][16]. `turned` makes the weights
 * of the gradient with respect to the data: taps turned by 180 degrees, channels exchanged. */
static void winograd_weights(nn_tape *tape, const geometry *g, const nn_real *w, bool turned,
                             nn_real *out) {
    size_t pairs = g->ci * g->co, depth = turned ? g->co : g->ci, columns = turned ? g->ci : g->co;
    size_t packed = nn_packed_size(depth, columns);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *planes = nn_tape_alloc(tape, 36 * pairs);
    if (!planes) return;
    ptrdiff_t step = (ptrdiff_t)pairs;
    tape->kernels->winograd_filter(pairs, turned ? w + 8 * pairs : w, turned ? -step : step, planes,
                                   pairs);
    for (size_t f = 0; f < 36; f++)
        nn_pack(planes + f * pairs, depth, columns, g->co, turned, out + f * packed);
    nn_tape_release(tape, mark);
}

/* Pointers to a tile's pixels, NULL outside the image: `size` x `size` from (4 ty - margin, ...).
 */
static void tile_pixels(const geometry *g, const nn_real *x, size_t channels, size_t tile, int size,
                        int margin, const nn_real **out) {
    size_t columns = tile_columns(g), rows = tile_rows(g);
    int tx = (int)(tile % columns) * 4 - margin, ty = (int)(tile / columns % rows) * 4 - margin;
    const nn_real *image = x + tile / (columns * rows) * g->h * g->w * channels;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            int yy = ty + i, xx = tx + j;
            bool in = yy >= 0 && xx >= 0 && yy < (int)g->h && xx < (int)g->w;
            out[i * size + j] = in ? image + ((size_t)yy * g->w + (size_t)xx) * channels : NULL;
        }
}

/* y[n,h,w,columns] (+)= x[n,h,w,depth] * weights */
static void winograd_run(nn_tape *tape, const geometry *g, const nn_real *x, size_t depth,
                         const nn_real *weights, size_t columns, nn_real *y, bool add) {
    size_t tiles = g->n * tile_rows(g) * tile_columns(g), block = block_tiles(g);
    size_t packed = nn_packed_size(depth, columns);
    nn_real *in = nn_tape_alloc(tape, 36 * block * depth);
    nn_real *out = nn_tape_alloc(tape, 36 * block * columns);
    if (!in || !out) return;
    for (size_t at = 0; at < tiles; at += block) {
        size_t count = BASE_MIN(block, tiles - at);
        for (size_t i = 0; i < count; i++) {
            const nn_real *pixels[36];
            tile_pixels(g, x, depth, at + i, 6, 1, pixels);
            tape->kernels->winograd_input(depth, pixels, in + i * depth, block * depth);
        }
        for (size_t f = 0; f < 36; f++)
            nn_multiply(count, columns, depth, in + f * block * depth, depth, weights + f * packed,
                        out + f * block * columns, columns, false);
        for (size_t i = 0; i < count; i++) {
            const nn_real *pixels[16];
            nn_real *to[16];
            tile_pixels(g, y, columns, at + i, 4, 0, pixels);
            for (int k = 0; k < 16; k++) to[k] = (nn_real *)(uintptr_t)pixels[k];
            tape->kernels->winograd_output(columns, out + i * columns, block * columns, to, add);
        }
    }
}

static void winograd_forward(nn_tape *tape, const geometry *g, const nn_real *x, int w,
                             nn_real *y) {
    bool fresh;
    nn_real *weights = nn_tape_packed(tape, w, 2, 36 * nn_packed_size(g->ci, g->co), &fresh);
    if (!weights) return;
    if (fresh) winograd_weights(tape, g, nn_param_value(tape->params, w), false, weights);
    winograd_run(tape, g, x, g->ci, weights, g->co, y, false);
}

static void winograd_backward_data(nn_tape *tape, const geometry *g, const nn_real *dy, int w,
                                   nn_real *dx, bool add) {
    nn_real *weights = nn_tape_alloc(tape, 36 * nn_packed_size(g->co, g->ci));
    if (!weights) return;
    winograd_weights(tape, g, nn_param_value(tape->params, w), true, weights);
    winograd_run(tape, g, dy, g->co, weights, g->ci, dx, add);
}

/* dw = G^T [ sum over tiles (B^T x B) (A dy A^T) ] G */
static void winograd_backward_weights(nn_tape *tape, const geometry *g, const nn_real *x,
                                      const nn_real *dy, nn_real *dw) {
    size_t tiles = g->n * tile_rows(g) * tile_columns(g), block = block_tiles(g);
    size_t pairs = g->ci * g->co;
    nn_real *in = nn_tape_alloc(tape, 36 * block * g->ci);
    nn_real *out = nn_tape_alloc(tape, 36 * block * g->co);
    nn_real *sum = nn_tape_alloc(tape, 36 * pairs);
    nn_real *scratch = nn_tape_alloc(tape, nn_transposed_scratch(g->co));
    if (!in || !out || !sum || !scratch) return;
    memset(sum, 0, 36 * pairs * sizeof *sum);
    for (size_t at = 0; at < tiles; at += block) {
        size_t count = BASE_MIN(block, tiles - at);
        for (size_t i = 0; i < count; i++) {
            const nn_real *pixels[36];
            tile_pixels(g, x, g->ci, at + i, 6, 1, pixels);
            tape->kernels->winograd_input(g->ci, pixels, in + i * g->ci, block * g->ci);
            tile_pixels(g, dy, g->co, at + i, 4, 0, pixels);
            tape->kernels->winograd_gradient(g->co, pixels, out + i * g->co, block * g->co);
        }
        for (size_t f = 0; f < 36; f++)
            nn_multiply_transposed(count, g->ci, g->co, in + f * block * g->ci, g->ci,
                                   out + f * block * g->co, g->co, sum + f * pairs, g->co, scratch);
    }
    tape->kernels->winograd_filter_gradient(pairs, sum, pairs, dw, pairs);
}

/* ---- the operation ---- */

static void add_bias(nn_tape *tape, size_t rows, size_t columns, int b, nn_real *y) {
    const nn_real *bias = nn_param_value(tape->params, b);
    for (size_t r = 0; r < rows; r++) tape->kernels->axpy(columns, 1, bias, y + r * columns);
}

static void bias_gradient(nn_tape *tape, size_t rows, size_t columns, int b, const nn_real *dy) {
    nn_real *db = nn_param_grad(tape, b);
    if (!db) return;
    for (size_t r = 0; r < rows; r++) tape->kernels->axpy(columns, 1, dy + r * columns, db);
}

static void conv2d_backward(nn_tape *tape, nn_node *note) {
    conv_node *op = (conv_node *)note;
    const geometry *g = &op->g;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *dw = nn_param_grad(tape, op->w);
    if (op->b >= 0) bias_gradient(tape, g->n * g->ho * g->wo, g->co, op->b, dy);
    if (use_winograd(g)) {
        if (dw) winograd_backward_weights(tape, g, op->x->data, dy, dw);
        if (dx) winograd_backward_data(tape, g, dy, op->w, dx, add);
    } else {
        if (dw) direct_backward_weights(tape, g, op->x->data, dy, dw);
        if (dx) direct_backward_data(tape, g, dy, op->w, dx, add);
    }
    nn_tape_release(tape, mark);
}

/* Shapes are checked; fills in the output size. */
static nn_tensor *convolve(nn_tape *tape, nn_tensor *x, int w, int b, geometry g) {
    g.ho = (g.h + 2 * g.pad_y - g.kh) / g.stride + 1;
    g.wo = (g.w + 2 * g.pad - g.kw) / g.stride + 1;
    nn_tensor *y = nn_new(tape, NN_SHAPE(g.n, g.ho, g.wo, g.co));
    if (!y) return NULL;
    nn_mark mark = nn_tape_mark(tape);
    if (use_winograd(&g))
        winograd_forward(tape, &g, x->data, w, y->data);
    else
        direct_forward(tape, &g, x->data, w, y->data);
    nn_tape_release(tape, mark);
    if (b >= 0) add_bias(tape, g.n * g.ho * g.wo, g.co, b, y->data);
    conv_node *op = nn_note(tape, sizeof *op, conv2d_backward);
    if (op) {
        op->x = x;
        op->y = y;
        op->w = w;
        op->b = b;
        op->g = g;
    }
    return tape->status == AFFECT_OK ? y : NULL;
}

nn_tensor *nn_conv2d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "conv2d: no such weight");
    nn_shape s = x->shape, ws = nn_param_of(tape, w)->shape;
    if (s.rank != 4 || ws.rank != 4 || s.d[3] != ws.d[2] || stride == 0 ||
        s.d[1] + 2 * pad < ws.d[0] || s.d[2] + 2 * pad < ws.d[1])
        return nn_fail_shapes(tape, "conv2d", "x [n, h, w, ci]", s, "weight [kh, kw, ci, co]", ws);
    if (b >= 0 && nn_param_of(tape, b)->count != ws.d[3])
        return nn_fail_shapes(tape, "conv2d", "bias", nn_param_of(tape, b)->shape, "weight", ws);
    geometry g = {.n = s.d[0], .h = s.d[1], .w = s.d[2], .ci = s.d[3]};
    g.kh = ws.d[0];
    g.kw = ws.d[1];
    g.co = ws.d[3];
    g.stride = stride;
    g.pad = g.pad_y = pad;
    return convolve(tape, x, w, b, g);
}

nn_tensor *nn_conv_rows(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad) {
    nn_shape s = x->shape, ws = nn_param_of(tape, w)->shape;
    if (stride == 0 || s.d[1] + 2 * pad < ws.d[0])
        return nn_fail_shapes(tape, "conv1d", "x [n, t, ci]", s, "weight [k, ci, co]", ws);
    if (b >= 0 && nn_param_of(tape, b)->count != ws.d[2])
        return nn_fail_shapes(tape, "conv1d", "bias", nn_param_of(tape, b)->shape, "weight", ws);
    geometry g = {.n = s.d[0], .h = 1, .w = s.d[1], .ci = s.d[2], .kh = 1};
    g.kw = ws.d[0];
    g.co = ws.d[2];
    g.stride = stride;
    g.pad = pad;
    return convolve(tape, x, w, b, g);
}

/* ---- depthwise ---- */

static void depthwise_backward(nn_tape *tape, nn_node *note) {
    conv_node *op = (conv_node *)note;
    const geometry *g = &op->g;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    size_t taps = g->kh * g->kw;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add), *dw = nn_param_grad(tape, op->w);
    if (op->b >= 0) bias_gradient(tape, g->n * g->ho * g->wo, g->co, op->b, dy);
    nn_mark mark = nn_tape_mark(tape);
    const nn_real **in = nn_tape_bytes_alloc(tape, taps * sizeof *in);
    if (!in) return;
    if (dw) {
        forward_user user = {g, op->x->data};
        for (size_t p = 0; p < g->n * g->ho * g->wo; p++) {
            forward_taps(&user, p, in, 1);
            tape->kernels->depthwise_gradient(taps, g->ci, in, dy + p * g->co, dw);
        }
    }
    if (dx) {
        forward_user user = {g, dy};
        for (size_t p = 0; p < g->n * g->h * g->w; p++) {
            backward_taps(&user, p, in, 1);
            tape->kernels->depthwise(taps, g->ci, in, nn_param_value(tape->params, op->w), add,
                                     dx + p * g->ci);
        }
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_depthwise2d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "depthwise2d: no such weight");
    nn_shape s = x->shape, ws = nn_param_of(tape, w)->shape;
    if (s.rank != 4 || ws.rank != 3 || s.d[3] != ws.d[2] || stride == 0 ||
        s.d[1] + 2 * pad < ws.d[0] || s.d[2] + 2 * pad < ws.d[1])
        return nn_fail_shapes(tape, "depthwise2d", "x [n, h, w, c]", s, "weight [kh, kw, c]", ws);
    geometry g = {.n = s.d[0],
                  .h = s.d[1],
                  .w = s.d[2],
                  .ci = s.d[3],
                  .kh = ws.d[0],
                  .kw = ws.d[1],
                  .co = s.d[3],
                  .stride = stride,
                  .pad = pad,
                  .pad_y = pad};
    g.ho = (g.h + 2 * pad - g.kh) / stride + 1;
    g.wo = (g.w + 2 * pad - g.kw) / stride + 1;
    nn_tensor *y = nn_new(tape, NN_SHAPE(g.n, g.ho, g.wo, g.co));
    if (!y) return NULL;
    size_t taps = g.kh * g.kw;
    nn_mark mark = nn_tape_mark(tape);
    const nn_real **in = nn_tape_bytes_alloc(tape, taps * sizeof *in);
    if (!in) return NULL;
    forward_user user = {&g, x->data};
    for (size_t p = 0; p < g.n * g.ho * g.wo; p++) {
        forward_taps(&user, p, in, 1);
        tape->kernels->depthwise(taps, g.ci, in, nn_param_value(tape->params, w), false,
                                 y->data + p * g.co);
    }
    nn_tape_release(tape, mark);
    if (b >= 0) add_bias(tape, g.n * g.ho * g.wo, g.co, b, y->data);
    conv_node *op = nn_note(tape, sizeof *op, depthwise_backward);
    if (op) {
        op->x = x;
        op->y = y;
        op->w = w;
        op->b = b;
        op->g = g;
    }
    return y;
}
