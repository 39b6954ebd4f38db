/* Labels, wheels and their overlap. */
#include "score/wheel.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "data/pickle.h"
#include "score/wheel_tables.h"

/* numpy: below 8 one by one, up to 128 in eight running sums, else halves (rounded down to a
 * multiple of 8). */
static double sum_pairwise(const double *x, size_t n) {
    if (n < 8) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[i];
        return sum;
    }
    if (n <= 128) {
        double r[8];
        memcpy(r, x, sizeof r);
        size_t i = 8;
        for (; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++) r[k] += x[i + k];
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++) sum += x[i];
        return sum;
    }
    size_t half = n / 2;
    half -= half % 8;
    return sum_pairwise(x, half) + sum_pairwise(x + half, n - half);
}

/* Mean in the order of numpy's pairwise summation. NaN for n = 0. */
static double mean_pairwise(const double *x, size_t n) {
    return n ? sum_pairwise(x, n) / (double)n : NAN;
}

/* ---- labels ---- */

static bool add_label(score_labels *labels, const char *text, size_t n, unsigned form) {
    while (form & SCORE_LABELS_STRIP && n && isspace((unsigned char)*text)) {
        text++;
        n--;
    }
    while (form & SCORE_LABELS_STRIP && n && isspace((unsigned char)text[n - 1])) n--;
    char *copy = base_strndup(text, n);
    if (!copy || !base_grow((void **)&labels->items, &labels->capacity, labels->count + 1,
                            sizeof *labels->items)) {
        base_free(copy);
        return false;
    }
    for (char *c = copy; form & SCORE_LABELS_LOWER && *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    labels->items[labels->count++] = copy;
    return true;
}

/* Blank, or nothing but one comma between blanks. */
static bool is_separator(const char *text, size_t n) {
    size_t commas = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ',')
            commas++;
        else if (!isspace((unsigned char)text[i]))
            return false;
    }
    return commas <= 1;
}

affect_status score_labels_parse(affect_context *ctx, const char *text, unsigned form,
                                 score_labels *out) {
    *out = (score_labels){0};
    const char *open = strchr(text, '[');
    if (open) text = open + 1;
    size_t n = open && strchr(text, ']') ? (size_t)(strchr(text, ']') - text) : strlen(text);
    /* Python's lists of quoted texts are cut at every quote, as the reference does: "don't care"
     * becomes two labels. Without any quote, commas and semicolons separate. */
    bool quoted = memchr(text, '\'', n) || memchr(text, '"', n);
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n &&
            (quoted ? text[i] != '\'' && text[i] != '"' : text[i] != ',' && text[i] != ';'))
            continue;
        if (!is_separator(text + from, i - from) && !add_label(out, text + from, i - from, form)) {
            score_labels_clear(out);
            return base_fail_memory(ctx);
        }
        from = i + 1;
    }
    return AFFECT_OK;
}

void score_labels_clear(score_labels *labels) {
    for (size_t i = 0; i < labels->count; i++) base_free(labels->items[i]);
    base_free(labels->items);
    *labels = (score_labels){0};
}

/* ---- a dictionary over the texts of a document ---- */

typedef struct entry {
    const char *key;
    size_t length;
    const data_value *value;
} entry;

typedef struct dictionary {
    entry *slots;
    size_t capacity; /* a power of two */
} dictionary;

static entry *slot_of(const dictionary *d, const char *key, size_t length) {
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)key[i]) * 1099511628211U;
    size_t i = (size_t)hash & (d->capacity - 1);
    while (d->slots[i].key &&
           (d->slots[i].length != length || memcmp(d->slots[i].key, key, length) != 0))
        i = (i + 1) & (d->capacity - 1);
    return &d->slots[i];
}

