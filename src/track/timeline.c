/* The timeline: building, reading, ordering. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

const char *affect_modality_name(affect_modality modality) {
    switch (modality) {
    case AFFECT_MODALITY_NONE: return "none";
    case AFFECT_MODALITY_FACE: return "face";
    case AFFECT_MODALITY_VOICE: return "voice";
    case AFFECT_MODALITY_WORDS: return "words";
    case AFFECT_MODALITY_FUSED: return "fused";
    }
    return "unknown";
}

static void track_destroy(affect_track *track) {
    if (!track) return;
    for (size_t i = 0; track->channels && i < track->channel_count; i++)
        base_free(track->channels[i]);
    base_free(track->channels);
    base_free(track->id);
    base_free(track->model);
    base_spilled_free(&track->stored.times);
    base_spilled_free(&track->stored.confidence);
    base_spilled_free(&track->stored.values);
    base_spill_release(track->stored.file);
    base_free(track);
}

/* Copies texts into one block of memory that begins with the first, so that what has several costs
 * one allocation. NULL stays NULL, but not for the first. */
static bool own_texts(const char **texts[], size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (*texts[i]) bytes += strlen(*texts[i]) + 1;
    char *block = base_alloc(bytes);
    if (!block) return false;
    for (size_t i = 0; i < count; i++) {
        if (!*texts[i]) continue;
        size_t size = strlen(*texts[i]) + 1;
        *texts[i] = memcpy(block, *texts[i], size);
        block += size;
    }
    return true;
}

static void free_texts(const char *first) { base_free((void *)(uintptr_t)first); }

static void interval_clear(affect_interval *interval) {
    free_texts(interval->label);
    affect_attributes_destroy((affect_attributes *)(uintptr_t)interval->attributes);
}

static void tier_destroy(affect_tier *tier) {
    if (!tier) return;
    for (size_t i = 0; i < tier->count; i++) interval_clear(&tier->items[i]);
    base_free(tier->items);
    base_free(tier->id);
    base_free(tier);
}

static affect_tier *tier_new(const char *id, affect_modality modality) {
    affect_tier *tier = base_calloc(1, sizeof *tier);
    if (!tier) return NULL;
    tier->modality = modality;
    tier->id = base_strdup(id);
    if (!tier->id) {
        base_free(tier);
        return NULL;
    }
    return tier;
}

affect_status timeline_create(affect_context *ctx, affect_timeline **out) {
    *out = NULL;
    affect_timeline *timeline = base_calloc(1, sizeof *timeline);
    if (!timeline) return base_fail_memory(ctx);
    timeline->warnings = tier_new("warnings", AFFECT_MODALITY_NONE);
    timeline->file = base_spill_create();
    if (!timeline->warnings || !timeline->file) {
        tier_destroy(timeline->warnings);
        base_spill_release(timeline->file);
        base_free(timeline);
        return base_fail_memory(ctx);
    }
    *out = timeline;
    return AFFECT_OK;
}

void affect_timeline_destroy(affect_timeline *timeline) {
    if (!timeline) return;
    for (size_t i = 0; i < timeline->track_count; i++) track_destroy(timeline->tracks[i]);
    for (size_t i = 0; i < timeline->tier_count; i++) tier_destroy(timeline->tiers[i]);
    for (size_t i = 0; i < timeline->event_count; i++) free_texts(timeline->events[i].kind);
    for (size_t i = 0; i < timeline->link_count; i++) free_texts(timeline->links[i].from);
    for (size_t i = 0; i < timeline->person_count; i++) free_texts(timeline->persons[i].name);
    for (size_t i = 0; i < timeline->property_count; i++) {
        base_free(timeline->properties[i].key);
        base_free(timeline->properties[i].value);
    }
    tier_destroy(timeline->warnings);
    base_free(timeline->tracks);
    base_free(timeline->tiers);
    base_free(timeline->events);
    base_free(timeline->links);
    base_free(timeline->persons);
    base_free(timeline->properties);
    base_spill_release(timeline->file);
    base_free(timeline);
}

