/* The affect command: finds the verb and hands over. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

#ifndef AFFECT_VERSION
#error "the build defines AFFECT_VERSION"
#endif

static void print_help(FILE *out) {
    fprintf(out, "usage: affect VERB [OPTIONS] ...\n\n"
                 "Turns a recording of people into an account of what they expressed, when, how\n"
                 "sure that is and on what evidence, as people would perceive it; never a reading\n"
                 "of an inner state.\n\n"
                 "    affect analyze talk.mp4 -o talk/\n\n"
                 "makes talk/report.html, a page with the player, and the same as tables, ELAN,\n"
                 "Praat, WebVTT and JSON.\n\n"
                 "verbs:\n");
    for (const cli_verb *verb = cli_verbs; verb->name; verb++)
        fprintf(out, "  %-10s %s\n", verb->name, verb->summary);
    fprintf(out, "\n'affect VERB --help' tells more; 'man affect' also lists the exit codes.\n");
}

/* The exit codes for the man page, from the table that makes them. */
static void print_exit_codes(FILE *out) {
#define ROW(symbol, number, text) fprintf(out, ".TP\n.B %d\n%s\n", number, text);
    AFFECT_STATUS_TABLE(ROW)
#undef ROW
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return AFFECT_ERROR_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        const char *form = getenv("AFFECT_USAGE");
        if (form && strcmp(form, "man") == 0)
            print_exit_codes(stdout);
        else
            print_help(stdout);
        return AFFECT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        printf("affect %s\n", AFFECT_VERSION);
        return AFFECT_OK;
    }
    for (const cli_verb *verb = cli_verbs; verb->name; verb++)
        if (strcmp(verb->name, word) == 0) return verb->run(argc - 1, argv + 1);
    return cli_fail_text("", AFFECT_ERROR_USAGE, "unknown verb '%s'; see affect --help", word);
}

/* The verb of the command line if it is one, for messages. */
static const char *verb_of(int argc, char **argv) {
    for (const cli_verb *verb = cli_verbs; argc > 1 && verb->name; verb++)
        if (strcmp(verb->name, argv[1]) == 0) return verb->name;
    return "";
}

int main(int argc, char **argv) {
    /* Writing beyond a limit of size or into a closed pipe is an error of the write, not the end of
     * the program. */
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    cli_open_standard();
    return cli_close(verb_of(argc, argv), run(argc, argv));
}
