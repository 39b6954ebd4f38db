/* What a question asks: its kind, of whom, about what, when. The grammar stands in docs/reason.md;
 * what does not fit into it, or asks for what no recording shows, is refused with the reason. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/question.h"

#define IS(word, ...) REASON_IS(word, __VA_ARGS__)
#define ANY(q, ...) has_word((q), (const char *const[]){__VA_ARGS__, NULL})

/* A phrase that says when: "after she says no thanks". Its words are no words of the grammar. */
static bool in_phrase(const reason_question *q, size_t i) {
    return i >= q->phrase && i < q->phrase_end;
}

static const char *word(const reason_question *q, size_t i) {
    const reason_facts *f = &q->facts;
    return i < f->token_count && !in_phrase(q, i) && !f->tokens[i].quoted &&
                   !isfinite(f->tokens[i].value)
               ? f->tokens[i].text
               : "";
}

static bool has_word(const reason_question *q, const char *const *list) {
    for (size_t i = 0; i < q->facts.token_count; i++)
        if (reason_is(word(q, i), list)) return true;
    return false;
}

static bool has_pair(const reason_question *q, const char *first, const char *second) {
    for (size_t i = 0; i + 1 < q->facts.token_count; i++)
        if (reason_is(word(q, i), (const char *const[]){first, NULL}) &&
            reason_is(word(q, i + 1), (const char *const[]){second, NULL}))
            return true;
    return false;
}

/* ---- what nobody can know from a recording of expressions ---- */

/* What is measured, and has an average. */
static bool levelled(const char *w) {
    return IS(w, "pitch", "intonation", "loudness", "volume", "valence", "arousal", "dominance",
              "level", "mood", "voice");
}

/* Is one of the words said of the person? "Do you think", "I want to know", "looks like" are not. */
static bool asks_of(const reason_question *q, const char *const *list) {
    for (size_t i = 0; i < q->facts.token_count; i++) {
        const char *last = i ? word(q, i - 1) : "";
        if (!reason_is(word(q, i), list)) continue;
        if (IS(last, "you", "i", "we", "to", "would", "one", "i'd", "one's")) continue;
        if (i == 0 && IS(word(q, i), "name")) continue; /* "name the time of" */
        if (IS(word(q, i), "lie", "lies") && IS(word(q, i + 1), "between")) continue; /* of time */
        if (IS(word(q, i), "mean") && levelled(word(q, i + 1))) continue; /* the average */
        if (IS(word(q, i), "deep") && ANY(q, "voice", "pitch")) continue;
        if (IS(word(q, i), "better", "good", "bad", "wrong") &&
            IS(last, "get*", "got", "becom*", "became", "grow*", "feel*", "turn*", "look*"))
            continue;
        if (IS(word(q, i), "like") &&
            IS(last, "look*", "sound*", "seem*", "appear*", "feel*", "feels"))
            continue;
        return true;
    }
    return false;
}
#define ASKS(q, ...) asks_of((q), (const char *const[]){__VA_ARGS__, NULL})

static const char *out_of_reach(const reason_question *q) {
    if (ASKS(q, "depressed", "depressive", "manic", "burnout", "traumati*") &&
        !ANY(q, "look*", "seem*", "appear*", "sound*", "express*"))
        return "neither health nor personality can be read from a recording";
    if (ASKS(q, "love", "loves", "loved", "loving", "hate", "hates", "hated", "marry", "married",
             "marriage", "relationship*", "girlfriend", "boyfriend", "attracted", "crush", "trust",
             "trusts", "forgive*", "respect*", "miss", "misses", "prefer*"))
        return "what people are to each other cannot be seen in an expression";
    if (ASKS(q, "lie", "lies", "lying", "lied", "liar", "honest*", "sincer*", "truth*", "fake",
             "faking", "pretend*", "genuine*", "decei*", "acting", "hiding", "hide", "hides",
             "secret*", "guilt", "innocent", "mean", "means"))
        return "whether an expression is sincere cannot be seen";
    if (ASKS(q, "think", "thinks", "thinking", "thought", "thoughts", "believe*", "know", "knows",
             "knew", "want", "wants", "wanted", "intend*", "intention*", "plan", "plans",
             "planning", "hope", "hopes", "wish*", "remember*", "dream*", "understand*", "realize*",
             "realise*", "opinion*", "really", "truly", "actually", "inside", "inner", "deep",
             "secretly", "motive*", "regret*", "care", "cares", "enjoy", "enjoys", "like", "likes",
             "need", "needs", "decide*", "willing", "mind", "soul", "heart", "consciously",
             "unconscious*"))
        return "an expression is no reading of thoughts or of an inner state";
    for (size_t i = 1; i < q->facts.token_count; i++)
        if (IS(word(q, i), "guilty") && !ANY(q, "look*", "appear*", "seem*", "feel*", "come"))
            return "an expression proves nothing about what somebody did";
    if (ASKS(q, "depression", "diagnos*", "disorder*", "autis*", "illness", "ill", "sick",
             "healthy", "health", "patholog*", "psycho*", "bipolar", "adhd", "personality",
             "introvert*", "extrovert*", "intelligen*", "smart", "iq", "character", "neurotic",
             "suicid*", "medica*", "clinical*", "drunk", "drugs"))
        return "neither health nor personality can be read from a recording";
    if (ASKS(q, "name", "named", "called", "age", "old", "young", "years", "born", "gender", "race",
             "ethnic*", "religion*", "religious", "job", "work", "works", "profession", "country",
             "nationality", "live", "lives", "address", "gay", "rich", "poor", "vote*", "politic*",
             "educat*", "famous", "beautiful", "attractive", "hair", "wear*", "wore", "colour*",
             "color*", "clothes", "shirt", "dress", "glasses", "weather", "room", "price", "cost",
             "capital", "president"))
        return "it is not about an expression";
    if (ASKS(q, "tomorrow", "yesterday", "week", "month", "year", "hour", "hours", "days", "day",
             "tonight", "later-on", "childhood", "child", "ever-after", "life", "always", "usually",
             "normally", "generally", "should", "deserve*", "wrong", "good", "bad", "better",
             "moral*"))
        return "the timeline is about this recording alone, and judges nobody";
    return NULL;
}

