/* What a sentence about a timeline says, as facts: times, lags, durations, persons, modalities,
 * kinds of events, moves of a level, emotion words. By tables of words; what is in none of them
 * says nothing. The checker compares the facts of a claim's text with its fields, and questions
 * are understood by them. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason_private.h"

#define IS(word, ...) REASON_IS(word, __VA_ARGS__)

bool reason_is(const char *word, const char *const *list) {
    for (; *list; list++) {
        size_t n = strlen(*list);
        if ((*list)[n - 1] == '*' ? strncmp(word, *list, n - 1) == 0 : strcmp(word, *list) == 0)
            return true;
    }
    return false;
}

/* ---- tokens ---- */

static bool letter(unsigned char c) { return isalpha(c) || c >= 0x80; }
static bool digit(unsigned char c) { return c >= '0' && c <= '9'; }

/* Dashes, minus signs, curly quotes and apostrophes as plain ones; *n bytes of the text. */
static unsigned char plain(const char *text, size_t *n) {
    unsigned char c = (unsigned char)text[0];
    *n = 1;
    if (c != 0xE2 || !text[1] || !text[2]) return c;
    unsigned char b = (unsigned char)text[1], a = (unsigned char)text[2];
    unsigned char out = 0;
    if (b == 0x80 && (a == 0x98 || a == 0x99)) out = '\'';
    if (b == 0x80 && a >= 0x9C && a <= 0x9F) out = '"';
    if (b == 0x80 && a >= 0x90 && a <= 0x95) out = '-';
    if (b == 0x88 && a == 0x92) out = '-';
    if (out) *n = 3;
    return out ? out : c;
}

/* 12, 12.5, 1:20, 0:01:20.5 */
static void read_number(reason_token *t) {
    double total = 0, part = 0, scale = 0;
    const char *at = t->text + (t->text[0] == '-' || t->text[0] == '+');
    for (; *at; at++) {
        if (*at == ':') {
            total = (total + part) * 60;
            part = 0;
            t->clock = true;
        } else if (*at == '.') {
            scale = 1;
        } else if (scale > 0) {
            scale /= 10;
            part += (*at - '0') * scale;
            t->decimals++;
        } else {
            part = part * 10 + (*at - '0');
        }
    }
    t->value = total + part;
    if (t->text[0] == '-') t->value = -t->value;
}

static size_t take_number(const char *text, reason_token *t) {
    size_t used = 0, kept = 0;
    bool point = false;
    for (;;) {
        size_t n;
        unsigned char c = plain(text + used, &n);
        bool sign = used == 0 && (c == '-' || c == '+');
        bool inside = kept && c && digit((unsigned char)text[used + n]) && !point;
        if (!digit(c) && !sign && !(c == ':' && inside) && !(c == '.' && inside)) break;
        if (c == '.') point = true;
        if (kept + 1 < REASON_TOKEN) t->text[kept++] = (char)c;
        used += n;
    }
    t->text[kept] = '\0';
    read_number(t);
    return used;
}

static size_t take_word(const char *text, reason_token *t) {
    size_t used = 0, kept = 0;
    t->capital = *text >= 'A' && *text <= 'Z';
    for (;;) {
        size_t n;
        unsigned char c = plain(text + used, &n);
        size_t m;
        bool joint = (c == '\'' || c == '-' || c == '_') && used && c &&
                     letter(plain(text + used + n, &m)) && !(c == '-' && n == 3);
        bool inside = (n == 1 && letter(c)) || joint || (kept && digit(c));
        if (!inside) break;
        if (kept + 1 < REASON_TOKEN) t->text[kept++] = (char)tolower(c);
        used += n;
    }
    t->text[kept] = '\0';
    /* "Ann's" is Ann */
    if (kept > 2 && strcmp(t->text + kept - 2, "'s") == 0) t->text[kept - 2] = '\0';
    return used;
}

