/* ELAN Annotation Format (EAF 2.7 to 3.0, the schema of the Max Planck Institute's "EAF_Format_3.0"
 * description), read with expat.
 *
 * Times: alignable annotations name two time slots. A slot without a value stands in a chain of
 * annotations of its tier; ELAN shows such a chain in equal parts between the aligned ends, and so
 * do we. A ref annotation has the time of the annotation it refers to; several of one tier under
 * one parent (symbolic subdivision) share it equally, in the order of PREVIOUS_ANNOTATION. */
#include <expat.h>
#include <math.h>
#include <string.h>

#include "transcript/transcript_private.h"

static const size_t NONE = SIZE_MAX;

typedef struct slot {
    const char *id;
    affect_time time;
    bool known, placed, bad;
    size_t line;
    size_t previous, next; /* along a chain of annotations */
} slot;

typedef struct tier {
    const char *id, *participant;
    bool is_child;
} tier;

typedef struct annotation {
    const char *id, *text;
    const char *ref1, *ref2; /* slots; or the parent and the previous one */
    size_t tier, line;
    bool is_ref, lost;
    size_t slot1, slot2, parent, previous, next;
    size_t group_tier, group_count; /* of its own children: tier last counted, and how many */
    size_t position, siblings;      /* among its parent's children of one tier, from 1 */
    enum { OPEN, VISITING, DONE } state;
    affect_time t0, t1;
    bool interpolated;
} annotation;

/* id -> index, open addressing. The id is the first member of what is looked up. */
typedef struct map {
    size_t *cells; /* index + 1, 0 = empty */
    size_t size;
} map;

typedef struct reader {
    affect_context *ctx;
    const char *name;
    transcript *t;
    XML_Parser parser;
    affect_status status;
    bool document, in_value;
    bool lost;          /* the annotation that is open could not be taken */
    affect_time origin; /* TIME_ORIGIN of the first medium */
    size_t media;
    base_text value;
    size_t slot_count, slot_capacity;
    slot *slots;
    size_t tier_count, tier_capacity;
    tier *tiers;
    size_t annotation_count, annotation_capacity;
    annotation *annotations;
    map slot_map, annotation_map;
    size_t *stack; /* of annotations, while times are resolved */
} reader;

static size_t hash(const char *s) {
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *s; s++) h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32);
}

static affect_status build_map(reader *r, map *m, size_t count, const char *first_id, size_t step) {
    m->size = 16;
    while (m->size < count * 2) m->size *= 2;
    m->cells = base_calloc(m->size, sizeof *m->cells);
    if (!m->cells) return base_fail_memory(r->ctx);
    for (size_t i = 0; i < count; i++) {
        const char *id;
        memcpy(&id, first_id + i * step, sizeof id);
        size_t at = hash(id) & (m->size - 1);
        while (m->cells[at]) {
            const char *other;
            memcpy(&other, first_id + (m->cells[at] - 1) * step, sizeof other);
            if (!strcmp(other, id)) break; /* a second one of that id is never found */
            at = (at + 1) & (m->size - 1);
        }
        if (!m->cells[at]) m->cells[at] = i + 1;
    }
    return AFFECT_OK;
}

static size_t look_up(const map *m, const char *first_id, size_t step, const char *id) {
    if (!id) return NONE;
    for (size_t at = hash(id) & (m->size - 1); m->cells[at]; at = (at + 1) & (m->size - 1)) {
        const char *other;
        memcpy(&other, first_id + (m->cells[at] - 1) * step, sizeof other);
        if (!strcmp(other, id)) return m->cells[at] - 1;
    }
    return NONE;
}

static size_t find_slot(const reader *r, const char *id) {
    return look_up(&r->slot_map, (const char *)r->slots, sizeof *r->slots, id);
}

static size_t find_annotation(const reader *r, const char *id) {
    return look_up(&r->annotation_map, (const char *)r->annotations, sizeof *r->annotations, id);
}

/* ---- expat's callbacks ---- */

static void stop(reader *r, affect_status status) {
    if (!r->status) r->status = status;
    XML_StopParser(r->parser, XML_FALSE);
}

AFFECT_PRINTF(3, 4)
static affect_status refuse(reader *r, size_t line, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: line %zu: %s", r->name, line, text);
}

static size_t line_now(const reader *r) { return XML_GetCurrentLineNumber(r->parser); }

static const char *attribute(const XML_Char **attributes, const char *name) {
    for (size_t i = 0; attributes[i]; i += 2)
        if (!strcmp(attributes[i], name)) return attributes[i + 1];
    return NULL;
}

