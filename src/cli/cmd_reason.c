/* affect label, explain, check, ask: what was expressed in words, why, and whether what is said holds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "reason/reason.h"
#include "report/report.h"

typedef struct reason_settings {
    const char *from_text, *output, *labels;
    bool json, drop, no_llm, show_prompt, yes, mask, labels_first;
    affect_llm_options llm;
    int64_t votes;
} reason_settings;

/* What a verb made goes to where -o says. Takes the text. */
static affect_status put_text(affect_context *ctx, const reason_settings *set, affect_status status,
                              base_text *text) {
    if (status == AFFECT_OK && text->failed) status = base_fail_memory(ctx);
    if (status == AFFECT_OK && set->output)
        status = base_write_file(ctx, set->output, text->data, text->length);
    else if (status == AFFECT_OK)
        fwrite(text->data, 1, text->length, stdout);
    base_text_destroy(text);
    return status;
}

#define OPTION(...) CLI_OPTION(reason_settings, __VA_ARGS__)
#define USAGE(word, table) .verb = (word), .options = (table), .option_count = BASE_COUNT(table)
#define OUTPUT_OPTION                                                                              \
    OPTION("output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",                              \
           .help = "where it goes; without it to standard output")

#define ADAPTER_OPTION                                                                             \
    OPTION("adapter", CLI_TEXT, llm.adapter, .meta = "FOLDER", .help = "of affect tune, for --llm")

static const cli_option label_options[] = {
    OPTION("from-text", CLI_TEXT, from_text, .meta = "FILE",
           .help = "descriptions, as a table with the columns name and text"),
    OUTPUT_OPTION,
};

static affect_status label(affect_context *ctx, void *user, const cli_list *operands) {
    const reason_settings *set = user;
    base_text out = {0};
    (void)operands;
    if (!set->from_text)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "wants --from-text; see affect label --help");
    return put_text(ctx, set, reason_label_table(ctx, set->from_text, &out), &out);
}

int cli_label(int argc, char **argv) {
    reason_settings set = {0};
    const cli_usage usage = {
        USAGE("label", label_options), .synopsis = "affect label --from-text FILE [-o FILE]",
        .text = "Turns free descriptions in English (\"she seems relieved but tired, though not\n"
                "angry\") into lists of emotion words by fixed rules: a table name,openset.",
        .examples = "affect label --from-text descriptions.csv -o labels.csv\n"
                    "affect label --from-text descriptions.tsv > labels.csv",
        .into = &set};
    return cli_run(&usage, argc, argv, 0, 0, "--from-text FILE and nothing else", label);
}

/* ---- affect explain, check ---- */

/* Nothing is sent before the user was told what and where to, and agreed. */
static affect_status agree(affect_context *ctx, affect_reasoner *reasoner,
                           const affect_timeline *timeline, const affect_llm_options *o) {
    base_text sent = {0};
    affect_status status = reason_llm_sends(reasoner, timeline, o, &sent);
    if (status == AFFECT_OK)
        base_put_line(stderr, "affect explain: sends %s; see --show-prompt and --send text,events",
                      sent.data);
    base_text_destroy(&sent);
    if (status != AFFECT_OK) return status;
    if (!isatty(STDIN_FILENO))
        return base_fail(ctx, AFFECT_ERROR_USAGE, "nothing was sent: say --yes to send it");
    fputs("Send it? [y/N] ", stderr);
    int answer = getchar();
    if (answer == 'y' || answer == 'Y') return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_CANCELLED, "nothing was sent");
}

static void show_progress(void *user, const char *what, double share) {
    report_progress(user, share, what, NAN);
}

