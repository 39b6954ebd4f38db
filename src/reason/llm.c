/* Explanations by a language model: a file in this process, or an OpenAI-compatible server. The model
 * is told what was measured as lines of text, its answer is forced into the form of claims where that
 * can be done, and what it says is checked like anybody's. Whatever goes wrong, the account of
 * explain.c takes its place. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason/adapter.h"
#include "reason/attach.h"

enum {
    MOST_VOTES = 15,
    EPISODE_CLAIMS = 8,
    MOST_CLAIMS = 200,
    WHOLE = 48 << 10 /* bytes; longer recordings are told episode by episode */
};
static const double TIMEOUT_S = 120, LEAST_STRENGTH = 0.2;

/* ---- what is sent ---- */

/* Is each word of a list one of another's? */
static bool all_known(const char *list, const char *known) {
    char word[16];
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (!n || n >= sizeof word || strcmp(list + n, ",") == 0) return false;
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        if (!reason_list_names(known, word)) return false;
    }
    return true;
}

static affect_status check_options(affect_context *ctx, const affect_llm_options *o) {
    if ((o->send && !all_known(o->send, "text,events,pictures,audio")) ||
        (o->attach && !all_known(o->attach, "pictures,audio")))
        return base_fail(
            ctx, AFFECT_ERROR_ARGUMENT,
            "what is sent is text, events, pictures and audio, and what a model may take "
            "is pictures and audio, with commas, not '%s'",
            o->send && !all_known(o->send, "text,events,pictures,audio") ? o->send : o->attach);
    if (!o->url || !(reason_is_file(o->url) || base_starts_with(o->url, "http://") ||
                     base_starts_with(o->url, "https://")))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "the server's address begins with http:// or https://, and a model's file "
                         "ends in .gguf");
    if (!reason_is_file(o->url) && strchr(o->url, '@'))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "the server's address holds no user and password");
    if (o->adapter && (!reason_is_file(o->url) || o->votes > 1 || o->labels_first))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "an adapter goes with a model's file (.gguf), which is asked once: no "
                         "votes, no labels first");
    if (o->votes < 0 || o->votes > MOST_VOTES || !(o->timeout_s >= 0 && o->timeout_s <= 86400))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "at most %d votes, at most 86400 s",
                         MOST_VOTES);
    return AFFECT_OK;
}

/* The options of a program that was compiled when there were fewer. */
static affect_status take_options(affect_context *ctx, const affect_llm_options *from, size_t size,
                                  affect_llm_options *out) {
    *out = (affect_llm_options){0};
    if (size < offsetof(affect_llm_options, votes) || size > sizeof *out)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "affect_llm_options: a size of %zu is not known", size);
    memcpy(out, from, size);
    return AFFECT_OK;
}

/* All that the questions about one timeline share. */
typedef struct asked {
    affect_reasoner *reasoner;
    const affect_timeline *timeline;
    const affect_llm_options *options;
    reason_graph graph;
    char *pattern;
    reason_scope *scopes; /* what is asked about, one after the other */
    size_t scope_count;
    reason_attachments attached; /* of the recording, to a server */
    reason_llama *llama;         /* NULL: a server */
    reason_tuned *tuned;         /* or NULL */
    double deadline;
    reason_server_form form;
} asked;

static void asked_end(asked *a) {
    reason_tuned_close(a->tuned);
    reason_llama_close(a->llama);
    reason_attach_clear(&a->attached);
    base_free(a->scopes);
    base_free(a->pattern);
    reason_graph_clear(&a->graph);
}

/* A short recording is told as a whole where the model's context is a server's matter; else each episode
 * with what surrounds it, and last the episodes alone. */
