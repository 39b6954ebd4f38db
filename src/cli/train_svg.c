/* Pictures of a run: learning curves and the confusion matrix, as self-contained SVG that is
 * legible on light and dark. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/train.h"

static void begin(base_text *svg, int width, int height) {
    base_text_printf(svg,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                     "font-family=\"sans-serif\" font-size=\"12\">\n"
                     "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                     width, height, width, height);
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
    base_text_printf(svg,
                     "<text x=\"%d\" y=\"24\" font-size=\"15\">Share of each true class (row) that "
                     "was called what (column), in %%</text>\n",
                     10);
    for (size_t i = 0; i < c; i++) {
        double sum = 0;
        for (size_t k = 0; k < c; k++) sum += counts[i * c + k];
        base_text_printf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s (%.0f)</text>\n",
                         left - 6, top + cell * (int)i + cell / 2 + 4, s->spec.labels[i], sum);
        base_text_printf(svg, "<text transform=\"translate(%d %d) rotate(45)\">%s</text>\n",
                         left + cell * (int)i + cell / 2, top + cell * (int)c + 14,
                         s->spec.labels[i]);
        for (size_t k = 0; k < c; k++) {
            double share = sum > 0 ? counts[i * c + k] / sum : 0;
            int shade = (int)lround(255 - 205 * share);
            base_text_printf(svg,
                             "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                             "fill=\"rgb(%d,%d,255)\" stroke=\"#ccc\"/>\n<text x=\"%d\" y=\"%d\" "
                             "text-anchor=\"middle\" fill=\"%s\">%.0f</text>\n",
                             left + cell * (int)k, top + cell * (int)i, cell, cell, shade, shade,
                             left + cell * (int)k + cell / 2, top + cell * (int)i + cell / 2 + 4,
                             share > .55 ? "#fff" : "#000", 100 * share);
        }
    }
    base_text_append(svg, "</svg>\n");
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
    base_text_printf(svg, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
                     colour);
    size_t i = 0;
    for (const char *at = strchr(log, '\n'); at && at[1] && i < rows;
         at = strchr(at + 1, '\n'), i++) {
        double v = cell_of(at + 1, column);
        if (!isfinite(v)) continue;
        double y = 250 - 200 * (v - low) / fmax(high - low, 1e-9);
        double x = x0 + width * (rows > 1 ? (double)i / (double)(rows - 1) : .5);
        base_text_printf(svg, "%.1f,%.1f ", x, fmin(fmax(y, 40), 250));
    }
    base_text_append(svg, "\"/>\n");
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
    begin(svg, 720, 290);
    base_text_printf(svg,
                     "<text x=\"40\" y=\"24\" font-size=\"15\">loss, %.3f to %.3f: <tspan "
                     "fill=\"#1f77b4\">training</tspan>, <tspan fill=\"#d62728\">validation</tspan>"
                     "</text>\n",
                     low, high);
    base_text_append(svg,
                     "<path d=\"M40 40V250H340M400 40V250H700\" fill=\"none\" stroke=\"#888\"/>\n");
    curve(svg, log, train, low, high, rows, "#1f77b4", 40, 300);
    curve(svg, log, valid, low, high, rows, "#d62728", 40, 300);
    if (score >= 0 && score != valid) {
        range_of(log, score, &least, &most);
        base_text_printf(svg, "<text x=\"400\" y=\"24\" font-size=\"15\">%s, %.4f to %.4f</text>\n",
                         monitor, least, most);
        curve(svg, log, score, least, most, rows, "#2ca02c", 400, 300);
    }
    base_text_printf(svg,
                     "<text x=\"40\" y=\"270\">epoch 1</text><text x=\"340\" y=\"270\" "
                     "text-anchor=\"end\">epoch %zu</text>\n</svg>\n",
                     rows);
}