static affect_status ask_model(affect_reasoner *reasoner, const affect_timeline *timeline,
                               const char *path, const reason_settings *set,
                               const reason_list *allowed, affect_context *ctx, base_text *out,
                               affect_explanation **e) {
    affect_llm_options o = set->llm;
    const char *own = getenv("AFFECT_LLM_KEY");
    char *prompt, *beside = NULL;
    if (!o.media) o.media = beside = base_beside(path, affect_timeline_property(timeline, "input"));
    o.votes = (int)set->votes;
    o.mask = set->mask, o.labels_first = set->labels_first;
    o.allowed = allowed->items, o.allowed_count = allowed->count;
    bool shown = false, local = reason_is_file(o.url); /* nothing is sent */
    if (isatty(STDERR_FILENO)) o.progress = show_progress, o.progress_user = &shown;
    o.key = own && *own ? own : getenv("OPENAI_API_KEY");
    if (!o.url) o.url = "http://localhost"; /* the prompt is the same for all */
    affect_status status = affect_llm_prompt(reasoner, timeline, &o, sizeof o, &prompt);
    if (!status && set->show_prompt) base_text_append(out, prompt);
    if (!status && !set->show_prompt && !set->yes && !local)
        status = agree(ctx, reasoner, timeline, &o);
    if (!status && !set->show_prompt)
        status = affect_explain_with_llm(reasoner, timeline, &o, sizeof o, e);
    report_progress_end(&shown);
    affect_text_free(prompt);
    base_free(beside);
    return status;
}

static affect_status explain_or_check(affect_context *ctx, void *user, const cli_list *operands) {
    const reason_settings *set = user;
    const bool check = operands->count == 2;
    base_text out = {0};
    affect_timeline *timeline = NULL;
    affect_reasoner *reasoner = NULL;
    affect_explanation *e = NULL;
    reason_list allowed = {0};
    const char *text;
    affect_status status = report_read_json(ctx, operands->items[0], &timeline);
    if (!status) status = affect_reasoner_create(ctx, NULL, &reasoner);
    if (!status && set->labels) status = reason_list_read(ctx, set->labels, &allowed);
    if (!status && check) status = affect_explanation_read(ctx, operands->items[1], &e);
    if (!status && !check && (set->llm.url || set->show_prompt))
        status = ask_model(reasoner, timeline, operands->items[0], set, &allowed, ctx, &out, &e);
    else if (!status && !check)
        status = affect_explain(reasoner, timeline, allowed.items, allowed.count, &e);
    if (!status && check) status = affect_explanation_check(reasoner, timeline, e);
    if (!status && !e) goto cleanup; /* the prompt was all */
    if (!status && set->drop) affect_explanation_drop(e);
    if (!status)
        status = (set->json ? affect_explanation_json
                  : check   ? affect_explanation_verdicts
                            : affect_explanation_text)(ctx, e, &text);
    if (!status) base_text_append(&out, text);
cleanup:
    affect_explanation_destroy(e);
    reason_list_clear(&allowed);
    affect_reasoner_destroy(reasoner);
    affect_timeline_destroy(timeline);
    return put_text(ctx, set, status, &out);
}

static const cli_option explain_options[] = {
    OPTION("json", CLI_FLAG, json, .help = "print JSON (affect-explanation/1)"),
    OPTION("labels", CLI_TEXT, labels, .meta = "FILE", .help = "the only labels, one a line"),
    OPTION("llm", CLI_TEXT, llm.url, .meta = "URL|FILE.gguf",
           .help = "ask this OpenAI-compatible server, or this model; its claims are checked"),
    ADAPTER_OPTION,
    OPTION("mmproj", CLI_TEXT, llm.mmproj, .meta = "FILE",
           .help = "the projector of --llm FILE.gguf: shows it pictures and sound"),
    OPTION("llm-model", CLI_TEXT, llm.model, .meta = "NAME", .help = "as the server calls it"),
    OPTION("prompt", CLI_TEXT, llm.prompt, .meta = "NAME",
           .help = "zero-shot, few-shot, chain-of-thought, or a file with a line {EVIDENCE}"),
    OPTION("send", CLI_TEXT, llm.send, .meta = "LIST",
           .help = "what a server gets, with commas: text, events, pictures, audio (all)"),
    OPTION("media", CLI_TEXT, llm.media, .meta = "FILE",
           .help = "the recording, if it does not lie beside the timeline"),
    OPTION("attach", CLI_TEXT, llm.attach, .meta = "LIST",
           .help = "what the model takes: pictures, audio; without it the server is asked"),
    OPTION("votes", CLI_INT, votes, .meta = "N", .min = 1, .max = 15,
           .help = "answers to ask for; claims that most of them make are kept"),
    OPTION("mask", CLI_FLAG, mask,
           .help = "ask again with each modality hidden; drop claims that do not need it"),
    OPTION("labels-first", CLI_FLAG, labels_first,
           .help = "ask for words first, for evidence second; keep what both say"),
    OPTION("timeout", CLI_NUMBER, llm.timeout_s, .meta = "SECONDS", .min = 0.1, .max = 86400,
           .help = "for the server, retries included"),
    OPTION("show-prompt", CLI_FLAG, show_prompt, .help = "print what would be sent; send nothing"),
    OPTION("yes", CLI_FLAG, yes, .help = "send it without asking"),
    OUTPUT_OPTION,
};
static const cli_option check_options[] = {
    OPTION("json", CLI_FLAG, json, .help = "print the explanation with its verdicts as JSON"),
    OPTION("drop", CLI_FLAG, drop, .help = "leave out the claims that are not supported"),
    OUTPUT_OPTION,
};