static affect_status plan(asked *a) {
    affect_context *ctx = a->reasoner->ctx;
    const reason_graph *g = &a->graph;
    base_text prompt = {0}, ids = {0};
    const reason_scope all = {.least = LEAST_STRENGTH};
    a->scopes = base_calloc(g->episode_count + 1, sizeof *a->scopes);
    if (!a->scopes) return base_fail_memory(ctx);
    affect_status status = reason_prompt_make(ctx, g, a->pattern, a->options, &all, &prompt, &ids);
    if ((reason_is_file(a->options->url) || prompt.length > WHOLE) && g->episode_count) {
        for (size_t i = 0; i < g->episode_count; i++)
            a->scopes[a->scope_count++] =
                (reason_scope){.episode = g->episodes[i], .least = LEAST_STRENGTH};
        if (g->episode_count > 1 && !a->options->adapter)
            a->scopes[a->scope_count++] = (reason_scope){.outline = true};
    } else {
        a->scopes[a->scope_count++] = all;
    }
    base_text_destroy(&prompt);
    base_text_destroy(&ids);
    return status;
}

static affect_status asked_begin(asked *a, affect_reasoner *reasoner,
                                 const affect_timeline *timeline, const affect_llm_options *o) {
    affect_context *ctx = reasoner->ctx;
    *a = (asked){.reasoner = reasoner, .timeline = timeline, .options = o};
    affect_status status = check_options(ctx, o);
    if (status == AFFECT_OK) status = reason_prompt_template(ctx, o->prompt, &a->pattern);
    if (status == AFFECT_OK) status = reason_graph_build(reasoner, timeline, &a->graph);
    if (status != AFFECT_OK) {
        base_free(a->pattern);
        return status;
    }
    status = plan(a);
    if (status == AFFECT_OK)
        status = reason_attach_offer(ctx, &a->graph, o, a->scopes, a->scope_count, &a->attached);
    if (status != AFFECT_OK) asked_end(a);
    return status;
}

/* What stands for pictures and sound where a prompt is shown. */
static void put_captions(reason_attachments *attached, const reason_scope *scope, base_text *out) {
    reason_attach_choose(attached, scope);
    for (size_t i = 0; i < attached->count; i++) {
        if (!attached->items[i].chosen || !attached->items[i].wanted) continue;
        base_text_append(out, "[");
        reason_attach_caption(&attached->items[i], out);
        base_text_append(out, "]\n");
    }
}

/* The requests about a scope: answers for words, answers for claims, and up to three with a modality hidden. */
static size_t words_asked(const asked *a, const reason_scope *scope) {
    const bool first = a->options->labels_first && a->graph.episode_count && !scope->outline;
    return first ? (size_t)BASE_MAX(1, a->options->votes) : 0;
}

static affect_status count_scope(asked *a, const reason_scope *scope, size_t *requests,
                                 size_t *bytes, size_t *pictures, double *sound_s) {
    base_text prompt = {0}, ids = {0};
    const size_t claims = (size_t)BASE_MAX(1, a->options->votes), words = words_asked(a, scope);
    affect_status status = AFFECT_OK;
    for (int hidden = 0; hidden <= (a->options->mask ? AFFECT_MODALITY_WORDS : 0) && !status;
         hidden++) {
        reason_scope one = *scope;
        one.hidden = hidden ? (affect_modality)hidden : scope->hidden;
        const size_t times = hidden ? 1 : claims + words;
        base_text_clear(&prompt);
        base_text_clear(&ids);
        status = reason_prompt_make(a->reasoner->ctx, &a->graph, a->pattern, a->options, &one,
                                    &prompt, &ids);
        reason_attach_choose(&a->attached, &one);
        *requests += times;
        *bytes += times * prompt.length;
        for (size_t i = 0; i < a->attached.count; i++) {
            const reason_attachment *item = &a->attached.items[i];
            if (!item->chosen || !item->wanted) continue;
            *pictures += item->sound ? 0 : times;
            if (item->sound) *sound_s += (double)times * time_to_seconds(item->t1 - item->t0);
        }
        if (!hidden && words) {
            const size_t before = prompt.length;
            reason_put_label_question(a->options, &prompt);
            *bytes += words * (prompt.length - before);
        }
    }
    base_text_destroy(&prompt);
    base_text_destroy(&ids);
    return status;
}

