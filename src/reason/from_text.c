/* Labels from a free description of somebody's expression: "she seems relieved but tired, though
 * not angry" gives relieved and tired.
 *
 * Every emotion word of the text is a mention with a weight: what a description concludes counts
 * more than what it concludes from, the end more than the beginning, what somebody "feels" or
 * "expresses" more than what happens to be named, outward behaviour (a smile, a sigh) little. What
 * is denied, only supposed, of somebody else, or quoted speech does not count. Mentions of a synonym
 * group sum up, those of a family too, and the words of the leading families are the labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason_private.h"

enum { WORD = 48, MOST_WORDS = 20000, MOST_MENTIONS = 4000 };

/* Weights of a mention; ratios by a coarse search on the development half of EMER
 * (tests/reason/from_text.py prints what they reach on it and on each quarter of it). */
static const struct {
    double late, early, premise, felt, behaviour, plain;
    double family, group; /* shares of the leader from which a family, a group of it is named */
    int last;             /* sentences that are "late" */
    size_t families, words;
} RULES = {.late = 1.0,
           .early = 0.5,
           .premise = 0.35,
           .felt = 1.5,
           .behaviour = 0.25,
           .plain = 0.5,
           .family = 0.4,
           .group = 0.25,
           .last = 2,
           .families = 4,
           .words = 6};

typedef struct text_word {
    char text[WORD]; /* lower case; "" where it was longer or not Latin */
    size_t sentence;
    char before; /* the punctuation in front, 0 for none: ',' ';' ':' '(' '.' */
    bool quoted;
} text_word;

/* ---- lists of words ---- */

#define IS(word, ...) REASON_IS(word, __VA_ARGS__)

/* What says that something is concluded. */
static bool concludes(const char *w) {
    return IS(w, "infer*", "deduc*", "conclu*", "speculat*", "suggest*", "indicat*", "impl*",
              "therefore", "thus", "hence", "overall", "altogether", "summary", "reflect*",
              "reveal*", "mean", "means", "seem*", "appear", "appears", "likely", "probably",
              "convey*", "evident*", "clearly", "ultimately");
}
/* What begins the grounds of a conclusion. */
static bool grounds(const char *w) {
    return IS(w, "based", "given", "because", "since", "due", "considering", "from", "judging",
              "as", "combin*", "according");
}
/* "feels X", "a sense of X", "in an X mood": the word in front says that an emotion follows. */
static bool feels(const char *w) {
    return IS(w, "feel*", "felt", "express*", "emotion*", "sense", "mood*", "convey*", "state",
              "states", "sentiment*", "attitude*", "seem*", "sounds", "looks");
}
static bool behaviour(const char *w) {
    return IS(w, "smil*", "laugh*", "frown*", "cry", "cries", "crying", "cried", "tear", "tears",
              "tearful", "sob*", "sigh*", "shout*", "yell*", "scream*", "grin*", "giggl*",
              "chuckl*", "scowl*", "glar*", "blush*", "wink*", "pout*", "weep*", "wept", "smirk*",
              "tension", "tense", "stern*", "serious*", "soft*", "gentle*", "gently", "steady",
              "stable", "calm*", "quiet*", "focus*", "solemn*", "loud*", "intens*", "fierce*",
              "attentive*", "concentrat*", "natural*", "interesting", "stress*", "touch*", "close*",
              "moved", "want*", "wish*", "good", "great", "fine", "nice*", "bad*", "care",
              "interest", "sincere*", "respect", "please", "passion");
}
/* Words of the lexicon that name no emotion here: they only say that there is one, or are another
 * word of that spelling ("the content of the text", "like a child"). */
