/* The report's fields and counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/describe_private.h"

static void quote(base_text *out, const char *text, size_t n) {
    base_text_append(out, "\"");
    for (size_t i = 0, from = 0; i <= n; i++) {
        unsigned char c = i < n ? (unsigned char)text[i] : '"';
        if (c >= 32 && c != '"' && c != '\\') continue;
        base_text_append_n(out, text + from, i - from);
        from = i + 1;
        if (i < n) base_text_printf(out, c < 32 ? "\\u%04x" : "\\%c", c);
    }
    base_text_append(out, "\"");
}

void describe_begin(describe_report *r, const char *path, const char *what, const char *licence) {
    char *clean = base_utf8_clean(path, strlen(path));
    if (!clean) r->out->failed = true;
    const char *name = clean ? clean : "";
    if (r->json) {
        base_text_append(r->out, r->files ? ",\n{\"path\":" : "{\"path\":");
        quote(r->out, name, strlen(name));
        base_text_append(r->out, ",\"is\":");
        quote(r->out, what, strlen(what));
        if (licence) {
            base_text_append(r->out, ",\"licence\":");
            quote(r->out, licence, strlen(licence));
        }
    } else {
        base_text_printf(r->out, "%s%s: %s\n", r->files ? "\n" : "", name, what);
        if (licence) base_text_printf(r->out, "  licence: %s\n", licence);
    }
    r->files++;
    base_free(clean);
}

void describe_end(describe_report *r) {
    if (r->json) base_text_append(r->out, "}");
}

void describe_field(describe_report *r, const char *name, size_t value) {
    if (r->json) {
        base_text_append(r->out, ",");
        quote(r->out, name, strlen(name));
        base_text_printf(r->out, ":%zu", value);
    } else {
        base_text_printf(r->out, "  %s: %zu\n", name, value);
    }
}

void describe_field_text(describe_report *r, const char *name, const char *value) {
    char *clean = base_utf8_clean(value, strlen(value));
    if (!clean) {
        r->out->failed = true;
        return;
    }
    if (r->json) {
        base_text_append(r->out, ",");
        quote(r->out, name, strlen(name));
        base_text_append(r->out, ":");
        quote(r->out, clean, strlen(clean));
    } else {
        base_text_printf(r->out, "  %s: %s\n", name, clean);
    }
    base_free(clean);
}

void describe_oddity(describe_report *r, const char *name, size_t count) {
    if (count) base_text_printf(r->out, r->json ? ",\"%s\":%zu" : "  ! %s: %zu\n", name, count);
}

/* ---- counting texts ---- */

enum { TALLY_MOST = 4096, TALLY_SLOTS = 4 * TALLY_MOST, TALLY_SHOWN = 40 };

/* FNV-1a, then a step that spreads it. */
uint64_t describe_hash(uint64_t before, const char *text, size_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ before;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    return hash * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

void describe_tally_add(describe_tally *t, const char *text, size_t n) {
    if (t->failed) return;
    if (!t->slots) t->slots = base_calloc(TALLY_SLOTS, sizeof *t->slots);
    char *copy = t->slots ? base_utf8_clean(text, n) : NULL;
    if (!copy) {
        t->failed = true;
        return;
    }
    size_t slot = (size_t)describe_hash(0, copy, strlen(copy)) % TALLY_SLOTS;
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

bool describe_seen_add(describe_seen *s, uint64_t hash) {
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

bool describe_seen_has(const describe_seen *s, uint64_t hash) {
    hash += !hash;
    for (size_t i = (size_t)hash; s->capacity; i++)
        if (!s->slots[i & (s->capacity - 1)] || s->slots[i & (s->capacity - 1)] == hash)
            return s->slots[i & (s->capacity - 1)] != 0;
    return false;
}

void describe_seen_clear(describe_seen *s) {
    base_free(s->slots);
    *s = (describe_seen){0};
}

static int more_first(const void *a, const void *b) {
    const struct {
        char *text;
        size_t count;
    } *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

void describe_tally_put(describe_report *r, const char *name, describe_tally *t) {
    if (t->count) qsort(t->items, t->count, sizeof *t->items, more_first);
    if (r->json) {
        base_text_append(r->out, ",");
        quote(r->out, name, strlen(name));
        base_text_append(r->out, ":{");
    } else {
        base_text_printf(r->out, "  %s (%zu%s): ", name, t->count, t->full ? " and more" : "");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (r->json) {
            if (i) base_text_append(r->out, ",");
            quote(r->out, t->items[i].text, strlen(t->items[i].text));
            base_text_printf(r->out, ":%zu", t->items[i].count);
        } else if (i < TALLY_SHOWN) {
            base_text_printf(r->out, i ? ", %s %zu" : "%s %zu", t->items[i].text,
                             t->items[i].count);
        }
    }
    base_text_append(r->out, r->json ? "}" : t->count > TALLY_SHOWN ? ", ...\n" : "\n");
    if (t->failed) r->out->failed = true;
    describe_tally_clear(t);
}

void describe_tally_clear(describe_tally *t) {
    for (size_t i = 0; i < t->count; i++) base_free(t->items[i].text);
    base_free(t->items);
    base_free(t->slots);
    *t = (describe_tally){0};
}

/* ---- numbers ---- */

void describe_spread_add(describe_spread *s, double x) {
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

void describe_spread_oddities(describe_report *r, const describe_spread *s) {
    describe_oddity(r, "NaN", s->nan);
    describe_oddity(r, "+inf", s->positive_infinite);
    describe_oddity(r, "-inf", s->negative_infinite);
}

void describe_spread_put(describe_report *r, const char *name, const describe_spread *s) {
    size_t finite = s->values - s->nan - s->positive_infinite - s->negative_infinite;
    double mean = finite ? s->sum / (double)finite : 0;
    if (r->json) {
        base_text_append(r->out, ",");
        quote(r->out, name, strlen(name));
        base_text_printf(r->out, ":{\"values\":%zu", s->values);
        if (finite)
            base_text_printf(r->out, ",\"min\":%.17g,\"mean\":%.17g,\"max\":%.17g", s->low, mean,
                             s->high);
        base_text_printf(r->out, ",\"nan\":%zu,\"inf\":%zu,\"minus_inf\":%zu}", s->nan,
                         s->positive_infinite, s->negative_infinite);
    } else {
        base_text_printf(r->out, "  %s: %zu values", name, s->values);
        if (finite) base_text_printf(r->out, ", %g to %g, mean %g", s->low, s->high, mean);
        base_text_append(r->out, "\n");
        describe_spread_oddities(r, s);
    }
}
