/* A user's corrections: records beside the timeline, which stays as it was made. One file, a table
 * (docs/timeline.md), for the report, the page and the command; here it is read, written and
 * applied to a timeline in memory. What is applied says who said so. */
#include <math.h>
#include <string.h>

#include "data/table.h"
#include "report/report_private.h"

static const char *const kinds[] = {
#define CORRECTION_WORD(symbol, word) word,
    AFFECT_CORRECTION_TABLE(CORRECTION_WORD)
#undef CORRECTION_WORD
};
static const char *const columns[] = {"kind", "target", "value", "t0", "t1", "by", "at"};
enum { COLUMNS = BASE_COUNT(columns) };

struct affect_corrections {
    size_t count, capacity;
    affect_correction *items; /* the texts of each in one block, which its target begins */
};

affect_status affect_corrections_create(affect_context *ctx, affect_corrections **out) {
    BASE_NEED(ctx, out);
    *out = base_calloc(1, sizeof **out);
    return *out ? AFFECT_OK : base_fail_memory(ctx);
}

void affect_corrections_destroy(affect_corrections *o) {
    if (!o) return;
    for (size_t i = 0; i < o->count; i++) base_free((void *)(uintptr_t)o->items[i].target);
    base_free(o->items);
    base_free(o);
}

size_t affect_corrections_count(const affect_corrections *o) { return o ? o->count : 0; }

const affect_correction *affect_corrections_get(const affect_corrections *o, size_t i) {
    return o && i < o->count ? &o->items[i] : NULL;
}

static affect_status add(affect_context *ctx, affect_corrections *o, affect_correction c) {
    const char *texts[] = {c.target, c.value, c.by ? c.by : "", c.at ? c.at : ""};
    size_t bytes = 0;
    for (size_t i = 0; i < BASE_COUNT(texts); i++) bytes += strlen(texts[i]) + 1;
    char *block = base_alloc(bytes), *kept[BASE_COUNT(texts)];
    if (!block || !base_grow((void **)&o->items, &o->capacity, o->count + 1, sizeof *o->items)) {
        base_free(block);
        return base_fail_memory(ctx);
    }
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        size_t size = strlen(texts[i]) + 1;
        kept[i] = memcpy(block, texts[i], size);
        block += size;
    }
    c.target = kept[0];
    c.value = kept[1];
    c.by = kept[2];
    c.at = kept[3];
    o->items[o->count++] = c;
    return AFFECT_OK;
}

affect_status affect_corrections_add(affect_context *ctx, affect_corrections *o,
                                     const affect_correction *given, size_t size) {
    BASE_NEED(ctx, o && given);
    affect_correction c = {.t0 = AFFECT_TIME_NONE};
    if (size < offsetof(affect_correction, at) + sizeof c.at)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a correction of %zu bytes", size);
    memcpy(&c, given, BASE_MIN(size, sizeof c));
    if ((unsigned)c.kind >= BASE_COUNT(kinds) || !c.target || !*c.target || !c.value)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "a correction needs a kind, a target, a value");
    return add(ctx, o, c);
}

/* Seconds of a cell, or nothing. */
static affect_status read_time(affect_context *ctx, const data_table *t, size_t row, int column,
                               affect_time *out) {
    const char *text = column < 0 ? "" : data_table_cell(t, row, (size_t)column);
    double seconds;
    *out = AFFECT_TIME_NONE;
    if (!*text) return AFFECT_OK;
    if (!base_parse_double(text, strlen(text), &seconds) || !(seconds >= 0 && seconds < 1e9))
        return data_table_fail(ctx, t, row, (size_t)column, "seconds from 0");
    *out = time_from_seconds(seconds);
    return AFFECT_OK;
}

static const char *cell(const data_table *t, size_t row, int column) {
    return column < 0 ? "" : data_table_cell(t, row, (size_t)column);
}

static affect_status read_row(affect_context *ctx, const data_table *t, size_t row,
                              const int at[COLUMNS], affect_corrections *out) {
    affect_correction c = {.target = cell(t, row, at[1]),
                           .value = cell(t, row, at[2]),
                           .by = cell(t, row, at[5]),
                           .at = cell(t, row, at[6])};
    size_t kind = 0;
    while (kind < BASE_COUNT(kinds) && strcmp(cell(t, row, at[0]), kinds[kind]) != 0) kind++;
    if (kind == BASE_COUNT(kinds))
        return data_table_fail(ctx, t, row, (size_t)at[0],
                               "name, merge, split, label, word, speaker or boundary");
    if (!*c.target) return data_table_fail(ctx, t, row, (size_t)at[1], "an id or a person");
    c.kind = (affect_correction_kind)kind;
    affect_status status = read_time(ctx, t, row, at[3], &c.t0);
    if (status == AFFECT_OK) status = read_time(ctx, t, row, at[4], &c.t1);
    return status == AFFECT_OK ? add(ctx, out, c) : status;
}