static bool names_none(const text_word *w, size_t i) {
    const char *word = w[i].text, *last = i ? w[i - 1].text : "";
    if (IS(word, "feel*", "felt", "emotion*", "mood*", "express*", "sentiment*", "heart", "spirit",
           "impression", "mind", "well", "sense", "senses", "affect", "affects", "attitude*",
           "moving", "kind"))
        return true;
    if (IS(word, "content", "contents"))
        return !IS(last, "is", "are", "feels", "feel", "felt", "looks", "seems", "appears", "and",
                   "be", "being", "quite", "very", "more", "remains");
    return IS(word, "like") &&
           !IS(last, "to", "i", "he", "she", "they", "really", "also", "who", "of");
}
static bool denies(const char *w) {
    return IS(w, "not", "no", "never", "without", "neither", "nor", "lack", "lacks", "lacking",
              "absence", "hardly", "cannot", "can't", "isn't", "doesn't", "don't", "didn't",
              "wasn't", "aren't", "weren't", "won't", "nothing", "nobody", "none", "free",
              "instead", "rather", "devoid", "unlike", "hides", "impossible", "denies", "rarely",
              "absent", "far");
}
static bool supposes(const char *w) {
    return IS(w, "if", "whether", "unless", "would", "hypothetically", "wouldn't", "lest",
              "pretend*", "imagin*", "were");
}
/* Who is not the person that is described. */
static bool others(const char *w) {
    return IS(w, "others", "other's", "others'", "someone", "somebody", "someone's", "somebody's",
              "everyone", "everybody", "people", "people's", "audience", "audience's", "listener",
              "listeners", "listener's", "viewer", "viewers", "interlocutor*", "opponent*",
              "friend", "friends", "friend's", "mother", "mother's", "father", "father's",
              "parents", "son", "son's", "daughter", "daughter's", "child", "children", "wife",
              "wife's", "husband", "husband's", "brother", "sister", "colleague*", "boss", "crowd",
              "anyone", "anybody", "you", "us", "them", "patient's", "partner", "partner's");
}
static bool verb(const char *w) {
    return IS(w, "is", "are", "was", "were", "be", "been", "has", "have", "had", "feel*", "felt",
              "seem*", "appear*", "look", "looks", "looked", "becom*", "became", "get", "gets",
              "got", "sound", "sounds", "remain*", "express*", "show*", "display*", "exhibit*",
              "may", "might", "can", "could", "will", "should");
}
static bool subject(const char *w) {
    return IS(w, "he", "she", "they", "it", "we", "i", "this", "that", "which", "who", "there");
}

/* ---- words of the text ---- */

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Typographic quotes and apostrophes as plain ones; *n bytes were read. */
static char plain_at(const char *at, size_t left, size_t *n) {
    *n = 1;
    if (left >= 3 && (unsigned char)at[0] == 0xE2 && (unsigned char)at[1] == 0x80) {
        unsigned char c = (unsigned char)at[2];
        *n = 3;
        if (c == 0x98 || c == 0x99) return '\'';
        if (c == 0x9C || c == 0x9D) return '"';
        if (c == 0x93 || c == 0x94) return ',';
        return ' ';
    }
    return *at;
}

/* A stop ends a sentence unless it stands in a number or after a short title. */
static bool ends_sentence(const char *text, size_t length, size_t at, const text_word *last) {
    if (text[at] == '!' || text[at] == '?') return true;
    if (text[at] != '.') return text[at] == '\n';
    if (at + 1 < length && text[at + 1] >= '0' && text[at + 1] <= '9') return false;
    return !last || !IS(last->text, "mr", "mrs", "ms", "dr", "prof", "vs", "e.g", "i.e");
}