static void cut(const char *text, reason_facts *f) {
    bool quoted = false;
    char before = '.';
    while (*text && f->token_count < REASON_TOKENS) {
        size_t n, m;
        unsigned char c = plain(text, &n);
        reason_token *t = &f->tokens[f->token_count];
        *t = (reason_token){.value = NAN, .quoted = quoted, .before = before};
        unsigned char next = text[n] ? plain(text + n, &m) : 0;
        bool sign = (c == '-' || c == '+') && digit(next) && before != 'd';
        size_t used = 0;
        if (quoted && c != '"') /* as it stands, whatever the script; a blank parts two quotes */
            base_text_append_n(&f->quote, text, n);
        if (digit(c) || sign)
            used = take_number(text, t);
        else if (letter(c) && n == 1)
            used = take_word(text, t);
        if (used) {
            if (quoted && used > n) base_text_append_n(&f->quote, text + n, used - n);
            f->token_count++;
            text += used;
            before = digit((unsigned char)text[-1]) ? 'd' : 0; /* "10-15": no minus */
            continue;
        }
        if (c == '"') {
            quoted = !quoted;
            base_text_append(&f->quote, f->quote.length ? " " : "");
        }
        if (c != ' ') before = c == '\t' || c == '\n' ? ' ' : (char)(c < 0x80 ? c : '-');
        text += n;
    }
    for (size_t i = 0; i < f->token_count; i++)
        if (f->tokens[i].before == 'd') f->tokens[i].before = 0;
}

/* ---- quantities ---- */

static const char *word(const reason_facts *f, size_t i) {
    return i < f->token_count && !f->tokens[i].quoted ? f->tokens[i].text : "";
}

/* The unit behind a number, in seconds; 0 for none. "Person 1's" has none. */
static double unit_of_word(const char *text) {
    if (IS(text, "s", "sec", "secs", "second", "seconds")) return 1;
    if (IS(text, "ms", "msec", "millisecond", "milliseconds")) return 0.001;
    if (IS(text, "min", "mins", "minute", "minutes", "m")) return 60;
    return 0;
}

static double unit_at(const reason_facts *f, size_t i) {
    return i < f->token_count && f->tokens[i].before == '\'' ? 0 : unit_of_word(word(f, i));
}

static void add(reason_quantity *list, size_t *count, double value, double tolerance, size_t at) {
    if (*count == REASON_FACTS) return;
    list[(*count)++] = (reason_quantity){value, tolerance, at};
}

/* A quantity from token i to before token `end`: a lag, a duration or an instant, by the words
 * around it. */
static void sort_quantity(reason_facts *f, size_t i, size_t end, double value, double tolerance,
                          bool small) {
    const char *next = word(f, end), *last = i ? word(f, i - 1) : "",
               *earlier = i > 1 ? word(f, i - 2) : "";
    if (!f->tokens[i].clock) {
        bool lag =
            IS(next, "after", "before", "later", "earlier", "behind", "ahead", "afterwards",
               "beforehand", "apart", "elaps*", "pass", "passes", "separate*", "later") ||
            IS(last, "by", "takes", "took", "elapse*") ||
            (strcmp(next, "between") == 0 && *word(f, end + 1) && isnan(f->tokens[end + 1].value));
        for (size_t k = 1; k <= 4 && k <= i; k++)
            lag = lag || IS(word(f, i - k), "lag*", "delay*", "trail*");
        const bool equals = IS(earlier, "amount*", "come*", "equal*") || IS(last, "equals", "is");
        for (size_t k = 0; k < i && equals; k++) /* "the delay between A and B amounts to" */
            lag = lag || IS(word(f, k), "lag", "delay", "gap", "offset", "latency");
        if (lag) {
            add(f->lags, &f->lag_count, value, tolerance, i);
            return;
        }
        if (IS(last, "within")) return; /* a bound, no length */
        bool lasting =
            IS(last, "for", "lasts", "lasted", "lasting", "last", "these", "those", "next",
               "whole") ||
            (IS(last, "about", "roughly", "around", "some", "of", "nearly", "almost") &&
             IS(earlier, "for", "lasts", "lasted", "lasting", "last", "duration", "length")) ||
            IS(next, "long") || (IS(earlier, "amount*") && strcmp(last, "to") == 0) ||
            (strcmp(last, "of") == 0 && IS(earlier, "span", "stretch", "period", "spell", "pause",
                                           "silence", "interval", "total")) ||
            (strcmp(next, "in") == 0 && IS(word(f, end + 1), "length", "duration", "total", "all"));
        if (lasting || small) {
            if (lasting) add(f->lasting, &f->lasting_count, value, tolerance, i);
            if (!lasting) add(f->lags, &f->lag_count, value, tolerance, i);
            return;
        }
    }
    add(f->times, &f->time_count, value, tolerance, i);
}