affect_status reason_llm_sends(affect_reasoner *reasoner, const affect_timeline *timeline,
                               const affect_llm_options *o, base_text *out) {
    asked a;
    size_t requests = 0, bytes = 0, pictures = 0;
    double sound_s = 0;
    affect_status status = asked_begin(&a, reasoner, timeline, o);
    if (status != AFFECT_OK) return status;
    for (size_t i = 0; i < a.scope_count && !status; i++)
        status = count_scope(&a, &a.scopes[i], &requests, &bytes, &pictures, &sound_s);
    base_text_printf(
        out,
        "%s%zu request%s with together %zu bytes of text and, if its model takes them, "
        "%zu pictures of people and %.0f s of sound of %s to %s",
        o->mask ? "up to " : "", requests, requests == 1 ? "" : "s", bytes, pictures, sound_s,
        o->media ? o->media : "no recording", o->url);
    if (*a.attached.trouble) base_text_printf(out, " (%s)", a.attached.trouble);
    asked_end(&a);
    return status == AFFECT_OK && out->failed ? base_fail_memory(reasoner->ctx) : status;
}

static reason_segment segment_of(const reason_scope *scope) {
    const reason_node *e = scope->episode;
    return (reason_segment){e->person, e->t0, e->t1, scope->hidden ? 1U << scope->hidden : 0};
}

/* What a tuned model is told of an episode; the streams' soft tokens are no text. */
static affect_status put_tuned_prompt(asked *a, const reason_scope *scope, base_text *out) {
    reason_recording *r = NULL;
    affect_status status = reason_recording_open(a->reasoner, a->timeline, &r);
    if (status) return status;
    const reason_segment segment =
        scope->episode ? segment_of(scope)
                       : (reason_segment){AFFECT_PERSON_NONE, 0, a->timeline->duration, 0};
    reason_put_task(r, &segment, REASON_TASK_EXPLAIN, NULL, out);
    reason_recording_close(r);
    return out->failed ? base_fail_memory(a->reasoner->ctx) : AFFECT_OK;
}

affect_status affect_llm_prompt(affect_reasoner *reasoner, const affect_timeline *timeline,
                                const affect_llm_options *options, size_t size, char **text) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && options && text);
    affect_llm_options o;
    asked a;
    base_text out = {0};
    *text = NULL;
    affect_status status = take_options(ctx, options, size, &o);
    if (status == AFFECT_OK) status = asked_begin(&a, reasoner, timeline, &o);
    if (status == AFFECT_OK) {
        for (size_t i = 0; i < a.scope_count && status == AFFECT_OK; i++) {
            base_text ids = {0};
            if (i) base_text_append(&out, "\n");
            status = o.adapter ? put_tuned_prompt(&a, &a.scopes[i], &out)
                               : reason_prompt_make(ctx, &a.graph, a.pattern, &o, &a.scopes[i],
                                                    &out, &ids);
            put_captions(&a.attached, &a.scopes[i], &out);
            base_text_destroy(&ids);
        }
        if (status == AFFECT_OK && out.failed) status = base_fail_memory(ctx);
        asked_end(&a);
    }
    if (status == AFFECT_OK)
        *text = out.data;
    else
        base_text_destroy(&out);
    return status;
}

void affect_text_free(char *text) { base_free(text); }

/* ---- the answer ---- */

static affect_status parse(affect_context *ctx, json_t *root, affect_explanation **out) {
    char *text = json_dumps(root, JSON_COMPACT);
    affect_status status =
        text ? affect_explanation_parse(ctx, "its answer", text, strlen(text), out)
             : base_fail_memory(ctx);
    free(text); /* Jansson's */
    return status;
}

