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

enum { TALLY_MOST = 4096, TALLY_SHOWN = 40 };

void describe_tally_add(describe_tally *t, const char *text, size_t n) {
    for (size_t i = 0; i < t->count; i++)
        if (strncmp(t->items[i].text, text, n) == 0 && !t->items[i].text[n]) {
            t->items[i].count++;
            return;
        }
    if (t->count == TALLY_MOST) {
        t->full = true;
        return;
    }
    char *copy = base_utf8_clean(text, n);
    if (!copy || !base_grow((void **)&t->items, &t->capacity, t->count + 1, sizeof *t->items)) {
        base_free(copy);
        t->failed = true;
        return;
    }
    t->items[t->count].text = copy;
    t->items[t->count++].count = 1;
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
