/* words/emotions: the open-vocabulary label space: English emotion words with their place in
 * valence, arousal and dominance, their synonym groups and families.
 *
 * In: the file of models/words.emotions (made by tools/lexicon, docs/lexicon.md). Out: entries by
 * word or by any regular form of it, neighbours, groups, families, distances. Everything that is
 * handed out is borrowed and lives as long as the lexicon, which is immutable: threads may share
 * it. */
#ifndef WORDS_EMOTIONS_H
#define WORDS_EMOTIONS_H

#include "base/base.h"

typedef struct words_emotions words_emotions;

typedef struct emotion_family {
    const char *name;     /* "joy", "envy", ... */
    const char *category; /* the nearest of the eight categories ("happiness", "neutral", ...) */
    float vad[3];         /* centre: valence, arousal, dominance, -1..1 */
} emotion_family;

enum { WORDS_EMOTION_FAMILIES = 3, WORDS_EMOTION_NONE = -1 };

typedef struct words_emotion_word {
    const char *word; /* lower case, blanks between the parts of a phrase */
    const char *pos;  /* letters of n(oun), v(erb), a(djective), r (adverb) */
    float vad[3];     /* valence, arousal, dominance, -1..1 */
    size_t group;     /* 0 .. words_emotions_group_count */
    size_t family_count;
    struct {
        size_t family;
        float weight; /* 0..1; the first is the nearest, all together at most 1 */
    } families[WORDS_EMOTION_FAMILIES];
    const char *sources; /* letters, see docs/lexicon.md */
} words_emotion_word;

/* Parses the file's text. Errors: MODEL (with line), MEMORY. */
AFFECT_MUST_USE affect_status words_emotions_parse(affect_context *ctx, const char *name,
                                                   const char *text, size_t length,
                                                   words_emotions **out);
/* Finds the model by name or folder (NULL = "words.emotions"). Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status words_emotions_load(affect_context *ctx, const char *model,
                                                  words_emotions **out);
void words_emotions_destroy(words_emotions *words); /* NULL is fine */

size_t words_emotions_count(const words_emotions *words);
/* i < count, in the order of the bytes of the words. */
const words_emotion_word *words_emotions_at(const words_emotions *words, size_t i);
/* Index of exactly this word, WORDS_EMOTION_NONE if it is not there. */
long words_emotions_find(const words_emotions *words, const char *word);
/* The same for a word as it stands in a text or a label: in any case, with underscores for blanks,
 * blanks around it, or in a regular inflection ("Worries", "saddest", "gloated"). */
long words_emotions_lookup(const words_emotions *words, const char *text);

size_t words_emotions_family_count(const words_emotions *words);
const emotion_family *words_emotions_family(const words_emotions *words, size_t family);

/* A group is the forms and synonyms of one emotion, named after its most frequent noun (or word,
 * where it has no noun). */
size_t words_emotions_group_count(const words_emotions *words);
const char *words_emotions_group_name(const words_emotions *words, size_t group);
/* Indices of the members, in order; *count of them. */
const size_t *words_emotions_group_members(const words_emotions *words, size_t group,
                                           size_t *count);

/* How far apart two words are as labels, 0 (the same word) .. 1: the mean of their distance in
 * V/A/D (arousal counts half of valence, dominance a quarter) and of how little their families
 * overlap, halved within a group. Symmetric; no metric. */
float words_emotions_distance(const words_emotions *words, size_t a, size_t b);
/* The n (at most 256) words nearest to a place in V/A/D, nearest first. Components that are NaN
 * count for nothing. Writes at most n indices and returns how many. `distance` may be NULL. */
size_t words_emotions_nearest(const words_emotions *words, const float vad[3], size_t n,
                              size_t *out, float *distance);
/* The n words nearest to a word by words_emotions_distance, without the word itself. */
size_t words_emotions_neighbours(const words_emotions *words, size_t word, size_t n, size_t *out,
                                 float *distance);

#endif
