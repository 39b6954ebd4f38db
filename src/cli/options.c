/* The option parser and everything that is printed from the tables. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

static bool one_of(const char *choices, const char *value) {
    size_t n = strlen(value);
    for (const char *at = choices; at && n; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, value, n) == 0 && (at[n] == '|' || at[n] == '\0')) return true;
    return false;
}

static affect_status mistake(const cli_usage *usage, const char *format, ...) AFFECT_PRINTF(2, 3);
static affect_status mistake(const cli_usage *usage, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_fail_text(usage->verb, AFFECT_ERROR_USAGE, "%s; see affect %s --help", text, usage->verb);
    return AFFECT_ERROR_USAGE;
}

static bool list_add(cli_list *list, const char *item) {
    if (!base_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items))
        return false;
    list->items[list->count++] = item;
    return true;
}

static void *place_of(const cli_usage *usage, const cli_option *option) {
    return (char *)usage->into + option->offset;
}

static affect_status store(const cli_usage *usage, const cli_option *option, const char *value) {
    void *place = place_of(usage, option);
    bool ranged = option->min < option->max;
    switch (option->type) {
    case CLI_FLAG: *(bool *)place = true; return AFFECT_OK;
    case CLI_TEXT: *(const char **)place = value; return AFFECT_OK;
    case CLI_LIST: return list_add(place, value) ? AFFECT_OK : AFFECT_ERROR_MEMORY;
    case CLI_CHOICE:
        if (!one_of(option->choices, value))
            return mistake(usage, "--%s wants one of %s, not '%s'", option->name, option->choices,
                           value);
        *(const char **)place = value;
        return AFFECT_OK;
    case CLI_INT: {
        int64_t number;
        if (!base_parse_int64(value, strlen(value), &number) ||
            (ranged && ((double)number < option->min || (double)number > option->max))) {
            if (ranged)
                return mistake(usage, "--%s wants a whole number from %.0f to %.0f, not '%s'",
                               option->name, option->min, option->max, value);
            return mistake(usage, "--%s wants a whole number, not '%s'", option->name, value);
        }
        *(int64_t *)place = number;
        return AFFECT_OK;
    }
    case CLI_NUMBER: {
        double number;
        if (!base_parse_double(value, strlen(value), &number) || !isfinite(number) ||
            (ranged && (number < option->min || number > option->max))) {
            if (ranged)
                return mistake(usage, "--%s wants a number from %g to %g, not '%s'", option->name,
                               option->min, option->max, value);
            return mistake(usage, "--%s wants a number, not '%s'", option->name, value);
        }
        *(double *)place = number;
        return AFFECT_OK;
    }
    }
    return AFFECT_ERROR_INTERNAL;
}

static const cli_option *find(const cli_usage *usage, const char *name, size_t length) {
    for (size_t i = 0; i < usage->option_count; i++)
        if (strncmp(usage->options[i].name, name, length) == 0 && !usage->options[i].name[length])
            return &usage->options[i];
    return NULL;
}

affect_status cli_parse(const cli_usage *usage, int argc, char **argv, cli_list *operands,
                        bool *help) {
    *help = false;
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            if (!list_add(operands, word)) return AFFECT_ERROR_MEMORY;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_operands = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            cli_print_usage(stdout, usage);
            *help = true;
            return AFFECT_OK;
        }
        const cli_option *option = NULL;
        const char *value = NULL;
        if (word[1] == '-') {
            const char *equal = strchr(word, '=');
            option = find(usage, word + 2, equal ? (size_t)(equal - word - 2) : strlen(word + 2));
            value = equal ? equal + 1 : NULL;
        } else {
            for (size_t k = 0; k < usage->option_count; k++)
                if (usage->options[k].letter && usage->options[k].letter == word[1])
                    option = &usage->options[k];
            value = word[2] ? word + 2 : NULL;
        }
        if (!option) return mistake(usage, "unknown option '%s'", word);
        if (option->type == CLI_FLAG) {
            if (value) return mistake(usage, "--%s takes no value", option->name);
        } else if (!value) {
            if (i + 1 >= argc) return mistake(usage, "--%s wants a value", option->name);
            value = argv[++i];
        }
        affect_status status = store(usage, option, value);
        if (status != AFFECT_OK) return status;
    }
    return AFFECT_OK;
}

/* ---- printing ---- */