static affect_status cut_words(affect_context *ctx, const char *text, text_word **out,
                               size_t *count) {
    text_word *words = NULL;
    size_t n = 0, capacity = 0, length = strlen(text), sentence = 0, used = 0;
    bool quoted = false;
    char before = '.';
    for (size_t i = 0; i < length;) {
        size_t step;
        char c = plain_at(text + i, length - i, &step);
        if (!letter(c)) {
            if (c == '"') {
                quoted = !quoted;
                before = ',';
            } else if (ends_sentence(text, length, i, n ? &words[n - 1] : NULL) && !quoted) {
                if (n > used) sentence++;
                used = n;
                before = '.';
                quoted = false;
            } else if (c && strchr(",;:()[]", c)) {
                before = c;
            }
            i += step;
            continue;
        }
        if (n == MOST_WORDS) {
            base_free(words);
            return base_fail(ctx, AFFECT_ERROR_LIMIT, "a description has more than %d words",
                             MOST_WORDS);
        }
        if (!base_grow((void **)&words, &capacity, n + 1, sizeof *words)) {
            base_free(words);
            return base_fail_memory(ctx);
        }
        text_word *w = &words[n++];
        *w = (text_word){.sentence = sentence, .before = before, .quoted = quoted};
        before = 0;
        size_t k = 0;
        while (i < length) {
            c = plain_at(text + i, length - i, &step);
            bool inside = letter(c) ||
                          ((c == '\'' || c == '-') && i + step < length && letter(text[i + step]));
            if (!inside) break;
            if (k + 1 < WORD) w->text[k] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
            k++;
            i += step;
        }
        w->text[k < WORD ? k : 0] = '\0';
    }
    *out = words;
    *count = n;
    return AFFECT_OK;
}

/* Quotes around a few words are the writer's own ("angry"); around more, they are speech. */
static void keep_short_quotes(text_word *words, size_t n) {
    enum { OWN = 2 };
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && words[end].quoted == words[i].quoted &&
               (!words[i].quoted || words[end].sentence == words[i].sentence))
            end++;
        if (words[i].quoted && end - i <= OWN)
            for (size_t k = i; k < end; k++) words[k].quoted = false;
        i = end;
    }
}

/* ---- what stands around a mention ---- */

typedef struct text_scope {
    bool denied, supposed, other, premise, concluded;
    size_t felt; /* words since one that says that an emotion follows */
} text_scope;

/* Does a comma go on with a list ("no anger, fear or shame")? */
static bool list_goes_on(const words_emotions *lexicon, const text_word *w, size_t i, size_t n) {
    for (size_t k = i; k < n && k < i + 3 && w[k].sentence == w[i].sentence; k++) {
        if (IS(w[k].text, "or", "nor")) return true;
        if (words_emotions_lookup(lexicon, w[k].text) >= 0)
            return k > i ? w[k].before != ',' : true;
        if (verb(w[k].text) || subject(w[k].text) || IS(w[k].text, "but", "and")) return false;
    }
    return false;
}

static bool other_person(const text_word *w, size_t i, size_t n) {
    if (i + 1 < n && IS(w[i].text, "other", "another", "opposite") &&
        IS(w[i + 1].text, "person*", "part*", "character*", "people*", "side*", "man*", "woman*",
           "one*"))
        return true;
    return others(w[i].text);
}

/* An emotion is somebody else's where he is its owner ("her friend's anger"), its subject ("others
 * feel sad") or made to feel it ("makes people happy"). */
static bool owned_by_other(const text_word *w, size_t i, size_t n) {
    if (!other_person(w, i, n)) return false;
    size_t last = i + (IS(w[i].text, "other", "another", "opposite") ? 1 : 0);
    size_t length = strlen(w[last].text);
    if (length > 2 &&
        (strcmp(w[last].text + length - 2, "'s") == 0 || w[last].text[length - 1] == '\''))
        return true;
    if (last + 1 < n && w[last + 1].sentence == w[i].sentence && verb(w[last + 1].text))
        return true;
    for (size_t back = 1; back <= 3 && back <= i; back++) {
        if (w[i - back].sentence != w[i].sentence) break;
        if (IS(w[i - back].text, "make*", "making", "made", "help*", "let", "lets", "letting",
               "cause*", "causing", "leave", "leaves", "leaving", "want*", "ask*"))
            return true;
    }
    return false;
}