static bool dictionary_of(const data_value *dict, dictionary *out) {
    out->capacity = 16;
    while (out->capacity < 2 * data_length(dict) + 2) out->capacity *= 2;
    out->slots = base_calloc(out->capacity, sizeof *out->slots);
    if (!out->slots) return false;
    for (size_t i = 0; i < data_length(dict); i++) {
        const data_value *key = dict->as.list.items[2 * i];
        if (key->kind != DATA_TEXT && key->kind != DATA_BYTES) continue;
        *slot_of(out, key->as.text.bytes, key->as.text.length) =
            (entry){key->as.text.bytes, key->as.text.length, dict->as.list.items[2 * i + 1]};
    }
    return true;
}

static const data_value *look_up(const dictionary *d, const char *key, size_t length) {
    return d->slots ? slot_of(d, key, length)->value : NULL;
}

/* ---- wheels ---- */

struct affect_score_wheels {
    data_npz *npz;
    data_npy *array[3];
    data_document *document[3];
    dictionary format, raw, sector[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
    base_arena names; /* sectors as NUL-terminated texts */
};

static const data_value *only_item(const data_document *document) {
    const data_value *root = data_document_root(document);
    return root && root->kind == DATA_ARRAY ? data_item(root, 0) : root;
}

/* Sector texts are not NUL-terminated in the pickle; give each wheel's values a copy that is. */
static affect_status terminate(affect_context *ctx, score_wheels *w, dictionary *d) {
    for (size_t i = 0; i < d->capacity; i++) {
        const data_value *v = d->slots[i].value;
        if (!v) continue;
        if (v->kind != DATA_TEXT && v->kind != DATA_BYTES)
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "wheel: a sector is a %s, not a text",
                             data_kind_name(v->kind));
        data_value *copy = base_arena_alloc(&w->names, sizeof *copy + v->as.text.length + 1);
        if (!copy) return base_fail_memory(ctx);
        copy->kind = DATA_TEXT;
        copy->as.text.length = v->as.text.length;
        copy->as.text.bytes = memcpy((char *)(copy + 1), v->as.text.bytes, v->as.text.length);
        d->slots[i].value = copy;
    }
    return AFFECT_OK;
}

affect_status score_wheels_open(affect_context *ctx, const char *path, score_wheels **out) {
    *out = NULL;
    static const char *const names[3] = {"format_mapping", "raw_mapping", "wheel_map_whole"};
    char *file =
        base_is_folder(path) ? base_path_join(path, "wheel_mapping.npz") : base_strdup(path);
    score_wheels *w = base_calloc(1, sizeof *w);
    affect_status status = file && w ? AFFECT_OK : base_fail_memory(ctx);
    if (w) base_arena_init(&w->names, 0);
    bool tables = !status && base_is_folder(path) && !base_file_exists(file);
    if (tables)
        status = score_wheel_tables(ctx, path, w->document);
    else if (!status)
        status = data_npz_open(ctx, file, &w->npz);
    for (int i = 0; i < 3 && !status && !tables; i++) {
        status = data_npz_array(ctx, w->npz, names[i], &w->array[i]);
        if (status) break;
        if (w->array[i]->values.type != DATA_OBJECT)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s holds no pickled dictionary", file,
                               names[i]);
        else
            status = data_pickle_parse(ctx, names[i], w->array[i]->values.bytes,
                                       w->array[i]->length, NULL, &w->document[i]);
        if (!status && (!only_item(w->document[i]) || only_item(w->document[i])->kind != DATA_DICT))
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s is no dictionary", file, names[i]);
    }
    if (!status && (!dictionary_of(only_item(w->document[0]), &w->format) ||
                    !dictionary_of(only_item(w->document[1]), &w->raw)))
        status = base_fail_memory(ctx);
    for (int k = 0; k < SCORE_WHEELS && !status; k++)
        for (int level = 0; level < SCORE_WHEEL_LEVELS && !status; level++) {
            char wheel[16], name[16];
            snprintf(wheel, sizeof wheel, "wheel%d", k + 1);
            snprintf(name, sizeof name, "level%d", level + 1);
            const data_value *map = data_get(data_get(only_item(w->document[2]), wheel), name);
            if (!map || map->kind != DATA_DICT)
                status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no %s of %s", file, name, wheel);
            else if (!dictionary_of(map, &w->sector[k][level]))
                status = base_fail_memory(ctx);
            else
                status = terminate(ctx, w, &w->sector[k][level]);
        }
    base_free(file);
    if (status)
        score_wheels_destroy(w);
    else
        *out = w;
    return status;
}

