/* Intervals sorted into lanes in which nothing overlaps: what ELAN calls an alignable tier and
 * Praat an interval tier. First fit: an interval goes to the first lane of its tier and person that
 * is free at its start. */
#include <stdlib.h>
#include <string.h>

#include "report/report_private.h"

int64_t report_ms(affect_time time) {
    int64_t ms = time / AFFECT_MILLISECOND, rest = time % AFFECT_MILLISECOND;
    if (rest < 0) {
        rest += AFFECT_MILLISECOND;
        ms--;
    }
    return rest >= AFFECT_MILLISECOND / 2 ? ms + 1 : ms;
}

const char *report_ms_text(int64_t ms, char out[TIME_TEXT_SIZE]) {
    int64_t size = ms < 0 ? -ms : ms;
    snprintf(out, TIME_TEXT_SIZE, "%s%lld.%03lld", ms < 0 ? "-" : "", (long long)(size / 1000),
             (long long)(size % 1000));
    return out;
}

/* One mark with the group it belongs to. */
typedef struct entry {
    int person;
    affect_modality modality;
    size_t order; /* keeps the sort stable */
    report_mark mark;
} entry;

static int compare_entry(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->modality != y->modality) return x->modality < y->modality ? -1 : 1;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    if (x->mark.t0_ms != y->mark.t0_ms) return x->mark.t0_ms < y->mark.t0_ms ? -1 : 1;
    if (x->mark.t1_ms != y->mark.t1_ms) return x->mark.t1_ms < y->mark.t1_ms ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static report_lane *new_lane(report_lanes *lanes, const char *group, int person,
                             affect_modality modality, bool points, size_t layer) {
    if (!base_grow((void **)&lanes->lanes, &lanes->capacity, lanes->count + 1,
                   sizeof *lanes->lanes))
        return NULL;
    base_text name = {0};
    char *kept = NULL;
    for (size_t number = layer;; number++) { /* another tier may have this very id */
        base_text_clear(&name);
        base_text_append(&name, group);
        if (person > 0) base_text_printf(&name, "/%d", person);
        if (points) base_text_append(&name, " points");
        if (number) base_text_printf(&name, "#%zu", number + 1);
        bool taken = false;
        for (size_t i = 0; !name.failed && i < lanes->count; i++)
            if (strcmp(lanes->lanes[i].name, name.data) == 0) taken = true;
        if (!taken) break;
    }
    if (!name.failed) kept = base_arena_alloc(&lanes->arena, name.length + 1);
    if (kept) memcpy(kept, name.data, name.length + 1);
    base_text_destroy(&name);
    if (!kept) return NULL;
    report_lane *lane = &lanes->lanes[lanes->count++];
    *lane = (report_lane){.name = kept, .person = person, .modality = modality, .points = points};
    return lane;
}

/* `entries` of one group, in order of time. */
static bool place(report_lanes *lanes, const char *group, const entry *entries, size_t n,
                  bool points) {
    size_t first = lanes->count, layers = 0;
    for (size_t i = 0; i < n; i++) {
        const report_mark *mark = &entries[i].mark;
        report_lane *lane = NULL;
        bool point = points && mark->t0_ms == mark->t1_ms;
        for (size_t l = first; l < lanes->count && !lane; l++) {
            report_lane *old = &lanes->lanes[l];
            const report_mark *last = old->count ? &old->marks[old->count - 1] : NULL;
            if (old->points == point &&
                (!last || (point ? last->t1_ms < mark->t0_ms : last->t1_ms <= mark->t0_ms)))
                lane = old;
        }
        if (!lane) {
            layers = 0;
            for (size_t l = first; l < lanes->count; l++) layers += lanes->lanes[l].points == point;
            lane = new_lane(lanes, group, entries[i].person, entries[i].modality, point, layers);
        }
        if (!lane || !base_grow((void **)&lane->marks, &lane->capacity, lane->count + 1,
                                sizeof *lane->marks))
            return false;
        lane->marks[lane->count++] = *mark;
    }
    return true;
}

typedef struct entry_list {
    entry *items;
    size_t count, capacity;
} entry_list;

static bool add(entry_list *list, report_lanes *lanes, bool points, entry new) {
    if (!base_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items))
        return false;
    if (!points && new.mark.t1_ms == new.mark.t0_ms) new.mark.t1_ms++;
    new.order = list->count;
    list->items[list->count++] = new;
    lanes->start_ms = BASE_MIN(lanes->start_ms, new.mark.t0_ms);
    lanes->end_ms = BASE_MAX(lanes->end_ms, new.mark.t1_ms);
    return true;
}

