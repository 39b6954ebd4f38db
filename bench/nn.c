/* Speed of the network library beside PyTorch on the same machine, in the same run:
 *     build/bench/bench-nn [--threads N] [--repeats N] [--peer bench/nn_peer.py] [WHAT...]
 * WHAT: face, mult, mult_dropout, mult_infer. Prints both times (wall and CPU seconds, best of the
 * repeats), peak memory and the ratios. */
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/mult.h"
#include "nn/net.h"
#include "nn/tape.h"

typedef struct result {
    double wall, cpu, memory; /* seconds, seconds, MiB */
} result;

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_memory(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024;
}

typedef struct subject {
    affect_context *ctx;
    base_pool *pool;
    nn_engine *engine;
    nn_params *params;
    nn_net *face;
    mult model;
    float *data[MULT_MODALITIES], *target;
    size_t samples, shard;
    /* inference by modality */
    nn_tensor *ends[MULT_MODALITIES];
    float end[MULT_MODALITIES][64];
} subject;

static void die(const subject *s) {
    fprintf(stderr, "bench-nn: %s\n", affect_context_message(s->ctx));
    exit(1);
}

static float *noise(size_t n) {
    float *x = base_alloc_aligned(64, n * sizeof *x);
    for (size_t i = 0; x && i < n; i++) x[i] = ((float)nn_hash64(3, i) / 4294967296.f - .5f) * 3.4f;
    return x;
}

static nn_tensor *face_shard(void *user, nn_tape *tape, size_t shard) {
    subject *s = user;
    nn_batch batch = {.count = s->shard,
                      .data = s->data[0] + shard * s->shard * 48 * 48,
                      .height = 48,
                      .width = 48};
    return nn_cross_entropy(tape, nn_net_forward(s->face, tape, &batch),
                            s->target + shard * s->shard * 8, NULL, 1. / (double)s->samples);
}

static nn_tensor *mult_shard(void *user, nn_tape *tape, size_t shard) {
    subject *s = user;
    const float *x[MULT_MODALITIES];
    for (size_t a = 0; a < MULT_MODALITIES; a++)
        x[a] = s->data[a] + shard * s->model.length[a] * s->model.input[a];
    return nn_huber(tape, mult_forward(&s->model, tape, x, 1), s->target + shard, 0,
                    1. / (double)s->samples);
}

/* One sample on several threads: each modality's encoders are a piece of work of their own. The
 * heaviest comes first. */
static nn_tensor *mult_piece(void *user, nn_tape *tape, size_t piece) {
    subject *s = user;
    size_t a = MULT_MODALITIES - 1 - piece;
    nn_tensor *projected[MULT_MODALITIES];
    for (size_t b = 0; b < MULT_MODALITIES; b++)
        projected[b] = nn_linear(
            tape, nn_input(tape, NN_SHAPE(1, s->model.length[b], s->model.input[b]), s->data[b]),
            s->model.project[b], -1);
    nn_tensor *end = mult_modality(&s->model, tape, projected, a, 1);
    if (end) memcpy(s->end[a], end->data, end->count * sizeof(float));
    return end;
}

static nn_tensor *mult_finish(void *user, nn_tape *tape, size_t piece) {
    subject *s = user;
    (void)piece;
    nn_tensor *ends[MULT_MODALITIES];
    for (size_t a = 0; a < MULT_MODALITIES; a++)
        ends[a] = nn_input(tape, NN_SHAPE(1, 2 * s->model.width), s->end[a]);
    return mult_head(&s->model, tape, ends);
}

static void prepare(subject *s, const char *what, int threads) {
    bool face = strcmp(what, "face") == 0, infer = strcmp(what, "mult_infer") == 0;
    if (affect_context_create(&s->ctx) != AFFECT_OK) exit(1);
    if (base_pool_create(s->ctx, threads, &s->pool) != AFFECT_OK) die(s);
    if (face) {
        nn_net_options o = {.kind = "face_cnn", .outputs = 8, .width = 32, .blocks = {1, 1, 2, 1}};
        if (nn_net_create(s->ctx, &o, 1, &s->face) != AFFECT_OK) die(s);
        s->params = nn_net_params(s->face);
        s->samples = 128;
        s->shard = 32;
        s->data[0] = noise(128 * 48 * 48);
        s->target = base_calloc(128 * 8, sizeof(float));
        if (!s->data[0] || !s->target) exit(1);
        for (size_t i = 0; i < 128; i++) s->target[i * 8 + i % 8] = 1;
    } else {
        if (nn_params_create(s->ctx, 1, &s->params) != AFFECT_OK) die(s);
        s->model = (mult){.input = {300, 74, 35},
                          .length = {50, 375, 500},
                          .width = 30,
                          .heads = 5,
                          .layers = 5,
                          .outputs = 1,
                          .params = s->params,
                          .dropout = strcmp(what, "mult_dropout") == 0 ? .1 : 0};
        if (!mult_init(&s->model)) die(s);
        s->samples = infer ? 1 : 8;
        s->shard = 1;
        for (size_t a = 0; a < MULT_MODALITIES; a++)
            s->data[a] = noise(s->samples * s->model.length[a] * s->model.input[a]);
        s->target = noise(s->samples);
    }
    if (nn_engine_create(s->ctx, s->params, s->pool, threads, &s->engine) != AFFECT_OK) die(s);
}

