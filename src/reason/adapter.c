/* A folder of `affect tune` as it is used: see adapter.h. The shapes of the projectors are those of their weights; the card says which
 * numbers a row of a stream holds. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "nn/gguf.h"
#include "nn/projector.h"
#include "nn/safetensors.h"
#include "reason/adapter.h"

enum { MOST_STREAMS = 4, MOST_CARD = 4 << 20 };

typedef struct stream {
    char name[16];
    int own; /* one of reason_stream_names, or -1: always absent here */
    size_t features, soft;
    char **channels;
    double rate_hz;
    float *mean, *deviation;
    nn_projector *projector;
} stream;

struct reason_adapter {
    affect_context *ctx;
    char *file; /* adapter.gguf or NULL */
    stream streams[MOST_STREAMS];
    size_t count, width;
    nn_params *params;
    nn_tape *tape;
};

void reason_adapter_close(reason_adapter *a) {
    if (!a) return;
    for (size_t s = 0; s < MOST_STREAMS; s++) {
        stream *t = &a->streams[s];
        for (size_t i = 0; t->channels && i < t->features; i++) base_free(t->channels[i]);
        base_free(t->channels);
        base_free(t->mean);
        base_free(t->deviation);
        nn_projector_destroy(t->projector);
    }
    nn_tape_destroy(a->tape);
    nn_params_destroy(a->params);
    base_free(a->file);
    base_free(a);
}

const char *reason_adapter_file(const reason_adapter *a) { return a->file; }
size_t reason_adapter_width(const reason_adapter *a) { return a->width; }

int reason_adapter_mark(const reason_adapter *a, const char *text, size_t *length) {
    for (size_t s = 0; s < a->count; s++) {
        size_t n = strlen(a->streams[s].name);
        if (text[0] == '<' && strncmp(text + 1, a->streams[s].name, n) == 0 && text[n + 1] == '>') {
            *length = n + 2;
            return (int)s;
        }
    }
    return -1;
}

/* ---- reading ---- */

static affect_status refuse(const reason_adapter *a, const char *folder, const char *what) {
    return base_fail(a->ctx, AFFECT_ERROR_MODEL, "%s: %s", folder, what);
}

static affect_status read_stream(reason_adapter *a, const char *folder, const json_t *told) {
    stream *s = &a->streams[a->count];
    const char *name = json_string_value(json_object_get(told, "name"));
    const json_t *channels = json_object_get(told, "channels");
    json_int_t features = json_integer_value(json_object_get(told, "features"));
    if (!name || !*name || strlen(name) >= sizeof s->name || features < 1 || features > 1 << 16)
        return refuse(a, folder, "its card.json does not say what its streams are");
    snprintf(s->name, sizeof s->name, "%s", name);
    s->features = (size_t)features;
    s->rate_hz = json_number_value(json_object_get(told, "rate_hz"));
    if (!(s->rate_hz > 0 && s->rate_hz <= 1000)) s->rate_hz = 5; /* the default of tune-data */
    s->own = -1;
    for (int i = 0; i < REASON_STREAMS; i++)
        if (strcmp(name, reason_stream_names[i]) == 0) s->own = i;
    a->count++;
    if (json_array_size(channels) != s->features) {
        s->own = -1; /* it was trained on rows that only its maker knows */
        return AFFECT_OK;
    }
    s->channels = base_calloc(s->features, sizeof *s->channels);
    if (!s->channels) return base_fail_memory(a->ctx);
    for (size_t i = 0; i < s->features; i++) {
        const char *channel = json_string_value(json_array_get(channels, i));
        if (!channel) return refuse(a, folder, "a channel of its card.json is no text");
        s->channels[i] = base_strdup(channel);
        if (!s->channels[i]) return base_fail_memory(a->ctx);
    }
    return AFFECT_OK;
}

static affect_status read_card(reason_adapter *a, const char *folder, const char *path) {
    char *text = NULL;
    size_t length = 0;
    json_error_t error;
    affect_status status = base_read_file(a->ctx, path, MOST_CARD, &text, &length);
    if (status) return status;
    json_t *card = json_loadb(text, length, 0, &error);
    const json_t *streams = json_object_get(card, "streams");
    if (!json_is_array(streams) || json_array_size(streams) > MOST_STREAMS)
        status = refuse(a, folder, "its card.json is none of affect tune");
    for (size_t i = 0; !status && i < json_array_size(streams); i++)
        status = read_stream(a, folder, json_array_get(streams, i));
    json_decref(card);
    base_free(text);
    return status;
}

/* The shape of "STREAM.KEY"; rank 0 where it is not there. */
static nn_shape shape_of(const nn_file *f, const stream *s, const char *key) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", s->name, key);
    int i = nn_file_find(f, name);
    return i < 0 ? (nn_shape){0} : nn_file_shape(f, (size_t)i);
}

static affect_status read_vector(affect_context *ctx, const nn_file *f, const stream *s,
                                 const char *key, float **out) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", s->name, key);
    int i = nn_file_find(f, name);
    *out = base_calloc(s->features, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    if (i < 0 || shape_of(f, s, key).rank != 1 || shape_of(f, s, key).d[0] != s->features)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "'%s' is missing or of another length", name);
    return nn_file_read(ctx, f, (size_t)i, *out, s->features);
}

