/* Writes what the network library computes on two small networks (the face network and the
 * multimodal transformer) for parity.py to compare with PyTorch: inputs, weights, logits, loss,
 * every gradient and the losses of ten training steps, as one safetensors file. parity_tool
 * face|mult OUT.safetensors */
#include <stdlib.h>

#include "bench/mult.h"
#include "nn/kernels.h"
#include "nn/net.h"
#include "nn/safetensors.h"

enum { FACES = 6, CLASSES = 8, SAMPLES = 3 };

static affect_context *ctx;
static nn_net *face;
static mult model = {
    .input = {7, 5, 3}, .length = {4, 9, 20}, .width = 10, .heads = 5, .layers = 2, .outputs = 2};
static float *data[MULT_MODALITIES], target[64], logits[64];

static void check(affect_status status) {
    if (status == AFFECT_OK) return;
    fprintf(stderr, "parity_tool: %s\n", affect_context_message(ctx));
    exit(1);
}

static nn_tensor *build_face(void *user, nn_tape *tape, size_t shard) {
    (void)user;
    (void)shard;
    nn_batch batch = {.count = FACES, .data = data[0], .height = 48, .width = 48};
    nn_tensor *y = nn_net_forward(face, tape, &batch);
    if (y) memcpy(logits, y->data, y->count * sizeof(float));
    return nn_cross_entropy(tape, y, target, NULL, 1. / FACES);
}

static nn_tensor *build_mult(void *user, nn_tape *tape, size_t shard) {
    (void)user;
    (void)shard;
    nn_tensor *y = mult_forward(&model, tape, (const float *const *)data, SAMPLES);
    if (y) memcpy(logits, y->data, y->count * sizeof(float));
    return nn_huber(tape, y, target, 0, 1. / SAMPLES);
}

static float *noise(size_t n, uint64_t seed) {
    float *x = base_alloc(n * sizeof *x);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i++) x[i] = (float)nn_hash64(seed, i) / 4294967296.f * 2 - 1;
    return x;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    bool is_face = strcmp(argv[1], "face") == 0;
    check(affect_context_create(&ctx));
    nn_params *params;
    nn_shape shapes[MULT_MODALITIES] = {NN_SHAPE(FACES, 48, 48, 1)};
    if (is_face) {
        nn_net_options o = {
            .kind = "face_cnn", .outputs = CLASSES, .width = 16, .blocks = {1, 1, 1}};
        check(nn_net_create(ctx, &o, 3, &face));
        params = nn_net_params(face);
        data[0] = noise(FACES * 48 * 48, 1);
        for (size_t i = 0; i < FACES; i++) {
            target[i * CLASSES + i % CLASSES] = .75f;
            target[i * CLASSES + (i + 3) % CLASSES] = .25f;
        }
    } else {
        check(nn_params_create(ctx, 3, &params));
        model.params = params;
        if (!mult_init(&model)) check(params->status);
        for (size_t a = 0; a < MULT_MODALITIES; a++) {
            shapes[a] = NN_SHAPE(SAMPLES, model.length[a], model.input[a]);
            data[a] = noise(nn_shape_count(shapes[a]), a);
        }
        for (size_t i = 0; i < SAMPLES * 2; i++) target[i] = (float)i / 3 - 1;
    }
    nn_engine *engine;
    check(nn_engine_create(ctx, params, NULL, 1, &engine));
    nn_writer *w;
    check(nn_writer_create(ctx, argv[2], &w));
    nn_params_write(w, params, "value.", NULL, NN_F32, 0);
    for (size_t a = 0; a < (is_face ? 1 : MULT_MODALITIES); a++) {
        char name[16];
        snprintf(name, sizeof name, "input%zu", a);
        nn_writer_add(w, name, NN_F32, shapes[a], data[a]);
    }
    size_t rows = is_face ? FACES : SAMPLES, columns = is_face ? CLASSES : 2;
    nn_writer_add(w, "target", NN_F32, NN_SHAPE(rows, columns), target);
    double loss;
    const float *gradient;
    nn_build_fn build = is_face ? build_face : build_mult;
    check(nn_engine_gradient(engine, 1, build, NULL, 1, &loss, &gradient));
    nn_writer_add(w, "logits", NN_F32, NN_SHAPE(rows, columns), logits);
    nn_params_write(w, params, "gradient.", gradient, NN_F32, 0);
    float losses[10];
    const nn_optimiser o = {
        .rate = 1e-3, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8, .decay = .01};
    for (int i = 0; i < 10; i++) {
        check(nn_engine_step(engine, 1, build, NULL, 1, &o, &loss));
        losses[i] = (float)loss;
    }
    nn_writer_add(w, "losses", NN_F32, NN_SHAPE(10), losses);
    nn_params_write(w, params, "after.", NULL, NN_F32, 0);
    check(nn_writer_commit(ctx, w));
    nn_engine_destroy(engine);
    if (is_face) {
        nn_net_destroy(face);
    } else {
        mult_clear(&model);
        nn_params_destroy(params);
    }
    for (size_t a = 0; a < MULT_MODALITIES; a++) base_free(data[a]);
    affect_context_destroy(ctx);
    return 0;
}
