/* Labels by other names: of the data, and of the network whose answers are judged by them. */
#include <math.h>
#include <string.h>

#include "train/train.h"

enum { MOST = 64 };

static affect_status add_line(affect_context *ctx, const char *path, size_t number, char *line,
                              datasets_map *map) {
    line[strcspn(line, "\r")] = '\0';
    if (!*line || *line == '#') return AFFECT_OK;
    char *to = strchr(line, '\t');
    if (!to || to == line || !to[1] || strchr(to + 1, '\t'))
        return base_fail(
            ctx, AFFECT_ERROR_FORMAT,
            "%s:%zu: expected a label, a tab and the label that it becomes ('-': none)", path,
            number);
    if (map->count == MOST)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%s:%zu: more than %d labels", path, number,
                         MOST);
    *to++ = '\0';
    map->from[map->count] = base_strdup(line);
    map->to[map->count] = base_strdup(to);
    map->count++;
    return map->from[map->count - 1] && map->to[map->count - 1] ? AFFECT_OK : base_fail_memory(ctx);
}

affect_status train_map_open(affect_context *ctx, const char *path, datasets_map *out) {
    char *text = NULL;
    size_t length = 0, number = 0;
    *out = (datasets_map){.from = base_calloc(MOST, sizeof *out->from),
                          .to = base_calloc(MOST, sizeof *out->to)};
    affect_status status = out->from && out->to
                               ? base_read_file(ctx, path, (size_t)1 << 20, &text, &length)
                               : base_fail_memory(ctx);
    char *rest = text;
    for (char *line; status == AFFECT_OK && rest && (line = strsep(&rest, "\n"));)
        status = add_line(ctx, path, ++number, line, out);
    base_free(text);
    if (status != AFFECT_OK) train_map_close(out);
    return status;
}

void train_map_close(datasets_map *map) {
    for (size_t i = 0; map->from && i < map->count; i++) base_free(map->from[i]);
    for (size_t i = 0; map->to && i < map->count; i++) base_free(map->to[i]);
    base_free(map->from);
    base_free(map->to);
    *map = (datasets_map){0};
}

affect_status train_map_labels(affect_context *ctx, const train_spec *spec, const datasets_map *map,
                               train_mapped *out) {
    *out = (train_mapped){.spec = *spec};
    out->spec.classes = 0;
    out->spec.map = map;
    if (spec->classes > MOST || spec->classes + spec->values > MOST + 8)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "more than %d labels", MOST);
    for (size_t i = 0; i < spec->classes; i++) {
        const char *name = spec->labels[i];
        for (size_t k = 0; k < map->count; k++)
            if (base_equal_ignore_case(map->from[k], name)) {
                name = map->to[k];
                break;
            }
        size_t at = 0;
        while (at < out->spec.classes && strcmp(out->labels[at], name) != 0) at++;
        out->column[i] = strcmp(name, "-") == 0 ? -1 : (int)at;
        if (out->column[i] < 0 || at < out->spec.classes) continue;
        out->labels[out->spec.classes++] = name;
    }
    if (out->spec.classes < 2)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "of the model's labels %zu are left, expected 2",
                         out->spec.classes);
    for (size_t v = 0; v < spec->values; v++)
        out->labels[out->spec.classes + v] = spec->labels[spec->classes + v];
    out->spec.labels = out->labels;
    return AFFECT_OK;
}

void train_map_outputs(const train_spec *own, const train_mapped *mapped, size_t count,
                       double temperature, const float *outputs, float *out) {
    const size_t width = own->classes + own->values, c = mapped->spec.classes;
    for (size_t i = 0; i < count; i++, outputs += width, out += c + own->values) {
        for (size_t k = 0; k < c; k++) {
            /* the logarithm of the sum of what the posteriors are made of */
            double top = -INFINITY, sum = 0;
            for (size_t o = 0; o < own->classes; o++)
                if (mapped->column[o] == (int)k) top = fmax(top, (double)outputs[o] / temperature);
            for (size_t o = 0; o < own->classes; o++)
                if (mapped->column[o] == (int)k) sum += exp((double)outputs[o] / temperature - top);
            /* several may hold: then it holds as much as the strongest of them */
            out[k] = (float)(temperature * (own->multi_label ? top : top + log(sum)));
        }
        memcpy(out + c, outputs + own->classes, own->values * sizeof *out);
    }
}
