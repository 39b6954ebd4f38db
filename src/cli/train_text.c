/* Text with emotions, in the layouts of the corpora: GoEmotions (tsv without header: text, label
 * numbers, id), XED (tsv: text, Plutchik numbers; "9 TAB text" for neutral lines), EmoBank (csv:
 * id, split, V, A, D, text), MELD (csv: Utterance, Emotion), or any csv with text and label
 * columns. */
#include <math.h>
#include <string.h>

#include "cli/train.h"
#include "data/table.h"
#include "nn/tape.h"

enum { LONGEST = WORD_UNITS_TOKENS, PIECES = WORD_UNITS_PIECES };

affect_status train_text_add(train_set *s, const char *text) {
    char **texts = base_realloc(s->texts, (s->count + 1) * sizeof *texts);
    if (!texts) return base_fail_memory(s->ctx);
    s->texts = texts;
    char *copy = base_utf8_clean(text, strlen(text));
    if (!copy) return base_fail_memory(s->ctx);
    affect_status status = train_set_add(s, NULL);
    if (status != AFFECT_OK) {
        base_free(copy);
        return status;
    }
    s->texts[s->count - 1] = copy;
    if (!s->spec.surface) return AFFECT_OK;
    float *side = base_realloc(s->side, s->count * WORD_UNITS_SURFACE * sizeof *side);
    if (!side) return base_fail_memory(s->ctx);
    s->side = side;
    word_units_surface(copy, side + (s->count - 1) * WORD_UNITS_SURFACE);
    return AFFECT_OK;
}

static float *target_of(train_set *s) { return s->target + (s->count - 1) * s->width; }

/* The class is known: all others are not it. */
static void set_class(train_set *s, int c) {
    float *t = target_of(s);
    for (size_t k = 0; k < s->spec.classes; k++) t[k] = (int)k == c;
    s->gold[s->count - 1] = c;
}

/* "3,27" against the label list (GoEmotions), or Plutchik's numbers (XED). */
static affect_status read_numbers(train_set *s, const data_table *t, size_t row, size_t column,
                                  bool plutchik) {
    static const char *const eight[] = {"",    "anger",   "anticipation", "disgust", "fear",
                                        "joy", "sadness", "surprise",     "trust"};
    const char *at = data_table_cell(t, row, column);
    float *target = target_of(s);
    size_t hits = 0;
    int last = -1;
    for (size_t k = 0; !plutchik && k < s->spec.classes; k++) target[k] = 0;
    for (size_t k = 1; plutchik && k < BASE_COUNT(eight); k++) {
        int c = train_label(&s->spec, eight[k]);
        if (c >= 0) target[c] = 0; /* XED's annotators chose among all eight */
    }
    while (*at) {
        size_t n = strcspn(at, ", ");
        int64_t number;
        if (n) {
            if (!base_parse_int64(at, n, &number) || number < 0 ||
                number >= (int64_t)(plutchik ? 9 : s->spec.classes))
                return data_table_fail(s->ctx, t, row, column, "label numbers from 0 to %zu",
                                       plutchik ? (size_t)8 : s->spec.classes - 1);
            int c = plutchik ? train_label(&s->spec, eight[number]) : (int)number;
            if (c >= 0) {
                target[c] = 1;
                last = c;
                hits++;
            }
        }
        at += n + (at[n] != '\0');
    }
    s->gold[s->count - 1] = hits == 1 && !plutchik ? last : -1;
    return AFFECT_OK;
}

static affect_status read_emobank(train_set *s, const data_table *t, const char *only,
                                  const char *except) {
    affect_status status = AFFECT_OK;
    int split = data_table_column(t, "split"), text = data_table_column(t, "text");
    const char *const names[3] = {"V", "A", "D"};
    for (size_t r = 0; status == AFFECT_OK && r < t->rows; r++) {
        const char *part = split >= 0 ? data_table_cell(t, r, (size_t)split) : "";
        if (only && base_starts_with(only, "split ") && strcmp(only + 6, part) != 0) continue;
        if (except && base_starts_with(except, "split ") && strcmp(except + 7, part) == 0) continue;
        status = train_text_add(s, data_table_cell(t, r, (size_t)text));
        for (size_t k = 0; status == AFFECT_OK && k < BASE_MIN((size_t)3, s->spec.values); k++) {
            int column = data_table_column(t, names[k]);
            const char *cell = data_table_cell(t, r, (size_t)column);
            double v;
            if (!base_parse_double(cell, strlen(cell), &v) || v < 1 || v > 5)
                return data_table_fail(s->ctx, t, r, (size_t)column, "a number from 1 to 5");
            target_of(s)[s->spec.classes + k] = (float)((v - 3) / 2); /* 1..5 to -1..1 */
        }
    }
    return status;
}

static affect_status read_labelled(train_set *s, const data_table *t, int text, int label) {
    affect_status status = AFFECT_OK;
    for (size_t r = 0; status == AFFECT_OK && r < t->rows; r++) {
        int c = train_label(&s->spec, data_table_cell(t, r, (size_t)label));
        if (c < 0) return data_table_fail(s->ctx, t, r, (size_t)label, "one of the model's labels");
        status = train_text_add(s, data_table_cell(t, r, (size_t)text));
        if (status == AFFECT_OK) set_class(s, c);
    }
    return status;
}