static void step(subject *s, const char *what, uint64_t i) {
    const nn_optimiser o = {
        .rate = 1e-3, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8, .decay = .01};
    double loss;
    affect_status status;
    if (strcmp(what, "mult_infer") == 0) {
        status = nn_engine_map(s->engine, MULT_MODALITIES, mult_piece, s);
        if (status == AFFECT_OK) status = nn_engine_map(s->engine, 1, mult_finish, s);
    } else {
        status =
            nn_engine_step(s->engine, s->samples / s->shard,
                           strcmp(what, "face") == 0 ? face_shard : mult_shard, s, i, &o, &loss);
    }
    if (status != AFFECT_OK) die(s);
}

static result ours(const char *what, int threads, int repeats) {
    subject s = {0};
    prepare(&s, what, threads);
    step(&s, what, 0);
    result best = {1e9, 1e9, 0};
    long allocations = base_alloc_count();
    for (int i = 0; i < repeats; i++) {
        double wall = base_now_s(), cpu = cpu_now();
        step(&s, what, (uint64_t)i + 1);
        best.wall = fmin(best.wall, base_now_s() - wall);
        best.cpu = fmin(best.cpu, cpu_now() - cpu);
        if (i == 0) allocations = base_alloc_count(); /* the second step may still join blocks */
    }
    if (base_alloc_count() != allocations)
        printf("note: %ld allocations after the second step\n", base_alloc_count() - allocations);
    best.memory = peak_memory();
    nn_engine_destroy(s.engine);
    base_pool_destroy(s.pool);
    mult_clear(&s.model);
    if (s.face)
        nn_net_destroy(s.face);
    else
        nn_params_destroy(s.params);
    for (size_t a = 0; a < MULT_MODALITIES; a++) base_free(s.data[a]);
    base_free(s.target);
    affect_context_destroy(s.ctx);
    return best;
}

/* In a child of its own, so that peak memory is this subject's alone. */
static bool run_child(const char *what, int threads, int repeats, result *out) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        result r = ours(what, threads, repeats);
        fflush(stdout);
        _exit(write(ends[1], &r, sizeof r) == sizeof r ? 0 : 1);
    }
    close(ends[1]);
    bool fine = child > 0 && read(ends[0], out, sizeof *out) == sizeof *out;
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    return fine;
}

/* Debian's libtcmalloc-minimal4, which makes PyTorch faster. */
static const char tcmalloc[] = "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4";

/* Once with its BLAS kept to as many threads and once as it comes, and the better of the two by processor time: without
 * the first, PyTorch on one thread waits for BLAS threads of its own. */
static bool run_peer(const char *script, const char *what, int threads, int repeats, result *out) {
    bool any = false;
    for (int kept = 0; kept < 2; kept++) {
        char command[512], name[64], blas[48] = "";
        result r = {0};
        if (kept) snprintf(blas, sizeof blas, "OPENBLAS_NUM_THREADS=%d ", threads);
        snprintf(command, sizeof command,
                 "%sLD_PRELOAD=%s /usr/bin/python3 %s %s %d %d 2>/dev/null", blas,
                 access(tcmalloc, R_OK) == 0 ? tcmalloc : "", script, what, threads, repeats);
        FILE *pipe = popen(command, "r");
        bool fine = pipe && fscanf(pipe, "%63s %lf %lf %lf", name, &r.wall, &r.cpu, &r.memory) == 4;
        if (pipe) pclose(pipe);
        if (fine && (!any || r.cpu < out->cpu)) *out = r;
        any |= fine;
    }
    return any;
}

int main(int argc, char **argv) {
    int threads = 2, repeats = 5;
    const char *peer = "bench/nn_peer.py";
    const char *all[] = {"mult", "mult_dropout", "mult_infer", "face"}, *chosen[16];
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (strcmp(argv[i], "--repeats") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--peer") == 0 && i + 1 < argc)
            peer = argv[++i];
        else if (count < BASE_COUNT(chosen))
            chosen[count++] = argv[i];
    }
    if (count == 0)
        for (; count < BASE_COUNT(all); count++) chosen[count] = all[count];
    const char *core = getenv("OPENBLAS_CORETYPE");
    printf("kernels %s, %d threads, best of %d; PyTorch %s tcmalloc, OPENBLAS_CORETYPE %s\n",
           nn_kernels_get()->name, threads, repeats,
           access(tcmalloc, R_OK) == 0 ? "with" : "without", core ? core : "not set");
    printf("%-14s %12s %12s %10s %12s %12s %10s   %s\n", "", "ours wall", "cpu", "MiB",
           "torch wall", "cpu", "MiB", "faster (wall, cpu), memory");
    for (size_t i = 0; i < count; i++) {
        result a, b = {0};
        if (!run_child(chosen[i], threads, repeats, &a)) {
            fprintf(stderr, "bench-nn: %s failed\n", chosen[i]);
            return 1;
        }
        printf("%-14s %9.1f ms %9.1f ms %10.0f", chosen[i], 1e3 * a.wall, 1e3 * a.cpu, a.memory);
        fflush(stdout);
        if (*peer && run_peer(peer, chosen[i], threads, repeats, &b))
            printf(" %9.1f ms %9.1f ms %10.0f   %.2fx, %.2fx, 1/%.1f\n", 1e3 * b.wall, 1e3 * b.cpu,
                   b.memory, b.wall / a.wall, b.cpu / a.cpu, b.memory / a.memory);
        else
            printf("   (no PyTorch to compare with)\n");
    }
    return 0;
}
