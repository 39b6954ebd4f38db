/* The verbs of the command, in the order of `affect --help`. To add one: write cmd_NAME.c, declare
 * its function and add a row. */
#include "cli/options.h"

int cli_align(int argc, char **argv);
int cli_analyze(int argc, char **argv);
int cli_annotate(int argc, char **argv);
int cli_benchmark(int argc, char **argv);
int cli_collection(int argc, char **argv);
int cli_data(int argc, char **argv);
int cli_gold(int argc, char **argv);
int cli_agreement(int argc, char **argv);
int cli_ask(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_label(int argc, char **argv);
int cli_live(int argc, char **argv);
int cli_features(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_score(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_train(int argc, char **argv);
int cli_tune(int argc, char **argv);
int cli_tune_data(int argc, char **argv);
int cli_evaluate(int argc, char **argv);
int cli_predict(int argc, char **argv);

const cli_verb cli_verbs[] = {
    {"analyze", "turns a recording into a timeline of what was expressed", cli_analyze},
    {"collection", "makes the tables of recordings that several machines analyzed", cli_collection},
    {"align", "finds lag, warping and matches of two tables", cli_align},
    {"report", "renders a written timeline: page, ELAN, Praat, CSV, subtitles, plot", cli_report},
    {"live", "says what a camera or stream shows, while it runs", cli_live},
    {"serve", "opens a folder of recordings to a browser: reports, search, live", cli_serve},
    {"explain", "says what was expressed and why, with evidence", cli_explain},
    {"check", "compares the claims of an explanation with the timeline", cli_check},
    {"ask", "answers a question about a timeline", cli_ask},
    {"label", "turns descriptions into emotion words", cli_label},
    {"data", "says what a data file or folder is, and what is odd in it", cli_data},
    {"features", "writes voice features as tables: eGeMAPS, prosody, log-mel", cli_features},
    {"gold", "makes one gold standard from several people's traces", cli_gold},
    {"agreement", "says how well several people's traces agree", cli_agreement},
    {"annotate", "opens a study to its raters in a browser", cli_annotate},
    {"benchmark", "makes, checks and runs benchmarks of recordings", cli_benchmark},
    {"models", "shows the models that can be found, and checks them", cli_models},
    {"score", "prints the field's metrics for predictions against gold", cli_score},
    {"train", "trains a network from a recipe", cli_train},
    {"tune", "teaches a language model to answer about face and voice", cli_tune},
    {"tune-data", "makes what affect tune learns of recordings with labels", cli_tune_data},
    {"evaluate", "says how good a trained network is on labelled data", cli_evaluate},
    {"predict", "prints what a trained network thinks of faces, clips or texts", cli_predict},
    {NULL, NULL, NULL},
};
