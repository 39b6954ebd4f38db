/* The evidence graph of an explanation: what its claims cite, what links tie to that, and the links between, as JSON. The timeline
 * has everything; this is the part that an account rests on. */
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

enum { NOT_SHOWN, NEIGHBOUR, CITED };

static size_t number_of(const reason_graph *g, const char *id) {
    const reason_node *node = reason_graph_find(g, id);
    return node ? (size_t)(node - g->nodes) : SIZE_MAX;
}

/* A link shows both its ends where a claim cites one of them. Links between neighbours alone are not shown. */
static bool shows(const reason_graph *g, const unsigned char *marks, const affect_link *l) {
    size_t from = number_of(g, l->from), to = number_of(g, l->to);
    return from != SIZE_MAX && to != SIZE_MAX && (marks[from] == CITED || marks[to] == CITED);
}

static void mark(const reason_graph *g, const affect_explanation *e, unsigned char *marks) {
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < e->claims[i].public.evidence_count; k++) {
            size_t n = number_of(g, e->claims[i].public.evidence[k]);
            if (n != SIZE_MAX) marks[n] = CITED;
        }
    for (size_t i = 0; i < g->timeline->link_count; i++) {
        const affect_link *l = &g->timeline->links[i];
        if (!shows(g, marks, l)) continue;
        size_t from = number_of(g, l->from), to = number_of(g, l->to);
        marks[from] = BASE_MAX(marks[from], NEIGHBOUR);
        marks[to] = BASE_MAX(marks[to], NEIGHBOUR);
    }
}

static void put_member(base_text *out, const char *name, double value) {
    if (isfinite(value))
        base_text_printf(out, ",\"%s\":%.3f", name, value);
    else
        base_text_printf(out, ",\"%s\":null", name);
}

static void put_node(const reason_node *n, bool cited, base_text *out) {
    base_text_append(out, "{\"id\":");
    base_text_append_json(out, n->id);
    base_text_append(out, ",\"type\":");
    base_text_append_json(out, n->event ? "events" : n->tier);
    base_text_append(out, ",\"label\":");
    base_text_append_json(out, n->event ? n->event->kind : n->interval->label);
    put_member(out, "t0", time_to_seconds(n->t0));
    put_member(out, "t1", time_to_seconds(n->t1));
    base_text_printf(out, ",\"modality\":\"%s\"", affect_modality_name(n->modality));
    if (n->person)
        base_text_printf(out, ",\"person\":%d", n->person);
    else
        base_text_append(out, ",\"person\":null");
    put_member(out, "strength", n->event ? n->strength : (double)n->interval->score);
    base_text_printf(out, ",\"cited\":%s}", cited ? "true" : "false");
}

static void put_link(const affect_link *l, base_text *out) {
    base_text_append(out, "{\"from\":");
    base_text_append_json(out, l->from);
    base_text_append(out, ",\"to\":");
    base_text_append_json(out, l->to);
    base_text_printf(out, ",\"kind\":\"%s\"", affect_link_kind_name(l->kind));
    put_member(out, "lag", l->lag == AFFECT_TIME_NONE ? NAN : time_to_seconds(l->lag));
    put_member(out, "strength", (double)l->score);
    base_text_append(out, "}");
}

affect_status reason_evidence(affect_context *ctx, const reason_graph *g, affect_explanation *e) {
    unsigned char *marks = base_calloc(g->count + 1, 1);
    base_text *out = &e->evidence;
    if (!marks) return base_fail_memory(ctx);
    mark(g, e, marks);
    base_text_clear(out);
    out->failed = false;
    base_text_append(out, "{\"nodes\":[");
    const char *before = "\n";
    for (size_t i = 0; i < g->count; i++) {
        if (!marks[i]) continue;
        base_text_append(out, before);
        put_node(&g->nodes[i], marks[i] == CITED, out);
        before = ",\n";
    }
    base_text_append(out, "],\n\"links\":[");
    before = "\n";
    for (size_t i = 0; i < g->timeline->link_count; i++) {
        if (!shows(g, marks, &g->timeline->links[i])) continue;
        base_text_append(out, before);
        put_link(&g->timeline->links[i], out);
        before = ",\n";
    }
    base_text_append(out, "]}");
    base_free(marks);
    return out->failed ? base_fail_memory(ctx) : AFFECT_OK;
}