affect_status timeline_add_track(affect_context *ctx, affect_timeline *timeline, const char *id,
                                 affect_modality modality, int person, const char *model,
                                 const char *const *channels, size_t channel_count,
                                 affect_track **out) {
    *out = NULL;
    if (affect_timeline_find_track(timeline, id))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "track %s exists already", id);
    affect_track *track = base_calloc(1, sizeof *track);
    if (!track) return base_fail_memory(ctx);
    track->modality = modality;
    track->person = person;
    track->channel_count = channel_count;
    track->stored.file = base_spill_share(timeline->file);
    track->id = base_strdup(id);
    track->kind = track_kind_of_id(id);
    track->model = base_strdup(model ? model : "");
    track->channels = base_calloc(channel_count, sizeof *track->channels);
    bool ok = track->id && track->model && track->channels;
    for (size_t i = 0; ok && i < channel_count; i++)
        ok = (track->channels[i] = base_strdup(channels[i])) != NULL;
    ok = ok && base_grow((void **)&timeline->tracks, &timeline->track_capacity,
                         timeline->track_count + 1, sizeof(affect_track *));
    if (!ok) {
        track_destroy(track);
        return base_fail_memory(ctx);
    }
    timeline->tracks[timeline->track_count++] = track;
    *out = track;
    return AFFECT_OK;
}

affect_status timeline_tier(affect_context *ctx, affect_timeline *timeline, const char *id,
                            affect_modality modality, affect_tier **out) {
    *out = NULL;
    for (size_t i = 0; i < timeline->tier_count; i++)
        if (strcmp(timeline->tiers[i]->id, id) == 0) {
            *out = timeline->tiers[i];
            return AFFECT_OK;
        }
    affect_tier *tier = tier_new(id, modality);
    if (!tier || !base_grow((void **)&timeline->tiers, &timeline->tier_capacity,
                            timeline->tier_count + 1, sizeof(affect_tier *))) {
        tier_destroy(tier);
        return base_fail_memory(ctx);
    }
    timeline->tiers[timeline->tier_count++] = tier;
    *out = tier;
    return AFFECT_OK;
}

/* ---- ids: what a maker's begin with, and a number ---- */

/* An id of one of these forms was given by perception or fusion; docs/timeline.md lists them. */
static const struct {
    const char *tier, *prefix;
} tier_prefixes[] = {{"words", "w"},    {"utterances", "u"}, {"speech", "s"},
                     {"speakers", "t"}, {"episodes", "e"},   {"warnings", ""}};
static const char *const event_prefixes[] = {"n", "f", "v", "l", "j"}; /* by modality */

static void tier_prefix(const affect_tier *tier, base_text *out) {
    for (size_t i = 0; i < BASE_COUNT(tier_prefixes); i++)
        if (strcmp(tier->id, tier_prefixes[i].tier) == 0) {
            base_text_append(out, tier_prefixes[i].prefix);
            return;
        }
    base_text_printf(out, "%s/", tier->id);
}

static const char *event_prefix(affect_modality modality, size_t *place) {
    *place = (size_t)modality < BASE_COUNT(event_prefixes) ? (size_t)modality : 0;
    return event_prefixes[*place];
}

void tier_take_id(affect_tier *tier, base_text *out) {
    tier_prefix(tier, out);
    base_text_printf(out, "%llu", (unsigned long long)++tier->made);
}

/* An id that was given counts too: the next one must not be the same. */
static void note_id(const char *id, const char *prefix, uint64_t *made) {
    size_t n = strlen(prefix);
    int64_t number;
    if (strncmp(id, prefix, n) == 0 && strlen(id + n) <= 15 &&
        base_parse_int64(id + n, strlen(id + n), &number) && number > 0 && (uint64_t)number > *made)
        *made = (uint64_t)number;
}

