/* The verbs of the command, in the order of `affect --help`. To add one: write cmd_NAME.c, declare
 * its function and add a row. */
#include "cli/options.h"

int cli_analyze(int argc, char **argv);
int cli_features(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_score(int argc, char **argv);
int cli_train(int argc, char **argv);
int cli_evaluate(int argc, char **argv);
int cli_predict(int argc, char **argv);

const cli_verb cli_verbs[] = {
    {"analyze", "turns a recording into a timeline of what was expressed", cli_analyze},
    {"report", "renders a written timeline: page, ELAN, Praat, CSV, subtitles, plot", cli_report},
    {"features", "writes voice features as tables: eGeMAPS, prosody, log-mel", cli_features},
    {"models", "shows the models that can be found, and checks them", cli_models},
    {"score", "prints the field's metrics for predictions against gold", cli_score},
    {"train", "trains a network from a recipe", cli_train},
    {"evaluate", "says how good a trained network is on labelled data", cli_evaluate},
    {"predict", "prints what a trained network thinks of faces, clips or texts", cli_predict},
    {NULL, NULL, NULL},
};
