/* The columns of a collection's tables, once: the header of each table and the codebook are printed
 * from here. */
#include <string.h>

#include "collection/collection_private.h"

const char *collection_file(collection_table table) {
    static const char *const names[] = {"episodes.csv", "utterances.csv", "events.csv",
                                        "summary.csv", "recording.csv"};
    return names[table];
}

const collection_kind collection_kinds[] = {{"smile", AFFECT_MODALITY_FACE},
                                            {"brow_raise", AFFECT_MODALITY_FACE},
                                            {"brow_furrow", AFFECT_MODALITY_FACE},
                                            {"blink", AFFECT_MODALITY_FACE},
                                            {"micro_expression", AFFECT_MODALITY_FACE},
                                            {"pitch_rise", AFFECT_MODALITY_VOICE},
                                            {"pitch_fall", AFFECT_MODALITY_VOICE},
                                            {"emphasis", AFFECT_MODALITY_VOICE},
                                            {"pause", AFFECT_MODALITY_VOICE},
                                            {"negation", AFFECT_MODALITY_WORDS},
                                            {"intensifier", AFFECT_MODALITY_WORDS},
                                            {"swearing", AFFECT_MODALITY_WORDS},
                                            {"laughter", AFFECT_MODALITY_WORDS}};
const size_t collection_kind_count = BASE_COUNT(collection_kinds);

/* X(name, unit, meaning) */
#define FIRST_COLUMNS(X)                                                                           \
    X("recording", "", "the recording's name, which is its folder's")                              \
    X("person", "number",                                                                          \
      "the person in this recording, from 1 in order of appearance; empty: "                       \
      "nobody or unknown")
#define PLACE_COLUMNS(X)                                                                           \
    X("start", "s", "from the first instant of the recording")                                     \
    X("end", "s", "from the first instant of the recording")                                       \
    X("duration", "s", "end less start")
#define VALUE_COLUMNS(X)                                                                           \
    X("valence", "-1..1", "mean valence: unpleasant to pleasant, as people would perceive it")     \
    X("valence_sd", "", "standard deviation: how sure that is")                                    \
    X("arousal", "-1..1", "mean arousal: calm to excited")                                         \
    X("arousal_sd", "", "standard deviation: how sure that is")                                    \
    X("dominance", "-1..1", "mean dominance: weak to in control")                                  \
    X("dominance_sd", "", "standard deviation: how sure that is")
#define EPISODE_COLUMNS(X)                                                                         \
    FIRST_COLUMNS(X)                                                                               \
    X("episode", "", "id in timeline.json")                                                        \
    PLACE_COLUMNS(X)                                                                               \
    X("label", "", "what the expression would be called: a category or a region of the plane")     \
    X("score", "0..1", "how much speaks for the label")                                            \
    X("runner_up", "", "the next best label")                                                      \
    X("runner_up_score", "0..1", "how much speaks for that")                                       \
    X("region", "", "region of the plane of valence and arousal")                                  \
    VALUE_COLUMNS(X)                                                                               \
    X("face_cue", "", "what moved the label most in the face")                                     \
    X("voice_cue", "", "what moved it most in the voice")                                          \
    X("words_cue", "", "the words that moved it most")
#define UTTERANCE_COLUMNS(X)                                                                       \
    FIRST_COLUMNS(X)                                                                               \
    X("utterance", "", "id in timeline.json")                                                      \
    PLACE_COLUMNS(X)                                                                               \
    X("text", "", "what was said")                                                                 \
    X("words", "count", "words in it")                                                             \
    X("confidence", "0..1", "of the recogniser, mean of the words; empty: a transcript")           \
    X("speaker", "", "the voice, where it is told apart")                                          \
    X("label", "", "the best label of the text network; empty: none holds")                        \
    X("score", "0..1", "how much speaks for the label")                                            \
    X("runner_up", "", "the next best label")                                                      \
    X("runner_up_score", "0..1", "how much speaks for that")                                       \
    X("denied", "", "a label that would hold if the text did not deny it")                         \
    X("denied_score", "0..1", "how much would speak for that")                                     \
    X("valence", "-1..1", "of the text alone")                                                     \
    X("arousal", "-1..1", "of the text alone")                                                     \
    X("dominance", "-1..1", "of the text alone")                                                   \
    X("understood", "TRUE, FALSE", "FALSE: speech whose words were not recognised")
