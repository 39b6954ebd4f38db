/* Explanations as data: the list of claims, its JSON (affect-explanation/1) and its text. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

static const char *const claim_kinds[] = {
#define WORD(symbol, word) word,
    AFFECT_CLAIM_TABLE(WORD)
#undef WORD
};
static const char *const directions[] = {"", "rise", "fall", "steady"};
static const char *const verdicts[] = {"", "supported", "contradicted", "unsupported",
                                       "uncheckable"};

static const char *name_at(const char *const *names, size_t count, int i) {
    return i >= 0 && (size_t)i < count ? names[i] : "";
}
const char *affect_claim_kind_name(affect_claim_kind kind) {
    return name_at(claim_kinds, BASE_COUNT(claim_kinds), (int)kind);
}
const char *affect_direction_name(affect_direction direction) {
    return name_at(directions, BASE_COUNT(directions), (int)direction);
}
const char *affect_verdict_name(affect_verdict verdict) {
    return name_at(verdicts, BASE_COUNT(verdicts), (int)verdict);
}

static int index_of(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return (int)i;
    return -1;
}

/* ---- the list ---- */

affect_status reason_explanation_create(affect_context *ctx, const char *input,
                                        const char *generator, affect_explanation **out) {
    affect_explanation *e = base_calloc(1, sizeof *e);
    *out = NULL;
    if (!e) return base_fail_memory(ctx);
    e->input = base_strdup(input ? input : "");
    e->generator = base_strdup(generator);
    if (!e->input || !e->generator) {
        affect_explanation_destroy(e);
        return base_fail_memory(ctx);
    }
    *out = e;
    return AFFECT_OK;
}

static void clear_claim(reason_claim *c) {
    for (size_t i = 0; i < c->public.evidence_count; i++)
        base_free((void *)(uintptr_t)c->public.evidence[i]);
    base_free((void *)(uintptr_t)c->public.evidence);
    base_free((void *)(uintptr_t)c->public.text);
    base_free((void *)(uintptr_t)c->public.reason);
    base_free((void *)(uintptr_t)c->episode);
}

affect_status reason_explanation_add(affect_context *ctx, affect_explanation *e,
                                     const affect_claim *claim, const char *episode) {
    if (!base_grow((void **)&e->claims, &e->capacity, e->count + 1, sizeof *e->claims))
        return base_fail_memory(ctx);
    reason_claim *c = &e->claims[e->count];
    *c = (reason_claim){.public = *claim, .episode = base_strdup(episode)};
    c->public.text = base_utf8_clean(claim->text, strlen(claim->text));
    c->public.reason = base_strdup(claim->reason ? claim->reason : "");
    c->public.evidence_count = 0;
    char **ids = base_calloc(claim->evidence_count + 1, sizeof *ids);
    c->public.evidence = (const char *const *)ids;
    bool whole = c->public.text && c->public.reason && ids && (!episode || c->episode);
    for (size_t i = 0; whole && i < claim->evidence_count; i++) {
        ids[i] = base_strdup(claim->evidence[i]);
        whole = ids[i] != NULL;
        c->public.evidence_count += whole;
    }
    if (!whole) {
        clear_claim(c);
        return base_fail_memory(ctx);
    }
    e->count++;
    return AFFECT_OK;
}

affect_status reason_explanation_name(affect_context *ctx, affect_explanation *e,
                                      const char *episode, int person, affect_labels *labels) {
    if (!base_grow((void **)&e->named, &e->named_capacity, e->named_count + 1, sizeof *e->named)) {
        affect_labels_destroy(labels);
        return base_fail_memory(ctx);
    }
    reason_named *n = &e->named[e->named_count++];
    *n = (reason_named){base_strdup(episode), person, labels};
    return n->episode ? AFFECT_OK : base_fail_memory(ctx);
}

affect_status reason_claim_judge(affect_context *ctx, reason_claim *claim, affect_verdict verdict,
                                 const char *reason) {
    char *copy = base_strdup(reason);
    if (!copy) return base_fail_memory(ctx);
    base_free((void *)(uintptr_t)claim->public.reason);
    claim->public.reason = copy;
    claim->public.verdict = verdict;
    return AFFECT_OK;
}

size_t affect_explanation_count(const affect_explanation *e) { return e ? e->count : 0; }
const affect_claim *affect_explanation_claim(const affect_explanation *e, size_t i) {
    return e && i < e->count ? &e->claims[i].public : NULL;
}

