/* The verbs of the command, in the order of `affect --help`. To add one: write cmd_NAME.c, declare
 * its function and add a row. */
#include "cli/options.h"

const cli_verb cli_verbs[] = {
    {NULL, NULL, NULL},
};
