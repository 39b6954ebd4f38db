/* affect predict: what a trained network thinks of inputs: pictures of faces, audio files, lines of
 * text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/train.h"
#include "data/npy.h"
#include "media/media.h"
#include "nn/model.h"

int cli_predict(int argc, char **argv);

static void print_json_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 32)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_row(train_model *m, const char *name, const float *row, bool json) {
    const train_spec *spec = train_model_spec(m);
    double threshold = train_model_threshold(m) > 0 ? train_model_threshold(m) : .5;
    double known = (double)nn_model_known(train_model_network(m), 0),
           strangeness = (double)nn_model_strangeness(train_model_network(m), 0);
    if (spec->kind == TRAIN_TEXT) known *= (double)word_units_coverage(spec->words, name);
    size_t best = 0;
    for (size_t i = 1; i < spec->classes; i++)
        if (row[i] > row[best]) best = i;
    if (json) {
        printf("{\"input\": ");
        print_json_text(name);
        printf(", \"label\": \"%s\", \"classes\": {", spec->labels[best]);
        for (size_t i = 0; i < spec->classes; i++)
            printf("%s\"%s\": %.6f", i ? ", " : "", spec->labels[i], (double)row[i]);
        printf("}");
        for (size_t v = spec->classes; v < spec->classes + spec->values; v++)
            printf(", \"%s\": %.6f", spec->labels[v], (double)row[v]);
        printf(", \"known\": %.6f", known);
        if (isfinite(strangeness)) printf(", \"strangeness\": %.6f", strangeness);
        printf("}\n");
        return;
    }
    printf("%s\t", name);
    if (spec->multi_label) {
        bool any = false;
        for (size_t i = 0; i < spec->classes; i++)
            if (row[i] >= threshold) {
                printf("%s%s %.2f", any ? ", " : "", spec->labels[i], (double)row[i]);
                any = true;
            }
        if (!any) printf("%s %.2f", spec->labels[best], (double)row[best]);
    } else {
        printf("%s %.2f", spec->labels[best], (double)row[best]);
    }
    for (size_t v = spec->classes; v < spec->classes + spec->values; v++)
        printf("\t%s %+.2f", spec->labels[v], (double)row[v]);
    if (known < .5) printf("\tunlike its training data (known %.2f)", known);
    printf("\n");
}

/* The middle square of a picture, or of the first frame of a video, as a face. */
static affect_status predict_picture(affect_context *ctx, train_model *m, const char *path,
                                     float *row) {
    media_options o = media_options_default();
    o.want_audio = false;
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, path, &o, &reader);
    media_item item = {.kind = MEDIA_GAP};
    while (status == AFFECT_OK && item.kind != MEDIA_FRAME) {
        status = media_next(reader, &item);
        if (status == AFFECT_OK && item.kind == MEDIA_END)
            status = base_fail(ctx, AFFECT_ERROR_NO_STREAM, "%s: holds no picture", path);
    }
    if (status == AFFECT_OK) {
        const media_frame *f = &item.frame;
        size_t side = (size_t)BASE_MIN(f->width, f->height);
        size_t x0 = ((size_t)f->width - side) / 2, y0 = ((size_t)f->height - side) / 2;
        uint8_t *grey = base_alloc(side * side);
        if (!grey) status = base_fail_memory(ctx);
        for (size_t y = 0; grey && y < side; y++)
            for (size_t x = 0; x < side; x++) {
                const uint8_t *p = f->rgb + (y0 + y) * f->stride + 3 * (x0 + x);
                grey[y * side + x] = (uint8_t)((77 * p[0] + 150 * p[1] + 29 * p[2] + 128) >> 8);
            }
        if (grey) status = nn_model_face(ctx, train_model_network(m), grey, side, side, side, row);
        base_free(grey);
    }
    media_close(reader);
    return status;
}

/* Every picture of an npz, one after the other. */
static affect_status predict_pictures(affect_context *ctx, train_model *m, const char *path,
                                      float *row, bool json) {
    data_npz *npz = NULL;
    data_npy *array = NULL;
    affect_status status = data_npz_open(ctx, path, &npz);
    if (status == AFFECT_OK) status = data_npz_array(ctx, npz, "images", &array);
    if (status == AFFECT_OK &&
        (array->values.type != DATA_U8 || array->values.rank != 3 || array->values.fortran))
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: expected 'images' of uint8 [n, h, w]", path);
    for (size_t i = 0; status == AFFECT_OK && i < array->values.shape[0]; i++) {
        size_t h = array->values.shape[1], w = array->values.shape[2];
        char name[32];
        snprintf(name, sizeof name, "%zu", i);
        status = nn_model_face(ctx, train_model_network(m), array->values.bytes + i * h * w, w, h,
                               w, row);
        if (status == AFFECT_OK) print_row(m, name, row, json);
    }
    data_npy_destroy(array);
    data_npz_destroy(npz);
    return status;
}

static affect_status predict_one(affect_context *ctx, train_model *m, const char *input, float *row,
                                 bool json) {
    const train_spec *spec = train_model_spec(m);
    affect_status status;
    if (spec->kind == TRAIN_FACES && base_ends_with(input, ".npz"))
        return predict_pictures(ctx, m, input, row, json);
    if (spec->kind == TRAIN_FACES) {
        status = predict_picture(ctx, m, input, row);
    } else {
        status = train_model_predict(ctx, m, input, row);
    }
    if (status == AFFECT_OK) print_row(m, input, row, json);
    return status;
}

int cli_predict(int argc, char **argv) {
    bool json = false;
    const cli_option options[] = {
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object a line", 0, 0, NULL},
    };
    const cli_usage usage = {"predict",
                             "affect predict [OPTIONS] MODEL INPUT...",
                             "Prints what a trained network thinks of each input: a picture whose "
                             "middle square is a face, or "
                             "an npz of faces; an audio file; a text. \"-\" reads inputs from "
                             "standard input, one a line.",
                             "affect predict face.emotion portrait.jpg\n"
                             "affect predict runs/text \"I can't believe you did that for me!\"",
                             options,
                             BASE_COUNT(options)};
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    affect_context *ctx = NULL;
    train_model *m = NULL;
    float row[64]; /* as many as labels and values can be */
    if (status == AFFECT_OK && !help) {
        if (operands.count < 2) {
            status =
                (affect_status)cli_fail_text("predict", AFFECT_ERROR_USAGE,
                                             "wants a model and inputs; see affect predict --help");
        } else if ((status = affect_context_create(&ctx)) == AFFECT_OK) {
            status = train_model_open(ctx, operands.items[0], &m);
            for (size_t i = 1; status == AFFECT_OK && i < operands.count; i++) {
                if (strcmp(operands.items[i], "-") != 0) {
                    status = predict_one(ctx, m, operands.items[i], row, json);
                    continue;
                }
                char *line = NULL;
                size_t room = 0;
                for (ssize_t n; status == AFFECT_OK && (n = getline(&line, &room, stdin)) > 0;) {
                    if (line[n - 1] == '\n') line[n - 1] = '\0';
                    if (*line) status = predict_one(ctx, m, line, row, json);
                }
                free(line);
            }
            if (status != AFFECT_OK) cli_fail("predict", ctx, status);
        }
    }
    train_model_close(m);
    affect_context_destroy(ctx);
    base_free(operands.items);
    return (int)status;
}