static bool ends_scope(const char *w) {
    return IS(w, "but", "yet", "however", "although", "though", "while", "whereas", "because", "so",
              "then", "which", "therefore");
}

static void step_scope(const words_emotions *lexicon, const text_word *w, size_t i, size_t n,
                       text_scope *s) {
    bool comma = w[i].before == ',' || w[i].before == '(' || w[i].before == ')';
    bool cut = w[i].before && !comma;
    const char *next = i + 1 < n && w[i + 1].sentence == w[i].sentence ? w[i + 1].text : "";
    if (w[i].before == '.') *s = (text_scope){.felt = SIZE_MAX / 2};
    if (cut || ends_scope(w[i].text) || (comma && !list_goes_on(lexicon, w, i, n)))
        s->denied = s->supposed = s->other = false;
    if (IS(w[i].text, "and") && (subject(next) || IS(next, "instead", "is", "shows", "appears")))
        s->denied = s->other = false;
    if (s->other && IS(w[i].text, "he", "she", "his", "her")) s->other = false;
    if (denies(w[i].text)) {
        const char *word = w[i].text;
        bool really = !(IS(word, "not", "no", "never") &&
                        IS(next, "only", "just", "merely", "doubt", "wonder", "matter"));
        if (IS(word, "free", "far")) really = IS(next, "from", "of");
        if (IS(word, "rather", "instead")) really = IS(next, "than", "of");
        if (really) s->denied = true;
    }
    if (supposes(w[i].text)) {
        bool as_if = i > 0 && IS(w[i - 1].text, "as", "like");
        if (!as_if && (!IS(w[i].text, "were") || IS(next, "he", "she", "to"))) s->supposed = true;
    }
    if (owned_by_other(w, i, n)) s->other = true;
    if (concludes(w[i].text)) {
        s->concluded = true;
        s->premise = false;
    } else if (grounds(w[i].text) && !s->concluded &&
               (w[i].before || IS(w[i].text, "because", "due", "based"))) {
        s->premise = true;
    }
    s->felt = feels(w[i].text) ? 0 : s->felt + 1;
}

/* ---- mentions and their sums ---- */

typedef struct text_sums {
    double *entry, *group, *family;
} text_sums;

/* The longest emotion word or phrase that begins at word i; *length of it in words. */
static long longest(const words_emotions *lexicon, const text_word *w, size_t i, size_t n,
                    size_t *length) {
    for (size_t k = 3; k > 0; k--) {
        char phrase[3 * WORD + 3];
        size_t used = 0;
        if (i + k > n || w[i + k - 1].sentence != w[i].sentence) continue;
        bool broken = false;
        for (size_t j = 0; j < k; j++) {
            broken = broken || (j && w[i + j].before) || !*w[i + j].text;
            used += (size_t)snprintf(phrase + used, sizeof phrase - used, "%s%s", j ? " " : "",
                                     w[i + j].text);
        }
        long found = broken ? -1 : words_emotions_lookup(lexicon, phrase);
        if (found < 0) continue;
        *length = k;
        return found;
    }
    return -1;
}

static void add_mention(const words_emotions *lexicon, long found, double weight, text_sums *sums) {
    const words_emotion_word *entry = words_emotions_at(lexicon, (size_t)found);
    sums->entry[found] += weight;
    sums->group[entry->group] += weight;
    for (size_t f = 0; f < entry->family_count; f++)
        sums->family[entry->families[f].family] += weight * entry->families[f].weight;
}

static double weigh(const text_word *w, size_t i, size_t sentences, const text_scope *s) {
    bool late = w[i].sentence + (size_t)RULES.last >= sentences;
    double weight = late ? RULES.late : RULES.early;
    if (s->premise)
        weight = RULES.premise;
    else if (!s->concluded && sentences > (size_t)RULES.last)
        weight *= RULES.plain;
    if (s->felt <= 6) weight *= RULES.felt;
    if (behaviour(w[i].text)) weight *= RULES.behaviour;
    return weight;
}

