/* Samples of the sets: what all their readers share. */
#include <math.h>
#include <string.h>

#include "datasets/datasets_private.h"

datasets_sample datasets_sample_begin(datasets_reader *r) {
    for (size_t k = 0; k < r->request->classes; k++) r->shares[k] = -1;
    for (size_t k = 0; k < r->request->values; k++) r->values[k] = NAN;
    return (datasets_sample){.shares = r->shares,
                             .values = r->values,
                             .label = -1,
                             .speaker = -1,
                             .by = r->request->by ? r->by : NULL};
}

void datasets_sample_class(datasets_reader *r, datasets_sample *sample, int label) {
    for (size_t k = 0; k < r->request->classes; k++) r->shares[k] = (int)k == label;
    sample->label = label;
}

/* Values are wanted by name; one of another name stands for the dimension of its place. */
void datasets_sample_value(datasets_reader *r, size_t number, double x) {
    static const char *const names[] = {"valence", "arousal", "dominance"};
    const datasets_request *q = r->request;
    for (size_t k = 0; k < q->values; k++) {
        size_t means = k;
        for (size_t n = 0; n < BASE_COUNT(names); n++)
            if (base_equal_ignore_case(q->labels[q->classes + k], names[n])) means = n;
        if (means == number) r->values[k] = (float)x;
    }
}

/* Does the row match one rule, "COLUMN VALUE,VALUE"? *known is false where a lenient rule speaks of
 * splits and there are none. */
static affect_status matches_one(datasets_reader *r, const char *path, const char *rule,
                                 bool lenient, datasets_cell *cell, const void *user, bool *known,
                                 bool *out) {
    size_t n = strcspn(rule, " ");
    char column[64];
    snprintf(column, sizeof column, "%.*s", (int)BASE_MIN(n, sizeof column - 1), rule);
    const char *text = cell(user, column), *at = rule + n + 1;
    *out = false;
    *known = text || !lenient || strcmp(column, "split") != 0;
    if (!*known) return AFFECT_OK;
    if (!text || !rule[n])
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                         "%s:1: the rule '%s' wants a column '%s' and values after it", path, rule,
                         column);
    while (*text == ' ') text++; /* nEMO pads its speakers */
    while (*at) {
        size_t length = strcspn(at, ",");
        if (strlen(text) == length && strncmp(text, at, length) == 0) *out = true;
        at += length + (at[length] == ',');
    }
    return AFFECT_OK;
}

/* A row no rule concerns gives `fallback`; else whether any that concerns it matches. */
static affect_status matches(datasets_reader *r, const char *path, const char *rules, bool lenient,
                             datasets_cell *cell, const void *user, bool fallback, bool *out) {
    char *copy = base_strdup(rules), *rest = copy;
    if (!copy) return base_fail_memory(r->ctx);
    affect_status status = AFFECT_OK;
    bool concerned = false, any = false;
    for (char *rule; status == AFFECT_OK && (rule = strsep(&rest, "|"));) {
        char *end = rule + strlen(rule), *colon = strchr(rule, ':');
        while (end > rule && end[-1] == ' ') *--end = '\0';
        while (*rule == ' ') rule++;
        if (colon && colon < rule + strcspn(rule, " ")) {
            *colon = '\0';
            if (!strstr(path, rule)) continue;
            for (rule = colon + 1; *rule == ' ';) rule++;
        }
        bool hit = false, known = true;
        status = matches_one(r, path, rule, lenient, cell, user, &known, &hit);
        concerned |= known;
        any |= hit;
    }
    base_free(copy);
    *out = concerned ? any : fallback;
    return status;
}

affect_status datasets_wanted(datasets_reader *r, const char *path, bool lenient,
                              datasets_cell *cell, const void *user, bool *out) {
    bool keep = true, drop = false;
    affect_status status = AFFECT_OK;
    if (r->request->only)
        status = matches(r, path, r->request->only, lenient, cell, user, true, &keep);
    if (status == AFFECT_OK && r->request->except)
        status = matches(r, path, r->request->except, lenient, cell, user, false, &drop);
    *out = keep && !drop;
    if (status == AFFECT_OK && *out && r->request->by) {
        const char *text = cell(user, r->request->by);
        if (!text)
            return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: has no column '%s'", path,
                             r->request->by);
        snprintf(r->by, sizeof r->by, "%s", text + strspn(text, " "));
    }
    return status;
}