/* Claims that break the form are left out, unless all do. */
static affect_status read_claims(affect_context *ctx, const char *model, const char *content,
                                 affect_explanation **out) {
    json_t *root = reason_object_in(content);
    if (!root) return base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer is no JSON object");
    json_object_set_new(root, "schema", json_string("affect-explanation/1"));
    json_object_set_new(root, "generator", json_string(model));
    affect_status status = parse(ctx, root, out);
    json_t *all = json_incref(json_object_get(root, "claims"));
    for (size_t i = 0; status == AFFECT_ERROR_FORMAT && i < json_array_size(all); i++) {
        affect_explanation *one = NULL;
        json_t *single = json_array();
        json_array_append(single, json_array_get(all, i));
        json_object_set_new(root, "claims", single);
        affect_status good = parse(ctx, root, *out ? &one : out);
        if (good == AFFECT_OK && one)
            good = reason_explanation_add(ctx, *out, &one->claims[0].public, NULL);
        affect_explanation_destroy(one);
        if (good == AFFECT_ERROR_MEMORY) status = good;
    }
    if (status == AFFECT_ERROR_FORMAT && *out) status = AFFECT_OK;
    if (status != AFFECT_OK) {
        affect_explanation_destroy(*out);
        *out = NULL;
    }
    json_decref(all);
    json_decref(root);
    return status;
}

/* ---- votes ---- */

static bool same_claim(const affect_claim *a, const affect_claim *b) {
    if (a->kind != b->kind || a->direction != b->direction || a->person != b->person ||
        a->modality != b->modality || a->evidence_count != b->evidence_count)
        return false;
    for (size_t i = 0; i < a->evidence_count; i++)
        if (strcmp(a->evidence[i], b->evidence[i]) != 0) return false;
    return true;
}

/* Keeps of the first answer what more than half of all answers claim. */
static void keep_majority(affect_explanation *const *answers, size_t count) {
    affect_explanation *first = answers[0];
    for (size_t i = 0; i < first->count; i++) {
        size_t votes = 0;
        for (size_t a = 0; a < count; a++) {
            bool found = false;
            for (size_t k = 0; k < answers[a]->count && !found; k++)
                found = same_claim(&first->claims[i].public, &answers[a]->claims[k].public);
            votes += found;
        }
        if (2 * votes <= count)
            first->claims[i].public.verdict = AFFECT_VERDICT_UNSUPPORTED;
        else
            first->claims[i].public.verdict = AFFECT_VERDICT_SUPPORTED;
    }
    affect_explanation_drop(first);
}

/* ---- asking ---- */

/* The prompt about a scope. Weak events give way where a model in this process has no room for all. */
static affect_status prompt_of(asked *a, reason_scope scope, base_text *prompt, base_text *ids) {
    static const double least[] = {0.35, 0.5, 0.7, 0.9, 2};
    affect_context *ctx = a->reasoner->ctx;
    for (size_t i = 0;; i++) {
        base_text_clear(prompt);
        base_text_clear(ids);
        affect_status status =
            reason_prompt_make(ctx, &a->graph, a->pattern, a->options, &scope, prompt, ids);
        if (status != AFFECT_OK || !a->llama || reason_llama_fits(a->llama, prompt->data))
            return status;
        if (i == BASE_COUNT(least))
            return base_fail(ctx, AFFECT_ERROR_LIMIT,
                             "what was measured is more than its context holds");
        scope.least = least[i];
    }
}

/* One question and the text of its answer. `prompt` is what prompt_of made, and what was added to it. */
static affect_status exchange(asked *a, const reason_question_to *q, base_text *content) {
    const affect_llm_options *o = a->options;
    if (a->llama)
        return reason_llama_ask(a->llama, o, q, o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S,
                                content);
    return reason_server_ask(a->reasoner->ctx, o, q, a->deadline, &a->form, content);
}

