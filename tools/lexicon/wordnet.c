/* WordNet's files, read whole; this is a tool, so what it takes stays until it ends. */
#include "tools/lexicon/wordnet.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void lexicon_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("emotions: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *lexicon_calloc(size_t count, size_t size) {
    void *memory = base_calloc(BASE_MAX(count, (size_t)1), size);
    if (!memory) lexicon_die("out of memory");
    return memory;
}

char *lexicon_load(const char *folder, const char *name) {
    char *path = base_path_join(folder, name), *text = NULL;
    size_t length;
    if (!path || base_read_file(NULL, path, (size_t)1 << 30, &text, &length))
        lexicon_die("cannot read %s/%s", folder, name);
    base_free(path);
    return text;
}

static char *plain(const char *from, size_t n) {
    char *word = base_strndup(from, n);
    if (!word) lexicon_die("out of memory");
    char *mark = strchr(word, '(');
    if (mark) *mark = 0;
    for (char *s = word; *s; s++) *s = *s == '_' ? ' ' : (char)tolower((unsigned char)*s);
    return word;
}

static char *field(char **at) {
    *at += strspn(*at, " ");
    char *start = *at;
    *at += strcspn(*at, " ");
    if (!**at) lexicon_die("a WordNet line ends too soon");
    *(*at)++ = 0;
    return start;
}

/* "offset file type count word lex_id ... pointers symbol offset pos source/target ... | gloss" */
static void read_synset(char *line, wn_synset *s, char pos) {
    char *gloss = strchr(line, '|');
    if (!gloss) lexicon_die("a WordNet line without a gloss");
    s->gloss = gloss + 1;
    char *at = line;
    s->pos = pos;
    s->offset = (uint32_t)strtoul(field(&at), NULL, 10);
    s->file = (int)strtol(field(&at), NULL, 10);
    s->satellite = *field(&at) == 's';
    s->word_count = strtoul(field(&at), NULL, 16);
    s->words = lexicon_calloc(s->word_count, sizeof *s->words);
    for (size_t i = 0; i < s->word_count; i++) {
        char *word = field(&at);
        s->words[i] = plain(word, strlen(word));
        field(&at);
    }
    s->pointer_count = strtoul(field(&at), NULL, 10);
    s->pointers = lexicon_calloc(s->pointer_count, sizeof *s->pointers);
    for (size_t i = 0; i < s->pointer_count; i++) {
        wn_pointer *p = &s->pointers[i];
        snprintf(p->symbol, sizeof p->symbol, "%s", field(&at));
        p->synset = (uint32_t)strtoul(field(&at), NULL, 10);
        const char *to = field(&at);
        /* Offsets are unique within a file only: the file waits in the top bits. */
        p->synset |= (uint32_t)(*to == 'n' ? 0 : *to == 'v' ? 1 : *to == 'r' ? 3 : 2) << 30;
        unsigned both = (unsigned)strtoul(field(&at), NULL, 16);
        p->from = (uint8_t)(both >> 8);
        p->to = (uint8_t)both;
    }
}

static const char order[] = "nvar";

static uint32_t key_of(const wn_synset *s) {
    return s->offset | (uint32_t)(strchr(order, s->pos) - order) << 30;
}

static uint32_t find_synset(const wordnet *net, uint32_t key) {
    size_t low = 0, high = net->synset_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (key_of(&net->synsets[middle]) < key)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == net->synset_count || key_of(&net->synsets[low]) != key)
        lexicon_die("WordNet points at a synset that is not there");
    return (uint32_t)low;
}

static int by_lemma(const void *a, const void *b) {
    const wn_sense *x = a, *y = b;
    int c = strcmp(x->lemma, y->lemma);
    return c ? c : (x->synset > y->synset) - (x->synset < y->synset);
}

/* "lemma%type:file:id:head:head_id offset sense_number tag_count" */
static void read_senses(wordnet *net, const char *folder) {
    char *text = lexicon_load(folder, "index.sense"), *save = NULL;
    size_t capacity = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *mark = strchr(line, '%');
        unsigned offset;
        wn_sense sense = {0};
        if (!mark || sscanf(mark, "%*s %u %d %d", &offset, &sense.rank, &sense.tagged) != 3)
            lexicon_die("index.sense has an unexpected line");
        sense.lemma = plain(line, (size_t)(mark - line));
        int type = mark[1] - '0'; /* 1 n, 2 v, 3 a, 4 r, 5 satellite */
        sense.synset = find_synset(net, offset | (uint32_t)((type == 5 ? 3 : type) - 1) << 30);
        if (!base_grow((void **)&net->senses, &capacity, net->sense_count + 1, sizeof sense))
            lexicon_die("out of memory");
        net->senses[net->sense_count++] = sense;
    }
    base_free(text);
    qsort(net->senses, net->sense_count, sizeof *net->senses, by_lemma);
}

wordnet *wordnet_open(const char *folder) {
    static const char *const files[] = {"data.noun", "data.verb", "data.adj", "data.adv"};
    wordnet *net = lexicon_calloc(1, sizeof *net);
    size_t capacity = 0;
    for (size_t f = 0; f < BASE_COUNT(files); f++) {
        char *save = NULL, *text = lexicon_load(folder, files[f]);
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            if (*line == ' ') continue; /* the licence */
            if (!base_grow((void **)&net->synsets, &capacity, net->synset_count + 1,
                           sizeof *net->synsets))
                lexicon_die("out of memory");
            wn_synset *s = &net->synsets[net->synset_count++];
            *s = (wn_synset){0};
            read_synset(line, s, order[f]);
        }
    }
    for (size_t i = 0; i < net->synset_count; i++)
        for (size_t k = 0; k < net->synsets[i].pointer_count; k++) {
            wn_pointer *p = &net->synsets[i].pointers[k];
            p->synset = find_synset(net, p->synset);
        }
    read_senses(net, folder);
    return net;
}

size_t wordnet_senses(const wordnet *net, const char *lemma, size_t *n) {
    size_t low = 0, high = net->sense_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(net->senses[middle].lemma, lemma) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *n = 0;
    while (low + *n < net->sense_count && !strcmp(net->senses[low + *n].lemma, lemma)) (*n)++;
    return low;
}
