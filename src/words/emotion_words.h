/* words/emotion_words: the open-vocabulary label space: English emotion words with their place in
 * valence, arousal and dominance, their synonym groups and families.
 *
 * In: the file of models/words.emotions (made by tools/lexicon, docs/lexicon.md). Out: entries by
 * word or by any regular form of it, neighbours, groups, families, distances. Everything that is
 * handed out is borrowed and lives as long as the lexicon, which is immutable: threads may share
 * it. */
#ifndef WORDS_EMOTION_WORDS_H
#define WORDS_EMOTION_WORDS_H

#include "base/base.h"

typedef struct emotion_words emotion_words;

typedef struct emotion_family {
    const char *name;     /* "joy", "envy", ... */
    const char *category; /* the nearest of the eight categories ("happiness", "neutral", ...) */
    float vad[3];         /* centre: valence, arousal, dominance, -1..1 */
} emotion_family;

enum { EMOTION_WORD_FAMILIES = 3, EMOTION_WORD_NONE = -1 };

typedef struct emotion_word {
    const char *word; /* lower case, blanks between the parts of a phrase */
    const char *pos;  /* letters of n(oun), v(erb), a(djective), r (adverb) */
    float vad[3];     /* valence, arousal, dominance, -1..1 */
    size_t group;     /* 0 .. emotion_words_group_count */
    size_t family_count;
    struct {
        size_t family;
        float weight; /* 0..1; the first is the nearest, all together at most 1 */
    } families[EMOTION_WORD_FAMILIES];
    const char *sources; /* letters, see docs/lexicon.md */
} emotion_word;

/* Parses the file's text. Errors: MODEL (with line), MEMORY. */
AFFECT_MUST_USE affect_status emotion_words_parse(affect_context *ctx, const char *name,
                                                  const char *text, size_t length,
                                                  emotion_words **out);
/* Finds the model by name or folder (NULL = "words.emotions"). Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status emotion_words_load(affect_context *ctx, const char *model,
                                                 emotion_words **out);
void emotion_words_destroy(emotion_words *words); /* NULL is fine */

size_t emotion_words_count(const emotion_words *words);
/* i < count, in the order of the bytes of the words. */
const emotion_word *emotion_words_at(const emotion_words *words, size_t i);
/* Index of exactly this word, EMOTION_WORD_NONE if it is not there. */
long emotion_words_find(const emotion_words *words, const char *word);
/* The same for a word as it stands in a text or a label: in any case, with underscores for blanks,
 * blanks around it, or in a regular inflection ("Worries", "saddest", "gloated"). */
long emotion_words_lookup(const emotion_words *words, const char *text);

size_t emotion_words_family_count(const emotion_words *words);
const emotion_family *emotion_words_family(const emotion_words *words, size_t family);
long emotion_words_family_find(const emotion_words *words, const char *name);

/* A group is the forms and synonyms of one emotion, named after its most frequent noun (or word,
 * where it has no noun). */
size_t emotion_words_group_count(const emotion_words *words);
const char *emotion_words_group_name(const emotion_words *words, size_t group);
/* Indices of the members, in order; *count of them. */
const size_t *emotion_words_group_members(const emotion_words *words, size_t group, size_t *count);

/* How far apart two words are as labels, 0 (the same word) .. 1: the mean of their distance in
 * V/A/D (arousal counts half of valence, dominance a quarter) and of how little their families
 * overlap, halved within a group. Symmetric; no metric. */
float emotion_words_distance(const emotion_words *words, size_t a, size_t b);
/* The n (at most 256) words nearest to a place in V/A/D, nearest first. Components that are NaN
 * count for nothing. Writes at most n indices and returns how many. `distance` may be NULL. */
size_t emotion_words_nearest(const emotion_words *words, const float vad[3], size_t n, size_t *out,
                             float *distance);
/* The n words nearest to a word by emotion_words_distance, without the word itself. */
size_t emotion_words_neighbours(const emotion_words *words, size_t word, size_t n, size_t *out,
                                float *distance);

#endif