/* A tuned model's answer: words into *named, and claims. */
static affect_status ask_tuned(asked *a, const reason_scope *scope, json_t *named,
                               affect_explanation **out) {
    affect_context *ctx = a->reasoner->ctx;
    const affect_llm_options *o = a->options;
    const char *model = o->model ? o->model : "default";
    const reason_segment segment = segment_of(scope);
    base_text content = {0};
    affect_status status = reason_tuned_ask(a->tuned, &segment, REASON_TASK_EXPLAIN, NULL,
                                            o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S, &content);
    const char *text = content.data ? content.data : "";
    json_t *object = reason_object_in(text); /* it may have been taught JSON */
    if (!status)
        status = object ? read_claims(ctx, model, text, out)
                        : reason_lines_read(ctx, &a->graph, a->reasoner->lexicon, model, text,
                                            scope->episode->id, named, out);
    json_decref(object);
    base_text_destroy(&content);
    return status;
}

/* `named` (may be NULL): the words that were named before. */
static affect_status ask_once(asked *a, const reason_scope *scope, json_t *named, int vote,
                              affect_explanation **out) {
    affect_context *ctx = a->reasoner->ctx;
    const affect_llm_options *o = a->options;
    if (a->tuned) return ask_tuned(a, scope, scope->hidden ? NULL : named, out);
    base_text prompt = {0}, ids = {0}, content = {0};
    affect_status status = prompt_of(a, *scope, &prompt, &ids);
    if (status == AFFECT_OK && json_object_size(named)) reason_put_named(named, &prompt);
    if (status == AFFECT_OK && prompt.failed) status = base_fail_memory(ctx);
    size_t episodes = scope->episode || a->llama ? 1 : BASE_MAX(1, a->graph.episode_count);
    const reason_question_to q = {.prompt = prompt.data,
                                  .ids = ids.length ? ids.data : NULL,
                                  .vote = vote,
                                  .attached = &a->attached,
                                  .most = (int)BASE_MIN(MOST_CLAIMS, EPISODE_CLAIMS * episodes)};
    reason_attach_choose(&a->attached, scope);
    if (status == AFFECT_OK) status = exchange(a, &q, &content);
    if (status == AFFECT_OK)
        status = read_claims(ctx, o->model ? o->model : "default", content.data ? content.data : "",
                             out);
    base_text_destroy(&prompt);
    base_text_destroy(&ids);
    base_text_destroy(&content);
    return status;
}

/* ---- words first ---- */

/* What is expressed in the episodes of a scope, by the majority of the answers, into *named. */
static affect_status ask_words(asked *a, const reason_scope *scope, json_t *named) {
    affect_context *ctx = a->reasoner->ctx;
    const reason_graph *g = &a->graph;
    base_text prompt = {0}, ids = {0}, content = {0};
    size_t answers = (size_t)BASE_MAX(1, a->options->votes);
    affect_status status = prompt_of(a, *scope, &prompt, &ids);
    base_text_clear(&ids);
    for (size_t i = 0; i < g->episode_count; i++) {
        if (scope->episode && scope->episode != g->episodes[i]) continue;
        base_text_append(&ids, ids.length ? "," : "[");
        base_text_append_json(&ids, g->episodes[i]->id);
    }
    base_text_append(&ids, "]");
    reason_put_label_question(a->options, &prompt);
    if (status == AFFECT_OK && (ids.failed || prompt.failed)) status = base_fail_memory(ctx);
    for (size_t i = 0; i < answers && status == AFFECT_OK; i++) {
        const reason_question_to q = {
            .prompt = prompt.data,
            .ids = ids.data,
            .vote = (int)i,
            .attached = &a->attached,
            .most = scope->episode ? 1 : (int)BASE_MIN(MOST_CLAIMS, g->episode_count),
            .labels = true};
        base_text_clear(&content);
        reason_attach_choose(&a->attached, scope);
        status = exchange(a, &q, &content);
        if (status == AFFECT_OK)
            status = reason_named_read(ctx, g, content.data ? content.data : "", named);
    }
    if (status == AFFECT_OK) reason_named_keep(named, answers);
    base_text_destroy(&prompt);
    base_text_destroy(&ids);
    base_text_destroy(&content);
    return status;
}

/* ---- a modality hidden ---- */

static bool claims_of(const affect_explanation *e, affect_modality modality) {
    for (size_t i = 0; i < e->count; i++)
        if (e->claims[i].public.modality == modality) return true;
    return false;
}