/* Words of the grammar: a question with two or more others is about something else. */
static bool grammar_word(const char *w) {
    return IS(
        w, "a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "from", "for", "with", "by",
        "is", "are", "was", "were", "be", "been", "being", "do", "does", "did", "has", "have",
        "had", "will", "would", "can", "could", "might", "may", "what", "when", "which", "who",
        "whose", "whom", "how", "why", "that", "this", "these", "those", "it", "its", "he", "she",
        "they", "him", "her", "his", "their", "them", "there", "then", "than", "as", "if", "any",
        "some", "all", "each", "both", "one", "two", "three", "four", "not", "no", "so", "me",
        "tell", "say*", "said", "describ*", "best", "stop*", "ceas*", "spell", "frequent*", "line",
        "lines", "spok*", "quote*", "true", "correct", "prevail*", "predominant*", "typical*",
        "elaps*", "give", "list", "name", "show*", "please", "you", "we", "see", "seen", "hear*",
        "visible", "audible", "person*", "people", "speaker*", "somebody", "someone", "anybody",
        "anyone", "everybody", "everyone", "man", "woman", "subject", "participant*", "first",
        "second", "third", "last", "final*", "next", "previous*", "before", "after", "afterwards",
        "during", "while", "until", "till", "since", "between", "within", "throughout", "around",
        "about", "approximately", "roughly", "near", "start*", "begin*", "began", "begun",
        "opening", "end*", "middle", "halfway", "half", "part", "moment*", "point*", "time*",
        "instant", "second*", "seconds", "sec", "s", "ms", "minute*", "min", "long*", "short*",
        "often", "many", "much", "more", "most", "less", "least", "earl*", "late*", "soon*",
        "order", "sequence", "once", "ever", "never", "again", "still", "already", "state*",
        "emotion*", "mood*", "expression*", "express*", "feel*", "felt", "affect*", "label*",
        "episode*", "event*", "happen*", "occur*", "chang*", "shift*", "turn*", "switch*",
        "differ*", "develop*", "evol*", "becom*", "became", "get*", "got", "go*", "went", "come*",
        "came", "across", "look*", "seem*", "appear*", "sound*", "valence", "arousal", "dominance",
        "activation", "positiv*", "negativ*", "pleasant*", "unpleasant*", "neutral*", "high*",
        "low*", "level*", "value", "rise*", "rose", "rising", "fall*", "fell", "increas*",
        "decreas*", "drop*", "grow*", "improv*", "worsen*", "brighten*", "darken*", "steady",
        "stable", "same", "smil*", "laugh*", "frown*", "blink*", "paus*", "speak*", "spoke",
        "talk*", "word*", "voice", "face", "facial", "pitch", "eyebrow*", "brow*", "rais*",
        "furrow*", "swear*", "silen*", "quiet*", "micro-expression*", "negation*", "emphas*",
        "stress*", "compar*", "versus", "vs", "comparison", "cause*", "reason*", "because", "make*",
        "made", "lead*", "led", "trigger*", "explain*", "behind", "due", "follow*", "preced*",
        "likely", "probabl*", "expect*", "predict*", "forecast*", "guess", "happier", "sadder",
        "calm*", "excit*", "energetic", "active", "dominan*", "total", "overall", "altogether",
        "whole", "recording", "video", "clip", "audio", "film", "scene", "minute", "last*", "stay*",
        "remain*", "keep*", "kept", "duration", "length", "take*", "took", "pass*", "spend*",
        "spent", "big*", "large*", "strong*", "great*", "main", "dominant", "biggest", "sudden*",
        "abrupt*", "count", "number", "into", "up", "down", "out", "over", "under", "just", "right",
        "only", "also", "too", "very", "did", "kind", "sort", "type", "way", "i", "p", "perceiv*",
        "current*", "now", "upon", "according", "display*", "exhibit*", "convey*", "observ*",
        "notic*", "detect*", "find", "timeline", "exact*", "mostly", "mainly", "react*", "doing",
        "become", "both", "directly", "immediately", "shortly", "m", "t", "clock", "mark",
        "stretch*", "section", "interval", "period", "utter*", "sentence", "dominat*", "phase*",
        "share", "percent*", "proportion", "fraction", "portion", "sequence", "succession",
        "similar*", "alike", "answer*", "repl*", "respond*", "speech", "towards", "toward", "loud*",
        "volume", "tone", "intonation", "peak*", "maxim*", "minim*", "worst", "highest", "lowest",
        "below", "above", "common*", "thing", "things", "succeed*", "agitat*", "aroused",
        "emotional*", "direction*", "move", "moves", "moving", "moved", "relaxed", "animated",
        "lively", "quick*", "fast*", "slow*", "average", "mean", "deep*", "soft*", "weak*",
        "slight*", "broad*", "wide*", "faint*", "small*", "intens*", "pronounced", "marked",
        "nobody", "noone", "everyone's", "fourth", "fifth", "f0", "frequency", "hertz", "hz",
        "did");
}

static bool known_name(const reason_graph *g, const char *w) {
    for (size_t k = 0; k < g->timeline->person_count; k++) {
        const char *name = g->timeline->persons[k].name;
        for (const char *at = name; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
            size_t n = strcspn(at, " ");
            if (n == strlen(w) && strncasecmp(at, w, n) == 0) return true;
        }
    }
    return false;
}

static bool about_label(const reason_question *q, size_t i) {
    for (size_t k = 0; k < q->facts.label_count; k++)
        if (q->facts.label_at[k] == i) return true;
    return false;
}

static size_t strange_words(const reason_question *q, const reason_graph *g, bool *name) {
    size_t n = 0;
    *name = false;
    for (size_t i = 0; i < q->facts.token_count; i++) {
        const char *w = word(q, i);
        if (!*w || grammar_word(w) || known_name(g, w) || about_label(q, i) || in_phrase(q, i))
            continue;
        if (w[0] == 'p' && isdigit((unsigned char)w[1])) continue;
        n++;
        if (q->facts.tokens[i].capital && i > 0) *name = true;
    }
    return n;
}

/* ---- when ---- */

/* What is said names no kinds, moves and labels that are asked for. */
static void forget_phrase(reason_question *q) {
    reason_facts *f = &q->facts;
    size_t n = 0;
    for (size_t i = 0; i < f->kind_count; i++)
        if (!in_phrase(q, f->kinds[i].at) && f->kinds[i].at + 1 != q->phrase)
            f->kinds[n++] = f->kinds[i];
    f->kind_count = n;
    n = 0;
    for (size_t i = 0; i < f->move_count; i++)
        if (!in_phrase(q, f->moves[i].at)) f->moves[n++] = f->moves[i];
    f->move_count = n;
    n = 0;
    for (size_t i = 0; i < f->label_count; i++) {
        if (in_phrase(q, f->label_at[i])) continue;
        f->labels[n] = f->labels[i];
        f->label_at[n++] = f->label_at[i];
    }
    f->label_count = n;
}