static void option_head(char *out, size_t size, const cli_option *o) {
    const char *meta = o->type == CLI_FLAG ? NULL
                       : o->choices        ? o->choices
                       : o->meta           ? o->meta
                                           : "VALUE";
    snprintf(out, size, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
             o->letter ? ", " : "  ", o->name, meta ? " " : "", meta ? meta : "");
}

static void option_default(char *out, size_t size, const cli_usage *usage, const cli_option *o) {
    const void *place = place_of(usage, o);
    out[0] = '\0';
    if ((o->type == CLI_TEXT || o->type == CLI_CHOICE) && *(const char *const *)place)
        snprintf(out, size, " (default %s)", *(const char *const *)place);
    else if (o->type == CLI_INT)
        snprintf(out, size, " (default %lld)", (long long)*(const int64_t *)place);
    else if (o->type == CLI_NUMBER && !isnan(*(const double *)place))
        snprintf(out, size, " (default %g)", *(double *)place);
}

enum { HELP_WIDTH = 80, HELP_INDENT = 31 };

/* Words line by line, after each of which a line may end; the line that is begun has come to column
 * `at`, the next begin at `indent`. Line ends in the text count as spaces. */
static void put_wrapped(FILE *out, const char *text, int at, int indent) {
    for (bool first = true; *text; first = false) {
        int n = (int)strcspn(text, " \n");
        if (!first && at + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, (size_t)n, out);
        at += n;
        text += n;
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

/* "-o, --output FOLDER"; a long list of choices goes on in the next lines. Returns the column. */
static int put_head(FILE *out, const char *head) {
    int at = fprintf(out, "  ");
    while (*head) {
        int n = (int)strcspn(head, "|") + (strchr(head, '|') ? 1 : 0);
        if (at > 2 && at + n > HELP_WIDTH) at = fprintf(out, "\n%*s", 12, "") - 1;
        fwrite(head, 1, (size_t)n, out);
        at += n;
        head += n;
    }
    return at;
}

static void print_help(FILE *out, const cli_usage *usage) {
    fprintf(out, "usage: %s\n\n", usage->synopsis);
    put_wrapped(out, usage->text, 0, 0);
    if (usage->option_count) fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < usage->option_count; i++) {
        char head[400], value[80], help[1024];
        option_head(head, sizeof head, &usage->options[i]);
        option_default(value, sizeof value, usage, &usage->options[i]);
        snprintf(help, sizeof help, "%s%s", usage->options[i].help, value);
        int used = put_head(out, head);
        if (used >= HELP_INDENT) {
            fputc('\n', out);
            used = 0;
        }
        fprintf(out, "%*s", HELP_INDENT - used, "");
        put_wrapped(out, help, HELP_INDENT, HELP_INDENT);
    }
    fprintf(out, "\nexamples:\n");
    for (const char *line = usage->examples; line && *line;) {
        size_t n = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* Text for roff: a leading dot or quote and every backslash or dash would be read as markup. */
static void roff(FILE *out, const char *text) {
    for (const char *c = text; *c; c++) {
        if ((c == text || c[-1] == '\n') && (*c == '.' || *c == '\'')) fputs("\\&", out);
        if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else if (*c == '|')
            fputs("|\\:", out); /* a line may break there */
        else
            fputc(*c, out);
    }
}

static void print_man(FILE *out, const cli_usage *usage) {
    fprintf(out, ".SS ");
    roff(out, usage->synopsis);
    fprintf(out, "\n");
    roff(out, usage->text);
    fprintf(out, "\n");
    for (size_t i = 0; i < usage->option_count; i++) {
        char head[400], value[80];
        option_head(head, sizeof head, &usage->options[i]);
        option_default(value, sizeof value, usage, &usage->options[i]);
        fprintf(out, ".TP\n.B ");
        roff(out, head + (usage->options[i].letter ? 0 : 4));
        fprintf(out, "\n");
        roff(out, usage->options[i].help);
        roff(out, value);
        fprintf(out, "\n");
    }
    fprintf(out, ".PP\nExamples:\n.EX\n");
    roff(out, usage->examples);
    fprintf(out, "\n.EE\n");
}

void cli_print_usage(FILE *out, const cli_usage *usage) {
    const char *form = getenv("AFFECT_USAGE");
    if (form && strcmp(form, "man") == 0) {
        print_man(out, usage);
    } else if (form && strcmp(form, "completion") == 0) {
        fprintf(out, "%s)", usage->verb);
        for (size_t i = 0; i < usage->option_count; i++)
            fprintf(out, " --%s", usage->options[i].name);
        fprintf(out, " --help\n");
    } else {
        print_help(out, usage);
    }
}
