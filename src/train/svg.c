/* Pictures of a run: learning curves and the confusion matrix, as self-contained SVG that is
 * legible on light and dark. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/svg.h"
#include "train/train.h"

static void begin(base_text *svg, int width, int height) {
    base_svg_begin(svg, width, height, "font-family=\"sans-serif\" font-size=\"12\"", NULL);
    base_svg_rect(svg, "fill=\"#fff\"", 0, 0, width, height, "", NULL);
}

affect_status train_confusion_svg(const train_set *s, const float *logits, base_text *svg) {
    size_t c = s->spec.classes;
    double *counts = base_calloc(c * c, sizeof *counts);
    if (!counts) return base_fail_memory(s->ctx);
    for (size_t r = 0; r < s->count; r++) {
        if (s->gold[r] < 0) continue;
        size_t best = 0;
        for (size_t i = 1; i < c; i++)
            if (logits[r * s->width + i] > logits[r * s->width + best]) best = i;
        counts[(size_t)s->gold[r] * c + best]++;
    }
    const int cell = 46, left = 110, top = 60;
    begin(svg, left + cell * (int)c + 20, top + cell * (int)c + 100);
    base_svg_text(svg, "font-size=\"15\"", 10, 24,
                  "Share of each true class (row) that was called what (column), in %");
    char text[160];
    for (size_t i = 0; i < c; i++) {
        double sum = 0;
        const int x = left + cell * (int)i + cell / 2, y = top + cell * (int)i + cell / 2 + 4,
                  below = top + cell * (int)c + 14;
        for (size_t k = 0; k < c; k++) sum += counts[i * c + k];
        snprintf(text, sizeof text, "%.120s (%.0f)", s->spec.labels[i], sum);
        base_svg_text(svg, "text-anchor=\"end\"", left - 6, y, text);
        snprintf(text, sizeof text, "transform=\"rotate(45 %d %d)\"", x, below);
        base_svg_text(svg, text, x, below, s->spec.labels[i]);
        for (size_t k = 0; k < c; k++) {
            double share = sum > 0 ? counts[i * c + k] / sum : 0;
            int shade = (int)lround(255 - 205 * share);
            snprintf(text, sizeof text, "fill=\"rgb(%d,%d,255)\" stroke=\"#ccc\"", shade, shade);
            base_svg_rect(svg, text, left + cell * (int)k, top + cell * (int)i, cell, cell, "",
                          NULL);
            snprintf(text, sizeof text, "%.0f", 100 * share);
            const int middle = left + cell * (int)k + cell / 2;
            base_svg_text(svg,
                          share > .55 ? "text-anchor=\"middle\" fill=\"#fff\""
                                      : "text-anchor=\"middle\" fill=\"#000\"",
                          middle, y, text);
        }
    }
    base_svg_end(svg);
    base_free(counts);
    return svg->failed ? base_fail_memory(s->ctx) : AFFECT_OK;
}

/* Column `column` of the log's row that starts at `line`. */
static double cell_of(const char *line, int column) {
    for (; column > 0; column--) {
        line = strpbrk(line, ",\n");
        if (!line || *line == '\n') return NAN;
        line++;
    }
    double value;
    return base_parse_double(line, strcspn(line, ",\r\n"), &value) ? value : NAN;
}

static int column_of(const char *log, const char *name) {
    int column = 0;
    size_t n = strlen(name);
    for (const char *at = log; *at && *at != '\n'; column++) {
        size_t length = strcspn(at, ",\n");
        if (length == n && strncmp(at, name, n) == 0) return column;
        at += length + (at[length] == ',');
    }
    return -1;
}

static void curve(base_text *svg, const char *log, int column, double low, double high, size_t rows,
                  const char *colour, int x0, int width) {
    char attributes[64];
    snprintf(attributes, sizeof attributes, "fill=\"none\" stroke=\"%s\" stroke-width=\"2\"",
             colour);
    base_svg_path_begin(svg, attributes);
    size_t i = 0;
    bool move = true;
    for (const char *at = strchr(log, '\n'); at && at[1] && i < rows;
         at = strchr(at + 1, '\n'), i++) {
        double v = cell_of(at + 1, column);
        if (!isfinite(v)) continue;
        double y = 250 - 200 * (v - low) / fmax(high - low, 1e-9);
        double x = x0 + width * (rows > 1 ? (double)i / (double)(rows - 1) : .5);
        base_svg_path_point(svg, move, x, fmin(fmax(y, 40), 250));
        move = false;
    }
    base_svg_path_end(svg);
}

/* The two lines below and beside a plot. */
static void axes(base_text *svg, int x0, int width) {
    base_svg_path_begin(svg, "fill=\"none\" stroke=\"#888\"");
    base_svg_path_point(svg, true, x0, 40);
    base_svg_path_point(svg, false, x0, 250);
    base_svg_path_point(svg, false, x0 + width, 250);
    base_svg_path_end(svg);
}

static void range_of(const char *log, int column, double *low, double *high) {
    for (const char *at = strchr(log, '\n'); at && at[1]; at = strchr(at + 1, '\n')) {
        double v = cell_of(at + 1, column);
        if (!isfinite(v)) continue;
        *low = fmin(*low, v);
        *high = fmax(*high, v);
    }
}

void train_curves_svg(const char *log, const char *monitor, base_text *svg) {
    int train = column_of(log, "train_loss"), valid = column_of(log, "valid_loss"),
        score = column_of(log, monitor);
    size_t rows = 0;
    for (const char *at = strchr(log, '\n'); at && at[1]; at = strchr(at + 1, '\n')) rows++;
    double low = INFINITY, high = -INFINITY, least = INFINITY, most = -INFINITY;
    range_of(log, train, &low, &high);
    range_of(log, valid, &low, &high);
    char text[160];
    begin(svg, 720, 290);
    snprintf(text, sizeof text, "loss, %.3f to %.3f:", low, high);
    base_svg_text(svg, "font-size=\"15\"", 40, 24, text);
    base_svg_text(svg, "font-size=\"15\" fill=\"#1f77b4\"", 200, 24, "training");
    base_svg_text(svg, "font-size=\"15\" fill=\"#d62728\"", 265, 24, "validation");
    axes(svg, 40, 300);
    axes(svg, 400, 300);
    curve(svg, log, train, low, high, rows, "#1f77b4", 40, 300);
    curve(svg, log, valid, low, high, rows, "#d62728", 40, 300);
    if (score >= 0 && score != valid) {
        range_of(log, score, &least, &most);
        snprintf(text, sizeof text, "%s, %.4f to %.4f", monitor, least, most);
        base_svg_text(svg, "font-size=\"15\"", 400, 24, text);
        curve(svg, log, score, least, most, rows, "#2ca02c", 400, 300);
    }
    snprintf(text, sizeof text, "epoch %zu", rows);
    base_svg_text(svg, "", 40, 270, "epoch 1");
    base_svg_text(svg, "text-anchor=\"end\"", 340, 270, text);
    base_svg_end(svg);
}
