/* Options as tables. One row drives the parsing, --help, the man page and the shell completion. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/base.h"

typedef enum cli_type {
    CLI_FLAG,   /* bool *          --name */
    CLI_TEXT,   /* const char **   --name VALUE (borrowed from argv) */
    CLI_INT,    /* int64_t *       with range */
    CLI_NUMBER, /* double *        with range */
    CLI_CHOICE, /* const char **   one of `choices`, separated by '|' */
    CLI_LIST    /* cli_list *      may be given several times */
} cli_type;

typedef struct cli_list {
    const char **items; /* base_free by the verb */
    size_t count, capacity;
} cli_list;

typedef struct cli_option {
    const char *name; /* without the dashes: "audio-stream" */
    char letter;      /* 'o' for -o, or 0 */
    cli_type type;
    void *value;      /* holds the default before parsing */
    const char *meta; /* "FILE", "N"; NULL for flags and choices */
    const char *help; /* one sentence without a full stop */
    double min, max;  /* CLI_INT and CLI_NUMBER; both 0 = no range */
    const char *choices;
} cli_option;

typedef struct cli_verb {
    const char *name;
    const char *summary;               /* one line for `affect --help` */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
} cli_verb;

/* What `affect VERB --help`, the man page and the completion say about a verb. */
typedef struct cli_usage {
    const char *verb;
    const char *synopsis; /* "affect analyze [OPTIONS] RECORDING" */
    const char *text;     /* a paragraph */
    const char *examples; /* two real ones, one a line */
    const cli_option *options;
    size_t option_count;
} cli_usage;

/* Parses argv[1..] against the table; what is no option goes to `operands` in order ("-" is an
 * operand,
 * "--" ends the options). --help prints the usage to stdout and sets *help. On a mistake prints one
 * line to stderr ("affect analyze: --audio-stream wants a number from 0 to 99, not 'x'; see affect
 * analyze
 * --help"). A `--quiet` flag row is found by cli_message through cli_quiet. */
AFFECT_MUST_USE affect_status cli_parse(const cli_usage *usage, int argc, char **argv,
                                        cli_list *operands, bool *help);

/* Prints "affect VERB: text" to stderr as one line and returns the status as exit code. `ctx` may
 * be NULL (then the status's general text is printed). */
int cli_fail(const char *verb, const affect_context *ctx, affect_status status);
AFFECT_PRINTF(3, 4)
int cli_fail_text(const char *verb, affect_status status, const char *format, ...);

/* When the environment variable AFFECT_USAGE is "man" or "completion", --help prints these instead;
 * the build uses it to make the man page and the bash completion from the same tables. */
void cli_print_usage(FILE *out, const cli_usage *usage);

extern const cli_verb cli_verbs[]; /* verbs.c; ends with a NULL name */

#endif
