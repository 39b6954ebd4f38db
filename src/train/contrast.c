/* Sentences by rule (recipes/contrast.txt says how they are written): pairs that corpora hold too few of, such as "I am not
 * sad" beside "I am sad", with the targets that the rule gives. What a rule does not know stays unknown. */
#include <math.h>
#include <string.h>

#include "train/train_private.h"

enum { MOST_SLOTS = 26 };

typedef struct contrast_word {
    char slot;
    const char *labels, *text;
    float valence, arousal;
} contrast_word;

/* A frame (slot is not 0) or a sentence of its own, whose targets are in `labels`. */
typedef struct contrast_frame {
    char slot;
    const char *labels, *text;
    float share, neutral, valence, arousal; /* neutral < 0: unknown */
} contrast_frame;

typedef struct grammar {
    contrast_word *words;
    contrast_frame *frames;
    const char **things;
    size_t word_count, word_room, frame_count, frame_room, thing_count, thing_room;
} grammar;

/* Labels that say that something is good or bad; the others (surprise, curiosity, ...) say neither. */
static const char *const ups[] = {"admiration", "amusement",  "approval",  "caring",
                                  "desire",     "excitement", "gratitude", "joy",
                                  "love",       "optimism",   "pride",     "relief"};
static const char *const downs[] = {"anger",       "annoyance",     "disappointment", "disapproval",
                                    "disgust",     "embarrassment", "fear",           "grief",
                                    "nervousness", "remorse",       "sadness"};

static bool is_one_of(const char *label, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(label, list[i]) == 0) return true;
    return false;
}

static int direction(const char *label) {
    return is_one_of(label, ups, BASE_COUNT(ups)) - is_one_of(label, downs, BASE_COUNT(downs));
}

/* ---- the file ---- */

/* Up to `count` fields of `text`, cut at blanks; false where there are fewer or more. */
static bool fields_of(char *text, const char **out, size_t count) {
    size_t n = 0;
    for (char *field; (field = strsep(&text, " "));) {
        if (!*field) continue;
        if (n == count) return false;
        out[n++] = field;
    }
    return n == count;
}

static bool number_of(const char *text, float *out) {
    double x;
    if (strcmp(text, "-") == 0) {
        *out = -1;
        return true;
    }
    if (!base_parse_double(text, strlen(text), &x) || fabs(x) > 2) return false;
    *out = (float)x;
    return true;
}

/* "joy=0,neutral=.6" or names alone. */
static bool labels_of(const char *list) {
    while (*list) {
        size_t n = strcspn(list, ","), name = BASE_MIN(strcspn(list, "="), n);
        double x = 0;
        if (name < n && !base_parse_double(list + name + 1, n - name - 1, &x)) return false;
        if (!(x >= 0 && x <= 1)) return false;
        list += n + (list[n] == ',');
    }
    return true;
}

static bool slot_of(const char *text) { return *text >= 'a' && *text <= 'z' && !text[1]; }

static char *left_trim(char *text) { return text + strspn(text, " "); }

static bool add_words(grammar *g, char *head, char *rest) {
    const char *f[4];
    contrast_word w;
    if (!fields_of(head, f, 4) || !slot_of(f[0]) || !labels_of(f[1]) ||
        !number_of(f[2], &w.valence) || !number_of(f[3], &w.arousal))
        return false;
    w.slot = *f[0];
    w.labels = f[1];
    for (char *text; (text = strsep(&rest, ","));) {
        w.text = left_trim(text);
        if (!base_grow((void **)&g->words, &g->word_room, g->word_count + 1, sizeof *g->words))
            return false;
        g->words[g->word_count++] = w;
    }
    return true;
}

static bool add_frame(grammar *g, char *head, char *rest, bool line) {
    const char *f[5];
    contrast_frame x = {.text = left_trim(rest), .neutral = -1};
    bool fine = line ? fields_of(head, f, 3) && labels_of(f[0]) && number_of(f[1], &x.valence) &&
                           number_of(f[2], &x.arousal)
                     : fields_of(head, f, 5) && slot_of(f[0]) && number_of(f[1], &x.share) &&
                           number_of(f[2], &x.neutral) && number_of(f[3], &x.valence) &&
                           number_of(f[4], &x.arousal) && x.share >= 0 && x.share <= 1 &&
                           x.neutral <= 1;
    if (!fine ||
        !base_grow((void **)&g->frames, &g->frame_room, g->frame_count + 1, sizeof *g->frames))
        return false;
    x.slot = line ? '\0' : *f[0];
    x.labels = line ? f[0] : NULL;
    g->frames[g->frame_count++] = x;
    return true;
}

static bool add_things(grammar *g, char *rest) {
    for (char *text; (text = strsep(&rest, ","));) {
        text = left_trim(text);
        if (!*text) continue;
        if (!base_grow((void **)&g->things, &g->thing_room, g->thing_count + 1, sizeof *g->things))
            return false;
        g->things[g->thing_count++] = text;
    }
    return true;
}

/* The grammar points into `text`, which is cut up. */
static affect_status parse(affect_context *ctx, const char *path, char *text, grammar *g) {
    size_t number = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        number++;
        if (!*line || *line == '#') continue;
        char *colon = strstr(line, " : "), *rest = colon ? colon + 3 : line;
        if (colon) *colon = '\0';
        if (!colon && base_starts_with(line, "thing : ")) colon = line;
        bool fine =
            colon && (base_starts_with(line, "word ")    ? add_words(g, line + 5, rest)
                      : base_starts_with(line, "frame ") ? add_frame(g, line + 6, rest, false)
                      : base_starts_with(line, "line ")  ? add_frame(g, line + 5, rest, true)
                      : strcmp(line, "thing") == 0       ? add_things(g, rest)
                                                         : false);
        if (!fine)
            return base_fail(
                ctx, AFFECT_ERROR_FORMAT,
                "%s:%zu: expected 'word', 'frame', 'line' or 'thing', their numbers and ' : TEXT'",
                path, number);
    }
    if (!g->frame_count || !g->word_count || !g->thing_count)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: expected words, frames and things", path);
    return AFFECT_OK;
}