void affect_explanation_destroy(affect_explanation *e) {
    if (!e) return;
    for (size_t i = 0; i < e->count; i++) clear_claim(&e->claims[i]);
    for (size_t i = 0; i < e->named_count; i++) {
        base_free(e->named[i].episode);
        affect_labels_destroy(e->named[i].labels);
    }
    base_free(e->claims);
    base_free(e->named);
    base_free(e->input);
    base_free(e->generator);
    base_text_destroy(&e->evidence);
    base_text_destroy(&e->text);
    base_free(e);
}

void affect_explanation_drop(affect_explanation *e) {
    size_t kept = 0;
    for (size_t i = 0; e && i < e->count; i++) {
        if (e->claims[i].public.verdict == AFFECT_VERDICT_SUPPORTED)
            e->claims[kept++] = e->claims[i];
        else
            clear_claim(&e->claims[i]);
    }
    if (e) e->count = kept;
}

double affect_explanation_faithfulness(const affect_explanation *e) {
    size_t supported = 0;
    if (!e || !e->checked || !e->count) return NAN;
    for (size_t i = 0; i < e->count; i++)
        supported += e->claims[i].public.verdict == AFFECT_VERDICT_SUPPORTED;
    return (double)supported / (double)e->count;
}

double affect_explanation_utilisation(const affect_explanation *e) {
    if (!e || !e->checked || !e->strong) return NAN;
    return (double)e->strong_cited / (double)e->strong;
}

/* ---- writing ---- */

static void put_time(base_text *out, const char *member, affect_time time) {
    char text[TIME_TEXT_SIZE];
    time_to_text(time, text);
    base_text_printf(out, ",\"%s\":%s", member, *text ? text : "null");
}

static void put_text(base_text *out, const char *before, const char *text) {
    base_text_append(out, before);
    base_text_append_json(out, text);
}

static void put_claim(base_text *out, const affect_claim *c, bool checked) {
    put_text(out, "{\"text\":", c->text);
    base_text_printf(out, ",\"kind\":\"%s\"", affect_claim_kind_name(c->kind));
    if (c->person)
        base_text_printf(out, ",\"person\":%d", c->person);
    else
        base_text_append(out, ",\"person\":null");
    base_text_printf(out, ",\"modality\":\"%s\"", affect_modality_name(c->modality));
    if (c->direction)
        base_text_printf(out, ",\"direction\":\"%s\"", affect_direction_name(c->direction));
    else
        base_text_append(out, ",\"direction\":null");
    put_time(out, "t0", c->t0);
    put_time(out, "t1", c->t1);
    base_text_append(out, ",\"evidence\":[");
    for (size_t i = 0; i < c->evidence_count; i++) put_text(out, i ? "," : "", c->evidence[i]);
    base_text_append(out, "]");
    if (checked) {
        base_text_printf(out, ",\"verdict\":\"%s\"", affect_verdict_name(c->verdict));
        put_text(out, ",\"reason\":", c->reason);
    }
    base_text_append(out, "}");
}

static void put_named(base_text *out, const reason_named *n) {
    put_text(out, "{\"episode\":", n->episode);
    if (n->person)
        base_text_printf(out, ",\"person\":%d,\"labels\":[", n->person);
    else
        base_text_append(out, ",\"person\":null,\"labels\":[");
    for (size_t i = 0; i < affect_labels_count(n->labels); i++) {
        put_text(out, i ? ",{\"word\":" : "{\"word\":", affect_labels_word(n->labels, i));
        base_text_printf(out, ",\"score\":%.3f", affect_labels_score(n->labels, i));
        put_text(out, ",\"family\":", affect_labels_family(n->labels, i));
        put_text(out, ",\"category\":", affect_labels_category(n->labels, i));
        base_text_append(out, "}");
    }
    base_text_append(out, "]}");
}

static void put_share(base_text *out, const char *member, double share) {
    if (isfinite(share))
        base_text_printf(out, ",\n\"%s\":%.3f", member, share);
    else
        base_text_printf(out, ",\n\"%s\":null", member);
}

affect_status affect_explanation_json(affect_context *ctx, affect_explanation *e,
                                      const char **text) {
    BASE_NEED(ctx, e && text);
    base_text *out = &e->text;
    base_text_clear(out);
    out->failed = false;
    base_text_append(out, "{\"schema\":\"affect-explanation/1\"");
    put_text(out, ",\n\"input\":", e->input);
    put_text(out, ",\n\"generator\":", e->generator);
    base_text_append(out, ",\n\"labels\":[");
    for (size_t i = 0; i < e->named_count; i++) {
        base_text_append(out, i ? ",\n" : "\n");
        put_named(out, &e->named[i]);
    }
    base_text_append(out, "],\n\"claims\":[");
    for (size_t i = 0; i < e->count; i++) {
        base_text_append(out, i ? ",\n" : "\n");
        put_claim(out, &e->claims[i].public, e->checked);
    }
    base_text_append(out, "]");
    if (e->evidence.length) {
        base_text_append(out, ",\n\"evidence\":");
        base_text_append(out, e->evidence.data);
    }
    if (e->checked) {
        put_share(out, "faithfulness", affect_explanation_faithfulness(e));
        put_share(out, "utilisation", affect_explanation_utilisation(e));
    }
    base_text_append(out, "}\n");
    *text = out->data;
    return out->failed ? base_fail_memory(ctx) : AFFECT_OK;
}