static void read_quantities(reason_facts *f) {
    for (size_t i = 0; i < f->token_count; i++) {
        const reason_token *t = &f->tokens[i];
        if (!isfinite(t->value) || t->quoted || t->value < 0) continue;
        double half = 0.5 * pow(10, -t->decimals);
        double unit = unit_at(f, i + 1);
        size_t end = i + 2;
        double value = t->value;
        if (t->clock) { /* 0:17 may be rounded, or cut as a player shows it */
            sort_quantity(f, i, i + 1, value, t->decimals ? half : 1, false);
            continue;
        }
        if (unit == 0) { /* "between 10.2 and 15 s", "10.2-15 s" */
            size_t other = i + 1;
            if (IS(word(f, other), "to", "and", "until", "till", "through")) other++;
            if (other < f->token_count && isfinite(f->tokens[other].value) &&
                !f->tokens[other].clock && unit_at(f, other + 1) == 1 &&
                (other > i + 1 || f->tokens[other].before == '-'))
                sort_quantity(f, i, i + 1, value, half, false);
            continue;
        }
        if (unit == 60) {
            half = 0.5 * 60 * pow(10, -t->decimals);
            value *= 60;
            size_t k = strcmp(word(f, end), "and") == 0 ? end + 1 : end;
            if (k < f->token_count && isfinite(f->tokens[k].value) && unit_at(f, k + 1) == 1) {
                value += f->tokens[k].value;
                half = 0.5 * pow(10, -f->tokens[k].decimals);
                sort_quantity(f, i, k + 2, value, half, false);
                i = k + 1;
                continue;
            }
        } else {
            value *= unit;
            half *= unit;
        }
        sort_quantity(f, i, end, value, half, unit < 1);
    }
}

/* ---- persons and modalities ---- */

static void add_person(reason_facts *f, int person, size_t at) {
    if (f->person_count == REASON_FACTS) return;
    f->persons[f->person_count] = person;
    f->person_at[f->person_count++] = at;
}

static void read_persons(const reason_graph *g, reason_facts *f) {
    for (size_t i = 0; i < f->token_count; i++) {
        const char *w = word(f, i);
        if (IS(w, "person", "speaker", "p") && i + 1 < f->token_count) {
            static const char *const numbers[] = {"one", "two", "three", "four", "five", "six"};
            const reason_token *t = &f->tokens[i + 1];
            if (isfinite(t->value) && !t->clock && t->value >= 1 && t->value < 1e6 &&
                !(unit_at(f, i + 2) > 0))
                add_person(f, (int)t->value, i);
            for (int k = 0; k < 6; k++)
                if (strcmp(t->text, numbers[k]) == 0) add_person(f, k + 1, i);
        }
        if (IS(w, "persons", "speakers")) /* "persons 1 and 3" */
            for (size_t k = i + 1; k < f->token_count; k++) {
                const reason_token *t = &f->tokens[k];
                if (IS(t->text, "and", "or")) continue;
                if (!isfinite(t->value) || t->clock || t->value < 1 || t->value >= 1e6 ||
                    unit_at(f, k + 1) > 0)
                    break;
                add_person(f, (int)t->value, k);
            }
        double number;
        if (w[0] == 'p' && digit((unsigned char)w[1]) &&
            base_parse_double(w + 1, strlen(w + 1), &number) && number >= 1 && number < 1e6)
            add_person(f, (int)number, i);
        for (size_t k = 0; g && k < g->timeline->person_count; k++) {
            const affect_person *p = &g->timeline->persons[k];
            size_t n = strcspn(p->name, " ");
            if (n >= 2 && strlen(w) == n && strncasecmp(w, p->name, n) == 0)
                add_person(f, affect_timeline_resolve_person(g->timeline, p->id), i);
        }
    }
}

static void read_modalities(reason_facts *f) {
    for (size_t i = 0; i < f->token_count; i++) {
        const char *w = word(f, i);
        if (IS(w, "face", "facial*", "visually")) f->modality[AFFECT_MODALITY_FACE] = true;
        if (IS(w, "voice", "vocal*", "acoustic*", "prosod*"))
            f->modality[AFFECT_MODALITY_VOICE] = true;
        if (IS(w, "said") && i > 2 && IS(word(f, i - 2), "what") && IS(word(f, i - 3), "on"))
            continue; /* "emphasis on what is said" is the voice's */
        if (IS(w, "words", "wording", "verbal*", "lexical*", "transcript", "says", "said"))
            f->modality[AFFECT_MODALITY_WORDS] = true;
    }
}