/* The id of an interval: its own or the next one. Into `text`. */
static bool choose_id(affect_tier *tier, affect_interval *interval, base_text *text) {
    bool nameless = strcmp(tier->id, "warnings") == 0;
    if (nameless) {
        interval->id = "";
    } else if (!interval->id || !*interval->id) {
        tier_take_id(tier, text);
        interval->id = text->data;
    } else {
        tier_prefix(tier, text);
        if (!text->failed) note_id(interval->id, text->length ? text->data : "", &tier->made);
    }
    return !text->failed;
}

affect_status tier_append(affect_context *ctx, affect_tier *tier, const affect_interval *interval) {
    if (interval->t1 < interval->t0)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "tier %s: interval ends before it starts",
                         tier->id);
    affect_interval copy = *interval;
    if (!copy.label) copy.label = "";
    char *clean = NULL;
    size_t length = strlen(copy.label);
    if (!base_utf8_valid(copy.label, length)) {
        copy.label = clean = base_utf8_clean(copy.label, length);
        if (!clean) return base_fail_memory(ctx);
    }
    affect_attributes *attributes;
    affect_status status = attributes_copy(ctx, interval->attributes, &attributes);
    copy.attributes = attributes;
    base_text id = {0};
    bool owned = false;
    if (status == AFFECT_OK) {
        const char **texts[] = {&copy.label, &copy.id, &copy.parent};
        owned = base_grow((void **)&tier->items, &tier->capacity, tier->count + 1,
                          sizeof *tier->items) &&
                choose_id(tier, &copy, &id) && own_texts(texts, BASE_COUNT(texts));
        if (!owned) status = base_fail_memory(ctx);
    }
    base_text_destroy(&id);
    base_free(clean);
    if (owned)
        tier->items[tier->count++] = copy;
    else
        affect_attributes_destroy(attributes);
    return status;
}

affect_status tier_replace(affect_context *ctx, affect_tier *tier, size_t i,
                           const affect_interval *interval) {
    affect_status status = tier_append(ctx, tier, interval);
    if (status != AFFECT_OK) return status;
    interval_clear(&tier->items[i]);
    tier->items[i] = tier->items[--tier->count];
    return AFFECT_OK;
}

void tier_clear(affect_tier *tier) {
    for (size_t i = 0; i < tier->count; i++) interval_clear(&tier->items[i]);
    tier->count = 0;
    tier->made = 0;
}

affect_status timeline_add_event(affect_context *ctx, affect_timeline *timeline,
                                 const affect_event *event) {
    if (event->apex < event->onset || event->offset < event->apex)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "event %s: onset, apex and offset out of order", event->kind);
    affect_event copy = *event;
    char id[32];
    size_t place;
    const char *prefix = event_prefix(event->modality, &place);
    uint64_t *made = &timeline->events_made[place];
    if (copy.id && *copy.id) {
        note_id(copy.id, prefix, made);
    } else {
        snprintf(id, sizeof id, "%s%llu", prefix, (unsigned long long)++*made);
        copy.id = id;
    }
    if (!copy.model) copy.model = "";
    const char **texts[] = {&copy.kind, &copy.id, &copy.model};
    if (!base_grow((void **)&timeline->events, &timeline->event_capacity, timeline->event_count + 1,
                   sizeof *timeline->events) ||
        !own_texts(texts, BASE_COUNT(texts)))
        return base_fail_memory(ctx);
    timeline->events[timeline->event_count++] = copy;
    return AFFECT_OK;
}

/* ---- links and persons ---- */

const char *affect_link_kind_name(affect_link_kind kind) {
    switch (kind) {
#define LINK_NAME(symbol, word)                                                                    \
    case AFFECT_LINK_##symbol: return word;
        AFFECT_LINK_TABLE(LINK_NAME)
#undef LINK_NAME
    }
    return "unknown";
}