/* "no, thanks" of "after she says no, thanks": what is said, to the end or the next comma. */
static void find_phrase(reason_question *q) {
    const reason_facts *f = &q->facts;
    q->phrase = q->phrase_end = SIZE_MAX;
    for (size_t i = 1; i + 1 < f->token_count; i++) {
        bool noun = IS(word(q, i), "words", "word", "sentence", "phrase");
        if (!IS(word(q, i), "says", "say", "said", "saying", "utters") &&
            !(noun && f->tokens[i + 1].quoted))
            continue;
        bool anchored = false;
        for (size_t k = 1; k <= 4 && k <= i; k++)
            anchored = anchored || IS(word(q, i - k), "after", "before", "when", "while", "as",
                                      "once", "until");
        if (!anchored) continue;
        size_t end = i + 1;
        while (end < f->token_count && (end == i + 1 || f->tokens[end].before != ',') &&
               f->tokens[end].before != '?')
            end++;
        if (f->tokens[i + 1].quoted)
            for (end = i + 1; end < f->token_count && f->tokens[end].quoted;) end++;
        q->phrase = i + 1;
        q->phrase_end = end;
        forget_phrase(q);
        return;
    }
}

void reason_question_words(const char *text, base_text *out) {
    base_text_append(out, " ");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strncmp(text, "\xE2\x80\x99", 3) == 0 || strncmp(text, "\xE2\x80\x98", 3) == 0)
            c = '\'', text += 2;
        if (c == '\'') { /* "Harry's" as "Harry", as a token has it; "don't" as "dont" */
            const unsigned char s = (unsigned char)text[1];
            const bool joined = out->length && out->data[out->length - 1] != ' ';
            if (joined && (s == 's' || s == 'S') && !isalnum((unsigned char)text[2])) text++;
            continue;
        }
        char low = (char)(isalnum(c) || c >= 0x80 ? tolower(c) : ' ');
        if (low == ' ' && out->length && out->data[out->length - 1] == ' ') continue;
        base_text_append_n(out, &low, 1);
    }
    if (out->length && out->data[out->length - 1] != ' ') base_text_append(out, " ");
}

/* Words that are said one after another, from the first to the last of them: the node of their utterance with the
 * times of the words. False where the words have no times. */
static bool said_in_words(reason_question *q, const reason_graph *g, const char *wanted,
                          const reason_node *utterance) {
    const affect_tier *tier = affect_timeline_find_tier(g->timeline, "words");
    for (size_t i = 0; tier && i < tier->count; i++) {
        base_text said = {0};
        if (tier->items[i].t0 + AFFECT_MILLISECOND < utterance->t0) continue;
        if (tier->items[i].t0 >= utterance->t1) break;
        for (size_t k = i; k < tier->count && tier->items[k].t0 < utterance->t1; k++) {
            if (tier->items[k].person && utterance->person &&
                tier->items[k].person != utterance->person)
                continue;
            base_text_clear(&said);
            for (size_t m = i; m <= k; m++) {
                if (tier->items[m].person && utterance->person &&
                    tier->items[m].person != utterance->person)
                    continue;
                base_text one = {0};
                reason_question_words(tier->items[m].label, &one);
                base_text_append(&said, said.length && one.length ? one.data + 1 : one.data);
                q->failed = q->failed || one.failed;
                base_text_destroy(&one);
            }
            q->failed = q->failed || said.failed;
            if (said.failed || said.length > strlen(wanted)) break;
            if (said.data && strcmp(said.data, wanted) == 0) {
                q->said = *utterance;
                q->said.t0 = q->said.apex = tier->items[i].t0;
                q->said.t1 = tier->items[k].t1;
                base_text_destroy(&said);
                return true;
            }
        }
        base_text_destroy(&said);
    }
    return false;
}

/* The word or utterance in which the phrase is said; of several the first of the person. */
static const reason_node *who_says(reason_question *q, const reason_graph *g) {
    base_text phrase = {0};
    const reason_node *best = NULL;
    for (size_t i = q->phrase; i < q->phrase_end; i++) {
        base_text_append(&phrase, i > q->phrase ? " " : "");
        base_text_append(&phrase, q->facts.tokens[i].text);
    }
    base_text wanted = {0};
    reason_question_words(phrase.data ? phrase.data : "", &wanted);
    for (size_t i = 0; i < g->count && !wanted.failed; i++) {
        const reason_node *n = &g->nodes[i];
        if (!n->interval || (strcmp(n->tier, "words") != 0 && strcmp(n->tier, "utterances") != 0))
            continue;
        base_text said = {0};
        reason_question_words(n->interval->label, &said);
        bool found = wanted.length > 2 && said.data && strstr(said.data, wanted.data) != NULL;
        q->failed = q->failed || said.failed;
        base_text_destroy(&said);
        if (!found || (q->person && n->person && n->person != q->person)) continue;
        /* A word alone is the better anchor, as it is shorter. */
        if (!best || n->t1 - n->t0 < best->t1 - best->t0) best = n;
    }
    if (best && strcmp(best->tier, "utterances") == 0 && wanted.data &&
        said_in_words(q, g, wanted.data, best))
        best = &q->said;
    q->failed = q->failed || wanted.failed || phrase.failed;
    base_text_destroy(&phrase);
    base_text_destroy(&wanted);
    return best;
}

static int rank(const char *w) {
    static const char *const words[] = {"first", "second", "third", "fourth", "fifth"};
    for (int i = 0; i < 5; i++)
        if (strcmp(w, words[i]) == 0) return i + 1;
    return IS(w, "last", "final", "latest") ? -1 : strcmp(w, "earliest") == 0 ? 1 : 0;
}

/* "The second person" is person 2, and no second event. "Who is the second person to smile" is. */
static bool ranks_person(const reason_question *q, size_t i) {
    return rank(word(q, i)) &&
           IS(word(q, i + 1), "person", "speaker", "man", "woman", "guy", "lady", "participant",
              "subject") &&
           !IS(word(q, i + 2), "to", "who", "that") && !IS(word(q, 0), "who", "which");
}

/* "How long does it last", "does it last": a verb. */
static bool lasts(const reason_question *q, size_t i) {
    const char *next = word(q, i + 1);
    return strcmp(word(q, i), "last") == 0 &&
           (i + 1 == q->facts.token_count ||
            IS(next, "for", "until", "till", "at", "in", "overall", "altogether")) &&
           (ANY(q, "long", "longer", "longest", "much", "many") ||
            IS(word(q, 0), "do", "does", "did", "can", "could", "will", "would"));
}