static const char *keep(reader *r, const char *s) {
    if (!s) return NULL;
    char *copy = transcript_copy(r->t, s, strlen(s));
    if (!copy) stop(r, base_fail_memory(r->ctx));
    return copy;
}

static void start_slot(reader *r, const XML_Char **a) {
    const char *id = attribute(a, "TIME_SLOT_ID"), *value = attribute(a, "TIME_VALUE");
    if (!id) return; /* nothing can refer to it */
    slot s = {.id = keep(r, id), .previous = NONE, .next = NONE, .line = line_now(r)};
    if (!s.id) return;
    if (value) {
        int64_t ms;
        if (!base_parse_int64(value, strlen(value), &ms) || ms > INT64_MAX / AFFECT_MILLISECOND ||
            ms < 0) {
            transcript_malformed(r->t, s.line,
                                 "TIME_VALUE \"%.40s\" is not a count of milliseconds", value);
            s.bad = true;
        } else {
            s.time = ms * AFFECT_MILLISECOND;
        }
        s.known = true; /* a bad one is no time to place between others */
    }
    if (!base_grow((void **)&r->slots, &r->slot_capacity, r->slot_count + 1, sizeof *r->slots)) {
        stop(r, base_fail_memory(r->ctx));
        return;
    }
    r->slots[r->slot_count++] = s;
}

/* TIME_ORIGIN: the millisecond of the medium that is the annotation's 0. */
static void start_medium(reader *r, const XML_Char **a) {
    const char *value = attribute(a, "TIME_ORIGIN");
    int64_t ms = 0;
    if (value && (!base_parse_int64(value, strlen(value), &ms) || ms < -INT64_C(360000000) ||
                  ms > INT64_C(360000000))) {
        transcript_malformed(r->t, line_now(r),
                             "TIME_ORIGIN \"%.40s\" is not a count of milliseconds", value);
        ms = 0;
    }
    affect_status status = AFFECT_OK;
    if (!r->media++) {
        r->origin = ms * AFFECT_MILLISECOND;
        if (ms)
            status =
                transcript_note(r->ctx, r->t,
                                "its TIME_ORIGIN is %.3f s: the annotation's 0 is there in the "
                                "recording",
                                (double)ms / 1000);
    } else if (ms * AFFECT_MILLISECOND != r->origin) {
        status =
            transcript_note(r->ctx, r->t,
                            "its media have several TIME_ORIGINs; the first one's, %.3f s, was "
                            "taken (--subtitles-offset moves it)",
                            time_to_seconds(r->origin));
    }
    if (status) stop(r, status);
}

static void start_tier(reader *r, const XML_Char **a) {
    const char *id = attribute(a, "TIER_ID"), *participant = attribute(a, "PARTICIPANT");
    tier made = {.id = keep(r, id ? id : ""),
                 .participant = keep(r, participant ? participant : ""),
                 .is_child = attribute(a, "PARENT_REF") != NULL};
    if (!made.id || !made.participant) return;
    if (!base_grow((void **)&r->tiers, &r->tier_capacity, r->tier_count + 1, sizeof *r->tiers)) {
        stop(r, base_fail_memory(r->ctx));
        return;
    }
    r->tiers[r->tier_count++] = made;
}

