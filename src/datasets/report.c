/* The report's fields and counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/datasets_private.h"

void datasets_begin(datasets_report *r, const char *path, const char *what, const char *licence) {
    char *clean = base_utf8_clean(path, strlen(path));
    if (!clean) r->out->failed = true;
    const char *name = clean ? clean : "";
    if (r->json) {
        base_text_append(r->out, r->files ? ",\n{\"path\":" : "{\"path\":");
        base_text_append_json(r->out, name);
        base_text_append(r->out, ",\"is\":");
        base_text_append_json(r->out, what);
        if (licence) {
            base_text_append(r->out, ",\"licence\":");
            base_text_append_json(r->out, licence);
        }
    } else {
        base_text_append(r->out, r->files ? "\n" : "");
        base_text_append_clean(r->out, name);
        base_text_printf(r->out, ": %s\n", what);
        if (licence) base_text_printf(r->out, "  licence: %s\n", licence);
    }
    r->files++;
    base_free(clean);
}

void datasets_begin_set(datasets_report *r, const char *path, const datasets_set *set,
                        const char *what) {
    datasets_begin(r, path, what ? what : set->name, set->licence);
}

void datasets_end(datasets_report *r) {
    if (r->json) base_text_append(r->out, "}");
}

void datasets_field(datasets_report *r, const char *name, size_t value) {
    if (r->json) {
        base_text_append(r->out, ",");
        base_text_append_json(r->out, name);
        base_text_printf(r->out, ":%zu", value);
    } else {
        base_text_append(r->out, "  ");
        base_text_append_clean(r->out, name);
        base_text_printf(r->out, ": %zu\n", value);
    }
}

void datasets_field_text(datasets_report *r, const char *name, const char *value) {
    char *clean = base_utf8_clean(value, strlen(value));
    if (!clean) {
        r->out->failed = true;
        return;
    }
    if (r->json) {
        base_text_append(r->out, ",");
        base_text_append_json(r->out, name);
        base_text_append(r->out, ":");
        base_text_append_json(r->out, clean);
    } else {
        base_text_append(r->out, "  ");
        base_text_append_clean(r->out, name);
        base_text_append(r->out, ": ");
        base_text_append_clean(r->out, clean);
        base_text_append(r->out, "\n");
    }
    base_free(clean);
}

void datasets_oddity(datasets_report *r, const char *name, size_t count) {
    if (count) base_text_printf(r->out, r->json ? ",\"%s\":%zu" : "  ! %s: %zu\n", name, count);
}

/* ---- counting texts ---- */

enum { TALLY_MOST = 4096, TALLY_SLOTS = 4 * TALLY_MOST, TALLY_SHOWN = 40 };

