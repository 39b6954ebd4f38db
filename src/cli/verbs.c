/* The verbs of the command, in the order of `affect --help`. To add one: write cmd_NAME.c, declare
 * its function and add a row. */
#include "cli/options.h"

int cli_analyze(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_report(int argc, char **argv);

const cli_verb cli_verbs[] = {
    {"analyze", "turns a recording into a timeline of what was expressed", cli_analyze},
    {"report", "renders a written timeline: page, ELAN, Praat, CSV, subtitles, plot", cli_report},
    {"models", "shows the models that can be found, and checks them", cli_models},
    {NULL, NULL, NULL},
};
