/* Networks on disk: safetensors in each storage, ONNX against our own output, models, and what
 * damaged files and failing allocations do. */
#include "tests/test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "infer/infer.h"
#include "nn/kernels.h"
#include "nn/model.h"
#include "nn/onnx.h"
#include "nn/ood.h"
#include "nn/safetensors.h"

static affect_context *ctx;
static char folder[64];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/affect-nn-XXXXXX");
    return affect_context_create(&ctx) == AFFECT_OK && mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state) {
    (void)state;
    const char *names[] = {"a.safetensors", "w.safetensors", "card.json", "net.onnx"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_path_join(folder, names[i]);
        if (path) unlink(path);
        base_free(path);
    }
    rmdir(folder);
    affect_context_destroy(ctx);
    return 0;
}

static char *at(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* What is stored in fewer bits comes back within half a step of that format. */
static void storages_round_trip(void **state) {
    (void)state;
    const double tolerance[] = {
        [NN_F32] = 0, [NN_F16] = 0x1p-11, [NN_BF16] = 0x1p-8, [NN_I8] = .5 / 127};
    for (int storage = NN_F32; storage <= NN_I8; storage++) {
        float values[60], back[60], largest[5] = {0};
        for (size_t i = 0; i < 60; i++) {
            values[i] = (float)nn_hash64(9, i) / 4294967296.f * 6 - 3;
            largest[i % 5] = fmaxf(largest[i % 5], fabsf(values[i]));
        }
        nn_writer *w;
        assert_int_equal(nn_writer_create(ctx, at("a.safetensors"), &w), AFFECT_OK);
        nn_writer_add(w, "odd \"name\"", (nn_storage)storage, NN_SHAPE(3, 4, 5), values);
        nn_writer_add(w, "last", NN_F32, NN_SHAPE(1), values);
        nn_writer_metadata(w, "key", "line\nbreak");
        assert_int_equal(nn_writer_commit(ctx, w), AFFECT_OK);
        nn_file *f;
        assert_int_equal(nn_file_open(ctx, at("a.safetensors"), &f), AFFECT_OK);
        assert_string_equal(nn_file_metadata(f, "key"), "line\nbreak");
        int i = nn_file_find(f, "odd \"name\"");
        assert_true(i >= 0);
        assert_true(nn_shape_equal(nn_file_shape(f, (size_t)i), NN_SHAPE(3, 4, 5)));
        assert_int_equal(nn_file_read(ctx, f, (size_t)i, back, 60), AFFECT_OK);
        assert_int_equal(nn_file_read(ctx, f, (size_t)i, back, 59), AFFECT_ERROR_SHAPE);
        for (size_t k = 0; k < 60; k++) {
            double scale = storage == NN_I8 ? largest[k % 5] : fabs((double)values[k]);
            assert_true(fabs((double)back[k] - values[k]) <= tolerance[storage] * scale);
        }
        nn_file_close(f);
    }
}

static void half_floats_at_their_edges(void **state) {
    (void)state;
    const float in[] = {
        0, -0.f, 65504, 65520, 1e9f, -INFINITY, 6e-8f, 2e-8f, 1 + 0x1p-11f, 1 + 3 * 0x1p-11f, NAN};
    const float out[] = {0,        -0.f, 65504, INFINITY,    INFINITY, -INFINITY,
                         0x1p-24f, 0,    1,     1 + 0x1p-9f, NAN};
    float back[11];
    nn_writer *w;
    assert_int_equal(nn_writer_create(ctx, at("a.safetensors"), &w), AFFECT_OK);
    nn_writer_add(w, "h", NN_F16, NN_SHAPE(11), in);
    assert_int_equal(nn_writer_commit(ctx, w), AFFECT_OK);
    nn_file *f;
    assert_int_equal(nn_file_open(ctx, at("a.safetensors"), &f), AFFECT_OK);
    assert_int_equal(nn_file_read(ctx, f, 0, back, 11), AFFECT_OK);
    for (int i = 0; i < 10; i++)
        if (back[i] != out[i] || signbit(back[i]) != signbit(out[i]))
            fail_msg("%g became %g, expected %g", (double)in[i], (double)back[i], (double)out[i]);
    assert_true(isnan(back[10]));
    nn_file_close(f);
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    const char *headers[] = {
        "",
        "{",
        "[]",
        "{\"a\":1}",
        "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}"};
    for (size_t i = 0; i < BASE_COUNT(headers); i++) {
        char bytes[256] = {0};
        size_t n = strlen(headers[i]);
        bytes[0] = (char)n;
        memcpy(bytes + 8, headers[i], n);
        assert_int_equal(base_write_file(ctx, at("a.safetensors"), bytes, i ? 8 + n + 4 : 3),
                         AFFECT_OK);
        nn_file *f;
        affect_status status = nn_file_open(ctx, at("a.safetensors"), &f);
        if (status != AFFECT_ERROR_FORMAT) fail_msg("header %zu gave %d", i, (int)status);
        assert_non_null(strstr(affect_context_message(ctx), "a.safetensors"));
        assert_null(f);
    }
}

static nn_net *small_face(void) {
    nn_net *net;
    nn_net_options o = {.kind = "face_cnn", .outputs = 8, .width = 16, .blocks = {1, 1, 1, 1}};
    assert_int_equal(nn_net_create(ctx, &o, 4, &net), AFFECT_OK);
    nn_params *p = nn_net_params(net);
    for (size_t i = 0; i < p->count; i++) /* running moments as after training */
        for (size_t k = 0; k < p->items[i].count; k++)
            if (p->items[i].kind == NN_STATISTIC)
                p->value[p->items[i].offset + k] -=
                    .5f * ((float)nn_hash64(i, k) / 4294967296.f - .3f);
    return net;
}

static void write_model(nn_net *net, const char *edit) {
    nn_writer *w;
    assert_int_equal(nn_writer_create(ctx, at("w.safetensors"), &w), AFFECT_OK);
    nn_params_write(w, nn_net_params(net), "", NULL, NN_F32, 0);
    assert_int_equal(nn_writer_commit(ctx, w), AFFECT_OK);
    base_text card = {0};
    base_text_append(&card,
                     "{\"name\": \"t\", \"version\": \"1\", \"task\": \"t\", \"licence\": \"MIT\", "
                     "\"commercial\": true, \"training_data\": \"none\", \"labels\": [], "
                     "\"files\": [{\"name\": \"w.safetensors\", \"sha256\": "
                     "\"0000000000000000000000000000000000000000000000000000000000000000\"}], ");
    base_text_append(&card, edit ? edit : "\"network\": ");
    if (!edit) nn_model_describe(nn_net_get_options(net), 8, false, &card);
    base_text_append(&card, edit ? "}" : ", \"temperature\": 1.5}");
    assert_int_equal(base_write_file(ctx, at("card.json"), card.data, card.length), AFFECT_OK);
    base_text_destroy(&card);
}

static void write_sum(void) {
    /* the card must carry the weights' real sum: ask the error for it is no test; compute it */
    char command[256], sum[65] = {0}, *text;
    size_t length;
    snprintf(command, sizeof command, "sha256sum %s", at("w.safetensors"));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(sum, 1, 64, pipe), 64);
    pclose(pipe);
    assert_int_equal(base_read_file(ctx, at("card.json"), 0, &text, &length), AFFECT_OK);
    char *zeros = strstr(text, "\"sha256\": \"");
    assert_non_null(zeros);
    memcpy(zeros + 11, sum, 64);
    assert_int_equal(base_write_file(ctx, at("card.json"), text, length), AFFECT_OK);
    base_free(text);
}