/* FNV-1a, then a step that spreads it. */
uint64_t datasets_hash(uint64_t before, const char *text, size_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ before;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    return hash * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

void datasets_tally_add(datasets_tally *t, const char *text, size_t n) {
    if (t->failed) return;
    if (!t->slots) t->slots = base_calloc(TALLY_SLOTS, sizeof *t->slots);
    char *copy = t->slots ? base_utf8_clean(text, n) : NULL;
    if (!copy) {
        t->failed = true;
        return;
    }
    size_t slot = (size_t)datasets_hash(0, copy, strlen(copy)) % TALLY_SLOTS;
    while (t->slots[slot] && strcmp(t->items[t->slots[slot] - 1].text, copy) != 0)
        slot = (slot + 1) % TALLY_SLOTS;
    if (t->slots[slot]) {
        t->items[t->slots[slot] - 1].count++;
    } else if (t->count == TALLY_MOST) {
        t->full = true;
    } else if (!base_grow((void **)&t->items, &t->capacity, t->count + 1, sizeof *t->items)) {
        t->failed = true;
    } else {
        t->items[t->count].text = copy;
        t->items[t->count++].count = 1;
        t->slots[slot] = (uint32_t)t->count;
        return;
    }
    base_free(copy);
}

bool datasets_seen_add(datasets_seen *s, uint64_t hash) {
    hash += !hash; /* 0 is a free slot */
    if (2 * s->count >= s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        uint64_t *slots = base_calloc(capacity, sizeof *slots);
        if (!slots) {
            s->failed = true;
            return false;
        }
        for (size_t i = 0; i < s->capacity; i++) {
            size_t k = (size_t)s->slots[i] & (capacity - 1);
            while (s->slots[i] && slots[k]) k = (k + 1) & (capacity - 1);
            if (s->slots[i]) slots[k] = s->slots[i];
        }
        base_free(s->slots);
        s->slots = slots;
        s->capacity = capacity;
    }
    size_t i = (size_t)hash & (s->capacity - 1);
    while (s->slots[i] && s->slots[i] != hash) i = (i + 1) & (s->capacity - 1);
    if (s->slots[i]) return true;
    s->slots[i] = hash;
    s->count++;
    return false;
}

bool datasets_seen_has(const datasets_seen *s, uint64_t hash) {
    hash += !hash;
    for (size_t i = (size_t)hash; s->capacity; i++)
        if (!s->slots[i & (s->capacity - 1)] || s->slots[i & (s->capacity - 1)] == hash)
            return s->slots[i & (s->capacity - 1)] != 0;
    return false;
}

void datasets_seen_clear(datasets_seen *s) {
    base_free(s->slots);
    *s = (datasets_seen){0};
}

static int more_first(const void *a, const void *b) {
    const struct {
        char *text;
        size_t count;
    } *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

void datasets_tally_put(datasets_report *r, const char *name, datasets_tally *t) {
    if (t->count) qsort(t->items, t->count, sizeof *t->items, more_first);
    if (r->json) {
        base_text_append(r->out, ",");
        base_text_append_json(r->out, name);
        base_text_append(r->out, ":{");
    } else {
        base_text_append(r->out, "  ");
        base_text_append_clean(r->out, name);
        base_text_printf(r->out, " (%zu%s): ", t->count, t->full ? " and more" : "");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (r->json) {
            if (i) base_text_append(r->out, ",");
            base_text_append_json(r->out, t->items[i].text);
            base_text_printf(r->out, ":%zu", t->items[i].count);
        } else if (i < TALLY_SHOWN) {
            base_text_append(r->out, i ? ", " : "");
            base_text_append_clean(r->out, t->items[i].text);
            base_text_printf(r->out, " %zu", t->items[i].count);
        }
    }
    base_text_append(r->out, r->json ? "}" : t->count > TALLY_SHOWN ? ", ...\n" : "\n");
    if (t->failed) r->out->failed = true;
    datasets_tally_clear(t);
}

void datasets_tally_clear(datasets_tally *t) {
    for (size_t i = 0; i < t->count; i++) base_free(t->items[i].text);
    base_free(t->items);
    base_free(t->slots);
    *t = (datasets_tally){0};
}

/* ---- numbers ---- */

void datasets_spread_add(datasets_spread *s, double x) {
    s->values++;
    if (isnan(x)) {
        s->nan++;
    } else if (isinf(x)) {
        x > 0 ? s->positive_infinite++ : s->negative_infinite++;
    } else {
        size_t finite = s->values - s->nan - s->positive_infinite - s->negative_infinite;
        s->low = finite == 1 ? x : BASE_MIN(s->low, x);
        s->high = finite == 1 ? x : BASE_MAX(s->high, x);
        s->sum += x;
    }
}

/* Eight sums beside each other: compilers make vectors of them, and the result is the same everywhere. */
static bool add_finite(datasets_spread *s, const double *x, size_t n) {
    enum { LANES = 8 };
    double low[LANES], high[LANES], sum[LANES] = {0}, odd[LANES] = {0};
    for (size_t k = 0; k < LANES; k++) low[k] = high[k] = x[k];
    for (size_t i = 0; i < n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double v = x[i + k];
            odd[k] += v - v; /* NaN where it is not finite */
            low[k] = v < low[k] ? v : low[k];
            high[k] = v > high[k] ? v : high[k];
            sum[k] += v;
        }
    for (size_t k = 1; k < LANES; k++) {
        odd[0] += odd[k];
        sum[0] += sum[k];
        low[0] = BASE_MIN(low[0], low[k]);
        high[0] = BASE_MAX(high[0], high[k]);
    }
    if (isnan(odd[0])) return false;
    bool first = s->values == s->nan + s->positive_infinite + s->negative_infinite;
    s->low = first ? low[0] : BASE_MIN(s->low, low[0]);
    s->high = first ? high[0] : BASE_MAX(s->high, high[0]);
    s->sum += sum[0];
    s->values += n;
    return true;
}

void datasets_spread_array(datasets_spread *s, const data_array *array) {
    enum { PIECE = 2048 };
    double x[PIECE];
    data_array a = *array;
    a.fortran = false; /* in the file's order: the sums do not ask for another */
    for (size_t at = 0; at < a.count; at += PIECE) {
        size_t n = BASE_MIN(a.count - at, (size_t)PIECE);
        data_array_numbers(&a, at, n, x);
        if (n == PIECE && add_finite(s, x, n)) continue;
        for (size_t i = 0; i < n; i++) datasets_spread_add(s, x[i]);
    }
}

void datasets_spread_oddities(datasets_report *r, const datasets_spread *s) {
    datasets_oddity(r, "NaN", s->nan);
    datasets_oddity(r, "+inf", s->positive_infinite);
    datasets_oddity(r, "-inf", s->negative_infinite);
}

void datasets_spread_put(datasets_report *r, const char *name, const datasets_spread *s) {
    size_t finite = s->values - s->nan - s->positive_infinite - s->negative_infinite;
    double mean = finite ? s->sum / (double)finite : 0;
    if (r->json) {
        base_text_append(r->out, ",");
        base_text_append_json(r->out, name);
        base_text_printf(r->out, ":{\"values\":%zu", s->values);
        if (finite)
            base_text_printf(r->out, ",\"min\":%.17g,\"mean\":%.17g,\"max\":%.17g", s->low, mean,
                             s->high);
        base_text_printf(r->out, ",\"nan\":%zu,\"inf\":%zu,\"minus_inf\":%zu}", s->nan,
                         s->positive_infinite, s->negative_infinite);
    } else {
        base_text_append(r->out, "  ");
        base_text_append_clean(r->out, name);
        base_text_printf(r->out, ": %zu values", s->values);
        if (finite) base_text_printf(r->out, ", %g to %g, mean %g", s->low, s->high, mean);
        base_text_append(r->out, "\n");
        datasets_spread_oddities(r, s);
    }
}
