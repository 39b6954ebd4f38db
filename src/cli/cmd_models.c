/* affect models: which models there are, what they are, and whether their files are right. */
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "infer/infer.h"
#include "nn/model.h"
#include "nn/onnx.h"
#include "reason/reason.h"

typedef struct request {
    affect_context *ctx;
    bool json, commercial;
    json_t *list;      /* of what is printed as JSON */
    char *first_error; /* what is wrong with the first damaged model */
    size_t damaged;
} request;

static affect_status print_row(request *r, const model_card *card) {
    if (r->commercial && !card->commercial) return AFFECT_OK;
    double bytes = model_card_bytes(card);
    if (!r->json) {
        base_put_line(stdout, "%-24s %-12s %-16s %-4s %8.1f MB  %s", card->name, card->version,
                      card->licence, card->commercial ? "yes" : "no", bytes / 1e6, card->task);
        return AFFECT_OK;
    }
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "name", card->name, "version",
                            card->version, "task", card->task, "licence", card->licence,
                            "commercial", card->commercial, "bytes", (json_int_t)bytes);
    return row && json_array_append_new(r->list, row) == 0 ? AFFECT_OK : AFFECT_ERROR_MEMORY;
}

static affect_status print_card(request *r, const model_card *card) {
    if (r->json) {
        json_t *whole = json_loads(card->json, 0, NULL);
        return whole && json_array_append_new(r->list, whole) == 0 ? AFFECT_OK
                                                                   : AFFECT_ERROR_MEMORY;
    }
    model_card_print(stdout, card);
    return AFFECT_OK;
}

static affect_status print_check(request *r, const char *name, affect_status found) {
    const char *text = found == AFFECT_OK ? "ok" : affect_context_message(r->ctx);
    if (!r->json) {
        base_put_line(stdout, "%-24s %s", name, text);
        return AFFECT_OK;
    }
    json_t *row =
        json_pack("{s:s, s:b, s:s}", "name", name, "ok", found == AFFECT_OK, "message", text);
    return row && json_array_append_new(r->list, row) == 0 ? AFFECT_OK : AFFECT_ERROR_MEMORY;
}