/* ---- events ---- */

/* How far the nearest of the words is from token i, in half tokens (behind counts more than in front);
 * SIZE_MAX if none is within reach. `but`: not where it belongs to a word of that list behind it. */
static size_t nearest(const reason_facts *f, size_t i, size_t reach, const char *const *list,
                      const char *const *but) {
    for (size_t d = 1; d <= reach; d++) {
        if (d <= i && reason_is(word(f, i - d), list) &&
            !(d > 1 && reason_is(word(f, i - d + 1), but)))
            return 2 * d;
        if (reason_is(word(f, i + d), list) && !reason_is(word(f, i + d + 1), but))
            return 2 * d + 1;
    }
    return SIZE_MAX;
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool denied_at(const reason_facts *f, size_t i) {
    for (size_t k = 1; k <= 8 && k <= i; k++) {
        if (IS(word(f, i - k), "no", "not", "without", "never", "neither", "nor", "hardly",
               "doesn't", "didn't", "isn't", "wasn't", "cannot", "can't", "don't"))
            return !IS(word(f, i - k + 1), "suppress", "help", "hide", "resist", "contain", "stop",
                       "keep", "conceal") &&
                   !IS(word(f, i - k + 1), "only", "just", "merely", "simply");
        if (f->tokens[i - k + 1].before == ',') break;
    }
    return false;
}

/* "raises the eyebrows", "the pitch drops": of two words of direction the nearer one counts. */
static const char *by_nearest(const reason_facts *f, size_t i, const char *const *up,
                              const char *const *down, const char *const *but, const char *rise,
                              const char *fall) {
    enum { REACH = 4 };
    size_t u = nearest(f, i, REACH, up, but), d = nearest(f, i, REACH, down, but);
    return u == SIZE_MAX && d == SIZE_MAX ? NULL : u < d ? rise : fall;
}

static const char *kind_at(const reason_facts *f, size_t i) {
    const char *w = word(f, i);
    if (IS(w, "smil*", "grin*", "beam*")) return "smile";
    if (IS(w, "frown*", "scowl*")) return "brow_furrow";
    if (IS(w, "brow_*")) return strstr(w, "raise") ? "brow_raise" : "brow_furrow";
    if (IS(w, "eyebrow*", "brow", "brows"))
        return by_nearest(
            f, i, LIST("rais*", "rise", "rises", "rose", "lift*", "up", "high*", "shoot*", "arch*"),
            LIST("furrow*", "lower*", "knit*", "contract*", "draw*", "drew", "pull*"),
            LIST("pitch", "voice", "tone", "intonation"), "brow_raise", "brow_furrow");
    if (IS(w, "blink*")) return "blink";
    if (IS(w, "micro-expression*", "micro_expression*", "microexpression*"))
        return "micro_expression";
    if (IS(w, "micro", "fleeting", "momentary") && IS(word(f, i + 1), "expression*", "facial"))
        return "micro_expression";
    if (IS(w, "pitch_rise")) return "pitch_rise";
    if (IS(w, "pitch_fall")) return "pitch_fall";
    if (IS(w, "pitch", "intonation") ||
        (IS(w, "voice", "tone") &&
         nearest(f, i, 4, LIST("pitch", "intonation"), LIST(NULL)) == SIZE_MAX))
        return by_nearest(f, i,
                          LIST("rise", "rises", "rising", "rose", "rais*", "higher", "climb*",
                               "jump*", "up", "upward*", "increas*", "lift*"),
                          LIST("fall", "falls", "falling", "fell", "drop*", "lower*", "declin*",
                               "sink*", "sank", "down", "downward*", "decreas*", "dip*"),
                          LIST("eyebrow*", "brow", "brows"), "pitch_rise", "pitch_fall");
    if (IS(w, "emphas*", "accentu*") || (IS(w, "stress*") && !IS(word(f, i + 1), "and", "level*")))
        return "emphasis";
    if (IS(w, "paus*", "silence", "silent")) return "pause";
    if (IS(w, "negation*", "negates", "negated", "denial", "denies", "denied")) return "negation";
    if (IS(w, "says", "say", "said") && IS(word(f, i + 1), "no")) return "negation";
    if (IS(w, "intensif*")) return "intensifier";
    if (IS(w, "swear*", "swore", "curse*", "cursing", "expletive*", "profan*")) return "swearing";
    if (IS(w, "laugh*", "chuckl*", "giggl*")) return "laughter";
    if (IS(w, "contradict*", "disagree*", "mismatch*", "incongru*")) return "contradiction";
    return NULL;
}

static void read_kinds(reason_facts *f) {
    for (size_t i = 0; i < f->token_count && f->kind_count < REASON_FACTS; i++) {
        const char *kind = kind_at(f, i);
        if (kind) f->kinds[f->kind_count++] = (reason_mention){kind, i, denied_at(f, i)};
    }
}

/* ---- moves of a level ---- */

static int dimension_of(const char *w) {
    if (IS(w, "valence", "mood", "pleasant*", "positiv*", "negativ*")) return REASON_VALENCE;
    if (IS(w, "arousal", "activation", "excitement", "agitation")) return REASON_AROUSAL;
    if (IS(w, "calm", "calms", "calmed", "calming", "calmer", "agitated", "animated", "energetic"))
        return REASON_AROUSAL;
    if (IS(w, "dominance", "control")) return REASON_DOMINANCE;
    if (IS(w, "pitch", "intonation")) return REASON_PITCH;
    if (IS(w, "loudness", "volume", "louder", "quieter")) return REASON_LOUDNESS;
    return -1;
}

/* The dimension that is named nearest to a token. */
static int dimension_near(const reason_facts *f, size_t i) {
    for (size_t d = 0; d < f->token_count; d++) {
        if (d <= i && dimension_of(word(f, i - d)) >= 0) return dimension_of(word(f, i - d));
        if (i + d < f->token_count && dimension_of(word(f, i + d)) >= 0)
            return dimension_of(word(f, i + d));
    }
    return -1;
}

static affect_direction move_at(const reason_facts *f, size_t i) {
    const char *w = word(f, i), *next = word(f, i + 1);
    if (IS(w, "calm", "calms", "calmed", "calming") && IS(next, "down"))
        return AFFECT_DIRECTION_FALL;
    if (IS(w, "more", "less") && IS(next, "positiv*", "pleasant", "negativ*", "unpleasant"))
        return (*w == 'm') == IS(next, "positiv*", "pleasant") ? AFFECT_DIRECTION_RISE
                                                               : AFFECT_DIRECTION_FALL;
    if (IS(w, "go*", "went", "turn*", "move*", "moving") && IS(next, "up", "down"))
        return *next == 'u' ? AFFECT_DIRECTION_RISE : AFFECT_DIRECTION_FALL;
    if (IS(w, "towards", "toward", "to") && strcmp(next, "the") == 0) {
        const char *to = word(f, i + 2);
        if (IS(to, "positive", "better", "good", "pleasant")) return AFFECT_DIRECTION_RISE;
        if (IS(to, "negative", "worse", "bad", "unpleasant")) return AFFECT_DIRECTION_FALL;
    }
    if (IS(w, "picks", "picked") && IS(next, "up")) return AFFECT_DIRECTION_RISE;
    if (IS(w, "more", "less") &&
        IS(next, "agitated", "animated", "energetic", "excited", "aroused", "activated", "lively"))
        return *w == 'm' ? AFFECT_DIRECTION_RISE : AFFECT_DIRECTION_FALL;
    if (strcmp(w, "calmer") == 0) return AFFECT_DIRECTION_FALL;
    if (IS(w, "better", "brighter", "sunnier")) return AFFECT_DIRECTION_RISE;
    if (IS(w, "worse", "darker", "gloomier")) return AFFECT_DIRECTION_FALL;
    if (IS(w, "rise", "rises", "rising", "rose", "risen", "increas*", "grow*", "grew", "climb*",
           "brighten*", "improv*", "lifts", "lifted", "higher", "upward*", "heighten*", "gains",
           "gained", "surge*", "spike*", "leap*", "rebound*", "recover*", "cheers", "warms",
           "mounts", "mounting", "strengthen*", "jumps", "jumped", "soar*", "upturn"))
        return AFFECT_DIRECTION_RISE;
    if (IS(w, "fall", "falls", "fell", "falling", "fallen", "drop*", "declin*", "decreas*", "sink*",
           "sank", "darken*", "worsen*", "lower", "lowers", "lowered", "dip", "dips", "dipped",
           "slump*", "diminish*", "downward*", "lessen*", "deteriorat*", "weaken*", "plummet*",
           "reduc*", "shrink*", "subsid*", "plunge*", "collapse*", "crash*", "tumble*", "sours",
           "soured", "dwindle*", "nosedive*", "cools", "ebbs", "downturn"))
        return AFFECT_DIRECTION_FALL;
    if (IS(w, "steady", "stable", "unchanged", "constant", "flat", "unvarying", "stays", "stayed"))
        return AFFECT_DIRECTION_STEADY;
    if (IS(w, "change", "changes", "move", "moves", "changed", "moved") && denied_at(f, i))
        return AFFECT_DIRECTION_STEADY;
    return AFFECT_DIRECTION_NONE;
}

static void read_moves(reason_facts *f) {
    for (size_t i = 0; i < f->token_count && f->move_count < REASON_FACTS; i++) {
        affect_direction d = move_at(f, i);
        if (d == AFFECT_DIRECTION_NONE || (d != AFFECT_DIRECTION_STEADY && denied_at(f, i)))
            continue;
        f->moves[f->move_count++] = (reason_move){dimension_near(f, i), d, i};
    }
}

/* ---- emotion words ---- */

static bool named_label(const char *w) {
    for (size_t r = 0; r < CATEGORY_REGIONS; r++)
        if (strcmp(w, category_regions[r].name) == 0) return true;
    return category_of_label(w) >= 0;
}

static void read_labels(const words_emotions *lexicon, reason_facts *f) {
    for (size_t i = 0; lexicon && i < f->token_count && f->label_count < REASON_FACTS; i++) {
        const char *w = word(f, i);
        if (!*w || isfinite(f->tokens[i].value) || kind_at(f, i) || dimension_of(w) >= 0 ||
            move_at(f, i))
            continue;
        if (IS(w, "feel*", "felt", "emotion*", "mood*", "express*", "sense", "face", "state",
               "like", "level*", "even", "strong*", "sure", "certain*", "clear*", "most", "tone",
               "moment*", "affect*", "change*", "turn*", "interval", "reason", "cause*", "lead*",
               "show*", "well", "seem*", "sound*", "sounds", "look*", "read*", "move*", "end*",
               "lag*", "score*", "evidence", "probab*", "confiden*", "uncertain*", "possib*",
               "likely", "touch*", "close*", "kind", "response", "follow*", "match*", "stretch*",
               "impression", "number", "numbers"))
            continue;
        /* "The dominant emotion" is the one that holds longest, and says nothing of dominance. */
        if (IS(w, "dominant", "prevailing", "predominant", "main") &&
            IS(word(f, i + 1), "emotion*", "mood*", "state*", "feeling*", "expression*", "affect*",
               "tone"))
            continue;
        long found = words_emotions_lookup(lexicon, w);
        if (found < 0 && !named_label(w)) continue;
        if (denied_at(f, i)) {
            if (f->denied_count == REASON_FACTS) continue;
            f->denied_at[f->denied_count] = i;
            f->denied[f->denied_count++] = found;
        } else {
            f->label_at[f->label_count] = i;
            f->labels[f->label_count++] = found;
        }
    }
}

static void read_agreement(reason_facts *f) {
    for (size_t i = 0; i < f->token_count; i++)
        if (IS(word(f, i), "agree", "agrees", "agreed", "consistent", "congruent", "coherent",
               "harmony", "accord", "unison") &&
            !denied_at(f, i))
            f->agreement = true;
    for (size_t i = 1; i < f->token_count; i++)
        if (IS(word(f, i), "line", "keeping", "tune", "accordance") &&
            strcmp(word(f, i - 1), "in") == 0 && strcmp(word(f, i + 1), "with") == 0 &&
            !denied_at(f, i))
            f->agreement = true;
}

void reason_facts_read(const reason_graph *g, const words_emotions *lexicon, const char *text,
                       reason_facts *f) {
    memset(f, 0, sizeof *f);
    cut(text, f);
    read_quantities(f);
    read_persons(g, f);
    read_modalities(f);
    read_kinds(f);
    read_moves(f);
    read_labels(lexicon, f);
    read_agreement(f);
}

void reason_facts_clear(reason_facts *f) { base_text_destroy(&f->quote); }