/* The event, change or episode that is asked for by its place: 1 the first, -1 the last, 0 none. What
 * counts persons, stretches of time or seconds counts no events. */
static int ordinal(const reason_question *q) {
    bool there[6] = {false}, last = false;
    for (size_t i = 0; i < q->facts.token_count; i++) {
        const int n = rank(word(q, i));
        if (!n || ranks_person(q, i) || lasts(q, i)) continue;
        if (i + 1 < q->facts.token_count && isfinite(q->facts.tokens[i + 1].value)) continue;
        if (n == 2 && i &&
            (isfinite(q->facts.tokens[i - 1].value) ||
             IS(word(q, i - 1), "one", "a", "per", "half")))
            continue;
        if (IS(word(q, i + 1), "half", "part", "quarter", "minute*", "seconds", "few")) continue;
        if (n < 0)
            last = true;
        else
            there[n] = true;
    }
    if (last) return -1;
    for (int n = 2; n <= 5; n++)
        if (there[n]) return n;
    return there[1];
}

/* Takes the persons that are named by their place among them. */
static void take_ranked(reason_question *q) {
    reason_facts *f = &q->facts;
    for (size_t i = 0; i < f->token_count; i++) {
        if (ranks_person(q, i)) {
            const int n = rank(word(q, i));
            if (n < 0 || strcmp(word(q, i + 1), "person") != 0) {
                q->refusal = "it does not say who that is: name the person, or say \"person 2\"";
                return;
            }
            if (f->person_count == REASON_FACTS) return;
            size_t at = f->person_count++;
            for (; at > 0 && f->person_at[at - 1] > i; at--) {
                f->persons[at] = f->persons[at - 1];
                f->person_at[at] = f->person_at[at - 1];
            }
            f->persons[at] = n;
            f->person_at[at] = i;
        } else if (IS(word(q, i), "other", "another") &&
                   IS(word(q, i + 1), "person", "speaker", "one", "man", "woman")) {
            q->refusal = "it does not say who that is: name the person, or say \"person 2\"";
        }
    }
}

/* The event that "after the (first) smile" is about. */
static const reason_node *anchor_event(const reason_question *q, const reason_graph *g,
                                       const char *kind) {
    const reason_node *found = NULL;
    int n = 0, wanted = ordinal(q);
    for (size_t i = 0; i < g->event_count; i++) {
        const reason_node *e = g->events[i];
        if (strcmp(e->event->kind, kind) != 0 || (q->person && e->person && e->person != q->person))
            continue;
        n++;
        if (wanted < 0 || !found || n == wanted) found = e;
        if (wanted >= 0 && n >= BASE_MAX(1, wanted)) break;
    }
    return found;
}

static void set_window(reason_question *q, double a, double b) {
    q->timed = true;
    q->t0 = time_from_seconds(a);
    q->t1 = time_from_seconds(b);
}

/* "What does she express before she becomes happy": the first such episode; the label is then no
 * longer asked for. */
static const reason_node *anchor_label(reason_question *q, const reason_graph *g,
                                       const words_emotions *lexicon) {
    reason_facts *f = &q->facts;
    bool anchored = false;
    if (f->label_count != 1 || !ANY(q, "what", "which", "how") ||
        ANY(q, "long", "many", "often", "first"))
        return NULL;
    size_t at = f->label_at[0];
    for (size_t k = 1; k <= 4 && k <= at; k++)
        anchored =
            anchored || IS(word(q, at - k), "after", "before", "follows", "followed", "precedes");
    for (size_t i = 0; anchored && i < g->episode_count; i++)
        if ((!q->person || g->episodes[i]->person == q->person) &&
            reason_label_fit(g, lexicon, f->labels[0], f->tokens[at].text, g->episodes[i]) >= 0.7) {
            f->label_count = 0;
            return g->episodes[i];
        }
    return NULL;
}