#define EVENT_COLUMNS(X)                                                                           \
    FIRST_COLUMNS(X)                                                                               \
    X("event", "", "id in timeline.json")                                                          \
    X("onset", "s", "where it begins")                                                             \
    X("apex", "s", "where it is strongest")                                                        \
    X("offset", "s", "where it ends")                                                              \
    X("duration", "s", "offset less onset")                                                        \
    X("kind", "", "smile, pause, negation, ...")                                                   \
    X("modality", "", "face, voice or words")                                                      \
    X("strength", "0..1", "how strong it is")                                                      \
    X("confidence", "0..1", "how sure it is that there is one")                                    \
    X("label", "", "label of the person's episode at the apex")                                    \
    VALUE_COLUMNS(X)
#define RECORDING_COLUMNS(X)                                                                       \
    X("recording", "", "the recording's name, which is its folder's")                              \
    X("file", "", "path as it was named")                                                          \
    X("bytes", "count", "size of the file")                                                        \
    X("duration", "s", "length; 0 for a picture")                                                  \
    X("persons", "count", "persons with rows in summary.csv")                                      \
    X("video", "", "picture stream as FFmpeg names it")                                            \
    X("audio", "", "sound stream")                                                                 \
    X("warnings", "count", "what was missing; the sentences are in the report")                    \
    X("error", "", "why it could not be read to its end")                                          \
    X("settings", "", "the options that it was analyzed with")

#define AS_COLUMN(name, unit, text) {name, unit, text, NULL, POOL_NOT, NULL},
static const collection_column episodes[] = {EPISODE_COLUMNS(AS_COLUMN)};
static const collection_column utterances[] = {UTTERANCE_COLUMNS(AS_COLUMN)};
static const collection_column events[] = {EVENT_COLUMNS(AS_COLUMN)};
static const collection_column recording[] = {RECORDING_COLUMNS(AS_COLUMN)};
static const collection_column persons[] = {
    {"recording", "", "the recording's name, which is its folder's", NULL, POOL_NOT, NULL},
    {"person", "number", "the person in this recording; empty: what is nobody's", NULL, POOL_NOT,
     NULL},
    {"name", "", "the person's name, where somebody gave one", NULL, POOL_NOT, NULL},
    {"seen_s", "s", "time in view", NULL, POOL_SUM, NULL},
    {"speech_s", "s", "time speaking; in a recording with one person all speech is hers", NULL,
     POOL_SUM, NULL},
    {"utterances", "count", "", NULL, POOL_SUM, NULL},
    {"words", "count", "", NULL, POOL_SUM, NULL},
    {"episodes", "count", "", NULL, POOL_SUM, NULL},
    {"labelled_s", "s", "time in episodes", NULL, POOL_SUM, NULL},
    {"samples", "count", "rows of the trajectory that the next nine columns are from", NULL,
     POOL_SUM, NULL},
};
static const struct { const char *name; } dimensions[] = {{"valence"}, {"arousal"}, {"dominance"}};

static size_t add(collection_column *out, size_t n, const char *prefix, const char *name,
                  const char *suffix, collection_column like) {
    if (n == COLUMNS_MOST) return n;
    out[n] = like;
    snprintf(out[n].name, sizeof out[n].name, "%s%s%s", prefix, name, suffix);
    out[n].about = name;
    return n + 1;
}

static size_t summary_columns(collection_column *out) {
    size_t n = BASE_COUNT(persons);
    memcpy(out, persons, sizeof persons);
    for (size_t d = 0; d < BASE_COUNT(dimensions); d++) {
        const char *name = dimensions[d].name;
        n = add(out, n, "", name, "_mean",
                (collection_column){.unit = "-1..1",
                                    .text = "mean of %s over time",
                                    .pool = POOL_MEAN,
                                    .weight = "samples"});
        n = add(out, n, "", name, "_sd",
                (collection_column){.unit = "",
                                    .text = "standard deviation of %s over time: how much it moved",
                                    .pool = POOL_SD,
                                    .weight = "samples"});
        n = add(out, n, "", name, "_error",
                (collection_column){.unit = "",
                                    .text = "mean standard deviation of the estimate of %s: how "
                                            "sure it is",
                                    .pool = POOL_MEAN,
                                    .weight = "samples"});
    }
    n = add(out, n, "", "label", "",
            (collection_column){.unit = "", .text = "the label that most episode time has"});
    const collection_column share = {.unit = "0..1",
                                     .text = "share of episode time (of pictures: of episodes) "
                                             "with the label %s",
                                     .pool = POOL_MEAN,
                                     .weight = "labelled_s"};
    for (size_t c = 0; c < CATEGORIES; c++) n = add(out, n, "share_", category_names[c], "", share);
    for (size_t r = 0; r < CATEGORY_REGIONS; r++) {
        bool known = false; /* a category and a region may be called alike */
        for (size_t c = 0; c < CATEGORIES; c++)
            known = known || strcmp(category_regions[r].name, category_names[c]) == 0;
        if (!known) n = add(out, n, "share_", category_regions[r].name, "", share);
    }
    n = add(out, n, "share_", "other", "", share);
    for (size_t k = 0; k < collection_kind_count; k++) {
        bool face = collection_kinds[k].modality == AFFECT_MODALITY_FACE;
        n = add(out, n, "", collection_kinds[k].name, "_per_min",
                (collection_column){.unit = "1/min",
                                    .text = face ? "events %s a minute in view"
                                                 : "events %s a minute of speech",
                                    .pool = POOL_MEAN,
                                    .weight = face ? "seen_s" : "speech_s"});
    }
    return n;
}

