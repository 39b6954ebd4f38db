/* The categories of emotion: one table of names, synonyms, places, colours and regions that
 * perception, fusion, writers and the page share. */
#include <string.h>

#include "track/track.h"

/* Places in valence, arousal, dominance on -1..1. Neutral is the origin of the space. The others are
 * means of the ratings of 151 terms by Russell & Mehrabian 1977 (J. Research in Personality 11,
 * 273-294, table 2); contempt, which is not among the terms that could be verified, is where our own
 * lexicon has the word: `grep '^contempt' models/words.emotions/emotions.tsv`.
 *
 * Colours after Okabe & Ito 2008, told apart with any colour vision, for a light and a dark ground.
 */
const emotion_category category_table[CATEGORIES] = {
    {"neutral", {0, 0, 0}, "#a7a6a9", "#8b898f"},
    {"happiness", {0.81, 0.51, 0.46}, "#e69f00", "#f0b53a"},
    {"surprise", {0.40, 0.67, -0.13}, "#56b4e9", "#6cc0ee"},
    {"sadness", {-0.63, -0.27, -0.33}, "#0072b2", "#3b93d0"},
    {"anger", {-0.51, 0.59, 0.25}, "#d55e00", "#ee7b2c"},
    {"disgust", {-0.60, 0.35, 0.11}, "#009e73", "#21b98d"},
    {"fear", {-0.64, 0.60, -0.43}, "#cc79a7", "#dd90ba"},
    {"contempt", {-0.66, 0.29, 0.56}, "#b9a800", "#cfc03a"}};
const emotion_category category_other = {"other", {0, 0, 0}, "#a3809a", "#b596ad"};

const char *const category_names[CATEGORIES] = {"neutral", "happiness", "surprise", "sadness",
                                                "anger",   "disgust",   "fear",     "contempt"};

/* Labels of networks that stand for a category, after the grouping of GoEmotions' 27 emotions under
 * Ekman's six (Demszky et al. 2020, arXiv 2005.00547, appendix). */
static const struct {
    const char *label;
    int category;
} synonyms[] = {{"joy", 1},           {"amusement", 1},   {"approval", 1},    {"excitement", 1},
                {"gratitude", 1},     {"love", 1},        {"optimism", 1},    {"relief", 1},
                {"pride", 1},         {"admiration", 1},  {"desire", 1},      {"caring", 1},
                {"annoyance", 4},     {"disapproval", 4}, {"nervousness", 6}, {"disappointment", 3},
                {"embarrassment", 3}, {"grief", 3},       {"remorse", 3},     {"realization", 2},
                {"confusion", 2},     {"curiosity", 2}};

/* Regions of the valence-arousal plane (Russell 1980, J. Pers. Soc. Psychol. 39:1161), each in the
 * colour of a category. */
const category_region category_regions[CATEGORY_REGIONS] = {
    {"neutral", 0.0, 0.0, 0},    {"pleased", 0.55, 0.1, 1}, {"excited", 0.5, 0.55, 1},
    {"activated", 0.0, 0.55, 2}, {"tense", -0.5, 0.55, 6},  {"displeased", -0.55, 0.1, 4},
    {"downcast", -0.5, -0.4, 3}, {"subdued", 0.0, -0.5, 0}, {"calm", 0.5, -0.4, 0}};

int category_of_label(const char *label) {
    for (int c = 0; c < CATEGORIES; c++)
        if (strcmp(label, category_table[c].name) == 0) return c;
    for (size_t i = 0; i < BASE_COUNT(synonyms); i++)
        if (strcmp(label, synonyms[i].label) == 0) return synonyms[i].category;
    return -1;
}

const emotion_category *category_colour(const char *label) {
    int c = category_of_label(label);
    for (size_t r = 0; c < 0 && r < CATEGORY_REGIONS; r++)
        if (strcmp(label, category_regions[r].name) == 0) c = category_regions[r].category;
    return c < 0 ? &category_other : &category_table[c];
}

const char *category_synonym(size_t i, int *of) {
    if (i >= BASE_COUNT(synonyms)) return NULL;
    *of = synonyms[i].category;
    return synonyms[i].label;
}