affect_status affect_explanation_text(affect_context *ctx, affect_explanation *e,
                                      const char **text) {
    BASE_NEED(ctx, e && text);
    base_text *out = &e->text;
    base_text_clear(out);
    out->failed = false;
    base_text_append(out, "");
    for (size_t i = 0; i < e->count; i++) {
        const reason_claim *c = &e->claims[i];
        const char *last = i ? e->claims[i - 1].episode : NULL;
        bool paragraph = i && (!c->episode || !last || strcmp(c->episode, last) != 0);
        base_text_append(out, paragraph ? "\n\n" : i ? " " : "");
        base_text_append_clean(out, c->public.text);
        base_text_append(out, " [");
        for (size_t k = 0; k < c->public.evidence_count; k++) {
            base_text_append(out, k ? ", " : "");
            base_text_append_clean(out, c->public.evidence[k]);
        }
        base_text_append(out, "]");
        if (e->checked && c->public.verdict != AFFECT_VERDICT_SUPPORTED) {
            base_text_printf(out, " (%s: ", affect_verdict_name(c->public.verdict));
            base_text_append_clean(out, c->public.reason);
            base_text_append(out, ")");
        }
    }
    base_text_append(out, e->count ? "\n" : "There is nothing to explain: no episode was found.\n");
    *text = out->data;
    return out->failed ? base_fail_memory(ctx) : AFFECT_OK;
}

affect_status affect_explanation_verdicts(affect_context *ctx, affect_explanation *e,
                                          const char **text) {
    BASE_NEED(ctx, e && text);
    size_t sums[BASE_COUNT(verdicts)] = {0};
    base_text *out = &e->text;
    base_text_clear(out);
    out->failed = false;
    for (size_t i = 0; i < e->count; i++) {
        const affect_claim *c = &e->claims[i].public;
        sums[c->verdict]++;
        base_text_printf(out, "%4zu %-12s ", i + 1, affect_verdict_name(c->verdict));
        base_text_append_clean(out, c->text);
        if (*c->reason) {
            base_text_append(out, "\n                  ");
            base_text_append_clean(out, c->reason);
        }
        base_text_append(out, "\n");
    }
    base_text_printf(out, "%zu claims: ", e->count);
    for (size_t v = AFFECT_VERDICT_SUPPORTED; v < BASE_COUNT(verdicts); v++)
        base_text_printf(out, "%s%zu %s", v > AFFECT_VERDICT_SUPPORTED ? ", " : "", sums[v],
                         verdicts[v]);
    base_text_append(out, "\n");
    if (isfinite(affect_explanation_faithfulness(e)))
        base_text_printf(out, "faithfulness %.3f\n", affect_explanation_faithfulness(e));
    if (isfinite(affect_explanation_utilisation(e)))
        base_text_printf(out, "utilisation %.3f of %zu strong events\n",
                         affect_explanation_utilisation(e), e->strong);
    *text = out->data;
    return out->failed ? base_fail_memory(ctx) : AFFECT_OK;
}

/* ---- reading ---- */

typedef struct claim_reader {
    affect_context *ctx;
    const char *name;
    size_t claim; /* from 1 */
} claim_reader;

static affect_status refuse(const claim_reader *r, const char *member, const char *expected) {
    return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: claim %zu: '%s' must be %s", r->name,
                     r->claim, member, expected);
}

static affect_status read_time(const claim_reader *r, const json_t *object, const char *member,
                               affect_time *out) {
    const json_t *value = json_object_get(object, member);
    double seconds = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(seconds >= 0 && seconds < 1e9)) return refuse(r, member, "seconds from 0 on");
    *out = time_from_seconds(seconds);
    return AFFECT_OK;
}