/* ---- one sentence ---- */

static size_t roll(train_dice *d, size_t count) {
    return BASE_MIN((size_t)(train_roll(d) * (double)count), count - 1);
}

/* A word of the slot whose valence has the sign `way` (0 = any), or NULL. */
static const contrast_word *draw_word(const grammar *g, train_dice *d, char slot, int way) {
    size_t fitting = 0;
    for (size_t i = 0; i < g->word_count; i++)
        fitting += g->words[i].slot == slot && (float)way * g->words[i].valence >= 0;
    size_t at = fitting ? roll(d, fitting) : 0;
    for (size_t i = 0; i < g->word_count; i++)
        if (g->words[i].slot == slot && (float)way * g->words[i].valence >= 0 && at-- == 0)
            return &g->words[i];
    return NULL;
}

static void write_text(const grammar *g, train_dice *d, const contrast_frame *f,
                       const contrast_word *w, base_text *out) {
    for (const char *c = f->text; *c; c++) {
        const contrast_word *other =
            *c == '&' && w ? draw_word(g, d, f->slot, w->valence > 0 ? -1 : 1) : NULL;
        if (*c == '*' && w)
            base_text_append(out, w->text);
        else if (*c == '&' && other)
            base_text_append(out, other->text);
        else if (*c == '@')
            base_text_append(out, g->things[roll(d, g->thing_count)]);
        else
            base_text_append_n(out, c, 1);
    }
}

static float *target_of(const train_set *s, float *row, const char *label, size_t length) {
    for (size_t c = 0; c < s->width; c++)
        if (strlen(s->spec.labels[c]) == length && strncmp(s->spec.labels[c], label, length) == 0)
            return row + c;
    return NULL;
}

/* Names alone get `share`. A label that the set does not have is passed over. */
static void set_labels(const train_set *s, float *row, const char *list, float share) {
    while (*list) {
        size_t n = strcspn(list, ","), name = BASE_MIN(strcspn(list, "="), n);
        double x = (double)share;
        if (name < n) (void)base_parse_double(list + name + 1, n - name - 1, &x);
        float *target = target_of(s, row, list, name);
        if (target) *target = (float)x;
        list += n + (list[n] == ',');
    }
}

/* Said, a feeling leaves those of the other direction absent; denied, those of its own. */
static void set_targets(const train_set *s, const contrast_frame *f, const contrast_word *w,
                        float *row) {
    const int way = w->valence > 0 ? 1 : -1;
    for (size_t c = 0; c < s->spec.classes; c++)
        if (direction(s->spec.labels[c]) == (f->share < .5F ? way : -way)) row[c] = 0;
    set_labels(s, row, w->labels, f->share);
    float *neutral = target_of(s, row, "neutral", strlen("neutral"));
    if (neutral && f->neutral >= 0) *neutral = f->neutral;
}

static affect_status add_sentence(train_set *s, const grammar *g, train_dice *d, const char *path) {
    const contrast_frame *f = &g->frames[roll(d, g->frame_count)];
    const contrast_word *w = f->slot ? draw_word(g, d, f->slot, 0) : NULL;
    if (f->slot && !w)
        return base_fail(s->ctx, AFFECT_ERROR_FORMAT, "%s: no word for slot '%c'", path, f->slot);
    base_text text = {0};
    base_text_append(&text, ""); /* of a frame without words: an empty sentence, not none */
    write_text(g, d, f, w, &text);
    affect_status status = text.failed ? base_fail_memory(s->ctx) : train_text_add(s, text.data);
    base_text_destroy(&text);
    if (status != AFFECT_OK) return status;
    const size_t at = s->count - 1;
    float *row = s->target + at * s->width;
    for (size_t c = 0; c < s->spec.classes; c++) row[c] = -1;
    for (size_t v = s->spec.classes; v < s->width; v++) row[v] = NAN;
    s->source[at] = at > 0 ? s->source[0] : 0;
    if (w) set_targets(s, f, w, row);
    if (!w) set_labels(s, row, f->labels, 1);
    float *valence = target_of(s, row, "valence", strlen("valence")),
          *arousal = target_of(s, row, "arousal", strlen("arousal"));
    if (valence) *valence = BASE_MAX(-1.F, BASE_MIN(1.F, w ? f->valence * w->valence : f->valence));
    if (arousal) *arousal = BASE_MAX(-1.F, BASE_MIN(1.F, w ? f->arousal + w->arousal : f->arousal));
    return AFFECT_OK;
}

affect_status train_contrast_parse(train_set *s, const char *name, char *text, size_t count,
                                   uint64_t seed) {
    grammar g = {0};
    affect_status status = parse(s->ctx, name, text, &g);
    for (size_t i = 0; status == AFFECT_OK && i < count; i++) {
        train_dice d = {seed * 0x9e3779b97f4a7c15U + i, 0};
        status = add_sentence(s, &g, &d, name);
    }
    base_free(g.words);
    base_free(g.frames);
    base_free(g.things);
    return status;
}

affect_status train_contrast(train_set *s, const char *path, size_t count, uint64_t seed) {
    char *text;
    size_t length;
    affect_status status = base_read_file(s->ctx, path, (size_t)1 << 20, &text, &length);
    if (status != AFFECT_OK) return status;
    status = train_contrast_parse(s, path, text, count, seed);
    base_free(text);
    return status;
}