affect_status timeline_add_link(affect_context *ctx, affect_timeline *timeline,
                                const affect_link *link) {
    if (!link->from || !link->to || !*link->from || !*link->to)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a link needs two ids");
    affect_link copy = *link;
    const char **texts[] = {&copy.from, &copy.to};
    if (!base_grow((void **)&timeline->links, &timeline->link_capacity, timeline->link_count + 1,
                   sizeof *timeline->links) ||
        !own_texts(texts, BASE_COUNT(texts)))
        return base_fail_memory(ctx);
    timeline->links[timeline->link_count++] = copy;
    return AFFECT_OK;
}

/* Where the person stands, or would stand. */
static size_t person_place(const affect_timeline *timeline, int id) {
    size_t low = 0, high = timeline->person_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->persons[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const affect_person *timeline_find_person(const affect_timeline *timeline, int id) {
    size_t at = person_place(timeline, id);
    return at < timeline->person_count && timeline->persons[at].id == id ? &timeline->persons[at]
                                                                         : NULL;
}

affect_status timeline_set_person(affect_context *ctx, affect_timeline *timeline,
                                  const affect_person *person) {
    if (person->id < 1 || person->merged_into < 0)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "person %d, merged into %d: numbers from 1",
                         person->id, person->merged_into);
    if (person->merged_into &&
        affect_timeline_resolve_person(timeline, person->merged_into) == person->id)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "person %d merged into %d, which is person %d",
                         person->id, person->merged_into, person->id);
    affect_person copy = *person;
    if (!copy.name) copy.name = "";
    char *name = base_utf8_clean(copy.name, strlen(copy.name));
    if (!name || !base_grow((void **)&timeline->persons, &timeline->person_capacity,
                            timeline->person_count + 1, sizeof *timeline->persons)) {
        base_free(name);
        return base_fail_memory(ctx);
    }
    copy.name = name;
    size_t at = person_place(timeline, copy.id);
    affect_person *place = &timeline->persons[at];
    if (at < timeline->person_count && place->id == copy.id) {
        free_texts(place->name);
    } else {
        memmove(place + 1, place, (timeline->person_count - at) * sizeof *place);
        timeline->person_count++;
    }
    *place = copy;
    return AFFECT_OK;
}

int affect_timeline_resolve_person(const affect_timeline *timeline, int id) {
    /* No record ever closes a circle: timeline_set_person refuses it. */
    for (const affect_person *p;
         timeline && (p = timeline_find_person(timeline, id)) && p->merged_into;)
        id = p->merged_into;
    return id;
}

const char *affect_timeline_person_name(const affect_timeline *timeline, int id) {
    const affect_person *p =
        timeline ? timeline_find_person(timeline, affect_timeline_resolve_person(timeline, id))
                 : NULL;
    return p ? p->name : "";
}

static int compare_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

affect_status timeline_check_ids(affect_context *ctx, const affect_timeline *timeline) {
    size_t n = timeline->event_count, at = 0;
    for (size_t i = 0; i < timeline->tier_count; i++) n += timeline->tiers[i]->count;
    const char **ids = base_calloc(n + 1, sizeof *ids);
    if (!ids) return base_fail_memory(ctx);
    for (size_t i = 0; i < timeline->event_count; i++) ids[at++] = timeline->events[i].id;
    for (size_t i = 0; i < timeline->tier_count; i++)
        for (size_t k = 0; k < timeline->tiers[i]->count; k++)
            ids[at++] = timeline->tiers[i]->items[k].id;
    qsort(ids, n, sizeof *ids, compare_text);
    affect_status status = AFFECT_OK;
    for (size_t i = 1; i < n && status == AFFECT_OK; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "two things have the id %s", ids[i]);
    base_free(ids);
    return status;
}