/* A word of a list; `none` (or -1) where it is null or missing. */
static affect_status read_word(const claim_reader *r, const json_t *object, const char *member,
                               const char *const *names, size_t count, int none,
                               const char *expected, int *out) {
    const json_t *value = json_object_get(object, member);
    *out = none;
    if (none >= 0 && (!value || json_is_null(value))) return AFFECT_OK;
    *out = json_is_string(value) ? index_of(names, count, json_string_value(value)) : -1;
    return *out < 0 ? refuse(r, member, expected) : AFFECT_OK;
}

static affect_status read_claim(const claim_reader *r, const json_t *object,
                                affect_explanation *e) {
    static const char *const modalities[] = {"none", "face", "voice", "words", "fused"};
    affect_claim c = {.person = AFFECT_PERSON_NONE};
    const char *ids[REASON_EVIDENCE_LIMIT];
    if (!json_is_object(object))
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: claim %zu is no object", r->name,
                         r->claim);
    c.text = json_string_value(json_object_get(object, "text"));
    if (!c.text) return refuse(r, "text", "a text");
    int kind, modality, direction;
    affect_status status =
        read_word(r, object, "kind", claim_kinds, BASE_COUNT(claim_kinds), -1,
                  "event, state, change, order, lag, cause or contradiction", &kind);
    if (status == AFFECT_OK)
        status = read_word(r, object, "modality", modalities, BASE_COUNT(modalities), -1,
                           "face, voice, words or fused", &modality);
    if (status == AFFECT_OK)
        status = read_word(r, object, "direction", directions, BASE_COUNT(directions), 0,
                           "rise, fall, steady or null", &direction);
    if (status == AFFECT_OK) status = read_time(r, object, "t0", &c.t0);
    if (status == AFFECT_OK) status = read_time(r, object, "t1", &c.t1);
    if (status != AFFECT_OK) return status;
    if (c.t1 < c.t0) return refuse(r, "t1", "at or after t0");
    c.kind = (affect_claim_kind)kind;
    c.modality = (affect_modality)modality;
    c.direction = (affect_direction)direction;
    const json_t *person = json_object_get(object, "person");
    if (person && !json_is_null(person)) {
        json_int_t number = json_is_integer(person) ? json_integer_value(person) : 0;
        if (number < 1 || number > 1000000)
            return refuse(r, "person", "a number from 1 on or null");
        c.person = (int)number;
    }
    const json_t *evidence = json_object_get(object, "evidence");
    if (!json_is_array(evidence) || json_array_size(evidence) > REASON_EVIDENCE_LIMIT)
        return refuse(r, "evidence", "a list of at most 64 ids");
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        ids[i] = json_string_value(json_array_get(evidence, i));
        if (!ids[i]) return refuse(r, "evidence", "a list of at most 64 ids");
    }
    c.evidence = ids;
    c.evidence_count = json_array_size(evidence);
    return reason_explanation_add(r->ctx, e, &c, NULL);
}

affect_status affect_explanation_parse(affect_context *ctx, const char *name, const char *text,
                                       size_t length, affect_explanation **out) {
    BASE_NEED(ctx, name && text && out);
    *out = NULL;
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line %d: %s", name,
                         error.line < 0 ? 0 : error.line, error.text);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const json_t *claims = json_object_get(root, "claims");
    const char *input = json_string_value(json_object_get(root, "input"));
    const char *generator = json_string_value(json_object_get(root, "generator"));
    claim_reader reader = {.ctx = ctx, .name = name};
    affect_explanation *e = NULL;
    affect_status status = AFFECT_OK;
    if (!schema || strcmp(schema, "affect-explanation/1") != 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: 'schema' is not \"affect-explanation/1\"",
                           name);
    else if (!json_is_array(claims))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: 'claims' is no list", name);
    else if (json_array_size(claims) > REASON_CLAIMS_LIMIT)
        status = base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: has more than %d claims", name,
                           REASON_CLAIMS_LIMIT);
    if (status == AFFECT_OK)
        status = reason_explanation_create(ctx, input, generator ? generator : "", &e);
    for (size_t i = 0; status == AFFECT_OK && i < json_array_size(claims); i++) {
        reader.claim = i + 1;
        status = read_claim(&reader, json_array_get(claims, i), e);
    }
    json_decref(root);
    if (status == AFFECT_OK)
        *out = e;
    else
        affect_explanation_destroy(e);
    return status;
}

affect_status affect_explanation_read(affect_context *ctx, const char *path,
                                      affect_explanation **out) {
    BASE_NEED(ctx, path && out);
    char *text;
    size_t length;
    *out = NULL;
    affect_status status = base_read_file(ctx, path, (size_t)64 << 20, &text, &length);
    if (status != AFFECT_OK) return status;
    status = affect_explanation_parse(ctx, path, text, length, out);
    base_free(text);
    return status;
}
