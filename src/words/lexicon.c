/* The lexicon file and the rules of negation and intensification.
 *
 * The rules are those that Hutto & Gilbert (2014, "VADER: A Parsimonious Rule-based Model for
 * Sentiment Analysis of Social Media Text", ICWSM) measured with human raters: a negation within
 * the three words before multiplies polarity by -0.74; a degree adverb within three words adds
 * 0.293 on a scale of 4 in the word's own direction (or takes it away), 95 % and 90 % of it at
 * distances two and three; "but" halves what stands before and adds half to what stands behind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/infer.h"
#include "words/lexicon.h"

static const float NEGATION = -0.74F, DEGREE = 0.293F / 4;
static const float LEXICAL_MIN_COVERAGE = 0.6F;
enum { SCOPE = 3 };

struct words_lexicon {
    char *text; /* the words point into it */
    size_t count, capacity;
    words_lexicon_entry *entries; /* sorted by word */
    words_lexicon_fit fit[3];
};

/* ---- closed classes; each list sorted ---- */

static const char *const negations[] = {
    "aint",     "arent",  "barely",   "cannot", "cant",   "couldnt", "didnt",   "doesnt",
    "dont",     "hadnt",  "hardly",   "hasnt",  "havent", "isnt",    "neither", "never",
    "no",       "nobody", "none",     "nor",    "not",    "nothing", "nowhere", "rarely",
    "scarcely", "seldom", "shouldnt", "wasnt",  "werent", "without", "wont",    "wouldnt"};

static const char *const raising[] = {
    "absolutely", "amazingly",  "awfully",    "completely",    "considerably", "damn",
    "decidedly",  "deeply",     "enormously", "entirely",      "especially",   "exceptionally",
    "extremely",  "fabulously", "fucking",    "fully",         "greatly",      "highly",
    "hugely",     "incredibly", "intensely",  "particularly",  "purely",       "quite",
    "really",     "remarkably", "so",         "substantially", "such",         "terribly",
    "thoroughly", "too",        "totally",    "tremendously",  "truly",        "unbelievably",
    "unusually",  "utterly",    "very"};

static const char *const lowering[] = {"almost",     "barely",       "hardly",     "kinda",
                                       "less",       "little",       "marginally", "mildly",
                                       "moderately", "occasionally", "partly",     "scarcely",
                                       "slightly",   "somewhat",     "sorta"};

static const char *const swearing[] = {
    "arse",    "arsehole", "ass",      "asshole",      "assholes", "bastard", "bastards", "bitch",
    "bitches", "bloody",   "bollocks", "bullshit",     "crap",     "cunt",    "damn",     "damned",
    "dammit",  "dick",     "dickhead", "fuck",         "fucked",   "fucker",  "fuckin",   "fucking",
    "fucks",   "goddamn",  "hell",     "motherfucker", "piss",     "pissed",  "prick",    "shit",
    "shits",   "shitty",   "slut",     "sod",          "twat",     "wanker",  "whore"};

static int compare_words(const void *key, const void *item) {
    return strcmp(key, *(const char *const *)item);
}

#define IN_LIST(list, word)                                                                        \
    (bsearch(word, list, BASE_COUNT(list), sizeof *(list), compare_words) != NULL)

/* swearing[] is written by subject; the others by letter. A short scan is all it needs. */
static bool swears(const char *word) {
    for (size_t i = 0; i < BASE_COUNT(swearing); i++)
        if (!strcmp(word, swearing[i])) return true;
    return false;
}

/* "haha", "hahaha", "hehehe", "ha", "lol"; "laughs", "chuckling" only where a sound is described.
 */
static bool laughs(const char *word, bool described) {
    size_t n = strlen(word);
    if (!strcmp(word, "lol") || !strcmp(word, "rofl") || !strcmp(word, "lmao")) return true;
    if (n >= 4 && (base_starts_with(word, "haha") || base_starts_with(word, "hehe") ||
                   base_starts_with(word, "ahah") || base_starts_with(word, "hihi"))) {
        for (size_t i = 0; i < n; i++)
            if (!strchr("ahei", word[i])) return false;
        return true;
    }
    return described && (base_starts_with(word, "laugh") || base_starts_with(word, "chuckl") ||
                         base_starts_with(word, "giggl") || base_starts_with(word, "snicker"));
}

/* ---- the file ---- */

static affect_status bad_line(affect_context *ctx, const char *name, size_t line) {
    return base_fail(ctx, AFFECT_ERROR_MODEL,
                     "%s: line %zu: not a lexicon of this version: run \"make setup\"", name, line);
}

/* The tab-separated fields of a line, cut in place. */
static size_t cut(char *line, char *fields[], size_t most) {
    size_t n = 0;
    for (char *at = line; at && n < most; n++) {
        fields[n] = at;
        at = strchr(at, '\t');
        if (at) *at++ = 0;
    }
    return n;
}

static bool numbers(char *const *fields, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        double value;
        if (!base_parse_double(fields[i], strlen(fields[i]), &value) ||
            (isinf(value) || fabs(value) > 100))
            return false;
        out[i] = (float)value;
    }
    return true;
}