void score_wheels_destroy(score_wheels *w) {
    if (!w) return;
    base_free(w->format.slots);
    base_free(w->raw.slots);
    for (int k = 0; k < SCORE_WHEELS; k++)
        for (int level = 0; level < SCORE_WHEEL_LEVELS; level++)
            base_free(w->sector[k][level].slots);
    for (int i = 0; i < 3; i++) {
        data_document_destroy(w->document[i]);
        data_npy_destroy(w->array[i]);
    }
    data_npz_destroy(w->npz);
    base_arena_destroy(&w->names);
    base_free(w);
}

/* Python compares texts by code point; UTF-8 bytes order the same way. */
static int compare_text(const data_value *a, const data_value *b) {
    size_t n = BASE_MIN(a->as.text.length, b->as.text.length);
    int order = memcmp(a->as.text.bytes, b->as.text.bytes, n);
    return order
               ? order
               : (a->as.text.length > b->as.text.length) - (a->as.text.length < b->as.text.length);
}

/* The sector of a lower-case label on wheel 0..4 at level 0..1, or NULL. Borrowed. */
static const char *sector_of(const score_wheels *w, const char *label, size_t wheel, size_t level) {
    const dictionary *sectors = &w->sector[wheel][level];
    const data_value *formats = look_up(&w->format, label, strlen(label));
    const data_value *best = NULL, *sector = NULL;
    for (size_t i = 0; i < data_length(formats); i++) {
        const data_value *format = data_item(formats, i);
        if (format->kind != DATA_TEXT && format->kind != DATA_BYTES) continue;
        const data_value *raws = look_up(&w->raw, format->as.text.bytes, format->as.text.length);
        for (size_t k = 0; k < data_length(raws); k++) {
            const data_value *raw = data_item(raws, k);
            if ((raw->kind != DATA_TEXT && raw->kind != DATA_BYTES) ||
                (best && compare_text(raw, best) >= 0))
                continue;
            const data_value *found = look_up(sectors, raw->as.text.bytes, raw->as.text.length);
            if (!found) continue;
            best = raw;
            sector = found;
        }
    }
    return sector ? sector->as.text.bytes : NULL;
}

/* ---- sets: small arrays of distinct borrowed texts ---- */

static size_t add_distinct(const char **set, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(set[i], text) == 0) return count;
    set[count] = text;
    return count + 1;
}

static size_t common(const char *const *a, size_t n, const char *const *b, size_t m) {
    size_t both = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            if (strcmp(a[i], b[j]) == 0) {
                both++;
                break;
            }
    return both;
}

static size_t most_labels(const score_open_sets *sets) {
    size_t most = 1;
    for (size_t i = 0; i < sets->samples; i++)
        most = BASE_MAX(most, BASE_MAX(sets->gold[i].count, sets->predicted[i].count));
    return most;
}

static size_t sectors_of(const score_wheels *w, const score_labels *labels, size_t wheel,
                         size_t level, const char **out) {
    size_t n = 0;
    for (size_t i = 0; i < labels->count; i++) {
        const char *sector = sector_of(w, labels->items[i], wheel, level);
        if (sector && *sector) n = add_distinct(out, n, sector);
    }
    return n;
}