static void a_model_comes_back_and_is_calibrated(void **state) {
    (void)state;
    nn_net *net = small_face();
    write_model(net, NULL);
    write_sum();
    nn_model *m;
    if (nn_model_load(ctx, folder, &m) != AFFECT_OK) fail_msg("%s", affect_context_message(ctx));
    uint8_t grey[NN_FACE_SIDE * NN_FACE_SIDE];
    for (size_t i = 0; i < sizeof grey; i++) grey[i] = (uint8_t)nn_hash64(1, i);
    float out[8], again[8];
    assert_int_equal(nn_model_face(ctx, m, grey, out), AFFECT_OK);
    float sum = 0;
    for (int i = 0; i < 8; i++) sum += out[i];
    assert_true(fabsf(sum - 1) < 1e-5f);
    /* the second pass packs no weights and, from then on, nothing allocates */
    assert_int_equal(nn_model_face(ctx, m, grey, again), AFFECT_OK);
    long before = base_alloc_count();
    assert_int_equal(nn_model_face(ctx, m, grey, again), AFFECT_OK);
    assert_int_equal(base_alloc_count(), before);
    assert_memory_equal(out, again, sizeof out);
    nn_model_destroy(m);
    nn_net_destroy(net);
}

static void bad_cards_are_refused(void **state) {
    (void)state;
    nn_net *net = small_face();
    const char *edits[] = {
        "\"x\": 1",
        "\"network\": {}",
        "\"network\": {\"kind\": \"zebra\", \"outputs\": 8}",
        "\"network\": {\"kind\": \"face_cnn\", \"outputs\": 8, \"width\": -3}",
        "\"network\": {\"kind\": \"face_cnn\", \"outputs\": 8, \"width\": 32, \"classes\": 8}",
        "\"network\": {\"kind\": \"face_cnn\", \"outputs\": 8, \"width\": 16}, \"temperature\": 0"};
    for (size_t i = 0; i < BASE_COUNT(edits); i++) {
        write_model(net, edits[i]);
        write_sum();
        nn_model *m;
        affect_status status = nn_model_load(ctx, folder, &m);
        if (status != AFFECT_ERROR_MODEL && status != AFFECT_ERROR_ARGUMENT)
            fail_msg("card %zu gave %d", i, (int)status);
        assert_null(m);
    }
    nn_net_destroy(net);
}