affect_status affect_corrections_read(affect_context *ctx, affect_corrections *out,
                                      const char *path) {
    BASE_NEED(ctx, out && path);
    data_table *t;
    affect_status status = data_table_open(ctx, path, NULL, &t);
    if (status != AFFECT_OK) return status;
    int at[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) at[i] = data_table_column(t, columns[i]);
    if (at[0] < 0 || at[1] < 0 || at[2] < 0)
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT,
                      "%s: no corrections: the columns kind, target and value are wanted", path);
    for (size_t row = 0; row < t->rows && status == AFFECT_OK; row++)
        status = read_row(ctx, t, row, at, out);
    data_table_destroy(t);
    return status;
}

affect_status report_read_names(affect_context *ctx, const char *path, affect_corrections *out) {
    data_table *t;
    affect_status status = data_table_open(ctx, path, NULL, &t);
    if (status != AFFECT_OK) return status;
    int person = data_table_column(t, "person"), name = data_table_column(t, "name");
    if (person < 0 || name < 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: no names: the columns person and name are wanted", path);
    for (size_t row = 0; row < t->rows && status == AFFECT_OK; row++) {
        const affect_correction c = {.kind = AFFECT_CORRECTION_NAME,
                                     .target = cell(t, row, person),
                                     .value = cell(t, row, name),
                                     .t0 = AFFECT_TIME_NONE,
                                     .t1 = AFFECT_TIME_NONE};
        status = affect_corrections_add(ctx, out, &c, sizeof c);
    }
    data_table_destroy(t);
    return status;
}

static void print(const affect_corrections *o, FILE *out) {
    char time[TIME_TEXT_SIZE];
    fputs_unlocked("kind,target,value,t0,t1,by,at\r\n", out);
    for (size_t i = 0; i < o->count; i++) {
        const affect_correction *c = &o->items[i];
        fputs_unlocked(kinds[c->kind], out);
        const char *before[] = {c->target, c->value}, *after[] = {c->by, c->at};
        for (int k = 0; k < 2; k++) putc_unlocked(',', out), report_put_csv_field(out, before[k]);
        fprintf(out, ",%s", time_to_text(c->t0, time));
        fprintf(out, ",%s", time_to_text(c->t1, time));
        for (int k = 0; k < 2; k++) putc_unlocked(',', out), report_put_csv_field(out, after[k]);
        fputs_unlocked("\r\n", out);
    }
}

affect_status affect_corrections_write(affect_context *ctx, const affect_corrections *o,
                                       const char *path) {
    BASE_NEED(ctx, o && path);
    base_output out;
    affect_status status = base_output_open(ctx, path, &out);
    if (status != AFFECT_OK) return status;
    print(o, out.file);
    return base_output_commit(ctx, &out);
}

/* ---- applying ---- */

static affect_status fail(affect_context *ctx, const affect_correction *c, const char *why) {
    return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "correction \"%s\" of %s: %s", kinds[c->kind],
                     c->target, why);
}

static bool person_of(const char *text, int *out) {
    int64_t number;
    if (!base_parse_int64(text, strlen(text), &number) || number < 1 || number > 1000000)
        return false;
    *out = (int)number;
    return true;
}

/* What is known of a person with one thing changed. */
static affect_status change_person(affect_context *ctx, affect_timeline *t, int id,
                                   const char *name, int into) {
    const affect_person *old = timeline_find_person(t, id);
    affect_person now = {.id = id,
                         .name = name  ? name
                                 : old ? old->name
                                       : "",
                         .merged_into = into  ? into
                                        : old ? old->merged_into
                                              : 0,
                         .score = into  ? 1
                                  : old ? old->score
                                        : NAN};
    return timeline_set_person(ctx, t, &now);
}

/* Rows, intervals and events of person `from` in [t0, t1) become those of `to`. */
static affect_status split(affect_context *ctx, affect_timeline *t, const affect_correction *c,
                           int from, int to) {
    affect_time t1 = c->t1 == AFFECT_TIME_NONE ? INT64_MAX : c->t1;
    affect_status status = AFFECT_OK;
    for (size_t i = 0, n = t->track_count; i < n && status == AFFECT_OK; i++) {
        affect_track *track = t->tracks[i], *half = NULL;
        if (!track->kind || !track_kind_personal(track->kind) || track->person != from) continue;
        size_t first = track_row_at(track, c->t0), end = track_row_at(track, t1);
        if (first == end) continue;
        half = (affect_track *)(uintptr_t)timeline_role(t, track->kind->role, track->modality, to);
        if (!half)
            status = timeline_add_role(ctx, t, track->kind->role, track->modality, to, track->model,
                                       (const char *const *)track->channels, track->channel_count,
                                       &half);
        if (status == AFFECT_OK) status = track_move_rows(ctx, track, first, end, half);
    }
    for (size_t i = 0; i < t->tier_count; i++)
        for (size_t k = 0; k < t->tiers[i]->count; k++) {
            affect_interval *x = &t->tiers[i]->items[k];
            if (x->person == from && x->t0 >= c->t0 && x->t0 < t1) x->person = to;
        }
    for (size_t i = 0; i < t->event_count; i++)
        if (t->events[i].person == from && t->events[i].onset >= c->t0 && t->events[i].onset < t1)
            t->events[i].person = to;
    return status;
}

