/* Options as tables, static const. One row drives the parsing, --help, the man page and the shell completion. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <jansson.h>

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
    const char *meta; /* "FILE", "N"; NULL for flags and choices */
    const char *help; /* one sentence without a full stop */
    double min, max;  /* CLI_INT and CLI_NUMBER; both 0 = no range */
    const char *choices;
    size_t offset; /* of the value in cli_usage.into, which holds the default before parsing */
} cli_option;

/* A row: its value is `member` of the struct `settings`; what else there is follows as .meta, .help, ... */
#define CLI_OPTION(settings, word, kind, member, ...)                                              \
    { .name = (word), .type = (kind), .offset = offsetof(settings, member), __VA_ARGS__ }

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
    void *into; /* the struct that the options' offsets are in */
} cli_usage;

/* Parses argv[1..] against the table; what is no option goes to `operands` in order ("-" is an
 * operand, "--" ends the options). --help prints the usage to stdout and sets *help. On a mistake
 * prints one line to stderr ("affect analyze: --audio-stream wants a number from 0 to 99, not 'x';
 * see affect analyze --help"). */
AFFECT_MUST_USE affect_status cli_parse(const cli_usage *usage, int argc, char **argv,
                                        cli_list *operands, bool *help);

/* ---- output.c: what leaves the program ---- */

/* Prints "affect VERB: text" to stderr as one clean line and returns the status as exit code. `ctx`
 * may be NULL (then the status's general text is printed). */
int cli_fail(const char *verb, const affect_context *ctx, affect_status status);
AFFECT_PRINTF(3, 4)
int cli_fail_text(const char *verb, affect_status status, const char *format, ...);

/* Prints a JSON value, indented, to standard output, its numbers with so many digits, and gives it up. NULL
 * is MEMORY. */
AFFECT_MUST_USE affect_status cli_print_json(affect_context *ctx, json_t *root, int digits);

/* What a training shows on a terminal (cmd_train.c, for tune too): where it is, in place; a line of its log. */
struct train_progress;
void cli_show_epoch(void *user, const struct train_progress *now);
void cli_show_line(void *user, affect_log_level level, const char *line);

/* An affect_log_fn that prints "affect VERB: LINE" to stderr; its user data is the verb's name. */
void cli_log(void *verb, affect_log_level level, const char *line);

/* Standard output as far as it is written; for verbs that do something after it. */
AFFECT_MUST_USE affect_status cli_flush(affect_context *ctx);
/* A line of status for standard error that main() prints when everything else is safely out: a failure has no
 * other line beside its own. */
AFFECT_PRINTF(1, 2) void cli_last_line(const char *format, ...);
/* Flushes and closes standard output. Returns `code`, or OUTPUT with a line on stderr if that was
 * OK and something of the output was lost (a full disk, a closed pipe). main() ends every verb with
 * it.
 */
int cli_close(const char *verb, int code);
/* Before anything is opened: standard input, output or error that are closed stay so. */
void cli_open_standard(void);

/* A context whose work SIGINT, SIGTERM and SIGHUP ask to stop (CANCELLED, exit code 130); the
 * second signal ends the program at once. One at a time. */
AFFECT_MUST_USE affect_status cli_context_create(affect_context **out);
void cli_context_destroy(affect_context *ctx); /* NULL is fine */

/* What most verbs do: parse, see that there are `least` to `most` operands (or say that the verb wants
 * `wants`), make a context whose warnings go to standard error, run `body` with the settings that
 * the options went into, and say what failed. Returns the exit code. */
typedef affect_status (*cli_body)(affect_context *ctx, void *settings, const cli_list *operands);
int cli_run(const cli_usage *usage, int argc, char **argv, size_t least, size_t most,
            const char *wants, cli_body body);

/* When the environment variable AFFECT_USAGE is "man" or "completion", --help prints these instead;
 * the build uses it to make the man page and the bash completion from the same tables. */
void cli_print_usage(FILE *out, const cli_usage *usage);

extern const cli_verb cli_verbs[]; /* verbs.c; ends with a NULL name */

#endif