static void start_annotation(reader *r, const XML_Char **a, bool is_ref) {
    const char *id = attribute(a, "ANNOTATION_ID");
    const char *ref1 = attribute(a, is_ref ? "ANNOTATION_REF" : "TIME_SLOT_REF1");
    const char *ref2 = attribute(a, is_ref ? "PREVIOUS_ANNOTATION" : "TIME_SLOT_REF2");
    if (!r->tier_count || !id || !ref1 || (!is_ref && !ref2)) {
        transcript_malformed(r->t, line_now(r), "an annotation without %s",
                             !r->tier_count ? "a tier"
                             : !id          ? "ANNOTATION_ID"
                             : is_ref       ? "ANNOTATION_REF"
                                            : "two time slots");
        r->lost = true;
        return;
    }
    annotation made = {.id = keep(r, id),
                       .text = "",
                       .ref1 = keep(r, ref1),
                       .ref2 = keep(r, ref2),
                       .tier = r->tier_count - 1,
                       .line = line_now(r),
                       .is_ref = is_ref,
                       .slot1 = NONE,
                       .slot2 = NONE,
                       .parent = NONE,
                       .previous = NONE,
                       .next = NONE,
                       .group_tier = NONE};
    if (!made.id || !made.ref1) return;
    if (!base_grow((void **)&r->annotations, &r->annotation_capacity, r->annotation_count + 1,
                   sizeof *r->annotations)) {
        stop(r, base_fail_memory(r->ctx));
        return;
    }
    r->annotations[r->annotation_count++] = made;
    r->lost = false;
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **a) {
    reader *r = user;
    if (r->status) return;
    if (!r->document) {
        if (strcmp(name, "ANNOTATION_DOCUMENT") != 0)
            stop(r, refuse(r, line_now(r), "expected <ANNOTATION_DOCUMENT>, found <%.40s>", name));
        r->document = true;
    } else if (!strcmp(name, "HEADER")) {
        const char *units = attribute(a, "TIME_UNITS");
        if (units && strcmp(units, "milliseconds") != 0)
            stop(r, refuse(r, line_now(r), "TIME_UNITS \"%.40s\" (milliseconds expected)", units));
    } else if (!strcmp(name, "MEDIA_DESCRIPTOR")) {
        start_medium(r, a);
    } else if (!strcmp(name, "TIME_SLOT")) {
        start_slot(r, a);
    } else if (!strcmp(name, "TIER")) {
        start_tier(r, a);
    } else if (!strcmp(name, "ALIGNABLE_ANNOTATION")) {
        start_annotation(r, a, false);
    } else if (!strcmp(name, "REF_ANNOTATION")) {
        start_annotation(r, a, true);
    } else if (!strcmp(name, "ANNOTATION_VALUE")) {
        r->in_value = true;
        base_text_clear(&r->value);
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name) {
    reader *r = user;
    if (r->status || !r->in_value || strcmp(name, "ANNOTATION_VALUE") != 0) return;
    r->in_value = false;
    if (r->value.failed) {
        stop(r, base_fail_memory(r->ctx));
        return;
    }
    if (!r->annotation_count || !r->value.length || r->lost) return;
    char *text = transcript_copy(r->t, r->value.data, r->value.length);
    if (!text) stop(r, base_fail_memory(r->ctx));
    r->annotations[r->annotation_count - 1].text = text ? text : "";
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    reader *r = user;
    if (r->in_value) base_text_append_n(&r->value, text, (size_t)length);
}

/* EAF needs no entities of its own; a file that declares some wants to grow. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int is_parameter,
                              const XML_Char *value, int value_length, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public_id,
                              const XML_Char *notation) {
    (void)is_parameter, (void)value, (void)value_length, (void)base, (void)system, (void)public_id,
        (void)notation;
    reader *r = user;
    stop(r, refuse(r, line_now(r),
                   "the file declares the entity \"%.40s\", which EAF has no use for", name));
}

/* ---- times ---- */

static affect_status resolve_references(reader *r) {
    affect_status status =
        build_map(r, &r->slot_map, r->slot_count, (const char *)r->slots, sizeof *r->slots);
    if (!status)
        status = build_map(r, &r->annotation_map, r->annotation_count, (const char *)r->annotations,
                           sizeof *r->annotations);
    for (size_t i = 0; !status && i < r->annotation_count; i++) {
        annotation *a = &r->annotations[i];
        if (a->is_ref) {
            a->parent = find_annotation(r, a->ref1);
            if (a->parent == NONE)
                transcript_malformed(r->t, a->line, "no annotation has the id \"%.40s\"", a->ref1);
            a->previous = find_annotation(r, a->ref2);
        } else {
            a->slot1 = find_slot(r, a->ref1);
            a->slot2 = find_slot(r, a->ref2);
            if (a->slot1 == NONE || a->slot2 == NONE)
                transcript_malformed(r->t, a->line, "no time slot has the id \"%.40s\"",
                                     a->slot1 == NONE ? a->ref1 : a->ref2);
            else if (r->slots[a->slot1].bad || r->slots[a->slot2].bad)
                transcript_malformed(r->t, a->line, "its time slot has no time");
        }
    }
    return status;
}

/* Annotations whose references lead nowhere, and those that hang on them, are taken out. The ids
 * are looked up again, since places change: a file that needs it is rare. */
static bool leads_nowhere(const reader *r, const annotation *a) {
    if (a->is_ref) return a->parent == NONE || r->annotations[a->parent].lost;
    return a->slot1 == NONE || a->slot2 == NONE || r->slots[a->slot1].bad || r->slots[a->slot2].bad;
}

static affect_status drop_lost(reader *r) {
    enum { MOST_ROUNDS = 100 }; /* a chain of parents takes one a step; real files have three */
    size_t lost = 0, rounds = 0;
    for (bool found = true; found;) {
        if (rounds++ == MOST_ROUNDS)
            return refuse(r, 1, "annotations refer to each other more than %d deep", MOST_ROUNDS);
        found = false;
        for (size_t i = 0; i < r->annotation_count; i++) {
            annotation *a = &r->annotations[i];
            if (a->lost || !leads_nowhere(r, a)) continue;
            if (a->is_ref && a->parent != NONE)
                transcript_malformed(r->t, a->line, "what it refers to was left out");
            a->lost = true;
            lost++;
            found = lost < r->annotation_count;
        }
    }
    if (!lost) return AFFECT_OK;
    size_t kept = 0;
    for (size_t i = 0; i < r->annotation_count; i++)
        if (!r->annotations[i].lost) r->annotations[kept++] = r->annotations[i];
    r->annotation_count = kept;
    base_free(r->annotation_map.cells);
    r->annotation_map = (map){0};
    affect_status status = build_map(r, &r->annotation_map, kept, (const char *)r->annotations,
                                     sizeof *r->annotations);
    for (size_t i = 0; i < kept && !status; i++) {
        annotation *a = &r->annotations[i];
        if (!a->is_ref) continue;
        a->parent = find_annotation(r, a->ref1);
        a->previous = find_annotation(r, a->ref2);
    }
    return status;
}

/* Times of a run of slots between two known ones, in equal parts. */
static void place(slot *s, affect_time from, affect_time to, size_t k, size_t parts) {
    s->time = from + (affect_time)((double)(to - from) * (double)k / (double)parts);
    s->known = s->placed = true;
}

static void place_chains(reader *r) {
    for (size_t i = 0; i < r->annotation_count; i++) {
        const annotation *a = &r->annotations[i];
        if (a->is_ref) continue;
        if (r->slots[a->slot1].next == NONE) r->slots[a->slot1].next = a->slot2;
        if (r->slots[a->slot2].previous == NONE) r->slots[a->slot2].previous = a->slot1;
    }
    for (size_t i = 0; i < r->slot_count; i++) {
        if (!r->slots[i].known || r->slots[i].placed) continue;
        size_t at = r->slots[i].next, from = i, parts = 1;
        /* The link back must agree, which also ends any circle. */
        while (at != NONE && !r->slots[at].known && r->slots[at].previous == from) {
            parts++;
            from = at;
            at = r->slots[at].next;
        }
        if (at == NONE || parts == 1 || !r->slots[at].known) continue;
        affect_time t0 = r->slots[i].time, t1 = r->slots[at].time;
        size_t k = 1;
        for (size_t s = r->slots[i].next; k < parts; s = r->slots[s].next, k++)
            place(&r->slots[s], t0, BASE_MAX(t0, t1), k, parts);
    }
}

/* What no chain holds stands between its neighbours of the time order. */
static void place_rest(reader *r) {
    affect_time before = 0;
    for (size_t i = 0; i < r->slot_count;) {
        if (r->slots[i].known) {
            before = r->slots[i++].time;
            continue;
        }
        size_t end = i;
        while (end < r->slot_count && !r->slots[end].known) end++;
        affect_time after = end < r->slot_count ? r->slots[end].time : before;
        after = BASE_MAX(before, after);
        for (size_t k = i; k < end; k++) place(&r->slots[k], before, after, k - i + 1, end - i + 1);
        i = end;
    }
}

/* Position of each ref annotation among its siblings of one tier. A tier's annotations stand
 * together, so one counter in the parent, stamped with the tier, is enough. */
static void order_siblings(reader *r) {
    annotation *all = r->annotations;
    for (size_t i = 0; i < r->annotation_count; i++) {
        size_t p = all[i].previous;
        if (!all[i].is_ref || p == NONE || p == i) continue;
        if (all[p].parent == all[i].parent && all[p].tier == all[i].tier && all[p].next == NONE)
            all[p].next = i;
        else
            all[i].previous = NONE;
    }
    for (int pass = 0; pass < 2; pass++) /* chains from their heads; then whatever is left */
        for (size_t i = 0; i < r->annotation_count; i++) {
            if (!all[i].is_ref || all[i].position || (pass == 0 && all[i].previous != NONE))
                continue;
            for (size_t k = i; k != NONE && !all[k].position; k = all[k].next) {
                annotation *parent = &all[all[k].parent];
                if (parent->group_tier != all[k].tier) {
                    parent->group_tier = all[k].tier;
                    parent->group_count = 0;
                }
                all[k].position = ++parent->group_count;
            }
        }
    /* The counters end with the last tier that used the parent; a second walk backwards through
     * each tier hands the group's size to all of its members. */
    for (size_t i = 0; i < r->annotation_count; i++) all[i].group_tier = NONE;
    for (size_t first = 0; first < r->annotation_count;) {
        size_t end = first;
        while (end < r->annotation_count && all[end].tier == all[first].tier) end++;
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = first; i < end; i++) {
                if (!all[i].is_ref) continue;
                annotation *parent = &all[all[i].parent];
                if (parent->group_tier != all[i].tier) {
                    parent->group_tier = all[i].tier;
                    parent->group_count = 0;
                }
                if (pass == 0)
                    parent->group_count = BASE_MAX(parent->group_count, all[i].position);
                else
                    all[i].siblings = parent->group_count;
            }
        first = end;
    }
}