static affect_status parse_line(affect_context *ctx, const char *name, char *line, size_t number,
                                words_lexicon *lexicon) {
    char *fields[7];
    size_t n = cut(line, fields, BASE_COUNT(fields));
    float value[5];
    if (line[0] == '=') { /* =valence b0 b1 b2 sd */
        static const char *const names[] = {"=valence", "=arousal", "=dominance"};
        for (size_t k = 0; k < 3; k++)
            if (n == 5 && !strcmp(fields[0], names[k]) && numbers(fields + 1, 4, value)) {
                memcpy(lexicon->fit[k].b, value, sizeof lexicon->fit[k].b);
                lexicon->fit[k].sd = value[3];
                return AFFECT_OK;
            }
        return bad_line(ctx, name, number);
    }
    if (n != 5 || !*fields[0] || !numbers(fields + 1, 4, value)) return bad_line(ctx, name, number);
    if (lexicon->count && strcmp(lexicon->entries[lexicon->count - 1].word, fields[0]) >= 0)
        return bad_line(ctx, name, number); /* the search below relies on the order */
    if (!base_grow((void **)&lexicon->entries, &lexicon->capacity, lexicon->count + 1,
                   sizeof *lexicon->entries))
        return base_fail_memory(ctx);
    words_lexicon_entry *e = &lexicon->entries[lexicon->count++];
    e->word = fields[0];
    e->polarity = value[0];
    memcpy(e->weight, value + 1, sizeof e->weight);
    return AFFECT_OK;
}

affect_status words_lexicon_parse(affect_context *ctx, const char *name, const char *text,
                                  size_t length, words_lexicon **out) {
    *out = NULL;
    words_lexicon *lexicon = base_calloc(1, sizeof *lexicon);
    if (!lexicon) return base_fail_memory(ctx);
    lexicon->text = base_strndup(text, length);
    affect_status status = lexicon->text ? AFFECT_OK : base_fail_memory(ctx);
    size_t number = 0;
    for (char *line = lexicon->text; !status && line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        number++;
        if (number == 1 && strcmp(line, "# affect lexicon 1") != 0)
            status = bad_line(ctx, name, 1);
        else if (*line && *line != '#')
            status = parse_line(ctx, name, line, number, lexicon);
        line = end ? end + 1 : NULL;
    }
    if (!status && !lexicon->count) status = bad_line(ctx, name, number ? number : 1);
    if (status) {
        words_lexicon_destroy(lexicon);
        return status;
    }
    *out = lexicon;
    return AFFECT_OK;
}

affect_status words_lexicon_load(affect_context *ctx, const char *model, words_lexicon **out) {
    *out = NULL;
    model_card *card = NULL;
    char *path = NULL, *text = NULL;
    size_t length = 0;
    affect_status status = model_card_load(ctx, model ? model : "words.lexicon", false, &card);
    if (!status && !card->file_count)
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "model %s names no file", card->name);
    if (!status && !(path = model_card_path(card, card->files[0].name)))
        status = base_fail_memory(ctx);
    if (!status) status = base_read_file(ctx, path, 0, &text, &length);
    if (!status) status = words_lexicon_parse(ctx, path, text, length, out);
    base_free(text);
    base_free(path);
    model_card_destroy(card);
    return status;
}

void words_lexicon_destroy(words_lexicon *lexicon) {
    if (!lexicon) return;
    base_free(lexicon->entries);
    base_free(lexicon->text);
    base_free(lexicon);
}

static int compare_entry(const void *key, const void *item) {
    return strcmp(key, ((const words_lexicon_entry *)item)->word);
}

const words_lexicon_entry *words_lexicon_find(const words_lexicon *lexicon, const char *word) {
    if (!lexicon || !*word) return NULL;
    return bsearch(word, lexicon->entries, lexicon->count, sizeof *lexicon->entries, compare_entry);
}

/* ---- reading an utterance ---- */

/* Lower case, typographic apostrophes made plain; "" for what is not Latin letters and digits. */
static void normalise(const char *text, char out[40]) {
    size_t length = strlen(text), at = 0, n = 0;
    while (at < length) {
        uint32_t c = base_utf8_next(text, length, &at);
        if (c == 0x2019 || c == 0x2018 || c == 0x02BC) c = '\'';
        if (c >= 'A' && c <= 'Z') c |= 32;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' || c == '-';
        if (!plain || n + 1 >= 40) {
            out[0] = 0;
            return;
        }
        out[n++] = (char)c;
    }
    out[n] = 0;
}

static const words_lexicon_entry *find_form(const words_lexicon *lexicon, const char *word) {
    const words_lexicon_entry *e = words_lexicon_find(lexicon, word);
    size_t n = strlen(word);
    if (e || n < 3) return e;
    char stem[40];
    memcpy(stem, word, n + 1);
    if (n > 2 && !strcmp(stem + n - 2, "'s")) { /* possessive, "it's" */
        stem[n - 2] = 0;
        return words_lexicon_find(lexicon, stem);
    }
    if (stem[n - 1] == 's') { /* a regular plural or third person */
        stem[n - 1] = 0;
        e = words_lexicon_find(lexicon, stem);
    } else if (n > 4 && !strcmp(stem + n - 2, "in")) { /* "talkin" */
        stem[n] = 'g';
        if (n + 1 < 40) stem[n + 1] = 0;
        e = words_lexicon_find(lexicon, stem);
    }
    return e;
}