/* Each allocation of loading and running fails in turn: an error, never a crash or a leak. */
static void running_out_of_memory_is_an_error(void **state) {
    (void)state;
    nn_net *net = small_face();
    write_model(net, NULL);
    write_sum();
    uint8_t grey[NN_FACE_SIDE * NN_FACE_SIDE] = {0};
    float out[8];
    bool done = false;
    for (long n = 1; !done; n += 1 + n / 16) {
        base_alloc_fail_at(n);
        nn_model *m = NULL;
        affect_status status = nn_model_load(ctx, folder, &m);
        if (status == AFFECT_OK) status = nn_model_face(ctx, m, grey, out);
        done = base_alloc_count() < n;
        base_alloc_fail_at(0);
        nn_model_destroy(m);
        assert_true(n < 100000);
        if (done) assert_int_equal(status, AFFECT_OK);
    }
    nn_net_destroy(net);
}

/* ---- ONNX: what the run time makes of the written graph, beside our own pass ---- */

typedef struct exported {
    nn_net *net;
    nn_batch batch;
    float *logits;
} exported;

static nn_tensor *run_ours(void *user, nn_tape *tape, size_t shard) {
    (void)shard;
    exported *e = user;
    nn_tensor *y = nn_net_forward(e->net, tape, &e->batch);
    if (y) memcpy(e->logits, y->data, y->count * sizeof *e->logits);
    return y;
}

/* Destroys the network. `inputs` are the graph's, `count` rows of outputs come back. */
static void compare_with_runtime(nn_net *net, const nn_batch *batch, const infer_tensor *inputs,
                                 size_t input_count) {
    size_t outputs = nn_net_get_options(net)->outputs, count = batch->count * outputs;
    exported e = {net, *batch, base_calloc(count, sizeof(float))};
    assert_non_null(e.logits);
    assert_int_equal(nn_onnx_write(ctx, net, at("net.onnx")), AFFECT_OK);
    nn_engine *engine;
    assert_int_equal(nn_engine_create(ctx, nn_net_params(net), NULL, 1, &engine), AFFECT_OK);
    if (nn_engine_map(engine, 1, run_ours, &e) != AFFECT_OK)
        fail_msg("%s", affect_context_message(ctx));
    nn_engine_destroy(engine);
    char command[256], sum[65] = {0}, text[512];
    snprintf(command, sizeof command, "sha256sum %s", at("net.onnx"));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(sum, 1, 64, pipe), 64);
    pclose(pipe);
    snprintf(text, sizeof text,
             "{\"name\": \"t\", \"version\": \"1\", \"task\": \"t\", \"licence\": \"MIT\", "
             "\"commercial\": true, \"training_data\": \"none\", \"files\": [{\"name\": "
             "\"net.onnx\", \"sha256\": \"%s\"}]}",
             sum);
    assert_int_equal(base_write_file(ctx, at("card.json"), text, strlen(text)), AFFECT_OK);
    infer_model *model;
    affect_status status = infer_model_load(ctx, folder, 1, &model);
    if (status == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        base_free(e.logits);
        nn_net_destroy(net);
        skip();
    }
    if (status != AFFECT_OK) fail_msg("%s", affect_context_message(ctx));
    infer_tensor out = {.name = "logits", .type = INFER_F32};
    status = infer_model_run(ctx, model, inputs, input_count, &out, 1);
    if (status != AFFECT_OK) fail_msg("%s", affect_context_message(ctx));
    assert_int_equal(out.shape[0], batch->count);
    assert_int_equal(out.shape[1], outputs);
    double worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)e.logits[i]));
    assert_true(largest > .1); /* a network that says nothing would agree with anything */
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs((double)((const float *)out.data)[i] - e.logits[i]));
    print_message("%s: ONNX Runtime differs by at most %.2g of %.2g\n",
                  nn_net_get_options(net)->kind, worst, largest);
    assert_true(worst <= 1e-5);
    infer_model_destroy(model);
    base_free(e.logits);
    nn_net_destroy(net);
}