/* The interval with its label, person or ends changed, and who said so. */
static affect_status change_interval(affect_context *ctx, affect_timeline *t,
                                     const affect_correction *c) {
    const affect_tier *found;
    const affect_interval *old = affect_timeline_find_interval(t, c->target, &found);
    if (!old) return fail(ctx, c, "no interval has this id");
    affect_tier *tier = (affect_tier *)(uintptr_t)found;
    affect_interval now = *old;
    char was[2 * TIME_TEXT_SIZE + 4], a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];
    const char *before = old->label;
    if (c->kind == AFFECT_CORRECTION_SPEAKER) {
        snprintf(was, sizeof was, "%d", old->person);
        before = was;
        if (!person_of(c->value, &now.person))
            return fail(ctx, c, "the value is no person's number");
    } else if (c->kind == AFFECT_CORRECTION_BOUNDARY) {
        snprintf(was, sizeof was, "%s %s", time_to_text(old->t0, a), time_to_text(old->t1, b));
        before = was;
        if (c->t0 != AFFECT_TIME_NONE) now.t0 = c->t0;
        if (c->t1 != AFFECT_TIME_NONE) now.t1 = c->t1;
        if (now.t1 < now.t0) return fail(ctx, c, "it would end before it begins");
    } else {
        now.label = c->value;
    }
    affect_attributes *attributes;
    affect_status status = attributes_change(ctx, old->attributes, &attributes);
    char key[40];
    snprintf(key, sizeof key, "%s_was", kinds[c->kind]);
    if (status == AFFECT_OK && !affect_attributes_find(attributes, key))
        status = affect_attributes_set_text(ctx, attributes, key, before);
    if (status == AFFECT_OK && *c->by)
        status = affect_attributes_set_text(ctx, attributes, "corrected_by", c->by);
    if (status == AFFECT_OK && *c->at)
        status = affect_attributes_set_text(ctx, attributes, "corrected_at", c->at);
    now.attributes = attributes;
    if (status == AFFECT_OK) status = tier_replace(ctx, tier, (size_t)(old - tier->items), &now);
    affect_attributes_destroy(attributes);
    return status;
}

static affect_status apply(affect_context *ctx, affect_timeline *t, const affect_correction *c) {
    int id = 0, other = 0;
    switch (c->kind) {
    case AFFECT_CORRECTION_NAME:
        if (!person_of(c->target, &id)) return fail(ctx, c, "the target is no person's number");
        return change_person(ctx, t, id, c->value, 0);
    case AFFECT_CORRECTION_MERGE:
        if (!person_of(c->target, &id) || !person_of(c->value, &other))
            return fail(ctx, c, "target and value are persons' numbers");
        return change_person(ctx, t, id, NULL, other);
    case AFFECT_CORRECTION_SPLIT:
        if (!person_of(c->target, &id) || !person_of(c->value, &other) || id == other ||
            c->t0 == AFFECT_TIME_NONE)
            return fail(ctx, c, "two persons' numbers and t0 are wanted");
        return split(ctx, t, c, id, other);
    default: return change_interval(ctx, t, c);
    }
}

affect_status affect_corrections_apply(affect_context *ctx, const affect_corrections *o,
                                       affect_timeline *timeline) {
    BASE_NEED(ctx, o && timeline);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < o->count && status == AFFECT_OK; i++)
        status = apply(ctx, timeline, &o->items[i]);
    if (status == AFFECT_OK && o->count) {
        char text[64];
        snprintf(text, sizeof text, "%zu by hand", o->count);
        status = timeline_set_property(ctx, timeline, "corrections", text);
        timeline_sort(timeline);
    }
    return status;
}

const char *report_person_title(const affect_timeline *timeline, int person, const char *otherwise,
                                char scratch[PERSON_TITLE_SIZE]) {
    const char *name = affect_timeline_person_name(timeline, person);
    if (*name) return name;
    snprintf(scratch, PERSON_TITLE_SIZE, "%s %d", otherwise,
             affect_timeline_resolve_person(timeline, person));
    return scratch;
}