static bool is_negation(const char *word) {
    size_t n = strlen(word);
    return IN_LIST(negations, word) || (n > 3 && !strcmp(word + n - 3, "n't"));
}

/* "No, I am tired" answers somebody and denies nothing of what follows. */
static bool is_answer(const words_lexicon_token *tokens, size_t i, size_t count) {
    static const char *const subjects[] = {"he", "i", "it", "she", "they", "we", "you"};
    if (strcmp(tokens[i].word, "no") != 0 || i + 1 == count) return false;
    char next[sizeof tokens[i].word];
    normalise(tokens[i + 1].text, next);
    next[strcspn(next, "'")] = '\0'; /* "i'm" */
    return IN_LIST(subjects, next);
}

static void apply_context(words_lexicon_token *tokens, size_t i) {
    words_lexicon_token *t = &tokens[i];
    float sign = t->polarity < 0 ? -1.0F : 1.0F, shift = 0;
    for (size_t d = 1; d <= SCOPE && d <= i; d++) {
        words_lexicon_token *before = &tokens[i - d];
        if (before->described) continue;
        if (before->roles & LEXICAL_INTENSIFIER) {
            float way = IN_LIST(lowering, before->word) ? -1.0F : 1.0F;
            shift += way * DEGREE * (1.0F - 0.05F * (float)(d - 1));
            before->bearing = true;
        }
        if (before->roles & LEXICAL_NEGATION) {
            t->negated = true;
            before->bearing = true;
        }
    }
    /* A lowered word keeps its direction. */
    float size = BASE_MAX(0.0F, fabsf(t->polarity) + shift);
    t->polarity = sign * size * (t->negated ? NEGATION : 1.0F);
}

void words_lexicon_read(const words_lexicon *lexicon, words_lexicon_token *tokens, size_t count) {
    size_t but = count;
    for (size_t i = 0; i < count; i++) {
        words_lexicon_token *t = &tokens[i];
        normalise(t->text, t->word);
        t->roles = 0;
        t->negated = t->bearing = false;
        t->entry = t->described ? NULL : find_form(lexicon, t->word);
        t->polarity = t->entry ? t->entry->polarity : 0;
        if (laughs(t->word, t->described)) t->roles |= LEXICAL_LAUGHTER;
        if (t->described || !*t->word) continue;
        if (is_negation(t->word) && !is_answer(tokens, i, count)) t->roles |= LEXICAL_NEGATION;
        if (IN_LIST(raising, t->word) || IN_LIST(lowering, t->word))
            t->roles |= LEXICAL_INTENSIFIER;
        if (swears(t->word)) t->roles |= LEXICAL_SWEARING;
        if (!strcmp(t->word, "but")) but = i;
    }
    for (size_t i = 0; i < count; i++) {
        words_lexicon_token *t = &tokens[i];
        /* Degree words and negations do not carry polarity of their own ("no", "damn good"). */
        if (is_negation(t->word)) t->polarity = 0;
        if (t->roles & LEXICAL_INTENSIFIER && i + 1 < count && tokens[i + 1].entry &&
            tokens[i + 1].entry->polarity != 0)
            t->polarity = 0;
        if (t->polarity != 0) apply_context(tokens, i);
        if (but < count && i != but) t->polarity *= i < but ? 0.5F : 1.5F;
        t->polarity = BASE_MAX(-1.0F, BASE_MIN(1.0F, t->polarity));
    }
}

double words_lexicon_polarity(const words_lexicon_token *tokens, size_t count) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].described) continue;
        sum += (double)tokens[i].polarity;
        n++;
    }
    return n ? sum / sqrt((double)n) : 0;
}

void words_lexicon_affect(const words_lexicon *lexicon, const words_lexicon_token *tokens,
                          size_t count, words_affect *out) {
    *out = (words_affect){.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    double sum[3] = {0};
    size_t n = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].described) continue;
        n++;
        if (!tokens[i].entry) continue;
        known++;
        for (size_t k = 0; k < 3; k++) sum[k] += (double)tokens[i].entry->weight[k];
    }
    out->coverage = n ? (float)known / (float)n : 0;
    out->scored = lexicon && known && out->coverage >= LEXICAL_MIN_COVERAGE;
    if (!out->scored) return;
    double polarity = words_lexicon_polarity(tokens, count);
    for (size_t k = 0; k < 3; k++) {
        const words_lexicon_fit *fit = &lexicon->fit[k];
        double value = (double)fit->b[0] + (double)fit->b[1] * polarity +
                       (double)fit->b[2] * fabs(polarity) + sum[k] / sqrt((double)n);
        out->value[k] = (float)BASE_MAX(-1.0, BASE_MIN(1.0, value));
        out->sd[k] = fit->sd;
    }
}