static float *random_floats(size_t n, uint64_t seed) {
    float *x = base_alloc_aligned(64, n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (float)nn_hash64(seed, i) / 2147483648.f - 1;
    return x;
}

/* Parameters as after training: moments of the norms, biases and side numbers off their start. */
static void stir(nn_net *net) {
    nn_params *p = nn_net_params(net);
    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->items[i].count; k++) {
            float by = (float)nn_hash64(i, k) / 4294967296.f - .3f;
            if (p->items[i].kind != NN_WEIGHT) p->value[p->items[i].offset + k] += .3f * by;
        }
}

static void onnx_of_faces(void **state) {
    (void)state;
    float *x = random_floats(2 * 48 * 48, 2);
    infer_tensor in = {
        .name = "image", .type = INFER_F32, .rank = 4, .shape = {2, 1, 48, 48}, .data = x};
    nn_batch batch = {.count = 2, .data = x, .height = 48, .width = 48};
    compare_with_runtime(small_face(), &batch, &in, 1);
    base_free(x);
}

/* Clips of different length in one batch, and side numbers of which some are unknown. */
static void onnx_of_voices(void **state) {
    (void)state;
    enum { T = 45, BANDS = 24, SIDE = 5, N = 3 };
    nn_net_options o = {
        .kind = "voice_crnn", .outputs = 6, .inputs = BANDS, .width = 16, .side = SIDE};
    nn_net *net;
    assert_int_equal(nn_net_create(ctx, &o, 3, &net), AFFECT_OK);
    stir(net);
    float *x = random_floats(N * T * BANDS, 3), *side = random_floats(N * SIDE, 4);
    const size_t length[N] = {45, 17, 1};
    const int64_t rows[N] = {45, 17, 1};
    for (size_t i = 0; i < N;
         i++) /* what lies beyond a clip's end is zero, as the trainer packs it */
        memset(x + (i * T + length[i]) * BANDS, 0, (T - length[i]) * BANDS * sizeof *x);
    side[1] = NAN;
    side[SIDE] = 100;
    nn_batch batch = {
        .count = N, .data = x, .steps = T, .bands = BANDS, .length = length, .side = side};
    const infer_tensor in[] = {
        {.name = "spectrogram", .type = INFER_F32, .rank = 3, .shape = {N, T, BANDS}, .data = x},
        {.name = "length", .type = INFER_I64, .rank = 1, .shape = {N}, .data = (void *)rows},
        {.name = "side", .type = INFER_F32, .rank = 2, .shape = {N, SIDE}, .data = side}};
    compare_with_runtime(net, &batch, in, 3);
    base_free(x);
    base_free(side);
}