int cli_explain(int argc, char **argv) {
    reason_settings set = {.votes = 1, .llm.timeout_s = 120};
    const cli_usage usage = {
        USAGE("explain", explain_options), .synopsis = "affect explain [OPTIONS] TIMELINE.json",
        .text = "Says in English what was expressed, when, how sure that is and on which\n"
                "evidence, what changed and what may have caused it, with its ids.",
        .examples = "affect explain talk/timeline.json --json -o talk/explanation.json\n"
                    "affect explain talk/timeline.json --llm http://127.0.0.1:8080/v1",
        .into = &set};
    return cli_run(&usage, argc, argv, 1, 1, "one timeline.json", explain_or_check);
}

int cli_check(int argc, char **argv) {
    reason_settings set = {0};
    const cli_usage usage = {
        USAGE("check", check_options),
        .synopsis = "affect check [OPTIONS] TIMELINE.json EXPLANATION.json",
        .text = "Compares each claim of an explanation with the timeline, and its text with its\n"
                "fields: supported, contradicted, unsupported or uncheckable, and why.",
        .examples = "affect check talk/timeline.json talk/explanation.json\n"
                    "affect check talk/timeline.json explanation.json --json --drop",
        .into = &set};
    return cli_run(&usage, argc, argv, 2, 2, "timeline.json and explanation.json",
                   explain_or_check);
}

/* ---- affect ask ---- */

static affect_status ask(affect_context *ctx, void *user, const cli_list *operands) {
    const reason_settings *set = user;
    base_text out = {0};
    affect_timeline *timeline = NULL;
    affect_reasoner *reasoner = NULL;
    const affect_answer *answer = NULL;
    affect_status status = report_read_json(ctx, operands->items[0], &timeline);
    if (!status) status = affect_reasoner_create(ctx, NULL, &reasoner);
    if (!status && (set->llm.url || set->llm.adapter) && !set->no_llm)
        status = affect_ask_with_llm(reasoner, timeline, operands->items[1], &set->llm,
                                     sizeof set->llm, &answer);
    else if (!status)
        status = affect_ask(reasoner, timeline, operands->items[1], &answer);
    if (!status) reason_put_answer(operands->items[1], answer, set->json, &out);
    affect_answer_destroy(answer);
    affect_reasoner_destroy(reasoner);
    affect_timeline_destroy(timeline);
    return put_text(ctx, set, status, &out);
}

static const cli_option ask_options[] = {
    OPTION("json", CLI_FLAG, json, .help = "print JSON: kind, value, confidence, evidence"),
    OPTION("llm", CLI_TEXT, llm.url, .meta = "FILE.gguf",
           .help = "ask this model, which affect tune has taught; its claims are checked"),
    ADAPTER_OPTION,
    OPTION("no-llm", CLI_FLAG, no_llm, .help = "answer from the timeline alone (the default)"),
    OUTPUT_OPTION,
};

int cli_ask(int argc, char **argv) {
    reason_settings set = {0};
    const cli_usage usage = {
        USAGE("ask", ask_options), .synopsis = "affect ask [OPTIONS] TIMELINE.json QUESTION",
        .text = "Answers a question about a timeline: states, events, changes, order, durations,\n"
                "comparisons, causes, what comes next, with the ids of the evidence. What an\n"
                "expression cannot tell is refused.",
        .examples =
            "affect ask talk/timeline.json \"why does her mood change at 1:20?\"\n"
            "affect ask talk/timeline.json \"who smiles more, person 1 or person 2?\" --json",
        .into = &set};
    return cli_run(&usage, argc, argv, 2, 2, "timeline.json and a question", ask);
}
