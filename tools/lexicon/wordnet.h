/* wordnet: WordNet's data files (wndb(5WN), senseidx(5WN)) in memory. */
#ifndef LEXICON_WORDNET_H
#define LEXICON_WORDNET_H

#include "base/base.h"

typedef struct wn_pointer {
    char symbol[3];
    uint32_t synset;  /* index, not offset */
    uint8_t from, to; /* 1-based words of the two synsets; 0, 0 = the synsets themselves */
} wn_pointer;

typedef struct wn_synset {
    char pos; /* n v a r */
    bool satellite;
    int file; /* lexicographer file: 12 noun.feeling, 37 verb.emotion ... */
    uint32_t offset;
    size_t word_count, pointer_count;
    char **words; /* lower case, blanks for underscores, "(p)" cut off */
    wn_pointer *pointers;
    const char *gloss;
} wn_synset;

typedef struct wn_sense {
    const char *lemma;
    uint32_t synset;
    int rank, tagged; /* sense number; occurrences in the tagged texts */
} wn_sense;

typedef struct wordnet {
    size_t synset_count, sense_count;
    wn_synset *synsets;
    wn_sense *senses; /* sorted by lemma */
} wordnet;

/* Ends the program where a file is missing or not what it should be. */
wordnet *wordnet_open(const char *folder);
/* Senses of a lemma: index of the first, count in *n. */
size_t wordnet_senses(const wordnet *net, const char *lemma, size_t *n);

void lexicon_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void *lexicon_calloc(size_t count, size_t size); /* ends the program where there is no memory */
char *lexicon_load(const char *folder, const char *name); /* of a whole file */

#endif