/* Tokens of one unit, of several and of none, in sentences of different length. */
static void texts(nn_net_options o, size_t side_count) {
    enum { T = 7, P = 3, N = 3, WORDS = 40 };
    o.vocabulary = WORDS;
    nn_net *net;
    assert_int_equal(nn_net_create(ctx, &o, 8, &net), AFFECT_OK);
    stir(net);
    const size_t length[N] = {7, 2, 5};
    const int64_t tokens[N] = {7, 2, 5};
    int64_t units[N][T][P];
    int32_t index[N * T * P];
    size_t start[N * T + 1], total = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < T; t++) {
            size_t n = t < length[i] ? (i + 2 * t) % (P + 1) : 0;
            start[i * T + t] = total;
            for (size_t k = 0; k < P; k++) {
                units[i][t][k] = k < n ? (int64_t)(nn_hash64(6, total + k) % WORDS) : -1;
                if (k < n) index[total + k] = (int32_t)units[i][t][k];
            }
            total += n;
        }
    start[N * T] = total;
    float *side = random_floats(N * BASE_MAX(side_count, (size_t)1), 4);
    nn_batch batch = {.count = N,
                      .steps = T,
                      .length = length,
                      .index = index,
                      .start = start,
                      .side = side_count ? side : NULL};
    const infer_tensor in[] = {
        {.name = "units", .type = INFER_I64, .rank = 3, .shape = {N, T, P}, .data = units},
        {.name = "length", .type = INFER_I64, .rank = 1, .shape = {N}, .data = (void *)tokens},
        {.name = "side",
         .type = INFER_F32,
         .rank = 2,
         .shape = {N, (int64_t)side_count},
         .data = side}};
    compare_with_runtime(net, &batch, in, side_count ? 3 : 2);
    base_free(side);
}

static void onnx_of_texts(void **state) {
    (void)state;
    texts((nn_net_options){.kind = "text_gru", .outputs = 7, .inputs = 12, .width = 16}, 0);
}

static void onnx_of_texts_with_values(void **state) {
    (void)state;
    texts((nn_net_options){.kind = "text_gru",
                           .outputs = 7,
                           .inputs = 12,
                           .width = 16,
                           .values = 3,
                           .value_hidden = 8,
                           .pooled = 1,
                           .side = 4},
          4);
}

static void onnx_of_bags(void **state) {
    (void)state;
    texts((nn_net_options){.kind = "text_bag", .outputs = 7, .inputs = 12, .width = 16}, 0);
    texts(
        (nn_net_options){
            .kind = "text_bag", .outputs = 7, .inputs = 12, .width = 16, .pooled = 1, .side = 2},
        2);
}

/* ---- a training step allocates nothing once the arenas have their size ---- */

typedef struct lesson {
    nn_net *net;
    nn_batch batch;
    const float *target;
} lesson;

static nn_tensor *lesson_shard(void *user, nn_tape *tape, size_t shard) {
    (void)shard;
    lesson *l = user;
    return nn_binary_cross_entropy(tape, nn_net_forward(l->net, tape, &l->batch), l->target, NULL,
                                   .5);
}

/* Destroys the network. */
static void steps_without_allocation(nn_net *net, nn_batch batch) {
    float *target = random_floats(batch.count * nn_net_get_options(net)->outputs, 12);
    for (size_t i = 0; i < batch.count * nn_net_get_options(net)->outputs; i++)
        target[i] = target[i] > 0;
    lesson l = {net, batch, target};
    const nn_optimiser o = {
        .rate = 1e-3, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8, .clip = 1, .average = .9};
    nn_engine *engine;
    assert_int_equal(nn_engine_create(ctx, nn_net_params(net), NULL, 1, &engine), AFFECT_OK);
    long before = 0;
    for (uint64_t i = 0; i < 5; i++) {
        double loss;
        assert_int_equal(nn_engine_step(engine, 2, lesson_shard, &l, i, &o, &loss), AFFECT_OK);
        if (i == 1) before = base_alloc_count(); /* the second step may still join blocks */
    }
    assert_int_equal(base_alloc_count(), before);
    nn_engine_destroy(engine);
    base_free(target);
    nn_net_destroy(net);
}

static void a_step_allocates_nothing(void **state) {
    (void)state;
    float *x = random_floats(2 * 48 * 48, 2);
    steps_without_allocation(small_face(),
                             (nn_batch){.count = 2, .data = x, .height = 48, .width = 48});
    nn_net_options voice = {.kind = "voice_crnn", .outputs = 6, .inputs = 24, .width = 8};
    nn_net *net;
    assert_int_equal(nn_net_create(ctx, &voice, 3, &net), AFFECT_OK);
    steps_without_allocation(net, (nn_batch){.count = 2, .data = x, .steps = 48, .bands = 24});
    nn_net_options text = {
        .kind = "text_gru", .outputs = 7, .inputs = 12, .vocabulary = 9, .width = 8, .pooled = 1};
    const int32_t index[] = {1, 4, 8, 0};
    const size_t start[] = {0, 1, 2, 3, 4};
    assert_int_equal(nn_net_create(ctx, &text, 3, &net), AFFECT_OK);
    steps_without_allocation(net,
                             (nn_batch){.count = 2, .steps = 2, .index = index, .start = start});
    base_free(x);
}