affect_status timeline_join(affect_context *ctx, affect_timeline *to, affect_timeline *from) {
    affect_status status = AFFECT_OK;
    if (!base_grow((void **)&to->tracks, &to->track_capacity, to->track_count + from->track_count,
                   sizeof *to->tracks))
        return base_fail_memory(ctx);
    for (size_t i = 0; i < from->track_count; i++) to->tracks[to->track_count++] = from->tracks[i];
    from->track_count = 0;
    for (size_t i = 0; i < from->event_count && status == AFFECT_OK; i++)
        status = timeline_add_event(ctx, to, &from->events[i]);
    for (size_t i = 0; i < from->tier_count && status == AFFECT_OK; i++) {
        affect_tier *tier;
        status = timeline_tier(ctx, to, from->tiers[i]->id, from->tiers[i]->modality, &tier);
        for (size_t k = 0; k < from->tiers[i]->count && status == AFFECT_OK; k++)
            status = tier_append(ctx, tier, &from->tiers[i]->items[k]);
    }
    for (size_t i = 0; i < from->link_count && status == AFFECT_OK; i++)
        status = timeline_add_link(ctx, to, &from->links[i]);
    for (size_t i = 0; i < from->person_count && status == AFFECT_OK; i++)
        status = timeline_set_person(ctx, to, &from->persons[i]);
    for (size_t i = 0; i < from->warnings->count && status == AFFECT_OK; i++)
        status = tier_append(ctx, to->warnings, &from->warnings->items[i]);
    for (size_t i = 0; i < from->property_count && status == AFFECT_OK; i++)
        status = timeline_set_property(ctx, to, from->properties[i].key, from->properties[i].value);
    return status;
}

affect_status timeline_warn(affect_context *ctx, affect_timeline *timeline, affect_time t0,
                            affect_time t1, const char *format, ...) {
    char text[512], sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    base_clean_line(text, sentence, sizeof sentence);
    base_log(ctx, AFFECT_LOG_WARNING, "%s", sentence);
    affect_interval warning = {.t0 = t0, .t1 = t1, .label = sentence, .score = NAN};
    return tier_append(ctx, timeline->warnings, &warning);
}

affect_status timeline_set_property(affect_context *ctx, affect_timeline *timeline, const char *key,
                                    const char *value) {
    char *new_value = base_utf8_clean(value, strlen(value));
    if (!new_value) return base_fail_memory(ctx);
    for (size_t i = 0; i < timeline->property_count; i++)
        if (strcmp(timeline->properties[i].key, key) == 0) {
            base_free(timeline->properties[i].value);
            timeline->properties[i].value = new_value;
            return AFFECT_OK;
        }
    char *new_key = base_strdup(key);
    if (!new_key || !base_grow((void **)&timeline->properties, &timeline->property_capacity,
                               timeline->property_count + 1, sizeof *timeline->properties)) {
        base_free(new_key);
        base_free(new_value);
        return base_fail_memory(ctx);
    }
    timeline->properties[timeline->property_count++] = (timeline_property){new_key, new_value};
    return AFFECT_OK;
}

const char *affect_timeline_property(const affect_timeline *timeline, const char *key) {
    for (size_t i = 0; timeline && key && i < timeline->property_count; i++)
        if (strcmp(timeline->properties[i].key, key) == 0) return timeline->properties[i].value;
    return NULL;
}

/* ---- order: total, because ids break ties, so that the way of sorting does not matter ---- */

static int compare_time(affect_time a, affect_time b) { return (a > b) - (a < b); }

/* "w9" before "w10". */
static int compare_id(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    return n != m ? (n > m) - (n < m) : strcmp(a, b);
}

static int compare_interval(const affect_interval *a, const affect_interval *b) {
    int order = compare_time(a->t0, b->t0);
    if (!order) order = compare_time(a->t1, b->t1);
    if (!order) order = (a->person > b->person) - (a->person < b->person);
    if (!order) order = strcmp(a->label, b->label);
    return order ? order : compare_id(a->id, b->id);
}