static void sum_mentions(const words_emotions *lexicon, const text_word *w, size_t n,
                         text_sums *sums) {
    size_t sentences = n ? w[n - 1].sentence + 1 : 0;
    text_scope scope = {.felt = SIZE_MAX / 2};
    for (size_t i = 0; i < n;) {
        size_t length = 1;
        step_scope(lexicon, w, i, n, &scope);
        long found = w[i].quoted ? -1 : longest(lexicon, w, i, n, &length);
        if (found >= 0 && !(length == 1 && names_none(w, i)) && !scope.denied && !scope.supposed &&
            !scope.other)
            add_mention(lexicon, found, weigh(w, i, sentences, &scope), sums);
        for (size_t k = 1; k < length; k++) step_scope(lexicon, w, i + k, n, &scope);
        i += length;
    }
}

/* Index of the largest value, `none` where all are 0 or less. */
static size_t top_of(const double *values, size_t n) {
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (values[i] > 0 && (best == n || values[i] > values[best])) best = i;
    return best;
}

static affect_status name_families(affect_context *ctx, const words_emotions *lexicon,
                                   text_sums *sums, affect_labels *out) {
    size_t families = words_emotions_family_count(lexicon), entries = words_emotions_count(lexicon);
    double lead = 0, lead_entry = 0;
    bool kept[256] = {false};
    for (size_t k = 0; k < RULES.families; k++) {
        size_t f = top_of(sums->family, families);
        if (f == families || f >= BASE_COUNT(kept) || sums->family[f] < RULES.family * lead) break;
        lead = fmax(lead, sums->family[f]);
        kept[f] = true;
        sums->family[f] = 0;
    }
    for (size_t i = 0; i < entries; i++) {
        const words_emotion_word *e = words_emotions_at(lexicon, i);
        if (sums->entry[i] > 0 && !(e->family_count && kept[e->families[0].family]))
            sums->entry[i] = 0;
        lead_entry = fmax(lead_entry, sums->entry[i]);
    }
    double total = 0;
    for (size_t k = 0; k < RULES.words; k++) {
        size_t i = top_of(sums->entry, entries);
        if (i == entries || sums->entry[i] < RULES.group * lead_entry) break;
        affect_status status = reason_labels_add(ctx, out, lexicon, i, sums->entry[i]);
        if (status != AFFECT_OK) return status;
        total += sums->entry[i];
        sums->entry[i] = 0;
    }
    for (size_t k = 0; k < out->count; k++) out->items[k].score /= total;
    return AFFECT_OK;
}

affect_status affect_labels_from_text(affect_reasoner *reasoner, const char *text,
                                      affect_labels **labels) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && text && labels);
    const words_emotions *lexicon = reasoner->lexicon;
    size_t entries = words_emotions_count(lexicon), groups = words_emotions_group_count(lexicon),
           families = words_emotions_family_count(lexicon), n = 0;
    *labels = NULL;
    text_word *words = NULL;
    text_sums sums = {.entry = base_calloc(entries + groups + families, sizeof(double))};
    affect_labels *out = base_calloc(1, sizeof *out);
    affect_status status = AFFECT_OK;
    if (!sums.entry || !out) status = base_fail_memory(ctx);
    if (status == AFFECT_OK) status = cut_words(ctx, text, &words, &n);
    if (status == AFFECT_OK) {
        sums.group = sums.entry + entries;
        sums.family = sums.group + groups;
        keep_short_quotes(words, n);
        sum_mentions(lexicon, words, n, &sums);
        status = name_families(ctx, lexicon, &sums, out);
    }
    base_free(words);
    base_free(sums.entry);
    if (status == AFFECT_OK)
        *labels = out;
    else
        affect_labels_destroy(out);
    return status;
}