/* One model; `bad` collects what a check found. */
static affect_status one(request *r, const char *verb, const char *name, affect_status *bad) {
    bool check = strcmp(verb, "check") == 0;
    if (affect_context_cancelled(r->ctx))
        return base_fail(r->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    model_card *card = NULL;
    affect_status status = model_card_load(r->ctx, name, check, &card);
    if (status != AFFECT_OK) {
        if (!r->first_error) r->first_error = base_strdup(affect_context_message(r->ctx));
        r->damaged++;
    }
    if (check) {
        if (status != AFFECT_OK) *bad = status;
        status = print_check(r, name, status);
    } else if (status == AFFECT_OK) {
        status = strcmp(verb, "list") == 0 ? print_row(r, card) : print_card(r, card);
    } else if (strcmp(verb, "list") == 0) { /* a damaged one does not hide the others */
        *bad = status;
        status = AFFECT_OK;
    }
    model_card_destroy(card);
    return status;
}

static affect_status all(request *r, const char *verb, const cli_list *words, affect_status *bad) {
    char **found = NULL;
    size_t count = 0;
    affect_status status = AFFECT_OK;
    if (words->count > 1) {
        for (size_t i = 1; i < words->count && status == AFFECT_OK; i++)
            status = one(r, verb, words->items[i], bad);
        return status;
    }
    status = model_names(r->ctx, &found, &count);
    if (status == AFFECT_OK && count == 0)
        status = base_fail(r->ctx, AFFECT_ERROR_MODEL,
                           "no models were found: run \"make setup\" in the source tree, or name "
                           "their folder with --models or $AFFECT_MODELS");
    if (status == AFFECT_OK && strcmp(verb, "list") == 0 && !r->json)
        base_put_line(stdout, "%-24s %-12s %-16s %-4s %8s     %s", "NAME", "VERSION", "LICENCE",
                      "COMM", "SIZE", "TASK");
    for (size_t i = 0; i < count && status == AFFECT_OK; i++) status = one(r, verb, found[i], bad);
    for (size_t i = 0; i < count; i++) base_free(found[i]);
    base_free(found);
    return status;
}

/* A network of ours as an ONNX file. */
static affect_status export_onnx(request *r, const char *name, const char *path) {
    nn_model *model = NULL;
    model_card *card = NULL;
    affect_status status = model_card_load(r->ctx, name, false, &card);
    if (status == AFFECT_OK && !nn_model_describes(card))
        status = base_fail(r->ctx, AFFECT_ERROR_UNSUPPORTED,
                           "%s: its card describes no network of ours, so there is nothing to turn "
                           "into ONNX",
                           name);
    if (status == AFFECT_OK) status = nn_model_load(r->ctx, name, &model);
    if (status == AFFECT_OK) status = nn_onnx_write(r->ctx, nn_model_net(model), path);
    if (status == AFFECT_OK && r->json) {
        json_t *row = json_pack("{s:s, s:s}", "name", card->name, "file", path);
        if (!row || json_array_append_new(r->list, row) != 0) status = base_fail_memory(r->ctx);
    } else if (status == AFFECT_OK) {
        base_put_line(stdout, "%s", path);
    }
    nn_model_destroy(model);
    model_card_destroy(card);
    return status;
}

typedef struct models_settings {
    const char *folder, *licence, *sha256, *output;
    bool json;
} models_settings;

static void say_warning(void *user, affect_log_level level, const char *line) {
    (void)user, (void)level;
    base_put_line(stderr, "affect models: %s", line);
}

static void say_bytes(void *user, int64_t bytes, int64_t total) {
    int *percent = user, now = total > 0 ? (int)(bytes * 100 / total) : 0;
    if (now == *percent) return;
    *percent = now;
    fprintf(stderr, "\r%d %% of %.0f MB%s", now, (double)total / 1e6, now == 100 ? "\n" : "");
}

/* The one verb that opens a connection. */
static affect_status pull(request *r, const models_settings *set, const char *what) {
    base_text path = {0};
    char sum[65] = "";
    int percent = -1;
    const reason_pull asked = {what, set->sha256, set->output,
                               isatty(STDERR_FILENO) ? say_bytes : NULL, &percent};
    affect_context_set_log(r->ctx, AFFECT_LOG_WARNING, say_warning, NULL);
    affect_status status = reason_pull_file(r->ctx, &asked, &path, sum);
    if (status == AFFECT_OK && r->json) {
        json_t *row = json_pack("{s:s, s:s}", "file", path.data, "sha256", sum);
        if (!row || json_array_append_new(r->list, row) != 0) status = base_fail_memory(r->ctx);
    } else if (status == AFFECT_OK) {
        base_put_line(stdout, "%s  sha256 %s", path.data, sum);
    }
    base_text_destroy(&path);
    return status;
}

static const cli_option models_options[] = {
    CLI_OPTION(models_settings, "json", CLI_FLAG, json, .help = "print JSON"),
    CLI_OPTION(models_settings, "licence", CLI_CHOICE, licence, .choices = "any|commercial",
               .help = "list only what may be used commercially"),
    CLI_OPTION(models_settings, "sha256", CLI_TEXT, sha256, .meta = "SUM",
               .help = "of pull: what the file must be; needed with an address"),
    CLI_OPTION(models_settings, "output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",
               .help = "of pull: where to; default its name, in the current folder"),
    CLI_OPTION(models_settings, "models", CLI_TEXT, folder, .meta = "FOLDER",
               .help = "look for models here first"),
};

int cli_models(int argc, char **argv) {
    models_settings set = {0};
    const cli_usage usage = {
        .verb = "models",
        .synopsis = "affect models list|info|check|export|pull [OPTIONS] [NAME...]",
        .text =
            "Shows the models that can be found: list prints one line each, info the whole card,\n"
            "check compares every file with its sha-256, export NAME FILE.onnx writes a network "
            "of\n"
            "ours for other programs (inputs and outputs: docs/nn.md). pull NAME|https://... "
            "fetches "
            "a\n"
            "model of whisper.cpp by its name there, or any file whose sum is told.",
        .examples = "affect models list --licence commercial\n"
                    "affect models info face.detect --json\n"
                    "affect models export text.emotion text.onnx\n"
                    "affect models pull base.en",
        .options = models_options,
        .into = &set,
        .option_count = BASE_COUNT(models_options)};
    cli_list words = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &words, &help), bad = AFFECT_OK;
    if (status != AFFECT_OK || help) {
        base_free(words.items);
        return (int)status;
    }
    const char *verb = words.count ? words.items[0] : "";
    bool list = strcmp(verb, "list") == 0, info = strcmp(verb, "info") == 0,
         export = strcmp(verb, "export") == 0, pulled = strcmp(verb, "pull") == 0;
    if ((!list && !info && !export && !pulled && strcmp(verb, "check") != 0) ||
        (info && words.count < 2) || (list && words.count > 1) || (export && words.count != 3) ||
        (pulled && words.count != 2)) {
        base_free(words.items);
        return cli_fail_text("models", AFFECT_ERROR_USAGE,
                             "wants list, info NAME, check, export NAME FILE or pull NAME; see "
                             "affect models --help");
    }
    request r = {.json = set.json,
                 .commercial = set.licence && strcmp(set.licence, "commercial") == 0};
    status = cli_context_create(&r.ctx);
    if (status == AFFECT_OK) status = affect_context_set_models(r.ctx, set.folder);
    r.list = set.json ? json_array() : NULL;
    if (status == AFFECT_OK)
        status = export   ? export_onnx(&r, words.items[1], words.items[2])
                 : pulled ? pull(&r, &set, words.items[1])
                          : all(&r, verb, &words, &bad);
    if (status == AFFECT_OK && set.json) status = cli_print_json(r.ctx, json_incref(r.list), 15);
    int code = status == AFFECT_OK ? (int)bad : cli_fail("models", r.ctx, status);
    if (status == AFFECT_OK && bad != AFFECT_OK) {
        char more[64] = "";
        if (r.damaged > 1)
            snprintf(more, sizeof more, " (and %zu more: affect models check)", r.damaged - 1);
        cli_fail_text("models", bad, "%s%s", r.first_error ? r.first_error : "out of memory", more);
    }
    base_free(r.first_error);
    json_decref(r.list);
    base_free(words.items);
    cli_context_destroy(r.ctx);
    return code;
}
