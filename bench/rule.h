/* The constants of who speaks, as a bench is given them: "name=value" of align/speaking.h's ALIGN_RULES, the others as they ship. */
#ifndef BENCH_RULE_H
#define BENCH_RULE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "align/speaking.h"

/* `line` is cut up at `separators`. A name that is none ends the program with 2. */
static inline align_rule bench_read_rule(char *line, const char *separators, const char *program) {
    align_rule rule = align_rule_default();
    for (char *save, *word = strtok_r(line, separators, &save); word;
         word = strtok_r(NULL, separators, &save)) {
        char *value = strchr(word, '=');
        bool known = false;
        if (value) *value++ = '\0';
#define READ(name, unused)                                                                         \
    if (value && !strcmp(word, #name)) rule.name = strtod(value, NULL), known = true;
        ALIGN_RULES(READ)
#undef READ
        if (known) continue;
        fprintf(stderr, "%s: no rule %s\n", program, word);
        exit(2);
    }
    return rule;
}

#endif