static void find_window(reason_question *q, const reason_graph *g, const words_emotions *lexicon) {
    const reason_facts *f = &q->facts;
    double end = time_to_seconds(g->timeline->duration);
    if (!(end > 0))
        for (size_t i = 0; i < g->episode_count; i++)
            end = fmax(end, time_to_seconds(g->episodes[i]->t1));
    q->end = time_from_seconds(end);
    set_window(q, 0, end);
    q->timed = false;
    find_phrase(q);
    if (f->time_count >= 2) {
        double a = f->times[0].value, b = f->times[1].value;
        set_window(q, fmin(a, b), fmax(a, b));
        q->outside = fmax(a, b) > end + 0.5;
        return;
    }
    if (f->time_count == 1) {
        double t = f->times[0].value;
        size_t at = f->times[0].at;
        const char *last = at ? word(q, at - 1) : "", *earlier = at > 1 ? word(q, at - 2) : "";
        q->outside = t > end + 0.5;
        if (strcmp(last, "the") == 0) last = earlier; /* "after the 30 second mark" */
        if (IS(last, "after", "since", "from") && !IS(earlier, "shortly", "right"))
            set_window(q, t, end);
        else if (IS(last, "before", "until", "till"))
            set_window(q, 0, t);
        else if (IS(last, "first"))
            set_window(q, 0, t);
        else if (IS(last, "last", "final"))
            set_window(q, end - t, end);
        else
            set_window(q, t, t);
        q->after = IS(last, "after") ? 1 : IS(last, "before") ? -1 : 0;
        return;
    }
    const reason_node *anchor = q->phrase != SIZE_MAX ? who_says(q, g) : NULL;
    if (q->phrase != SIZE_MAX && !anchor) q->unsaid = true;
    for (size_t i = 0; i < f->kind_count && !anchor; i++) {
        size_t at = f->kinds[i].at;
        for (size_t k = 1; k <= 5 && k <= at; k++)
            if (IS(word(q, at - k), "after", "before", "during", "once", "until") ||
                (at > k && IS(word(q, at - k), "when", "while", "as"))) {
                anchor = anchor_event(q, g, f->kinds[i].kind);
                q->anchor_kind = f->kinds[i].kind;
                if (!anchor) q->unsaid = true;
                break;
            }
    }
    if (!anchor) anchor = anchor_label(q, g, lexicon);
    if (anchor) {
        q->anchor = anchor;
        q->after = ANY(q, "after", "once", "follows", "followed") ? 1
                   : ANY(q, "before", "until", "precedes")        ? -1
                                                                  : 0;
        double a = time_to_seconds(anchor->t0), b = time_to_seconds(anchor->t1);
        if (!q->after && anchor->interval && ANY(q, "while", "during"))
            set_window(q, (a + b) / 2, (a + b) / 2);
        else if (q->after > 0)
            set_window(q, fmin(b + 0.1, end), fmin(b + 0.1, end));
        else if (q->after < 0)
            set_window(q, fmax(a - 0.1, 0), fmax(a - 0.1, 0));
        else
            set_window(q, time_to_seconds(anchor->apex), time_to_seconds(anchor->apex));
        return;
    }
    for (size_t i = 0; i < f->token_count; i++) {
        const char *w = word(q, i), *next = word(q, i + 1), *last = i ? word(q, i - 1) : "";
        bool towards = strcmp(last, "the") == 0 && i > 1 && IS(word(q, i - 2), "towards", "toward");
        const bool which =
            IS(word(q, 0), "which", "what") && IS(word(q, 1), "emotion*", "mood", "state");
        if (which && i + 1 == f->token_count && IS(w, "first", "last")) {
            set_window(q, *w == 'f' ? 0 : end, *w == 'f' ? 0 : end);
            continue;
        }
        if (which && IS(w, "start*", "begin*", "began", "end*") && IS(next, "with", "on")) {
            set_window(q, *w == 'e' ? end : 0, *w == 'e' ? end : 0);
            continue;
        }
        if (towards && IS(w, "end", "beginning", "start", "close")) {
            const bool late = IS(w, "end", "close");
            set_window(q, late ? 0.75 * end : 0, late ? end : 0.25 * end);
            continue;
        }
        bool place = IS(last, "the", "very", "its") || IS(last, "at", "in", "near");
        if (place && IS(w, "end", "ending", "close") && !IS(next, "of", "when"))
            set_window(q, end, end);
        else if (place && IS(w, "end") && strcmp(next, "of") == 0)
            set_window(q, end, end);
        else if (place && IS(w, "beginning", "start", "begin", "opening", "outset"))
            set_window(q, 0, 0);
        else if (IS(w, "first", "initial") && IS(next, "emotion", "state", "expression", "mood"))
            set_window(q, 0, 0);
        else if (IS(w, "last", "final") && IS(next, "emotion", "state", "expression", "mood"))
            set_window(q, end, end);
        else if (IS(w, "initially"))
            set_window(q, 0, 0);
        else if (IS(w, "finally", "eventually") && i + 1 == f->token_count)
            set_window(q, end, end);
        else if (place && (IS(w, "middle", "midpoint") || IS(next, "halfway")))
            set_window(q, end / 2, end / 2);
        else if (IS(w, "halfway"))
            set_window(q, end / 2, end / 2);
        else if (IS(w, "first") && IS(next, "half"))
            set_window(q, 0, end / 2);
        else if (IS(w, "second", "last") && IS(next, "half"))
            set_window(q, end / 2, end);
    }
}

/* ---- what kind ---- */

static bool yes_no(const reason_question *q) {
    for (size_t i = 0; i < q->facts.token_count; i++) /* "After 30 s, does it rise?" */
        if ((i == 0 || q->facts.tokens[i].before == ',') &&
            IS(word(q, i), "is", "are", "was", "were", "does", "do", "did", "has", "have", "had",
               "can", "could", "will", "would"))
            return true;
    const size_t n = q->facts.token_count; /* "She looks sad, right?" */
    return n > 1 && q->facts.tokens[n - 1].before == ',' &&
           IS(word(q, n - 1), "right", "correct", "true", "yes", "no");
}

/* "When does the smile end", not "at the end". */
static bool ends_as_verb(const reason_question *q) {
    for (size_t i = 1; i < q->facts.token_count; i++)
        if (IS(word(q, i), "end", "ends", "ended") && q->facts.kind_count &&
            !IS(word(q, i - 1), "the", "at", "very", "its"))
            return true;
    return false;
}

static bool comparative(const reason_question *q) {
    if (ANY(q, "more", "less", "most", "least", "happier", "happiest", "sadder", "saddest",
            "angrier", "angriest", "calmer", "calmest", "higher", "lower", "highest", "lowest",
            "livelier", "compare*", "versus", "vs", "quieter", "longer", "shorter", "tenser",
            "deeper", "deepest", "louder", "loudest", "softer", "softest", "faster", "fastest",
            "slower", "slowest", "quicker", "stronger", "weaker"))
        return true;
    for (size_t i = 0; i < q->facts.label_count; i++) {
        const char *w = q->facts.tokens[q->facts.label_at[i]].text;
        size_t n = strlen(w);
        if (IS(w, "anger", "bitter", "eager", "sober", "somber", "tender", "clever", "sinister",
               "honest", "modest", "earnest", "interest", "unrest"))
            continue; /* as they are */
        if (n > 4 && (strcmp(w + n - 2, "er") == 0 || strcmp(w + n - 3, "est") == 0)) return true;
    }
    return false;
}

/* "Rise or fall", "before or after", "more or less": of two that exclude each other. */
static bool either(const reason_question *q) {
    static const char *const sides[][2][28] = {
        {{"rise*", "rising", "up", "more", "higher", "increas*", "better", "improv*", "grow*",
          "climb*", "rais*", "positive", "pleasant", "happier", "gain*", "brighten*", "upward*",
          "livelier"},
         {"fall*", "falling", "down", "less", "lower*", "decreas*", "worse*", "shrink*", "drop*",
          "sink*", "deteriorat*", "declin*", "negative", "unpleasant", "sadder", "darken*",
          "downward*", "calmer"}},
        {{"before", "earlier", "first", "sooner"}, {"after", "later", "second"}},
    };
    for (size_t i = 1; i + 1 < q->facts.token_count; i++) {
        if (strcmp(word(q, i), "or") != 0) continue;
        for (size_t p = 0; p < 2; p++)
            for (int turned = 0; turned < 2; turned++)
                for (size_t k = 1; k <= 3 && k <= i; k++)
                    for (size_t m = 1; m <= 3; m++)
                        if (reason_is(word(q, i - k), sides[p][turned]) &&
                            reason_is(word(q, i + m), sides[p][!turned]))
                            return true;
    }
    return false;
}