affect_status score_wheel_sets(affect_context *ctx, const score_wheels *wheels,
                               const score_open_sets *sets, const uint32_t *index, size_t count,
                               size_t levels,
                               score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS],
                               double mean[3]) {
    size_t n = index ? count : sets->samples, most = most_labels(sets);
    const char **gold = base_alloc(2 * most * sizeof *gold);
    double *precision = base_alloc(2 * (n + 1) * sizeof *precision),
           *recall = precision ? precision + n + 1 : NULL;
    if (!gold || !precision) {
        base_free(gold);
        base_free(precision);
        return base_fail_memory(ctx);
    }
    const char **predicted = gold + most;
    mean[0] = mean[1] = mean[2] = 0;
    for (size_t level = 0; level < levels; level++) {
        double f[SCORE_WHEELS], p[SCORE_WHEELS], r[SCORE_WHEELS];
        for (size_t k = 0; k < SCORE_WHEELS; k++) {
            size_t used = 0;
            for (size_t i = 0; i < n; i++) {
                size_t at = index ? index[i] : i;
                size_t g = sectors_of(wheels, &sets->gold[at], k, level, gold);
                if (!g) continue;
                size_t q = sectors_of(wheels, &sets->predicted[at], k, level, predicted);
                size_t both = common(gold, g, predicted, q);
                precision[used] = q ? (double)both / (double)q : 0;
                recall[used] = q ? (double)both / (double)g : 0;
                used++;
            }
            score_wheel_row *row = &rows[k][level];
            row->samples = used;
            row->precision = p[k] = used ? mean_pairwise(precision, used) : 0;
            row->recall = r[k] = used ? mean_pairwise(recall, used) : 0;
            row->f = f[k] = p[k] + r[k] > 0 ? 2 * (p[k] * r[k]) / (p[k] + r[k]) : 0;
        }
        /* numpy's mean over an axis of a 5 x 3 table adds row by row. */
        double sums[3] = {0};
        for (size_t k = 0; k < SCORE_WHEELS; k++) {
            sums[0] += f[k];
            sums[1] += p[k];
            sums[2] += r[k];
        }
        for (int v = 0; v < 3; v++) mean[v] += sums[v] / SCORE_WHEELS;
    }
    for (int v = 0; v < 3; v++) mean[v] /= (double)levels;
    base_free(gold);
    base_free(precision);
    return AFFECT_OK;
}

affect_status score_hit_rate(affect_context *ctx, const score_wheels *wheels,
                             const score_open_sets *sets, double *out, size_t *used) {
    size_t most = most_labels(sets), hits = 0;
    const char **gold = base_alloc(2 * most * sizeof *gold);
    if (!gold) return base_fail_memory(ctx);
    const char **predicted = gold + most;
    double sum = 0;
    *used = 0;
    for (size_t i = 0; i < sets->samples; i++) {
        if (sets->gold[i].count == 1 && strcmp(sets->gold[i].items[0], "neutral") == 0) continue;
        (*used)++;
        for (size_t k = 0; k < SCORE_WHEELS; k++) {
            size_t g = sectors_of(wheels, &sets->gold[i], k, 0, gold);
            size_t q = sectors_of(wheels, &sets->predicted[i], k, 0, predicted);
            if (!g) continue;
            sum += (double)common(gold, g, predicted, q) / (double)g;
            hits++;
        }
    }
    *out = hits ? sum / (double)hits : NAN;
    base_free(gold);
    return AFFECT_OK;
}