size_t collection_columns(collection_table table, collection_column out[COLUMNS_MOST]) {
    static const struct {
        const collection_column *columns;
        size_t count;
    } tables[] = {[COLLECTION_EPISODES] = {episodes, BASE_COUNT(episodes)},
                  [COLLECTION_UTTERANCES] = {utterances, BASE_COUNT(utterances)},
                  [COLLECTION_EVENTS] = {events, BASE_COUNT(events)},
                  [COLLECTION_RECORDING] = {recording, BASE_COUNT(recording)}};
    if (table == COLLECTION_SUMMARY) return summary_columns(out);
    memcpy(out, tables[table].columns, tables[table].count * sizeof *out);
    return tables[table].count;
}

/* ---- the codebook ---- */

static void put(FILE *out, const char *file, const collection_column *c) {
    char text[320], more[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, c->text, c->about);
#pragma GCC diagnostic pop
    fprintf(out, "%s,%s,", file, c->name);
    report_put_csv_field(out, c->unit);
    putc(',', out);
    snprintf(more, sizeof more, "%s", *text ? text : "how many there are");
    report_put_csv_field(out, more);
    fputs("\r\n", out);
}

static void put_joined(FILE *out, const char *file, const char *const *conditions, size_t count) {
    put(out, file,
        &(collection_column){.name = "participant",
                             .unit = "",
                             .text = "from the table of participants, else RECORDING/PERSON"});
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s,", file);
        report_put_csv_field(out, conditions[i]);
        fputs(",,from the table of participants\r\n", out);
    }
}

void collection_put_codebook(const char *const *conditions, size_t count, FILE *out) {
    collection_column columns[COLUMNS_MOST];
    fputs("table,column,unit,meaning\r\n", out);
    for (int t = 0; t <= COLLECTION_SUMMARY; t++) {
        const char *file = collection_file((collection_table)t);
        size_t n = collection_columns((collection_table)t, columns);
        put_joined(out, file, conditions, count);
        for (size_t i = 0; i < n; i++) put(out, file, &columns[i]);
    }
    put_joined(out, "by_participant.csv", conditions, count);
    put(out, "by_participant.csv",
        &(collection_column){.name = "recordings",
                             .unit = "count",
                             .text = "recordings that the participant is in"});
    size_t n = collection_columns(COLLECTION_SUMMARY, columns);
    for (size_t i = 0; i < n; i++)
        if (columns[i].pool != POOL_NOT) put(out, "by_participant.csv", &columns[i]);
    n = collection_columns(COLLECTION_RECORDING, columns);
    for (size_t i = 0; i + 1 < n; i++) put(out, "recordings.csv", &columns[i]);
    put(out, "recordings.csv",
        &(collection_column){.name = "status",
                             .unit = "",
                             .text = "done, partial (not to its end), failed, or missing (not "
                                     "tried yet)"});
}

bool collection_has_column(const char *name) {
    collection_column columns[COLUMNS_MOST];
    if (base_equal_ignore_case(name, "status") || base_equal_ignore_case(name, "recordings"))
        return true;
    for (int t = 0; t < COLLECTION_TABLES; t++) {
        size_t n = collection_columns((collection_table)t, columns);
        for (size_t i = 0; i < n; i++)
            if (base_equal_ignore_case(columns[i].name, name)) return true;
    }
    return false;
}