/* "Most cheerful", "the highest valence", "saddest", "in the best mood", "at her calmest". */
static bool superlative(const reason_question *q) {
    for (size_t i = 0; i < q->facts.token_count; i++) {
        const char *w = word(q, i), *next = word(q, i + 1);
        const bool label = about_label(q, i), next_label = about_label(q, i + 1);
        const size_t n = strlen(w);
        const bool level = IS(next, "aroused", "activated", "energetic", "agitated", "excited",
                              "lively", "animated", "calm", "relaxed", "positive*", "negative*",
                              "pleasant", "unpleasant", "dominant", "intense*");
        if (IS(w, "most", "least") && (level || next_label)) return true;
        if (IS(w, "highest", "lowest", "maxim*", "minim*", "peak*", "best", "worst", "greatest") &&
            (ANY(q, "valence", "arousal", "dominance", "mood*", "activation", "pitch", "voice",
                 "loudness", "excitement", "agitation") ||
             q->facts.label_count))
            return true;
        if (IS(w, "calmest", "liveliest", "loudest")) return true;
        if (label && n > 4 && strcmp(w + n - 3, "est") == 0 &&
            !IS(w, "honest", "modest", "earnest", "interest", "unrest"))
            return true;
    }
    return false;
}

static bool several_persons(const reason_question *q) {
    for (size_t i = 1; i < q->facts.person_count; i++)
        if (q->facts.persons[i] != q->facts.persons[0]) return true;
    return false;
}

/* "Who follows the first smile?", "what does he do after her smile?", "who speaks after she says no?" */
static bool follows(const reason_question *q) {
    const reason_facts *f = &q->facts;
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < f->token_count && at == SIZE_MAX; i++)
        if (IS(word(q, i), "after", "follows", "followed", "following")) at = i;
    if (at == SIZE_MAX) return false;
    bool named = q->phrase != SIZE_MAX && q->phrase > at;
    for (size_t k = 0; k < f->kind_count; k++) named = named || f->kinds[k].at > at;
    if (!named || f->label_count || q->yes_no || ANY(q, "long", "many", "often", "much"))
        return false;
    const bool does = has_pair(q, "what", "does") || has_pair(q, "what", "did");
    return (IS(word(q, 0), "who", "whose")) ||
           (does && f->person_count && f->person_at[0] < at &&
            ANY(q, "do", "answer*", "repl*", "say", "respond*"));
}

/* "What is her average pitch", "how loud is he at 2 s": a level, and nothing else. */
static bool for_level(const reason_question *q) {
    const reason_facts *f = &q->facts;
    return !f->kind_count && !f->move_count && !f->label_count && ANY(q, "what", "how", "which") &&
           (ANY(q, "pitch", "intonation", "loudness", "volume", "valence", "arousal", "dominance",
                "loud") ||
            (ANY(q, "voice") && ANY(q, "high", "low", "deep", "frequency", "f0")));
}

/* When is spoken, and when not: "when does he start to talk", "is anybody speaking at 3 s", "when is it quiet". */
static bool for_speech(const reason_question *q, bool asks_when) {
    const reason_facts *f = &q->facts;
    const bool quiet = ANY(q, "quiet") || has_pair(q, "it", "silent") ||
                       (ANY(q, "silence") && ANY(q, "longest", "shortest"));
    if (!(asks_when || q->yes_no) || q->phrase != SIZE_MAX || f->quote.length) return false;
    if (f->label_count + f->kind_count > (quiet ? 1 : 0) || ANY(q, "who", "whom", "how", "than"))
        return false;
    if (several_persons(q)) return false;
    return quiet || (ANY(q, "speak*", "spoke", "talk*", "speech") && !ANY(q, "voice", "pitch"));
}

