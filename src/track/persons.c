/* Merged persons as one: what the records of a timeline say of its persons, applied to a copy. */
#include <math.h>
#include <string.h>

#include "track/track.h"

static bool has_merges(const affect_timeline *timeline) {
    for (size_t i = 0; i < timeline->person_count; i++)
        if (timeline->persons[i].merged_into) return true;
    return false;
}

static int person_of(const affect_timeline *timeline, int person) {
    return person > 0 ? affect_timeline_resolve_person(timeline, person) : person;
}

/* Tracks of a kind of which there is one for each person. */
static bool joins(const affect_timeline *timeline, const affect_track *a, const affect_track *b) {
    return a->kind && a->kind == b->kind && track_kind_personal(a->kind) &&
           person_of(timeline, a->person) == person_of(timeline, b->person);
}

/* One of the tracks that become one, and how far it is read. */
typedef struct source {
    const affect_track *track;
    size_t row;
    size_t *channels; /* where each of its channels stands in the joined track */
} source;

/* The source whose row is next: the earliest; of several at one instant the most confident; of
 * those the person with the lowest number. NULL at the end. */
static source *next_row(source *sources, size_t count) {
    source *best = NULL;
    for (size_t i = 0; i < count; i++) {
        source *s = &sources[i];
        if (s->row == s->track->rows) continue;
        affect_time time = s->track->times[s->row],
                    first = best ? best->track->times[best->row] : 0;
        float sure = s->track->confidence[s->row];
        float best_sure = best ? best->track->confidence[best->row] : 0;
        if (!best || time < first ||
            (time == first &&
             (sure > best_sure || (!(sure < best_sure) && s->track->person < best->track->person))))
            best = s;
    }
    return best;
}

static affect_status join_rows(affect_context *ctx, source *sources, size_t count,
                               affect_track *out) {
    float *values = base_calloc(out->channel_count, sizeof *values);
    if (!values) return base_fail_memory(ctx);
    affect_status status = AFFECT_OK;
    for (source *s; status == AFFECT_OK && (s = next_row(sources, count));) {
        const affect_track *from = s->track;
        affect_time time = from->times[s->row];
        for (size_t c = 0; c < out->channel_count; c++) values[c] = NAN;
        for (size_t c = 0; c < from->channel_count; c++)
            values[s->channels[c]] = from->values[s->row * from->channel_count + c];
        status = track_append(ctx, out, time, from->confidence[s->row], values);
        s->row++;
        for (size_t i = 0; i < count; i++) /* what the others say of this instant counts less */
            if (&sources[i] != s && sources[i].row < sources[i].track->rows &&
                sources[i].track->times[sources[i].row] == time)
                sources[i].row++;
    }
    base_free(values);
    return status;
}

/* The channels of all, each once, in order of the first track that has it. Texts are borrowed. */
static void join_channels(source *sources, size_t count, const char **names, size_t *name_count) {
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < sources[i].track->channel_count; c++) {
            size_t at = 0;
            while (at < *name_count && strcmp(names[at], sources[i].track->channels[c]) != 0) at++;
            if (at == *name_count) names[(*name_count)++] = sources[i].track->channels[c];
            sources[i].channels[c] = at;
        }
}

/* The track at `first` and all that join it; those of the person itself come first. */
static affect_status join_tracks(affect_context *ctx, const affect_timeline *timeline, size_t first,
                                 affect_timeline *out) {
    const affect_track *one = timeline->tracks[first];
    int person = person_of(timeline, one->person);
    size_t count = 0, all = 0, name_count = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = first; i < timeline->track_count; i++)
        if (i == first || joins(timeline, one, timeline->tracks[i])) {
            count++;
            all += timeline->tracks[i]->channel_count;
        }
    source *sources = base_calloc(count, sizeof *sources);
    size_t *places = base_calloc(all, sizeof *places);
    const char **names = base_calloc(all, sizeof *names);
    if (!sources || !places || !names) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    size_t n = 0, at = 0;
    for (int own = 1; own >= 0; own--)
        for (size_t i = first; i < timeline->track_count; i++) {
            const affect_track *track = timeline->tracks[i];
            bool wanted = i == first || joins(timeline, one, track);
            if (!wanted || (track->person == person) != own) continue;
            sources[n++] = (source){.track = track, .channels = places + at};
            at += track->channel_count;
        }
    join_channels(sources, count, names, &name_count);
    affect_track *joined;
    bool personal = one->kind && track_kind_personal(one->kind);
    status = personal ? timeline_add_role(ctx, out, one->kind->role, one->kind->modality, person,
                                          sources[0].track->model, names, name_count, &joined)
                      : timeline_add_track(ctx, out, one->id, one->modality, person, one->model,
                                           names, name_count, &joined);
    if (status == AFFECT_OK) status = join_rows(ctx, sources, count, joined);