affect_status score_hit_rates(affect_context *ctx, const score_wheels *wheels,
                              const score_open_sets *sets, const score_labels *candidates,
                              const uint32_t *index, size_t count, score_hits hits[SCORE_WHEELS],
                              double *hit_rate, double *mscore) {
    size_t n = index ? count : sets->samples, most = BASE_MAX(most_labels(sets), candidates->count);
    const char **gold = base_alloc(3 * most * sizeof *gold);
    double *each = base_alloc(2 * (n + 1) * sizeof *each);
    affect_status status = gold && each ? AFFECT_OK : base_fail_memory(ctx);
    *hit_rate = *mscore = 0;
    for (size_t k = 0; k < SCORE_WHEELS && !status; k++) {
        const char **predicted = gold + most, **wanted = gold + 2 * most;
        size_t used = 0, c = sectors_of(wheels, candidates, k, 0, wanted);
        for (size_t i = 0; i < n; i++) {
            size_t at = index ? index[i] : i;
            size_t g = sectors_of(wheels, &sets->gold[at], k, 0, gold);
            if (!g) continue;
            size_t p = sectors_of(wheels, &sets->predicted[at], k, 0, predicted);
            size_t both = common(predicted, p, gold, g), known = common(predicted, p, wanted, c);
            each[used] = (double)both;
            each[n + 1 + used++] = known ? (double)both / (double)known : 0;
        }
        hits[k] = (score_hits){mean_pairwise(each, used), mean_pairwise(each + n + 1, used), used};
        *hit_rate += hits[k].hit_rate;
        *mscore += hits[k].mscore;
    }
    *hit_rate /= SCORE_WHEELS;
    *mscore /= SCORE_WHEELS;
    base_free(gold);
    base_free(each);
    return status;
}

/* ---- 2024 ---- */

/* "[['a', 'b'], ['c']]" into its inner lists. */
static affect_status parse_groups(affect_context *ctx, const char *text, score_labels **groups,
                                  size_t *count) {
    *groups = NULL;
    *count = 0;
    size_t capacity = 0;
    const char *at = strchr(text, '[');
    const char *open = at ? strchr(at + 1, '[') : NULL;
    if (!open) open = at; /* one flat list is one group */
    while (open) {
        const char *close = strchr(open, ']');
        if (!close) break;
        char *inner = base_strndup(open, (size_t)(close - open) + 1);
        score_labels labels = {0};
        affect_status status =
            inner ? score_labels_parse(ctx, inner, 0, &labels) : base_fail_memory(ctx);
        base_free(inner);
        if (!status && !base_grow((void **)groups, &capacity, *count + 1, sizeof **groups)) {
            score_labels_clear(&labels);
            status = base_fail_memory(ctx);
        }
        if (status) return status;
        (*groups)[(*count)++] = labels;
        open = strchr(close, '[');
    }
    return AFFECT_OK;
}

/* A later group overrides an earlier one, as assignments to a dictionary do. */
static const char *stand_in(const score_labels *groups, size_t count, const char *label) {
    for (size_t g = count; g-- > 0;)
        for (size_t i = 0; i < groups[g].count; i++)
            if (strcmp(groups[g].items[i], label) == 0) return groups[g].items[0];
    return label;
}

affect_status score_grouped_sets(affect_context *ctx, const score_open_sets *sets,
                                 const char *const *groups, double *accuracy, double *recall) {
    size_t most = most_labels(sets);
    const char **gold = base_alloc(2 * most * sizeof *gold);
    double *a = base_alloc(2 * (sets->samples + 1) * sizeof *a);
    affect_status status = gold && a ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < sets->samples && !status; i++) {
        score_labels *lists;
        size_t count, g = 0, p = 0;
        const char **predicted = gold + most;
        status = parse_groups(ctx, groups[i], &lists, &count);
        for (size_t k = 0; k < sets->gold[i].count && !status; k++)
            g = add_distinct(gold, g, stand_in(lists, count, sets->gold[i].items[k]));
        for (size_t k = 0; k < sets->predicted[i].count && !status; k++)
            p = add_distinct(predicted, p, stand_in(lists, count, sets->predicted[i].items[k]));
        size_t both = common(gold, g, predicted, p);
        a[i] = p ? (double)both / (double)p : 0;
        a[sets->samples + i] = p && g ? (double)both / (double)g : 0;
        for (size_t k = 0; k < count; k++) score_labels_clear(&lists[k]);
        base_free(lists);
    }
    if (!status) {
        *accuracy = mean_pairwise(a, sets->samples);
        *recall = mean_pairwise(a + sets->samples, sets->samples);
    }
    base_free(gold);
    base_free(a);
    return status;
}