/* The same said again: of the same modality, kind, person and direction, at about the same time. The
 * evidence is not compared, since what was hidden cannot be cited. */
static bool said_again(const affect_claim *claim, const affect_explanation *blind) {
    for (size_t i = 0; i < blind->count; i++) {
        const affect_claim *c = &blind->claims[i].public;
        if (c->modality == claim->modality && c->kind == claim->kind &&
            c->person == claim->person && c->direction == claim->direction && c->t0 <= claim->t1 &&
            claim->t0 <= c->t1)
            return true;
    }
    return false;
}

/* Drops what the model says of a modality also where nothing was told of it. */
static affect_status drop_unseen(asked *a, const reason_scope *scope, json_t *named,
                                 affect_explanation *e) {
    affect_status status = AFFECT_OK;
    for (affect_modality m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS && !status; m++) {
        if (!claims_of(e, m)) continue;
        reason_scope hidden = *scope;
        affect_explanation *blind = NULL;
        hidden.hidden = m;
        status = ask_once(a, &hidden, named, 0, &blind);
        for (size_t i = 0; status == AFFECT_OK && i < e->count; i++) {
            affect_claim *c = &e->claims[i].public;
            c->verdict = c->modality == m && said_again(c, blind) ? AFFECT_VERDICT_UNSUPPORTED
                                                                  : AFFECT_VERDICT_SUPPORTED;
        }
        if (status == AFFECT_OK) affect_explanation_drop(e);
        affect_explanation_destroy(blind);
    }
    return status;
}

/* What the model says of one scope, appended to `all`. *said: how many claims there were at first. */
static affect_status ask_about(asked *a, const reason_scope *scope, affect_explanation *all,
                               size_t *said) {
    affect_context *ctx = a->reasoner->ctx;
    affect_explanation *answers[MOST_VOTES] = {NULL};
    size_t count = 0, votes = (size_t)BASE_MAX(1, a->options->votes);
    json_t *named = NULL; /* the outline's episodes were named each alone */
    affect_status status = AFFECT_OK;
    if (a->options->labels_first && a->graph.episode_count && !scope->outline) {
        named = json_object();
        status = named ? ask_words(a, scope, named) : base_fail_memory(ctx);
    } else if (a->tuned) {
        named = json_object();
        if (!named) status = base_fail_memory(ctx);
    }
    while (count < votes && status == AFFECT_OK) {
        status = ask_once(a, scope, named, (int)count, &answers[count]);
        if (status == AFFECT_OK) count++;
    }
    if (status == AFFECT_OK) *said += answers[0]->count;
    if (status == AFFECT_OK && votes > 1) keep_majority(answers, count);
    if (status == AFFECT_OK && a->options->mask) status = drop_unseen(a, scope, named, answers[0]);
    if (status == AFFECT_OK && named && !a->tuned)
        reason_named_drop(a->reasoner, &a->graph, named, answers[0]);
    for (size_t i = 0; status == AFFECT_OK && i < answers[0]->count; i++)
        status = reason_explanation_add(ctx, all, &answers[0]->claims[i].public,
                                        scope->episode ? scope->episode->id : NULL);
    if (status == AFFECT_OK && named)
        status = reason_named_fill(a->reasoner, &a->graph, named, all);
    for (size_t i = 0; i < votes; i++) affect_explanation_destroy(answers[i]);
    json_decref(named);
    return status;
}

static bool gives_up(affect_status status) {
    return status == AFFECT_ERROR_CANCELLED || status == AFFECT_ERROR_MEMORY;
}

/* The paragraph of our own account for an episode that the model said nothing usable of. */
static affect_status stand_in(asked *a, const reason_scope *scope, affect_explanation **own,
                              affect_explanation *all) {
    affect_context *ctx = a->reasoner->ctx;
    affect_status status = AFFECT_OK;
    if (!scope->episode) return AFFECT_OK;
    if (!*own) status = affect_explain(a->reasoner, a->timeline, NULL, 0, own);
    for (size_t i = 0; status == AFFECT_OK && i < (*own)->count; i++) {
        const reason_claim *c = &(*own)->claims[i];
        if (c->episode && strcmp(c->episode, scope->episode->id) == 0)
            status = reason_explanation_add(ctx, all, &c->public, c->episode);
    }
    return status;
}