cleanup:
    base_free(sources);
    base_free(places);
    base_free(names);
    return status;
}

static affect_status copy_tier(affect_context *ctx, const affect_timeline *timeline,
                               const affect_tier *from, affect_tier *to) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < from->count && status == AFFECT_OK; i++) {
        affect_interval interval = from->items[i];
        interval.person = person_of(timeline, interval.person);
        status = tier_append(ctx, to, &interval);
    }
    return status;
}

static affect_status resolve(affect_context *ctx, const affect_timeline *timeline,
                             affect_timeline *out) {
    affect_status status = AFFECT_OK;
    out->duration = timeline->duration;
    for (size_t i = 0; i < timeline->track_count && status == AFFECT_OK; i++) {
        bool done = false;
        for (size_t k = 0; k < i && !done; k++)
            done = joins(timeline, timeline->tracks[k], timeline->tracks[i]);
        if (!done) status = join_tracks(ctx, timeline, i, out);
    }
    for (size_t i = 0; i < timeline->tier_count && status == AFFECT_OK; i++) {
        const affect_tier *from = timeline->tiers[i];
        affect_tier *to;
        status = timeline_tier(ctx, out, from->id, from->modality, &to);
        if (status == AFFECT_OK) status = copy_tier(ctx, timeline, from, to);
    }
    if (status == AFFECT_OK) status = copy_tier(ctx, timeline, timeline->warnings, out->warnings);
    for (size_t i = 0; i < timeline->event_count && status == AFFECT_OK; i++) {
        affect_event event = timeline->events[i];
        event.person = person_of(timeline, event.person);
        status = timeline_add_event(ctx, out, &event);
    }
    for (size_t i = 0; i < timeline->link_count && status == AFFECT_OK; i++) {
        affect_link link = timeline->links[i];
        link.person = person_of(timeline, link.person);
        status = timeline_add_link(ctx, out, &link);
    }
    for (size_t i = 0; i < timeline->person_count && status == AFFECT_OK; i++)
        if (!timeline->persons[i].merged_into)
            status = timeline_set_person(ctx, out, &timeline->persons[i]);
    for (size_t i = 0; i < timeline->property_count && status == AFFECT_OK; i++)
        status = timeline_set_property(ctx, out, timeline->properties[i].key,
                                       timeline->properties[i].value);
    if (status == AFFECT_OK) timeline_sort(out);
    return status;
}

affect_status timeline_renumber(affect_context *ctx, affect_timeline *timeline, int from, int to) {
    for (size_t i = 0; i < timeline->track_count; i++) {
        affect_track *track = timeline->tracks[i];
        if (track->person != from) continue;
        if (track->kind && track_kind_personal(track->kind)) {
            char id[TRACK_ID_SIZE];
            track_kind_id(track->kind, to, id);
            char *own = base_strdup(id);
            if (!own) return base_fail_memory(ctx);
            base_free(track->id);
            track->id = own;
        }
        track->person = to;
    }
    for (size_t i = 0; i < timeline->tier_count; i++)
        for (size_t k = 0; k < timeline->tiers[i]->count; k++)
            if (timeline->tiers[i]->items[k].person == from)
                timeline->tiers[i]->items[k].person = to;
    for (size_t i = 0; i < timeline->event_count; i++)
        if (timeline->events[i].person == from) timeline->events[i].person = to;
    for (size_t i = 0; i < timeline->link_count; i++)
        if (timeline->links[i].person == from) timeline->links[i].person = to;
    for (size_t i = 0; i < timeline->person_count; i++) {
        affect_person *person = &timeline->persons[i];
        if (person->id == from) person->id = to;
        if (person->merged_into == from) person->merged_into = to;
    }
    for (size_t i = 1; i < timeline->person_count; i++) /* in order of id again */
        for (size_t k = i; k > 0 && timeline->persons[k - 1].id > timeline->persons[k].id; k--) {
            affect_person other = timeline->persons[k];
            timeline->persons[k] = timeline->persons[k - 1];
            timeline->persons[k - 1] = other;
        }
    return AFFECT_OK;
}

affect_status timeline_resolve(affect_context *ctx, const affect_timeline *timeline,
                               affect_timeline **made, const affect_timeline **out) {
    *made = NULL;
    *out = timeline;
    if (!has_merges(timeline)) return AFFECT_OK;
    affect_status status = timeline_create(ctx, made);
    if (status == AFFECT_OK) status = resolve(ctx, timeline, *made);
    if (status == AFFECT_OK) {
        *out = *made;
        return status;
    }
    affect_timeline_destroy(*made);
    *made = NULL;
    return status;
}