static reason_question_kind kind_of(const reason_question *q) {
    const reason_facts *f = &q->facts;
    bool two_things = f->kind_count + f->label_count >= 2;
    if (q->anchor && f->kind_count <= 1 && !f->label_count &&
        ANY(q, "state*", "look*", "mood*", "emotion*", "seem*", "appear*", "express*", "come",
            "feel*", "precede*", "follow*"))
        return REASON_ASK_STATE;
    const bool asks_when =
        ANY(q, "when", "where", "moment*", "point", "time") || IS(word(q, 0), "at");
    if (follows(q)) return REASON_ASK_FOLLOW;
    if (q->tells) return REASON_ASK_WHO;
    bool who = ANY(q, "who", "which person", "whose") || has_pair(q, "which", "person") ||
               has_pair(q, "which", "speaker") ||
               (has_pair(q, "which", "of") && !ANY(q, "emotion*", "state*", "mood*", "feeling*"));
    if (ANY(q, "why", "cause*", "reason*", "trigger*", "because") || has_pair(q, "what", "made") ||
        has_pair(q, "led", "to") || has_pair(q, "leads", "to") || has_pair(q, "what", "makes"))
        return REASON_ASK_CAUSE;
    if (q->moments) return REASON_ASK_MOMENTS;
    /* "How high does his arousal get?" */
    if ((has_pair(q, "how", "high") || has_pair(q, "how", "low")) && !who && !several_persons(q) &&
        ANY(q, "valence", "arousal", "dominance", "pitch", "voice") && !q->facts.move_count &&
        (ANY(q, "get", "gets", "got", "go", "goes", "went") || has_pair(q, "at", "most")))
        return REASON_ASK_EXTREME;
    if (superlative(q) && !who && !several_persons(q) &&
        !ANY(q, "often", "likely", "long*", "short*", "chang*", "how") &&
        !has_pair(q, "most", "of") && (asks_when || ANY(q, "what", "which")))
        return REASON_ASK_EXTREME;
    if (ANY(q, "order", "sequence", "succession") && !two_things &&
        ANY(q, "emotion*", "state*", "mood*", "label*", "expression*", "feeling*", "episode*"))
        return REASON_ASK_SEQUENCE;
    if (q->same) return REASON_ASK_STATE;
    if (has_pair(q, "many", "seconds"))
        return two_things && ANY(q, "between", "elaps*") ? REASON_ASK_LAG : REASON_ASK_DURATION;
    if (has_pair(q, "how", "many") || has_pair(q, "how", "often") ||
        has_pair(q, "how", "frequently") || ANY(q, "count") || has_pair(q, "number", "of"))
        return REASON_ASK_COUNT;
    if (ANY(q, "next", "predict*", "forecast*") || (ANY(q, "will") && !yes_no(q)) ||
        has_pair(q, "likely", "to") || has_pair(q, "most", "likely") ||
        has_pair(q, "going", "to") || has_pair(q, "after", "this") ||
        has_pair(q, "after", "that") ||
        (ANY(q, "after") && ANY(q, "recording", "clip", "video") && has_pair(q, "after", "the")))
        if (!(q->timed && q->t0 < q->end)) return REASON_ASK_NEXT;
    if (has_pair(q, "how", "much") && !ANY(q, "time", "long*") &&
        (f->move_count || ANY(q, "chang*", "rise*", "fall*", "differ*", "shift*")))
        return REASON_ASK_CHANGE;
    if (two_things && ANY(q, "take*", "took", "pass*", "elaps*") && ANY(q, "from") &&
        ANY(q, "to") && has_pair(q, "how", "long"))
        return REASON_ASK_LAG;
    if (ANY(q, "longest", "shortest") && !who && !several_persons(q) && !asks_when &&
        (has_pair(q, "how", "long") || ANY(q, "duration", "length") || !f->kind_count))
        return ANY(q, "speak*", "talk*", "speech", "quiet", "silent", "silence")
                   ? REASON_ASK_SPEECH
                   : REASON_ASK_DURATION;
    if (for_speech(q, asks_when) && !ANY(q, "long", "longer", "much", "more", "less"))
        return REASON_ASK_SPEECH;
    if (f->label_count && ANY(q, "share", "percent*", "proportion", "fraction", "portion"))
        return REASON_ASK_DURATION;
    if (has_pair(q, "how", "long") || ANY(q, "duration", "length") || has_pair(q, "how", "much") ||
        has_pair(q, "many", "seconds"))
        return two_things && ANY(q, "between", "after", "before", "until", "later")
                   ? REASON_ASK_LAG
                   : REASON_ASK_DURATION;
    if ((several_persons(q) || who || ANY(q, "both", "compare*")) && comparative(q))
        return REASON_ASK_COMPARE;
    if (two_things && ANY(q, "first", "before", "after", "earlier", "later", "order", "sooner",
                          "precede*", "follow*", "second", "sequence"))
        return REASON_ASK_ORDER;
    if (several_persons(q) && !q->anchor && q->phrase == SIZE_MAX &&
        ANY(q, "first", "before", "after", "earlier", "later", "sooner"))
        return REASON_ASK_ORDER;
    if (has_pair(q, "what", "is") && ANY(q, "said")) return REASON_ASK_SAID;
    if (IS(word(q, 0), "what", "which") && ANY(q, "thing", "things", "sentence", "line", "words") &&
        ANY(q, "say", "says", "said") && q->phrase == SIZE_MAX && !asks_when)
        return REASON_ASK_SAID;
    if (!f->kind_count && !f->label_count && !f->move_count && q->phrase == SIZE_MAX &&
        ANY(q, "what", "which") && q->timed &&
        (ANY(q, "spoken", "said", "line", "lines", "sentence", "utter*", "heard") ||
         (ANY(q, "words") && ANY(q, "say*", "speak*", "spoke"))))
        return REASON_ASK_SAID;
    if (has_pair(q, "what", "does") && ANY(q, "say") && q->phrase == SIZE_MAX)
        return REASON_ASK_SAID;
    if (has_pair(q, "what", "did") && ANY(q, "say") && q->phrase == SIZE_MAX)
        return REASON_ASK_SAID;
    bool changing =
        f->move_count || ANY(q, "chang*", "shift*", "turn*", "switch*", "become*", "became",
                             "develop*", "evol*", "differ*", "begin*", "began", "start*", "get",
                             "gets", "got", "go", "goes", "went", "improv*", "steady", "stable");
    bool starting = IS(word(q, 0), "at", "in") && ANY(q, "start", "beginning") && !ANY(q, "chang*");
    if (ANY(q, "start", "beginning") && !ANY(q, "chang*", "become*") && !f->move_count)
        starting = true;
    if ((has_pair(q, "start", "with") || has_pair(q, "starts", "with") ||
         has_pair(q, "began", "with") || has_pair(q, "begin", "with")) &&
        q->timed)
        starting = true;
    if (changing && !starting && who && f->label_count && !f->move_count) return REASON_ASK_WHO;
    if (who && !f->label_count && !f->kind_count &&
        ANY(q, "positive", "negative", "pleasant", "unpleasant") && ANY(q, "first", "last"))
        return REASON_ASK_WHO;
    if (q->of_voice && (f->move_count || ANY(q, "happen*", "do", "does", "chang*", "differ*")) &&
        !f->label_count)
        return REASON_ASK_CHANGE;
    /* "When does the longest smile begin" asks for the smile, not for a mood that changes. */
    const bool of_event = f->kind_count && !f->label_count && !f->move_count &&
                          ANY(q, "begin*", "began", "start*", "stop*", "end*", "ceas*") &&
                          !ANY(q, "mood*", "emotion*", "state*", "expression*", "chang*", "shift*",
                               "turn*", "become*", "became", "differ*");
    if (changing && !starting && !of_event) return REASON_ASK_CHANGE;
    if (for_level(q) && !who) return REASON_ASK_STATE;
    if (f->kind_count) return who ? REASON_ASK_WHO : REASON_ASK_EVENT;
    if (who && f->label_count) return REASON_ASK_WHO;
    bool stateful =
        ANY(q, "state*", "emotion*", "mood*", "expression*", "express*", "feel*", "felt", "look*",
            "seem*", "appear*", "sound*", "come*", "came", "label*", "valence", "arousal",
            "dominance", "happen*", "positive", "negative", "affect*", "describe", "doing",
            "react*", "perceiv*", "show*", "display*", "convey*", "exhibit*", "dominat*") ||
        (strcmp(word(q, 0), "how") == 0 && ANY(q, "is", "was", "are")) ||
        (ANY(q, "face") && ANY(q, "do", "does"));
    if (f->label_count ||
        (stateful && (q->timed || ANY(q, "overall", "whole", "main", "dominant", "most", "mostly",
                                      "throughout", "general", "prevail*", "predominant*",
                                      "typical*", "dominat*", "common*", "frequent*"))))
        return REASON_ASK_STATE;
    return REASON_ASK_NOTHING;
}

/* "Happy about the letter", "angry at him": what an emotion is about is not in an expression. */
static bool has_object(const reason_question *q) {
    const reason_facts *f = &q->facts;
    for (size_t i = 0; i < f->label_count; i++) {
        size_t k = f->label_at[i] + 1;
        if (IS(word(q, k), "about", "with", "towards", "toward", "of"))
            return !(f->time_count && f->times[0].at <= k + 2) && !IS(word(q, k + 1), "person");
        if (IS(word(q, k), "at", "for", "by") &&
            IS(word(q, k + 1), "him", "her", "them", "his", "their", "me", "us", "person", "each"))
            return true;
    }
    return false;
}

