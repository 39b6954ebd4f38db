/* What the page says of the recording in sentences: an explanation with the verdicts of its check, and answers to
 * questions, all with the ids that they rest on. The explanation is a file's, whoever wrote it, or the
 * deterministic one. */
#include <stdlib.h>
#include <string.h>

#include "affect/reason.h"
#include "report/report_private.h"

/* More than anybody reads on one page; the rest is in explanation.json. */
enum { MOST_CLAIMS = 2000 };

static void put_string(FILE *out, const char *text) {
    report_put_json_string(out, text ? text : "", JSON_IN_PAGE);
}

static void put_ids(FILE *out, const char *const *ids, size_t count) {
    fputs_unlocked(",\"evidence\":[", out);
    for (size_t i = 0; i < count; i++) {
        if (i) putc_unlocked(',', out);
        put_string(out, ids[i]);
    }
    fputs_unlocked("]}", out);
}

static void put_share(FILE *out, const char *name, double share) {
    char text[NUMBER_TEXT_SIZE];
    report_fixed(share, 3, text);
    fprintf(out, ",\"%s\":%s", name, *text ? text : "null");
}

static void put_claim(FILE *out, const affect_claim *c) {
    fputs_unlocked("{\"text\":", out);
    put_string(out, c->text);
    fprintf(out, ",\"kind\":\"%s\",\"modality\":\"%s\",\"person\":%d,\"t0\":%lld,\"t1\":%lld",
            affect_claim_kind_name(c->kind), affect_modality_name(c->modality), c->person,
            (long long)report_ms(c->t0), (long long)report_ms(c->t1));
    fprintf(out, ",\"verdict\":\"%s\",\"reason\":", affect_verdict_name(c->verdict));
    put_string(out, c->reason);
    put_ids(out, c->evidence, c->evidence_count);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef struct id_list {
    const char **items; /* sorted */
    size_t count, capacity;
} id_list;

static affect_status gather_cited(affect_context *ctx, const affect_explanation *e, size_t shown,
                                  id_list *out) {
    for (size_t i = 0; i < shown; i++) {
        const affect_claim *c = affect_explanation_claim(e, i);
        if (!base_grow((void **)&out->items, &out->capacity, out->count + c->evidence_count,
                       sizeof *out->items))
            return base_fail_memory(ctx);
        for (size_t k = 0; k < c->evidence_count; k++) out->items[out->count++] = c->evidence[k];
    }
    if (out->count) qsort(out->items, out->count, sizeof *out->items, by_text);
    return AFFECT_OK;
}

static bool is_cited(const id_list *cited, const char *id) {
    return cited->count &&
           bsearch(&id, cited->items, cited->count, sizeof *cited->items, by_text) != NULL;
}

/* The links that the page has no other use for, where a claim cites one end: [from, to, kind, score]. */
static void put_links(FILE *out, const affect_timeline *t, const id_list *cited) {
    bool first = true;
    fputs_unlocked(",\"links\":[", out);
    for (size_t i = 0; i < t->link_count; i++) {
        const affect_link *l = &t->links[i];
        if (l->kind == AFFECT_LINK_MATCHES || l->kind == AFFECT_LINK_CONTRADICTS ||
            !(is_cited(cited, l->from) || is_cited(cited, l->to)))
            continue;
        fputs_unlocked(first ? "[" : ",[", out);
        first = false;
        put_string(out, l->from);
        putc_unlocked(',', out);
        put_string(out, l->to);
        fprintf(out, ",\"%s\"", affect_link_kind_name(l->kind));
        char text[NUMBER_TEXT_SIZE];
        report_fixed((double)l->score, 3, text);
        fprintf(out, ",%s]", *text ? text : "null");
    }
    putc_unlocked(']', out);
}

static affect_status put_answers(FILE *out, affect_reasoner *reasoner, const affect_timeline *t,
                                 const report_options *o) {
    fputs_unlocked(",\"answers\":[", out);
    for (size_t i = 0; o && i < o->question_count; i++) {
        const affect_answer *a = NULL;
        affect_status status = affect_ask(reasoner, t, o->questions[i], &a);
        if (status != AFFECT_OK) return status;
        fputs_unlocked(i ? ",\n{\"question\":" : "\n{\"question\":", out);
        put_string(out, o->questions[i]);
        fputs_unlocked(",\"text\":", out);
        put_string(out, a->text);
        fprintf(out, ",\"refused\":%s", a->refused ? "true" : "false");
        put_share(out, "confidence", a->confidence);
        put_ids(out, a->evidence, a->evidence_count);
        affect_answer_destroy(a);
    }
    putc_unlocked(']', out);
    return AFFECT_OK;
}

static bool has_episodes(const affect_timeline *t) {
    for (size_t i = 0; i < t->tier_count; i++)
        if (strcmp(t->tiers[i]->id, "episodes") == 0 && t->tiers[i]->count) return true;
    return false;
}

affect_status report_put_account(affect_context *ctx, const affect_timeline *timeline,
                                 const report_options *options, FILE *out) {
    const bool asked = options && (options->explanation || options->question_count);
    affect_reasoner *reasoner = NULL;
    affect_explanation *e = NULL;
    id_list cited = {0};
    if (!asked && !has_episodes(timeline)) return AFFECT_OK;
    affect_status status = affect_reasoner_create(ctx, NULL, &reasoner);
    /* Without the lexicon the page is what it was; who asked for more is told. */
    if (status != AFFECT_OK) return asked || status == AFFECT_ERROR_MEMORY ? status : AFFECT_OK;
    status = options && options->explanation
                 ? affect_explanation_read(ctx, options->explanation, &e)
                 : affect_explain(reasoner, timeline, NULL, 0, &e);
    if (status == AFFECT_OK) status = affect_explanation_check(reasoner, timeline, e);
    size_t count = affect_explanation_count(e), shown = BASE_MIN(count, MOST_CLAIMS);
    if (status == AFFECT_OK) status = gather_cited(ctx, e, shown, &cited);
    if (status == AFFECT_OK) {
        fprintf(out, ",\n\"account\":{\"own\":%s,\"count\":%zu",
                options && options->explanation ? "false" : "true", count);
        put_share(out, "faithfulness", affect_explanation_faithfulness(e));
        put_share(out, "utilisation", affect_explanation_utilisation(e));
        fputs_unlocked(",\"claims\":[", out);
        for (size_t i = 0; i < shown; i++) {
            fputs_unlocked(i ? ",\n" : "\n", out);
            put_claim(out, affect_explanation_claim(e, i));
        }
        putc_unlocked(']', out);
        put_links(out, timeline, &cited);
        status = put_answers(out, reasoner, timeline, options);
        putc_unlocked('}', out);
    }
    base_free((void *)(uintptr_t)cited.items);
    affect_explanation_destroy(e);
    affect_reasoner_destroy(reasoner);
    return status;
}