/* By insertion: perception appends almost in order already. */
static void sort_intervals(affect_interval *items, size_t n) {
    for (size_t i = 1; i < n; i++) {
        affect_interval item = items[i];
        size_t j = i;
        for (; j && compare_interval(&items[j - 1], &item) > 0; j--) items[j] = items[j - 1];
        items[j] = item;
    }
}

static int compare_event(const affect_event *a, const affect_event *b) {
    int order = compare_time(a->onset, b->onset);
    if (!order) order = (int)a->modality - (int)b->modality;
    if (!order) order = strcmp(a->kind, b->kind);
    if (!order) order = (a->person > b->person) - (a->person < b->person);
    if (!order) order = compare_time(a->apex, b->apex);
    if (!order) order = compare_time(a->offset, b->offset);
    return order ? order : compare_id(a->id, b->id);
}

static int compare_link(const void *x, const void *y) {
    const affect_link *a = x, *b = y;
    int order = compare_id(a->from, b->from);
    if (!order) order = compare_id(a->to, b->to);
    if (!order) order = (int)a->kind - (int)b->kind;
    if (!order) order = (a->person > b->person) - (a->person < b->person);
    return order ? order : compare_time(a->lag, b->lag);
}

static int compare_event_void(const void *a, const void *b) { return compare_event(a, b); }

static int compare_track_id(const void *a, const void *b) {
    return strcmp((*(affect_track *const *)a)->id, (*(affect_track *const *)b)->id);
}

static int compare_tier_id(const void *a, const void *b) {
    return strcmp((*(affect_tier *const *)a)->id, (*(affect_tier *const *)b)->id);
}

static int compare_property(const void *a, const void *b) {
    return strcmp(((const timeline_property *)a)->key, ((const timeline_property *)b)->key);
}

void timeline_sort(affect_timeline *timeline) {
    if (timeline->track_count)
        qsort(timeline->tracks, timeline->track_count, sizeof(affect_track *), compare_track_id);
    if (timeline->tier_count)
        qsort(timeline->tiers, timeline->tier_count, sizeof(affect_tier *), compare_tier_id);
    if (timeline->event_count)
        qsort(timeline->events, timeline->event_count, sizeof(affect_event), compare_event_void);
    if (timeline->link_count)
        qsort(timeline->links, timeline->link_count, sizeof(affect_link), compare_link);
    if (timeline->property_count)
        qsort(timeline->properties, timeline->property_count, sizeof(timeline_property),
              compare_property);
    for (size_t i = 0; i < timeline->tier_count; i++)
        sort_intervals(timeline->tiers[i]->items, timeline->tiers[i]->count);
    sort_intervals(timeline->warnings->items, timeline->warnings->count);
}

/* ---- public accessors ---- */

