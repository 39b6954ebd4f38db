/* The reasoner, lists of labels, and a user's own list. */
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

affect_status affect_reasoner_create(affect_context *ctx, const char *lexicon,
                                     affect_reasoner **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    affect_reasoner *r = base_calloc(1, sizeof *r);
    if (!r) return base_fail_memory(ctx);
    r->ctx = ctx;
    affect_status status = words_emotions_load(ctx, lexicon, &r->lexicon);
    /* Its dialogues are for research: without it causes are told by time alone. */
    if (!status && !base_commercial_only(ctx)) status = reason_turns_load(ctx, NULL, &r->turns);
    if (status == AFFECT_OK)
        *out = r;
    else
        affect_reasoner_destroy(r);
    return status;
}

void affect_reasoner_destroy(affect_reasoner *r) {
    if (!r) return;
    words_emotions_destroy(r->lexicon);
    base_free(r->turns);
    base_free(r);
}

/* ---- lists ---- */

affect_status reason_labels_add(affect_context *ctx, affect_labels *labels,
                                const words_emotions *lexicon, size_t i, double score) {
    const words_emotion_word *entry = words_emotions_at(lexicon, i);
    const emotion_family *family =
        entry->family_count ? words_emotions_family(lexicon, entry->families[0].family) : NULL;
    if (!base_grow((void **)&labels->items, &labels->capacity, labels->count + 1,
                   sizeof *labels->items))
        return base_fail_memory(ctx);
    reason_label *label = &labels->items[labels->count];
    *label = (reason_label){.word = base_strdup(entry->word),
                            .score = score,
                            .family = family ? family->name : "",
                            .category = family ? family->category : "neutral"};
    if (!label->word) return base_fail_memory(ctx);
    labels->count++;
    return AFFECT_OK;
}

size_t affect_labels_count(const affect_labels *l) { return l ? l->count : 0; }
const char *affect_labels_word(const affect_labels *l, size_t i) {
    return l && i < l->count ? l->items[i].word : NULL;
}
double affect_labels_score(const affect_labels *l, size_t i) {
    return l && i < l->count ? l->items[i].score : NAN;
}
const char *affect_labels_family(const affect_labels *l, size_t i) {
    return l && i < l->count ? l->items[i].family : NULL;
}
const char *affect_labels_category(const affect_labels *l, size_t i) {
    return l && i < l->count ? l->items[i].category : NULL;
}

void affect_labels_destroy(affect_labels *labels) {
    if (!labels) return;
    for (size_t i = 0; i < labels->count; i++) base_free(labels->items[i].word);
    base_free(labels->items);
    base_free(labels);
}

/* ---- a user's own list ---- */

affect_status reason_list_read(affect_context *ctx, const char *path, reason_list *out) {
    size_t length, capacity = 0;
    const char **items = NULL;
    *out = (reason_list){0};
    affect_status status = base_read_file(ctx, path, (size_t)1 << 20, &out->text, &length);
    if (status != AFFECT_OK) return status;
    for (char *rest = out->text, *line; status == AFFECT_OK && (line = strsep(&rest, "\r\n"));) {
        while (*line == ' ' || *line == '\t') line++;
        size_t n = strlen(line);
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        if (!n) continue;
        if (base_grow((void **)&items, &capacity, out->count + 1, sizeof *items))
            items[out->count++] = line;
        else
            status = base_fail_memory(ctx);
    }
    out->items = items;
    if (status == AFFECT_OK && !out->count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: holds no label", path);
    if (status != AFFECT_OK) reason_list_clear(out);
    return status;
}

void reason_list_clear(reason_list *list) {
    base_free((void *)(uintptr_t)list->items);
    base_free(list->text);
    *list = (reason_list){0};
}