static void settle(reader *r, annotation *a) {
    if (a->is_ref) {
        const annotation *parent = &r->annotations[a->parent];
        size_t n = BASE_MAX(a->siblings, (size_t)1), k = BASE_MAX(a->position, (size_t)1);
        double length = (double)(parent->t1 - parent->t0);
        a->t0 = parent->t0 + (affect_time)(length * (double)(k - 1) / (double)n);
        a->t1 = k == n ? parent->t1 : parent->t0 + (affect_time)(length * (double)k / (double)n);
        a->interpolated = parent->interpolated || n > 1;
    } else {
        a->t0 = r->slots[a->slot1].time;
        a->t1 = r->slots[a->slot2].time;
        a->interpolated = r->slots[a->slot1].placed || r->slots[a->slot2].placed;
    }
    a->state = DONE;
}

/* Parents before children, without recursion: a hostile file can nest as deep as it is long. */
static affect_status settle_all(reader *r) {
    r->stack = base_calloc(r->annotation_count + 1, sizeof *r->stack);
    if (!r->stack) return base_fail_memory(r->ctx);
    for (size_t i = 0; i < r->annotation_count; i++) {
        size_t depth = 0, at = i;
        while (r->annotations[at].state != DONE) {
            annotation *a = &r->annotations[at];
            if (a->state == VISITING)
                return refuse(r, a->line, "annotation \"%.40s\" refers to itself", a->id);
            a->state = VISITING;
            r->stack[depth++] = at;
            if (!a->is_ref) break;
            at = a->parent;
        }
        while (depth) settle(r, &r->annotations[r->stack[--depth]]);
    }
    return AFFECT_OK;
}