affect_time affect_timeline_duration(const affect_timeline *t) { return t ? t->duration : 0; }
size_t affect_timeline_track_count(const affect_timeline *t) { return t ? t->track_count : 0; }
const affect_track *affect_timeline_track(const affect_timeline *t, size_t i) {
    return t && i < t->track_count ? t->tracks[i] : NULL;
}
const affect_track *affect_timeline_find_track(const affect_timeline *t, const char *id) {
    for (size_t i = 0; t && id && i < t->track_count; i++)
        if (strcmp(t->tracks[i]->id, id) == 0) return t->tracks[i];
    return NULL;
}
const char *affect_track_id(const affect_track *t) { return t ? t->id : ""; }
affect_modality affect_track_modality(const affect_track *t) {
    return t ? t->modality : AFFECT_MODALITY_NONE;
}
int affect_track_person(const affect_track *t) { return t ? t->person : AFFECT_PERSON_NONE; }
const char *affect_track_model(const affect_track *t) { return t ? t->model : ""; }
size_t affect_track_rows(const affect_track *t) { return t ? t->rows : 0; }
size_t affect_track_channels(const affect_track *t) { return t ? t->channel_count : 0; }
const char *affect_track_channel_name(const affect_track *t, size_t channel) {
    return t && channel < t->channel_count ? t->channels[channel] : NULL;
}
size_t affect_track_find_channel(const affect_track *t, const char *name) {
    for (size_t i = 0; t && name && i < t->channel_count; i++)
        if (strcmp(t->channels[i], name) == 0) return i;
    return AFFECT_CHANNEL_NONE;
}
affect_time affect_track_time(const affect_track *t, size_t row) {
    return t && row < t->rows ? t->times[row] : AFFECT_TIME_NONE;
}
float affect_track_confidence(const affect_track *t, size_t row) {
    return t && row < t->rows ? t->confidence[row] : 0;
}
const float *affect_track_row(const affect_track *t, size_t row) {
    return t && row < t->rows ? t->values + row * t->channel_count : NULL;
}
size_t affect_timeline_tier_count(const affect_timeline *t) { return t ? t->tier_count : 0; }
const affect_tier *affect_timeline_tier(const affect_timeline *t, size_t i) {
    return t && i < t->tier_count ? t->tiers[i] : NULL;
}
const affect_tier *affect_timeline_find_tier(const affect_timeline *t, const char *id) {
    for (size_t i = 0; t && id && i < t->tier_count; i++)
        if (strcmp(t->tiers[i]->id, id) == 0) return t->tiers[i];
    return NULL;
}
const char *affect_tier_id(const affect_tier *t) { return t ? t->id : ""; }
affect_modality affect_tier_modality(const affect_tier *t) {
    return t ? t->modality : AFFECT_MODALITY_NONE;
}
size_t affect_tier_count(const affect_tier *t) { return t ? t->count : 0; }
const affect_interval *affect_tier_interval(const affect_tier *t, size_t i) {
    return t && i < t->count ? &t->items[i] : NULL;
}
size_t affect_timeline_event_count(const affect_timeline *t) { return t ? t->event_count : 0; }
const affect_event *affect_timeline_event(const affect_timeline *t, size_t i) {
    return t && i < t->event_count ? &t->events[i] : NULL;
}
size_t affect_timeline_link_count(const affect_timeline *t) { return t ? t->link_count : 0; }
const affect_link *affect_timeline_link(const affect_timeline *t, size_t i) {
    return t && i < t->link_count ? &t->links[i] : NULL;
}
size_t affect_timeline_person_count(const affect_timeline *t) { return t ? t->person_count : 0; }
const affect_person *affect_timeline_person(const affect_timeline *t, size_t i) {
    return t && i < t->person_count ? &t->persons[i] : NULL;
}
size_t affect_timeline_property_count(const affect_timeline *t) {
    return t ? t->property_count : 0;
}
const char *affect_timeline_property_key(const affect_timeline *t, size_t i) {
    return t && i < t->property_count ? t->properties[i].key : NULL;
}
size_t affect_timeline_warning_count(const affect_timeline *t) {
    return t ? t->warnings->count : 0;
}
const affect_interval *affect_timeline_warning(const affect_timeline *t, size_t i) {
    return affect_tier_interval(t ? t->warnings : NULL, i);
}

const affect_interval *affect_timeline_find_interval(const affect_timeline *t, const char *id,
                                                     const affect_tier **tier) {
    for (size_t i = 0; t && id && i < t->tier_count; i++)
        for (size_t k = 0; k < t->tiers[i]->count; k++)
            if (strcmp(t->tiers[i]->items[k].id, id) == 0) {
                if (tier) *tier = t->tiers[i];
                return &t->tiers[i]->items[k];
            }
    if (tier) *tier = NULL;
    return NULL;
}

const affect_event *affect_timeline_find_event(const affect_timeline *t, const char *id) {
    for (size_t i = 0; t && id && i < t->event_count; i++)
        if (strcmp(t->events[i].id, id) == 0) return &t->events[i];
    return NULL;
}