static bool is_about(const affect_explanation *e, const reason_scope *scope) {
    for (size_t i = 0; i < e->count; i++)
        if (e->claims[i].episode && strcmp(e->claims[i].episode, scope->episode->id) == 0)
            return true;
    return false;
}

/* Every scope, checked; at least one claim of the model's holds. */
static affect_status ask_model(asked *a, affect_explanation **out) {
    affect_context *ctx = a->reasoner->ctx;
    const affect_llm_options *o = a->options;
    affect_explanation *all = NULL, *own = NULL;
    size_t said = 0, failed = 0, lost = 0;
    char why[256] = "";
    const char *input = affect_timeline_property(a->timeline, "input");
    affect_status status =
        reason_explanation_create(ctx, input ? input : "", o->model ? o->model : "default", &all);
    for (size_t i = 0; i < a->scope_count && !status; i++) {
        if (o->progress)
            o->progress(o->progress_user, "asking the model", (double)i / (double)a->scope_count);
        status = ask_about(a, &a->scopes[i], all, &said);
        if (status == AFFECT_OK || gives_up(status) || a->scope_count == 1) continue;
        if (!failed++) snprintf(why, sizeof why, "%s", affect_context_message(ctx));
        status = AFFECT_OK;
        if (!a->llama && base_now_s() >= a->deadline) break; /* there is no time for others */
    }
    if (!status && failed && !said) status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s", why);
    if (!status) status = affect_explanation_check(a->reasoner, a->timeline, all);
    if (!status) {
        affect_explanation_drop(all);
        if (!all->count)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "none of its %zu claims holds%s%s", said,
                               failed ? ", and elsewhere " : "", why);
    }
    for (size_t i = 0; i < a->scope_count && !status; i++) {
        if (!a->scopes[i].episode || is_about(all, &a->scopes[i])) continue;
        lost++;
        status = stand_in(a, &a->scopes[i], &own, all);
    }
    if (!status && lost) {
        status = affect_explanation_check(a->reasoner, a->timeline, all);
        base_log(ctx, AFFECT_LOG_WARNING,
                 "the language model said nothing that holds of %zu of %zu episodes%s%s; of these "
                 "this is the account without it",
                 lost, a->graph.episode_count, *why ? ": " : "", why);
    }
    affect_explanation_destroy(own);
    if (status)
        affect_explanation_destroy(all);
    else
        *out = all;
    return status;
}

/* The model in this process, and its adapter. */
static affect_status open_file(asked *a) {
    affect_context *ctx = a->reasoner->ctx;
    reason_recording *recording = NULL;
    affect_status status = reason_llama_open(ctx, a->options, &a->llama);
    if (status || !a->options->adapter) return status;
    if (!a->graph.episode_count)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no episode to ask about");
    status = reason_recording_open(a->reasoner, a->timeline, &recording);
    if (!status)
        status = reason_tuned_open(ctx, a->llama, a->options->adapter, recording, &a->tuned);
    if (!a->tuned) reason_recording_close(recording);
    return status;
}

