/* The verbs of the command, in the order of `affect --help`. To add one: write cmd_NAME.c, declare
 * its function and add a row. */
#include "cli/options.h"

int cli_report(int argc, char **argv);

const cli_verb cli_verbs[] = {
    {"report", "renders a written timeline: page, ELAN, Praat, CSV, subtitles, plot", cli_report},
    {NULL, NULL, NULL},
};