static affect_status read_tsv(train_set *s, const data_table *t) {
    affect_status status = AFFECT_OK;
    for (size_t r = 0; status == AFFECT_OK && r < t->rows; r++) {
        size_t width = data_table_width(t, r);
        const char *first = data_table_cell(t, r, 0);
        if (width >= 2 && strcmp(first, "9") == 0) { /* XED's neutral lines; some hold tabs */
            base_text line = {0};
            for (size_t k = 1; k < width; k++)
                base_text_printf(&line, "%s%s", k > 1 ? " " : "", data_table_cell(t, r, k));
            status = line.failed ? base_fail_memory(s->ctx)
                                 : train_text_add(s, line.data ? line.data : "");
            base_text_destroy(&line);
            int c = train_label(&s->spec, "neutral");
            if (status == AFFECT_OK && c >= 0) set_class(s, c);
            continue;
        }
        if (!*first && (width < 2 || !*data_table_cell(t, r, 1))) continue; /* blank but for tabs */
        if (width != 2 && width != 3)
            return base_fail(s->ctx, AFFECT_ERROR_FORMAT,
                             "%s:%zu: has %zu columns, expected text, label numbers[, id]", t->path,
                             t->line[r], width);
        status = train_text_add(s, first);
        if (status == AFFECT_OK) status = read_numbers(s, t, r, 1, width == 2);
    }
    return status;
}

affect_status train_text_open(train_set *s, const char *path, const char *only,
                              const char *except) {
    bool tsv = base_ends_with(path, ".tsv") || base_ends_with(path, ".txt");
    data_table_options o = {.no_header = tsv, .ragged = tsv, .plain = tsv};
    data_table *t;
    affect_status status = data_table_open(s->ctx, path, &o, &t);
    if (status != AFFECT_OK) return status;
    int text = tsv ? -1 : data_table_column(t, "text"), label = -1;
    if (!tsv && text < 0) text = data_table_column(t, "utterance");
    if (!tsv) label = data_table_column(t, "emotion");
    if (!tsv && label < 0) label = data_table_column(t, "label");
    if (tsv)
        status = read_tsv(s, t);
    else if (text >= 0 && data_table_column(t, "V") >= 0 && data_table_column(t, "A") >= 0 &&
             data_table_column(t, "D") >= 0)
        status = read_emobank(s, t, only, except);
    else if (text >= 0 && label >= 0)
        status = read_labelled(s, t, text, label);
    else
        status = base_fail(
            s->ctx, AFFECT_ERROR_FORMAT,
            "%s:1: expected the columns text,label or Utterance,Emotion or text,V,A,D", path);
    data_table_destroy(t);
    return status;
}

bool train_text_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                      const train_augment *a, uint64_t seed, nn_batch *batch) {
    size_t *length = nn_tape_bytes_alloc(tape, n * sizeof *length);
    size_t *sizes = nn_tape_bytes_alloc(tape, n * LONGEST * sizeof *sizes);
    int32_t *units = nn_tape_bytes_alloc(tape, n * LONGEST * PIECES * sizeof *units);
    if (!length || !sizes || !units) return false;
    float *side = s->spec.surface ? nn_tape_alloc(tape, n * WORD_UNITS_SURFACE) : NULL;
    if (s->spec.surface && !side) return false;
    for (size_t i = 0; side && i < n; i++)
        memcpy(side + i * WORD_UNITS_SURFACE, s->side + index[i] * WORD_UNITS_SURFACE,
               WORD_UNITS_SURFACE * sizeof *side);
    size_t longest = 1;
    for (size_t i = 0; i < n; i++) {
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, 0};
        size_t count = 0;
        char token[48];
        for (size_t at = 0; count < LONGEST && word_units_token(s->texts[index[i]], &at, token);) {
            if (a && train_roll(&d) < a->drop) continue;
            size_t k = i * LONGEST + count;
            sizes[k] = word_units_of(s->spec.words, token, a && train_roll(&d) < a->pieces,
                                     units + k * PIECES, PIECES);
            count++;
        }
        if (count == 0) sizes[i * LONGEST] = 0;
        length[i] = BASE_MAX(count, (size_t)1);
        longest = BASE_MAX(longest, length[i]);
    }
    size_t *start = nn_tape_bytes_alloc(tape, (n * longest + 1) * sizeof *start), total = 0;
    if (!start) return false;
    int32_t *packed = units; /* moves only towards the front */
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < longest; t++) {
            start[i * longest + t] = total;
            if (t >= length[i]) continue;
            size_t k = i * LONGEST + t;
            memmove(packed + total, units + k * PIECES, sizes[k] * sizeof *units);
            total += sizes[k];
        }
    start[n * longest] = total;
    *batch = (nn_batch){.count = n,
                        .steps = longest,
                        .length = length,
                        .index = packed,
                        .start = start,
                        .side = side};
    return true;
}