static affect_status add_cues(reader *r) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < r->annotation_count; i++) {
        const annotation *a = &r->annotations[i];
        if (a->t1 < a->t0) {
            transcript_skip(r->t, a->line, "the end is before the start");
            continue;
        }
        const tier *of = &r->tiers[a->tier];
        status = transcript_add_cue(r->ctx, r->t,
                                    &(transcript_cue){.t0 = a->t0 + r->origin,
                                                      .t1 = a->t1 + r->origin,
                                                      .text = a->text,
                                                      .tier = of->id,
                                                      .speaker = of->participant,
                                                      .confidence = NAN,
                                                      .is_child = of->is_child,
                                                      .interpolated = a->interpolated});
    }
    return status;
}

static affect_status parse(reader *r, const char *bytes, size_t length) {
    size_t at = 0;
    do {
        size_t n = BASE_MIN(length - at, (size_t)1 << 20);
        bool last = at + n == length;
        if (XML_Parse(r->parser, bytes + at, (int)n, last) != XML_STATUS_OK) {
            if (r->status) return r->status;
            enum XML_Error code = XML_GetErrorCode(r->parser);
            if (code == XML_ERROR_NO_MEMORY) return base_fail_memory(r->ctx);
            /* What came before it is good. */
            transcript_malformed(r->t, line_now(r), "%s: what follows was not read",
                                 XML_ErrorString(code));
            return AFFECT_OK;
        }
        at += n;
    } while (at < length);
    return r->status;
}

affect_status transcript_parse_eaf(affect_context *ctx, const char *name, const char *bytes,
                                   size_t length, transcript *t) {
    static const XML_Memory_Handling_Suite memory = {base_alloc, base_realloc, base_free};
    reader r = {.ctx = ctx, .name = name, .t = t};
    r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (!r.parser) return base_fail_memory(ctx);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetEntityDeclHandler(r.parser, on_entity);
    affect_status status = parse(&r, bytes, length);
    if (!status) status = resolve_references(&r);
    if (!status) status = drop_lost(&r);
    if (!status) {
        place_chains(&r);
        place_rest(&r);
        order_siblings(&r);
        status = settle_all(&r);
    }
    if (!status) status = add_cues(&r);
    XML_ParserFree(r.parser);
    base_text_destroy(&r.value);
    base_free(r.slots);
    base_free(r.tiers);
    base_free(r.annotations);
    base_free(r.slot_map.cells);
    base_free(r.annotation_map.cells);
    base_free(r.stack);
    return status;
}