/* Two independent directions of deviation 2 and .5, turned by 45 degrees: distances follow from the
 * closed form, usual samples score 1, far ones 0, and the file brings the same numbers back. */
static void what_is_usual(void **state) {
    (void)state;
    enum { N = 4000 };
    static float x[N][2];
    const double turn = sqrt(.5), deviation[2] = {2, .5};
    for (size_t i = 0; i < N; i++) {
        double z[2];
        for (size_t k = 0; k < 2; k++) {
            z[k] = -6; /* Irwin-Hall: sum of twelve */
            for (size_t j = 0; j < 12; j++)
                z[k] += nn_hash64(5, (i * 2 + k) * 12 + j) / 4294967296.;
            z[k] *= deviation[k];
        }
        x[i][0] = (float)(3 + turn * (z[0] - z[1]));
        x[i][1] = (float)(-1 + turn * (z[0] + z[1]));
    }
    nn_ood *ood, *back;
    assert_int_equal(nn_ood_fit(ctx, x[0], N / 2, 2, &ood), AFFECT_OK);
    /* the covariance is widened by 2 % of the mean variance, (4 + .25) / 2, in every direction */
    const double wide = .02 * 2.125, along[2] = {4 + wide, .25 + wide};
    for (size_t k = 0; k < 2; k++) {
        double step = 3;
        float far[2] = {(float)(3 + turn * (k ? -step : step)), (float)(-1 + turn * step)};
        double expected = step * step / along[k] / 2;
        assert_true(fabs(nn_ood_distance(ood, far) / expected - 1) < .08);
    }
    assert_int_equal(nn_ood_calibrate(ctx, ood, x[N / 2], N / 2), AFFECT_OK);
    size_t usual = 0;
    for (size_t i = N / 2; i < N; i++)
        usual += nn_ood_in_distribution(ood, nn_ood_score(ood, x[i])) >= 1;
    assert_true(usual == (size_t)((N / 2 - 1) * .95) + 1);
    const float stranger[2] = {-20, 20};
    assert_true(nn_ood_in_distribution(ood, nn_ood_score(ood, stranger)) < .01);
    assert_true(nn_ood_in_distribution(ood, NAN) == 0);

    nn_writer *w;
    assert_int_equal(nn_writer_create(ctx, at("a.safetensors"), &w), AFFECT_OK);
    nn_ood_write(ood, w);
    assert_int_equal(nn_writer_commit(ctx, w), AFFECT_OK);
    nn_file *file;
    assert_int_equal(nn_file_open(ctx, at("a.safetensors"), &file), AFFECT_OK);
    assert_int_equal(nn_ood_read(ctx, file, &back), AFFECT_OK);
    nn_file_close(file);
    for (size_t i = 0; i < N; i += 97)
        assert_true(nn_ood_score(ood, x[i]) == nn_ood_score(back, x[i]));
    nn_ood_destroy(back);
    nn_ood_destroy(ood);

    /* tensors that do not fit together are refused */
    assert_int_equal(nn_writer_create(ctx, at("a.safetensors"), &w), AFFECT_OK);
    nn_writer_add(w, "known.mean", NN_F32, NN_SHAPE(2), x[0]);
    nn_writer_add(w, "known.factor", NN_F32, NN_SHAPE(2, 3), x[0]);
    nn_writer_add(w, "known.usual", NN_F32, NN_SHAPE(3), x[0]);
    assert_int_equal(nn_writer_commit(ctx, w), AFFECT_OK);
    assert_int_equal(nn_file_open(ctx, at("a.safetensors"), &file), AFFECT_OK);
    assert_int_equal(nn_ood_read(ctx, file, &back), AFFECT_ERROR_MODEL);
    nn_file_close(file);
    assert_int_equal(nn_ood_fit(ctx, x[0], 1, 2, &ood), AFFECT_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_usual),
        cmocka_unit_test(storages_round_trip),
        cmocka_unit_test(half_floats_at_their_edges),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_model_comes_back_and_is_calibrated),
        cmocka_unit_test(bad_cards_are_refused),
        cmocka_unit_test(running_out_of_memory_is_an_error),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(onnx_of_faces),
        cmocka_unit_test(onnx_of_voices),
        cmocka_unit_test(onnx_of_texts),
        cmocka_unit_test(onnx_of_texts_with_values),
        cmocka_unit_test(onnx_of_bags),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