/* "Who is he talking to", "does he speak with her": of whom is spoken to nothing is known. */
static bool addressee(const reason_question *q) {
    const size_t n = q->facts.token_count;
    if (q->phrase != SIZE_MAX || !ANY(q, "speak*", "spoke", "talk*", "say", "says", "answer*"))
        return false;
    if (ANY(q, "whom")) return true;
    for (size_t i = 1; i < n; i++)
        if (IS(word(q, i), "to", "with") &&
            (i + 1 == n || IS(word(q, i - 1), "speak*", "spoke", "talk*", "says", "say")))
            return true;
    return false;
}

/* "At the end ... than at the beginning": two places of the recording. */
static int find_places(reason_question *q) {
    int n = 0;
    for (size_t i = 0; i < q->facts.token_count && n < 2; i++) {
        const char *w = word(q, i), *last = i ? word(q, i - 1) : "";
        if (!IS(last, "the", "at", "very", "its", "in")) continue;
        const int place = IS(w, "beginning", "start", "opening", "outset", "begin") ? 0
                          : IS(w, "middle", "midpoint")                             ? 1
                          : IS(w, "end", "ending", "close")                         ? 2
                                                                                    : -1;
        if (place < 0) continue;
        q->place[n++] = place;
    }
    return n;
}

/* Of what is yet to come only the next state can be guessed. */
static const char *of_future(const reason_question *q) {
    if (q->kind != REASON_ASK_NEXT)
        return !q->timed && !q->anchor && q->phrase == SIZE_MAX && ANY(q, "will", "gonna")
                   ? "of what comes after the recording only the next state can be guessed (\"what "
                     "will "
                     "she express next\")"
                   : NULL;
    if (ANY(q, "say", "says", "said", "saying", "word", "words", "speak*", "spoke*", "talk*",
            "tell", "answer*", "repl*", "utter*", "sentence", "line"))
        return "words that are yet to come cannot be known";
    if (q->facts.kind_count || q->facts.move_count || ANY(q, "do", "doing") ||
        (q->yes_no && !ANY(q, "what", "which")))
        return "of what comes next only the state can be guessed, not whether or what else: ask "
               "what "
               "is expressed next";
    return NULL;
}

void reason_question_read(const reason_graph *g, const words_emotions *lexicon, const char *text,
                          reason_question *q) {
    memset(q, 0, sizeof *q);
    reason_facts_read(g, lexicon, text, &q->facts);
    q->asked = text;
    q->phrase = q->phrase_end = SIZE_MAX;
    take_ranked(q);
    if (q->refusal) return;
    q->order = ordinal(q);
    q->yes_no = yes_no(q);
    q->ends = has_pair(q, "until", "when") || has_pair(q, "till", "when") ||
              (ANY(q, "when", "time", "moment", "point") &&
               (ANY(q, "stop*", "ceas*", "finish*") || ends_as_verb(q)));
    q->tells = ANY(q, "who") && !q->facts.label_count && !comparative(q) &&
               ANY(q, "speak*", "speaks", "talk*", "say", "says", "said", "utters", "spoke") &&
               !ANY(q, "when", "while", "after", "before");
    if (q->facts.person_count && !several_persons(q))
        q->person = affect_timeline_resolve_person(g->timeline, q->facts.persons[0]);
    else if (g->person_count == 1)
        q->person = g->persons[0];
    for (size_t i = 0; i < q->facts.person_count; i++)
        if (!reason_graph_has_person(
                g, affect_timeline_resolve_person(g->timeline, q->facts.persons[i]))) {
            q->refusal = "there is no such person in the timeline";
            return;
        }
    find_window(q, g, lexicon);
    q->either = q->yes_no && either(q);
    if (q->either) q->yes_no = false;
    q->same = ANY(q, "same", "alike", "similar*") ||
              (ANY(q, "differ", "differently", "different") && q->yes_no);
    q->same = q->same && q->yes_no && !q->facts.label_count && !q->facts.kind_count &&
              (several_persons(q) || (!q->person && g->person_count >= 2 &&
                                      ANY(q, "they", "both", "two", "all", "everybody", "everyone",
                                          "people", "persons")));
    q->of_voice =
        ANY(q, "pitch", "intonation") ||
        (ANY(q, "sound", "sounds", "sounded") && ANY(q, "higher", "lower")) ||
        (ANY(q, "voice") && !q->facts.label_count &&
         (q->facts.move_count || ANY(q, "happen*", "chang*", "high*", "low*", "deep*", "do")));
    q->places = q->facts.time_count == 0 ? find_places(q) : 0;
    q->moments = (q->facts.time_count == 2 || q->places == 2) && !several_persons(q) &&
                 (comparative(q) || ANY(q, "better", "worse")) &&
                 (ANY(q, "than") || (ANY(q, "or") && !ANY(q, "between", "from")));
    if (q->moments && !ANY(q, "than")) q->yes_no = false; /* "more so at 5 s or at 9 s?" */
    bool name;
    size_t strange = strange_words(q, g, &name);
    q->refusal = out_of_reach(q);
    if (!q->refusal && name)
        q->refusal = "it names somebody or something that the timeline does not know";
    if (!q->refusal && has_object(q))
        q->refusal = "what an emotion is about cannot be seen in an expression";
    if (!q->refusal && (strange >= 2 || (strange && !q->timed && q->facts.label_count)))
        q->refusal = "it is not about what the timeline holds";
    if (!q->refusal && q->yes_no && ANY(q, "never"))
        q->refusal = "it is asked with a denial: ask whether it happens";
    if (!q->refusal && q->outside) q->refusal = "the recording is not that long";
    if (!q->refusal && q->unsaid) q->refusal = "nothing of the kind is said or happens";
    if (!q->refusal && !q->facts.token_count) q->refusal = "it is empty";
    if (q->refusal) return;
    q->kind = kind_of(q);
    const char *ahead = of_future(q);
    if (ahead) {
        q->refusal = ahead;
        return;
    }
    q->level = for_level(q) && q->kind == REASON_ASK_STATE;
    if (q->level && strange) {
        q->refusal =
            "of a level the timeline knows the mean, how it changes, and when it is highest";
        return;
    }
    if (q->kind != REASON_ASK_SAID && addressee(q)) {
        q->refusal = "to whom somebody speaks is not in the timeline";
        return;
    }
    if (q->kind == REASON_ASK_NEXT && strange) {
        q->refusal = "it is not about what the timeline holds";
        return;
    }
    if (q->kind == REASON_ASK_NOTHING)
        q->refusal = "it is none of the questions that can be answered (docs/reason.md)";
}

void reason_question_clear(reason_question *q) { reason_facts_clear(&q->facts); }