affect_status affect_explain_with_llm(affect_reasoner *reasoner, const affect_timeline *timeline,
                                      const affect_llm_options *options, size_t size,
                                      affect_explanation **out) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && options && out);
    affect_llm_options o;
    asked a;
    *out = NULL;
    affect_status status = take_options(ctx, options, size, &o);
    if (status == AFFECT_OK) status = asked_begin(&a, reasoner, timeline, &o);
    if (status != AFFECT_OK) return status;
    if (reason_is_file(o.url))
        status = open_file(&a);
    else
        status =
            reason_attach_fill(ctx, &o, o.timeout_s > 0 ? o.timeout_s : TIMEOUT_S, &a.attached);
    a.deadline = base_now_s() + (o.timeout_s > 0 ? o.timeout_s : TIMEOUT_S);
    if (status == AFFECT_OK) status = ask_model(&a, out);
    asked_end(&a);
    if (status != AFFECT_OK && !gives_up(status)) {
        base_log(ctx, AFFECT_LOG_WARNING,
                 "the language model %s %s did not help: %s; this is the account without it",
                 reason_is_file(o.url) ? "in" : "at", o.url, affect_context_message(ctx));
        status = affect_explain(reasoner, timeline, NULL, 0, out);
    }
    return status;
}

/* ---- questions ---- */

/* The episode that the answer's evidence is in or is, else the longest. */
static const reason_node *episode_of(const reason_graph *g, const affect_answer *answer) {
    const reason_node *best = NULL;
    for (size_t i = 0; i < answer->evidence_count && !best; i++) {
        const reason_node *n = reason_graph_find(g, answer->evidence[i]);
        if (n) best = reason_is_episode(n) ? n : reason_episode_at(g, n->person, n->apex);
    }
    for (size_t i = 0; i < g->episode_count && !best; i++) {
        for (size_t k = 0; k < g->episode_count; k++)
            if (!best || g->episodes[k]->t1 - g->episodes[k]->t0 > best->t1 - best->t0)
                best = g->episodes[k];
    }
    return best;
}

/* Its claims that hold. */
static affect_status answer_of(asked *a, const affect_answer *own, const char *question,
                               affect_explanation **out) {
    affect_context *ctx = a->reasoner->ctx;
    const affect_llm_options *o = a->options;
    base_text content = {0};
    affect_status status = open_file(a);
    const reason_scope scope = {.episode = status ? NULL : episode_of(&a->graph, own)};
    reason_segment segment = {0};
    if (!status) segment = segment_of(&scope);
    if (!status)
        status = reason_tuned_ask(a->tuned, &segment, REASON_TASK_ANSWER, question,
                                  o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S, &content);
    const char *text = content.data ? content.data : "";
    json_t *object = status ? NULL : reason_object_in(text);
    if (!status)
        status = object ? read_claims(ctx, "tuned", text, out)
                        : reason_lines_read(ctx, &a->graph, a->reasoner->lexicon, "tuned", text,
                                            scope.episode->id, NULL, out);
    size_t said = affect_explanation_count(*out);
    if (!status) status = affect_explanation_check(a->reasoner, a->timeline, *out);
    if (!status) affect_explanation_drop(*out);
    if (!status && !affect_explanation_count(*out))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "none of its %zu claims holds", said);
    json_decref(object);
    base_text_destroy(&content);
    return status;
}

affect_status affect_ask_with_llm(affect_reasoner *reasoner, const affect_timeline *timeline,
                                  const char *question, const affect_llm_options *options,
                                  size_t size, const affect_answer **out) {
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && question && options && out);
    affect_llm_options o;
    const affect_answer *own = NULL;
    affect_explanation *claims = NULL;
    asked a;
    *out = NULL;
    affect_status status = take_options(ctx, options, size, &o);
    if (!status && !o.adapter)
        status =
            base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a question wants a tuned model: an adapter");
    if (!status) status = affect_ask(reasoner, timeline, question, &own);
    if (status || own->refused) {
        *out = own;
        return status;
    }
    status = asked_begin(&a, reasoner, timeline, &o);
    if (!status) {
        status = answer_of(&a, own, question, &claims);
        asked_end(&a);
        if (!status) status = reason_answer_of(ctx, claims, out);
        if (status && !gives_up(status)) {
            base_log(ctx, AFFECT_LOG_WARNING,
                     "the language model in %s did not help: %s; this is the answer without it",
                     o.url, affect_context_message(ctx));
            *out = own;
            own = NULL;
            status = AFFECT_OK;
        }
    }
    affect_explanation_destroy(claims);
    affect_answer_destroy(own);
    return status;
}
