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
    base_free(track->times);
    base_free(track->confidence);
    base_free(track->values);
    base_free(track);
}

static void interval_clear(affect_interval *interval) {
    base_free((void *)(uintptr_t)interval->label);
    base_free((void *)(uintptr_t)interval->attributes);
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
    if (!timeline->warnings) {
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
    for (size_t i = 0; i < timeline->event_count; i++)
        base_free((void *)(uintptr_t)timeline->events[i].kind);
    for (size_t i = 0; i < timeline->property_count; i++) {
        base_free(timeline->properties[i].key);
        base_free(timeline->properties[i].value);
    }
    tier_destroy(timeline->warnings);
    base_free(timeline->tracks);
    base_free(timeline->tiers);
    base_free(timeline->events);
    base_free(timeline->properties);
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
    track->id = base_strdup(id);
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

affect_status track_append(affect_context *ctx, affect_track *track, affect_time time,
                           float confidence, const float *values) {
    size_t d = track->channel_count, n = track->rows;
    if (n && time < track->times[n - 1])
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "track %s: time runs backwards at row %zu",
                         track->id, n);
    if (!base_grow((void **)&track->times, &track->times_capacity, n + 1, sizeof *track->times) ||
        !base_grow((void **)&track->confidence, &track->confidence_capacity, n + 1,
                   sizeof *track->confidence) ||
        !base_grow((void **)&track->values, &track->values_capacity, (n + 1) * d,
                   sizeof *track->values))
        return base_fail_memory(ctx);
    track->times[n] = time;
    track->confidence[n] = confidence >= 0 ? (confidence > 1 ? 1 : confidence) : 0;
    for (size_t i = 0; i < d; i++) track->values[n * d + i] = isinf(values[i]) ? NAN : values[i];
    track->rows++;
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

affect_status tier_append(affect_context *ctx, affect_tier *tier, const affect_interval *interval) {
    if (interval->t1 < interval->t0)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "tier %s: interval ends before it starts",
                         tier->id);
    affect_interval copy = *interval;
    const char *label = interval->label ? interval->label : "";
    copy.label = base_utf8_clean(label, strlen(label));
    copy.attributes = base_strdup(interval->attributes);
    if (!copy.label || (interval->attributes && !copy.attributes) ||
        !base_grow((void **)&tier->items, &tier->capacity, tier->count + 1, sizeof *tier->items)) {
        interval_clear(&copy);
        return base_fail_memory(ctx);
    }
    tier->items[tier->count++] = copy;
    return AFFECT_OK;
}

affect_status timeline_add_event(affect_context *ctx, affect_timeline *timeline,
                                 const affect_event *event) {
    if (event->apex < event->onset || event->offset < event->apex)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "event %s: onset, apex and offset out of order", event->kind);
    affect_event copy = *event;
    copy.kind = base_strdup(event->kind);
    if (!copy.kind || !base_grow((void **)&timeline->events, &timeline->event_capacity,
                                 timeline->event_count + 1, sizeof *timeline->events)) {
        base_free((void *)(uintptr_t)copy.kind);
        return base_fail_memory(ctx);
    }
    timeline->events[timeline->event_count++] = copy;
    return AFFECT_OK;
}

affect_status timeline_warn(affect_context *ctx, affect_timeline *timeline, affect_time t0,
                            affect_time t1, const char *format, ...) {
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
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

const char *timeline_property_get(const affect_timeline *timeline, const char *key) {
    for (size_t i = 0; i < timeline->property_count; i++)
        if (strcmp(timeline->properties[i].key, key) == 0) return timeline->properties[i].value;
    return NULL;
}

/* ---- order. Insertion order breaks ties, so qsort gets an index along. ---- */

static int compare_time(affect_time a, affect_time b) { return (a > b) - (a < b); }

static int compare_interval(const affect_interval *a, const affect_interval *b) {
    int order = compare_time(a->t0, b->t0);
    if (!order) order = compare_time(a->t1, b->t1);
    if (!order) order = (a->person > b->person) - (a->person < b->person);
    return order ? order : strcmp(a->label, b->label);
}

/* Merge-like stability at insertion-sort cost: perception appends almost in order already. */
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
    return order;
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
    if (timeline->property_count)
        qsort(timeline->properties, timeline->property_count, sizeof(timeline_property),
              compare_property);
    for (size_t i = 0; i < timeline->tier_count; i++)
        sort_intervals(timeline->tiers[i]->items, timeline->tiers[i]->count);
    sort_intervals(timeline->warnings->items, timeline->warnings->count);
}

/* ---- public accessors ---- */

affect_time affect_timeline_duration(const affect_timeline *t) { return t->duration; }
size_t affect_timeline_track_count(const affect_timeline *t) { return t->track_count; }
const affect_track *affect_timeline_track(const affect_timeline *t, size_t i) {
    return i < t->track_count ? t->tracks[i] : NULL;
}
const affect_track *affect_timeline_find_track(const affect_timeline *t, const char *id) {
    for (size_t i = 0; i < t->track_count; i++)
        if (strcmp(t->tracks[i]->id, id) == 0) return t->tracks[i];
    return NULL;
}
const char *affect_track_id(const affect_track *t) { return t->id; }
affect_modality affect_track_modality(const affect_track *t) { return t->modality; }
int affect_track_person(const affect_track *t) { return t->person; }
const char *affect_track_model(const affect_track *t) { return t->model; }
size_t affect_track_rows(const affect_track *t) { return t->rows; }
size_t affect_track_channels(const affect_track *t) { return t->channel_count; }
const char *affect_track_channel_name(const affect_track *t, size_t channel) {
    return channel < t->channel_count ? t->channels[channel] : NULL;
}
affect_time affect_track_time(const affect_track *t, size_t row) {
    return row < t->rows ? t->times[row] : AFFECT_TIME_NONE;
}
float affect_track_confidence(const affect_track *t, size_t row) {
    return row < t->rows ? t->confidence[row] : 0;
}
const float *affect_track_row(const affect_track *t, size_t row) {
    return row < t->rows ? t->values + row * t->channel_count : NULL;
}
size_t affect_timeline_tier_count(const affect_timeline *t) { return t->tier_count; }
const affect_tier *affect_timeline_tier(const affect_timeline *t, size_t i) {
    return i < t->tier_count ? t->tiers[i] : NULL;
}
const affect_tier *affect_timeline_find_tier(const affect_timeline *t, const char *id) {
    for (size_t i = 0; i < t->tier_count; i++)
        if (strcmp(t->tiers[i]->id, id) == 0) return t->tiers[i];
    return NULL;
}
const char *affect_tier_id(const affect_tier *t) { return t->id; }
affect_modality affect_tier_modality(const affect_tier *t) { return t->modality; }
size_t affect_tier_count(const affect_tier *t) { return t->count; }
affect_interval affect_tier_interval(const affect_tier *t, size_t i) {
    return i < t->count ? t->items[i] : (affect_interval){.label = "", .score = NAN};
}
size_t affect_timeline_event_count(const affect_timeline *t) { return t->event_count; }
affect_event affect_timeline_event(const affect_timeline *t, size_t i) {
    return i < t->event_count ? t->events[i] : (affect_event){.kind = ""};
}
size_t affect_timeline_warning_count(const affect_timeline *t) { return t->warnings->count; }
affect_interval affect_timeline_warning(const affect_timeline *t, size_t i) {
    return affect_tier_interval(t->warnings, i);
}