/* Sorts, splits into groups of modality and person, places, and empties the list. */
static bool flush(report_lanes *lanes, entry_list *list, const char *group,
                  affect_modality modality, bool name_modality, bool points) {
    if (!list->count && !name_modality)
        return new_lane(lanes, group, AFFECT_PERSON_NONE, modality, false, 0) != NULL;
    if (list->count) qsort(list->items, list->count, sizeof *list->items, compare_entry);
    for (size_t i = 0, n; i < list->count; i += n) {
        const entry *first = &list->items[i];
        for (n = 1; i + n < list->count && list->items[i + n].person == first->person &&
                    list->items[i + n].modality == first->modality;)
            n++;
        base_text name = {0};
        base_text_append(&name, group);
        if (name_modality) base_text_printf(&name, "/%s", affect_modality_name(first->modality));
        bool ok = !name.failed && place(lanes, name.data, first, n, points);
        base_text_destroy(&name);
        if (!ok) return false;
    }
    list->count = 0;
    return true;
}

static int person_of(int person) { return person > 0 ? person : AFFECT_PERSON_NONE; }

static bool add_tier(report_lanes *lanes, entry_list *list, const affect_tier *tier, bool points) {
    for (size_t i = 0; i < tier->count; i++) {
        const affect_interval *from = &tier->items[i];
        if (from->t0 == AFFECT_TIME_NONE) continue; /* has no place in time */
        entry new = {.person = person_of(from->person),
                     .modality = tier->modality,
                     .mark = {report_ms(from->t0), report_ms(from->t1), from->label, from->id}};
        if (!add(list, lanes, points, new)) return false;
    }
    return flush(lanes, list, tier->id, tier->modality, false, points);
}

static bool add_events(report_lanes *lanes, entry_list *list, const affect_timeline *timeline,
                       bool points) {
    for (size_t i = 0; i < timeline->event_count; i++) {
        const affect_event *from = &timeline->events[i];
        if (from->onset == AFFECT_TIME_NONE) continue;
        entry new = {
            .person = person_of(from->person),
            .modality = from->modality,
            .mark = {report_ms(from->onset), report_ms(from->offset), from->kind, from->id}};
        if (!add(list, lanes, points, new)) return false;
    }
    return flush(lanes, list, "events", AFFECT_MODALITY_NONE, true, points);
}

/* Warnings that name no interval concern the whole recording. */
static bool add_warnings(report_lanes *lanes, entry_list *list, const affect_timeline *timeline,
                         bool points) {
    int64_t end = timeline->duration == AFFECT_TIME_NONE ? 0 : report_ms(timeline->duration);
    for (size_t i = 0; i < timeline->warnings->count; i++) {
        const affect_interval *from = &timeline->warnings->items[i];
        bool whole = from->t0 == AFFECT_TIME_NONE || from->t1 == AFFECT_TIME_NONE;
        entry new = {.mark = {whole ? 0 : report_ms(from->t0), whole ? end : report_ms(from->t1),
                              from->label, from->id}};
        if (!add(list, lanes, points, new)) return false;
    }
    return !list->count || flush(lanes, list, "warnings", AFFECT_MODALITY_NONE, false, points);
}

affect_status report_lanes_build(affect_context *ctx, const affect_timeline *timeline, bool points,
                                 report_lanes *out) {
    *out = (report_lanes){0};
    base_arena_init(&out->arena, 4096);
    if (timeline->duration > 0) out->end_ms = report_ms(timeline->duration);
    entry_list list = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < timeline->tier_count; i++)
        ok = add_tier(out, &list, timeline->tiers[i], points);
    ok = ok && add_events(out, &list, timeline, points);
    ok = ok && add_warnings(out, &list, timeline, points);
    base_free(list.items);
    if (out->end_ms <= out->start_ms) out->end_ms = out->start_ms + 1;
    if (ok) return AFFECT_OK;
    report_lanes_destroy(out);
    return base_fail_memory(ctx);
}

void report_lanes_destroy(report_lanes *lanes) {
    for (size_t i = 0; i < lanes->count; i++) base_free(lanes->lanes[i].marks);
    base_free(lanes->lanes);
    base_arena_destroy(&lanes->arena);
    *lanes = (report_lanes){0};
}