static affect_status make_projector(reason_adapter *a, const nn_file *f, stream *s) {
    nn_shape absent = shape_of(f, s, "absent"), in = shape_of(f, s, "in.weight"),
             slope = shape_of(f, s, "slope");
    if (absent.rank != 2 || (a->width && absent.d[1] != a->width))
        return base_fail(a->ctx, AFFECT_ERROR_MODEL, "'%s.absent' is missing or of another width",
                         s->name);
    s->soft = absent.d[0];
    a->width = absent.d[1];
    const nn_projector_options o = {.name = s->name,
                                    .kind = slope.rank     ? NN_PROJECTOR_QUERIES
                                            : in.rank == 2 ? NN_PROJECTOR_MLP
                                                           : NN_PROJECTOR_LINEAR,
                                    .features = s->features,
                                    .width = a->width,
                                    .soft = s->soft,
                                    .hidden = in.rank == 2 ? in.d[1] : 0,
                                    .heads = slope.rank ? slope.d[0] : 0};
    affect_status status = read_vector(a->ctx, f, s, "mean", &s->mean);
    if (!status) status = read_vector(a->ctx, f, s, "deviation", &s->deviation);
    if (status) return status;
    return nn_projector_create(a->ctx, a->params, &o, &s->projector);
}

static affect_status read_projectors(reason_adapter *a, const char *path) {
    nn_file *f = NULL;
    affect_status status = nn_file_open(a->ctx, path, &f);
    if (!status) status = nn_params_create(a->ctx, NN_UNSEEDED, &a->params);
    for (size_t s = 0; !status && s < a->count; s++) status = make_projector(a, f, &a->streams[s]);
    if (!status) status = nn_params_read(a->ctx, f, a->params, "", a->params->value);
    if (!status) status = nn_tape_create(a->ctx, a->params, &a->tape);
    nn_file_close(f);
    return status;
}

/* Is the file an adapter? It is walked through before llama.cpp sees it. */
static affect_status walk_adapter(affect_context *ctx, const char *path) {
    nn_gguf *walked = NULL;
    int descriptor = base_open_regular(path);
    if (descriptor < 0) return base_fail(ctx, AFFECT_ERROR_MODEL, "it cannot be read");
    affect_status status = nn_gguf_open(ctx, descriptor, NN_GGUF_ADAPTER, &walked);
    nn_gguf_close(walked);
    close(descriptor);
    return status;
}

/* The reason with the file's name before it. */
static affect_status in_file(affect_context *ctx, affect_status status, const char *path) {
    char why[300];
    if (!status || status == AFFECT_ERROR_MEMORY) return status;
    snprintf(why, sizeof why, "%s", affect_context_message(ctx));
    return strstr(why, path) ? status : base_fail(ctx, AFFECT_ERROR_MODEL, "%s: %s", path, why);
}

affect_status reason_adapter_open(affect_context *ctx, const char *folder, reason_adapter **out) {
    reason_adapter *a = base_calloc(1, sizeof *a);
    char *card = base_path_join(folder, "card.json"),
         *projectors = base_path_join(folder, "projector.safetensors");
    *out = NULL;
    if (a) *a = (reason_adapter){.ctx = ctx, .file = base_path_join(folder, "adapter.gguf")};
    affect_status status = a && card && projectors && a->file ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) status = in_file(ctx, read_card(a, folder, card), card);
    if (!status && a->count) status = in_file(ctx, read_projectors(a, projectors), projectors);
    if (!status && base_file_exists(a->file)) {
        status = in_file(ctx, walk_adapter(ctx, a->file), a->file);
    } else if (!status) {
        base_free(a->file);
        a->file = NULL;
        if (!a->count) status = refuse(a, folder, "holds neither an adapter nor projectors");
    }
    base_free(card);
    base_free(projectors);
    if (status)
        reason_adapter_close(a);
    else
        *out = a;
    return status;
}

/* ---- soft tokens ---- */

/* The rows in the channels that it was trained on, standardised; what is not known is the mean. */
static void arrange(const stream *s, const reason_stream *from, float *times, float *rows) {
    for (size_t r = 0; r < from->count; r++) times[r] = (float)from->times[r];
    for (size_t i = 0; i < s->features; i++) {
        size_t k = 0;
        while (k < from->width && strcmp(from->channels[k], s->channels[i]) != 0) k++;
        for (size_t r = 0; r < from->count; r++) {
            float x = k < from->width ? from->rows[r * from->width + k] : (float)NAN;
            rows[r * s->features + i] = isfinite(x) ? (x - s->mean[i]) / s->deviation[i] : 0;
        }
    }
}

affect_status reason_adapter_soft(reason_adapter *a, const reason_recording *recording,
                                  const reason_segment *segment, size_t i, const float **soft,
                                  size_t *rows) {
    const stream *s = &a->streams[i];
    reason_stream from = {0};
    affect_status status = AFFECT_OK;
    if (s->own >= 0)
        status = reason_stream_read(recording, segment, (size_t)s->own, s->rate_hz, &from);
    nn_tape_begin(a->tape, false, 0, NULL);
    nn_stream seen = {.count = from.count};
    nn_real *times = nn_tape_alloc(a->tape, from.count + 1),
            *values = nn_tape_alloc(a->tape, from.count * s->features + 1);
    if (!status && (!times || !values)) status = base_fail_memory(a->ctx);
    if (!status && from.count) {
        arrange(s, &from, times, values);
        seen.times = times;
        seen.rows = values;
    }
    nn_tensor *y = status ? NULL : nn_projector_forward(s->projector, a->tape, &seen, 1);
    if (!status && !y) status = nn_tape_status(a->tape);
    if (!status) {
        *soft = y->data;
        *rows = s->soft;
    }
    reason_stream_clear(&from);
    return status;
}
