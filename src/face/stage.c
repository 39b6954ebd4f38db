/* The stage: persons of each frame wait FACE_LOOK_AHEAD_MS, while their neutral is learnt, and are
 * then written out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_private.h"

static const affect_time look_ahead = FACE_LOOK_AHEAD_MS * AFFECT_MILLISECOND;

/* The expression network sees a face this often. What it says is averaged over `look_reach` to both
 * sides, with triangular weight: a syllable's mouth is not an expression. */
static const affect_time look_every = 200 * AFFECT_MILLISECOND;
static const affect_time look_reach = 600 * AFFECT_MILLISECOND;

typedef struct reading {
    affect_time time;
    float confidence, in_distribution, said[FACE_CATEGORIES];
} reading;

typedef struct row {
    affect_time time;
    float confidence, box[4], yaw, pitch, roll;
    float eyes[2], mouth[2];
    float deviation[FACE_MEASURES];
} row;

enum { MODELS = 5 }; /* detector, mesh, expression, geometry, identity */

enum {
    TRACK_BOX,
    TRACK_POSE,
    TRACK_EYES,
    TRACK_MOUTH,
    TRACK_AUS,
    TRACK_EXPRESSION,
    TRACK_AFFECT,
    TRACKS
};

typedef struct subject {
    int key, number;   /* number 0: not confirmed yet */
    size_t born_frame; /* how many frames there had been when it appeared */
    affect_track *tracks[TRACKS];
    bool in_view;
    affect_time view_t0, view_t1; /* of the rows written since it came into view */
    face_identity identity;
    face_neutral neutral;
    face_events *events;
    affect_time last_seen;
    row *rows; /* waiting; [head, count) */
    size_t head, count, capacity;
    reading *readings; /* what rows still need, in order of time */
    size_t reading_count, reading_capacity;
} subject;

struct face_stage {
    affect_context *ctx;
    affect_timeline *timeline;
    face_options options;
    face_detector *detect;
    face_mesher *mesh;
    face_classifier *express;
    face_identifier *identify;
    face_people *people;
    bool has_population;
    face_population population;
    char *names[MODELS];
    subject **subjects; /* in order of key = of appearance */
    size_t subject_count, subject_capacity;
    int persons;
    affect_time last_time, shot_t0; /* of the shot at hand */
    bool cut;                       /* was there a shot before it? */
    size_t frames;
    double other_s, total_s;
};

face_options face_options_default(void) {
    return (face_options){.expression = true, .events = true, .identity = true, .max_persons = 60};
}

/* ---- creating ---- */

static affect_status missing(face_stage *s, affect_status why, const char *what) {
    if (why == AFFECT_ERROR_MEMORY) return why;
    char text[600];
    snprintf(text, sizeof text, "%s", affect_context_message(s->ctx));
    base_log(s->ctx, AFFECT_LOG_WARNING, "face: %s: %s", what, text);
    return timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE, "face: %s: %s",
                         what, text);
}

static affect_status note_model(face_stage *s, const char *name) {
    model_card *card = NULL;
    char key[300], value[300];
    if (model_card_load(s->ctx, name, false, &card)) return AFFECT_OK;
    snprintf(key, sizeof key, "model/%s", card->name);
    snprintf(value, sizeof value, "%s", card->version);
    model_card_destroy(card);
    return timeline_set_property(s->ctx, s->timeline, key, value);
}

/* The geometry that was named, or the first of ours that may be used. */
static affect_status load_population(face_stage *s, bool given, bool named) {
    static const char *const last = "face.geometry.open";
    affect_status status = face_population_load(s->ctx, s->names[3], &s->population);
    s->has_population = !status;
    if (!status || named || status == AFFECT_ERROR_MEMORY)
        return status && !given
                   ? missing(s, status, "no action units, expressions and facial events")
                   : status;
    status = missing(s, status, "geometry by face.geometry.open");
    char *name = base_strdup(last);
    if (!name) return base_fail_memory(s->ctx);
    base_free(s->names[3]);
    s->names[3] = name;
    return status ? status : load_population(s, false, true);
}

affect_status face_create(affect_context *ctx, const face_options *options,
                          affect_timeline *timeline, face_stage **out) {
    *out = NULL;
    face_options chosen = options ? *options : face_options_default();
    if (chosen.max_persons < 1 || chosen.max_persons > 60)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "max_persons is %d, expected 1 to 60",
                         chosen.max_persons);
    face_stage *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->timeline = timeline;
    s->options = chosen;
    s->last_time = AFFECT_TIME_NONE;
    const char *defaults[MODELS] = {"face.detect.wide", "face.mesh", "face.emotion",
                                    "face.geometry", "face.identity"};
    const char *given[MODELS] = {chosen.detector, chosen.mesh, chosen.expressions, chosen.geometry,
                                 chosen.identifier};
    affect_status status = AFFECT_OK;
    for (int i = 0; i < MODELS && !status; i++) {
        s->names[i] = base_strdup(given[i] ? given[i] : defaults[i]);
        if (!s->names[i]) status = base_fail_memory(ctx);
    }
    if (!status) status = face_detector_create(ctx, s->names[0], &s->detect);
    if (!status) status = face_mesher_create(ctx, s->names[1], &s->mesh);
    /* A model that was named must work; without one of ours the rest goes on. */
    bool named = s->detect ? given[1] != NULL : given[0] != NULL;
    if (status && !named) status = missing(s, status, "no faces will be looked for");
    if (!status && s->detect && s->mesh) {
        status = load_population(s, given[3] != NULL, given[3] != NULL);
        if (!status && chosen.identity) {
            status = face_identifier_create(ctx, s->names[4], &s->identify);
            if (status && !given[4])
                status = missing(s, status, "persons are told apart by their appearance alone");
        }
        face_people_models models = {s->detect, s->mesh, s->identify};
        if (!status) status = face_people_create(ctx, &models, chosen.max_persons, &s->people);
        if (!status && chosen.expression && s->has_population) {
            status = face_classifier_create(ctx, s->names[2], &s->express);
            if (status && !given[2]) status = missing(s, status, "expression from geometry alone");
        }
        for (int i = 0; i < (s->identify ? 5 : 4) && !status; i++)
            status = note_model(s, s->names[i]);
    }
    if (status) {
        face_destroy(s);
        return status;
    }
    *out = s;
    return AFFECT_OK;
}

static void subject_destroy(subject *q) {
    if (!q) return;
    face_events_destroy(q->events);
    base_free(q->rows);
    base_free(q->readings);
    base_free(q);
}

void face_destroy(face_stage *s) {
    if (!s) return;
    for (size_t i = 0; i < s->subject_count; i++) subject_destroy(s->subjects[i]);
    base_free(s->subjects);
    face_people_destroy(s->people);
    face_classifier_destroy(s->express);
    face_identifier_destroy(s->identify);
    face_mesher_destroy(s->mesh);
    face_detector_destroy(s->detect);
    for (int i = 0; i < MODELS; i++) base_free(s->names[i]);
    base_free(s);
}

/* ---- a face of this frame ---- */

static subject *subject_of(face_stage *s, int key) {
    for (size_t i = 0; i < s->subject_count; i++)
        if (s->subjects[i]->key == key) return s->subjects[i];
    subject *q = base_calloc(1, sizeof *q);
    if (!q || !base_grow((void **)&s->subjects, &s->subject_capacity, s->subject_count + 1,
                         sizeof *s->subjects)) {
        base_free(q);
        return NULL;
    }
    q->key = key;
    q->born_frame = s->frames;
    q->last_seen = AFFECT_TIME_NONE;
    size_t at = s->subject_count++;
    while (at > 0 && s->subjects[at - 1]->key > key) {
        s->subjects[at] = s->subjects[at - 1];
        at--;
    }
    s->subjects[at] = q;
    return q;
}

/* How far a row can be trusted: the mesh's own score, less for small and for turned faces. */
static float trust(const face_mesh *mesh, const face_geometry *g) {
    float size = fmaxf(0, fminf(1, (g->scale - 12) / 28)); /* pixels between outer eye corners */
    float turn = fmaxf(fabsf(g->yaw) / 55, fabsf(g->pitch) / 45);
    float facing = fmaxf(0, fminf(1, 1.6f * (1 - turn)));
    float fit = fmaxf(0, fminf(1, 1.5f - g->residual / 0.12f));
    return fmaxf(0.05f, fminf(1, mesh->presence) * (0.2f + 0.8f * size) * facing * fit);
}

/* Rows that were written for a face turn out to be of somebody who was there before. */
static affect_status rename_subject(face_stage *s, int was, int key) {
    size_t at = 0;
    while (at < s->subject_count && s->subjects[at]->key != was) at++;
    subject *q = subject_of(s, key);
    if (!q) return base_fail_memory(s->ctx);
    if (at == s->subject_count || s->subjects[at]->number) return AFFECT_OK;
    subject *from = s->subjects[at];
    size_t n = from->count - from->head;
    if (!base_grow((void **)&q->rows, &q->capacity, q->count + n, sizeof *q->rows))
        return base_fail_memory(s->ctx);
    if (n) memcpy(q->rows + q->count, from->rows + from->head, n * sizeof *q->rows);
    q->count += n;
    if (!base_grow((void **)&q->readings, &q->reading_capacity,
                   q->reading_count + from->reading_count, sizeof *q->readings))
        return base_fail_memory(s->ctx);
    for (size_t i = 0; i < from->reading_count; i++)
        q->readings[q->reading_count++] = from->readings[i];
    q->last_seen = BASE_MAX(q->last_seen, from->last_seen);
    face_identity_add(&q->identity, &from->identity);
    for (at = 0; s->subjects[at] != from; at++) {
    }
    memmove(&s->subjects[at], &s->subjects[at + 1], (--s->subject_count - at) * sizeof(subject *));
    subject_destroy(from);
    return AFFECT_OK;
}

/* The expression model looks at a face, if it is time to. */
static affect_status read_face(face_stage *s, subject *q, const media_frame *frame,
                               const face_mesh *mesh, float confidence) {
    if (!s->express ||
        (q->reading_count && frame->time - q->readings[q->reading_count - 1].time < look_every))
        return AFFECT_OK;
    if (!base_grow((void **)&q->readings, &q->reading_capacity, q->reading_count + 1,
                   sizeof *q->readings))
        return base_fail_memory(s->ctx);
    reading *l = &q->readings[q->reading_count];
    *l = (reading){.time = frame->time, .confidence = confidence};
    double start = base_now_s();
    affect_status status =
        face_classifier_run(s->ctx, s->express, frame, mesh, l->said, &l->in_distribution);
    s->other_s += base_now_s() - start;
    if (!status) q->reading_count++;
    return status;
}

/* What the picture said around `time`, and how usual it was; false if nobody looked. Forgets what
 * no later row needs, except the last reading, which says when the next is due. */
static bool readings_around(subject *q, affect_time time, float out[FACE_CATEGORIES],
                            float *in_distribution) {
    size_t old = 0;
    while (old + 1 < q->reading_count && q->readings[old].time <= time - look_reach) old++;
    q->reading_count -= old;
    if (old) memmove(q->readings, q->readings + old, q->reading_count * sizeof *q->readings);
    double sum[FACE_CATEGORIES] = {0}, weight = 0, usual = 0;
    for (size_t i = 0; i < q->reading_count && q->readings[i].time < time + look_reach; i++) {
        affect_time away = llabs(q->readings[i].time - time);
        if (away >= look_reach) continue;
        double w = (1 - (double)away / (double)look_reach) * (double)q->readings[i].confidence;
        for (int c = 0; c < FACE_CATEGORIES; c++) sum[c] += w * (double)q->readings[i].said[c];
        weight += w;
        usual += w * (double)q->readings[i].in_distribution;
    }
    *in_distribution = weight > 0 ? (float)(usual / weight) : 1;
    for (int c = 0; c < FACE_CATEGORIES; c++) out[c] = weight > 0 ? (float)(sum[c] / weight) : 0;
    return weight > 0;
}

static affect_status take_face(face_stage *s, const media_frame *frame, const face_seen *face) {
    if (face->was) {
        affect_status renamed = rename_subject(s, face->was, face->key);
        if (renamed) return renamed;
    }
    subject *q = subject_of(s, face->key);
    if (!q) return base_fail_memory(s->ctx);
    if (q->head > 64 && q->head * 2 > q->count) {
        memmove(q->rows, q->rows + q->head, (q->count - q->head) * sizeof *q->rows);
        q->count -= q->head;
        q->head = 0;
    }
    if (!base_grow((void **)&q->rows, &q->capacity, q->count + 1, sizeof *q->rows))
        return base_fail_memory(s->ctx);
    row *r = &q->rows[q->count++];
    *r = (row){.time = frame->time};
    face_geometry g;
    face_geometry_measure(&face->mesh, &g);
    r->confidence = trust(&face->mesh, &g);
    float box[4], w = (float)frame->width, h = (float)frame->height;
    face_mesh_box(&face->mesh, box);
    r->box[0] = box[0] / w;
    r->box[1] = box[1] / h;
    r->box[2] = (box[2] - box[0]) / w;
    r->box[3] = (box[3] - box[1]) / h;
    r->yaw = g.yaw;
    r->pitch = g.pitch;
    r->roll = g.roll;
    r->eyes[0] = g.measures[MEASURE_eye_open_l];
    r->eyes[1] = g.measures[MEASURE_eye_open_r];
    r->mouth[0] = fmaxf(0, g.measures[MEASURE_mouth_open]);
    r->mouth[1] = g.measures[MEASURE_mouth_width];
    affect_status status = AFFECT_OK;
    if (s->has_population) {
        face_population_deviation(&s->population, &g, r->deviation);
        double dt =
            q->last_seen == AFFECT_TIME_NONE ? 0 : time_to_seconds(frame->time - q->last_seen);
        face_neutral_add(&q->neutral, r->deviation, r->confidence, dt);
        status = read_face(s, q, frame, &face->mesh, r->confidence);
    }
    q->last_seen = frame->time;
    if (face->identity && face->identity->weight > 0) q->identity = *face->identity;
    return status;
}

/* ---- who is in view ---- */

static const affect_time view_gap = AFFECT_SECOND; /* shorter ones do not end a stretch */

static affect_status view_close(face_stage *s, subject *q) {
    affect_tier *tier;
    if (!q->in_view) return AFFECT_OK;
    q->in_view = false;
    affect_status status =
        timeline_tier(s->ctx, s->timeline, "persons", AFFECT_MODALITY_FACE, &tier);
    char label[32];
    snprintf(label, sizeof label, "Person %d", q->number);
    affect_interval view = {
        .t0 = q->view_t0, .t1 = q->view_t1, .label = label, .score = NAN, .person = q->number};
    return status ? status : tier_append(s->ctx, tier, &view);
}

static affect_status view_extend(face_stage *s, subject *q, affect_time time) {
    affect_status status = AFFECT_OK;
    if (q->in_view && time - q->view_t1 > view_gap) status = view_close(s, q);
    if (!q->in_view) q->view_t0 = time;
    q->in_view = true;
    q->view_t1 = time;
    return status;
}

/* ---- shots ---- */

/* The shot that is over at `end`, by a cut, a dissolve or with the recording; the latter only where there was a cut at all. */
static affect_status close_shot(face_stage *s, affect_time end, const char *how) {
    affect_tier *tier;
    affect_status status = timeline_tier(s->ctx, s->timeline, "shots", AFFECT_MODALITY_NONE, &tier);
    affect_interval shot = {.t0 = s->shot_t0, .t1 = end, .label = how, .score = NAN};
    s->shot_t0 = end;
    s->cut = true;
    return status ? status : tier_append(s->ctx, tier, &shot);
}

/* Were the two, or whoever is one with them, ever in view at one time? Then they are two. */
static bool seen_together(const affect_timeline *t, const affect_tier *views, int a, int b) {
    const affect_time least = 200 * AFFECT_MILLISECOND; /* a cut's frames may count for both */
    for (size_t i = 0; views && i < views->count; i++) {
        const affect_interval *x = &views->items[i];
        if (affect_timeline_resolve_person(t, x->person) != a) continue;
        for (size_t k = 0; k < views->count; k++) {
            const affect_interval *y = &views->items[k];
            if (affect_timeline_resolve_person(t, y->person) != b) continue;
            affect_time both = BASE_MIN(x->t1, y->t1) - BASE_MAX(x->t0, y->t0);
            /* A picture has no length, and all its faces are there at once. */
            affect_time shorter = BASE_MIN(x->t1 - x->t0, y->t1 - y->t0);
            if (both >= BASE_MIN(least, shorter) && both >= 0) return true;
        }
    }
    return false;
}

/* The cosine of two persons' mean embeddings from which they are one (see people.c); and where there are
 * more of them than the user says. (95 % of pairs of different persons are below .66; see people.c.) */
static const float merge_from = 0.80f, merge_hinted = 0.5f;

static size_t persons_left(const face_stage *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->subject_count; i++)
        if (s->subjects[i]->number)
            n += affect_timeline_resolve_person(s->timeline, s->subjects[i]->number) ==
                 s->subjects[i]->number;
    return n;
}

/* Numbers that turn out to be one person, most alike first: average linkage over the whole recording.
 * Unsure is said: a merge's score is the cosine. */
static affect_status merge_persons(face_stage *s) {
    const affect_tier *views = affect_timeline_find_tier(s->timeline, "persons");
    affect_status status = AFFECT_OK;
    size_t wanted = (size_t)s->options.person_count;
    while (status == AFFECT_OK) {
        subject *first = NULL, *second = NULL;
        size_t left = wanted ? persons_left(s) : 0;
        if (wanted && left <= wanted) break;
        float best = wanted ? merge_hinted : merge_from;
        for (size_t i = 0; i < s->subject_count; i++)
            for (size_t k = i + 1; k < s->subject_count; k++) {
                subject *a = s->subjects[i], *b = s->subjects[k];
                if (!a->number || !b->number) continue;
                float like = face_identity_likeness(&a->identity, &b->identity);
                if (like > best && !seen_together(s->timeline, views, a->number, b->number)) {
                    best = like;
                    first = a->number < b->number ? a : b;
                    second = first == a ? b : a;
                }
            }
        if (!first) break;
        affect_person merged = {second->number, "", first->number, best};
        status = timeline_set_person(s->ctx, s->timeline, &merged);
        face_identity_add(&first->identity, &second->identity);
        second->identity.weight = 0;
    }
    return status;
}

/* ---- writing ---- */

static affect_status open_tracks(face_stage *s, subject *q) {
    const int reader = s->express ? 2 : 3;
    const struct {
        track_role role;
        const char *const *channels; /* NULL: as the table of roles says */
        size_t count;
        int model;
    } kinds[TRACKS] = {
        {TRACK_ROLE_BOX, NULL, 0, 1},
        {TRACK_ROLE_POSE, NULL, 0, 1},
        {TRACK_ROLE_EYES, NULL, 0, 1},
        {TRACK_ROLE_MOUTH, NULL, 0, 1},
        {TRACK_ROLE_UNITS, face_unit_names, FACE_UNITS, 3},
        {TRACK_ROLE_CATEGORIES, category_names, FACE_CATEGORIES, reader},
        {TRACK_ROLE_AFFECT, NULL, 0, reader},
    };
    affect_status status = AFFECT_OK;
    for (int t = 0; t < TRACKS && !status; t++) {
        if (t >= TRACK_AUS && !s->has_population) continue;
        if (t >= TRACK_EXPRESSION && !s->options.expression) continue;
        status = timeline_add_role(s->ctx, s->timeline, kinds[t].role, AFFECT_MODALITY_FACE,
                                   q->number, s->names[kinds[t].model], kinds[t].channels,
                                   kinds[t].count, &q->tracks[t]);
    }
    if (!status && s->options.events && s->has_population)
        status = face_events_create(s->ctx, s->timeline, q->number, s->names[3], &q->events);
    return status;
}

static affect_status append(face_stage *s, subject *q, int track, const row *r,
                            const float *values) {
    if (!q->tracks[track]) return AFFECT_OK;
    return track_append(s->ctx, q->tracks[track], r->time, r->confidence, values);
}

static affect_status write_row(face_stage *s, subject *q, const row *r) {
    const float pose[3] = {r->yaw, r->pitch, r->roll};
    affect_status status = view_extend(s, q, r->time);
    if (!status) status = append(s, q, TRACK_BOX, r, r->box);
    if (!status) status = append(s, q, TRACK_POSE, r, pose);
    if (!status) status = append(s, q, TRACK_EYES, r, r->eyes);
    if (!status) status = append(s, q, TRACK_MOUTH, r, r->mouth);
    if (status || !s->has_population) return status;
    float neutral[FACE_MEASURES], deviation[FACE_MEASURES], affect[6];
    float posteriors[FACE_CATEGORIES];
    face_moment m = {.time = r->time,
                     .confidence = r->confidence,
                     .eye_open = 0.5f * (r->eyes[0] + r->eyes[1]),
                     .yaw = r->yaw,
                     .pitch = r->pitch};
    face_neutral_get(&q->neutral, neutral);
    for (int k = 0; k < FACE_MEASURES; k++) deviation[k] = r->deviation[k] - neutral[k];
    m.mouth_open = deviation[MEASURE_mouth_open];
    face_units_measure(deviation, m.units);
    status = append(s, q, TRACK_AUS, r, m.units);
    if (!status && s->options.expression) {
        float said[FACE_CATEGORIES], in_distribution;
        bool looked = readings_around(q, r->time, said, &in_distribution);
        face_expression_posteriors(&s->population, deviation, looked ? said : NULL,
                                   looked ? face_classifier_geometry_weight(s->express) : 1,
                                   posteriors);
        /* A face unlike those the network learnt from is read with less confidence. */
        row read = *r;
        read.confidence *= in_distribution;
        face_expression_affect(posteriors, read.confidence, affect);
        status = append(s, q, TRACK_EXPRESSION, &read, posteriors);
        if (!status) status = append(s, q, TRACK_AFFECT, &read, affect);
    }
    if (!status && q->events) status = face_events_push(s->ctx, q->events, &m);
    return status;
}

/* A face is a person once it was there in three frames (or in all, where there were fewer), and did not
 * vanish at once: in a dissolve two faces make a third for a moment. */
static bool is_person(const face_stage *s, const subject *q) {
    const affect_time shortest = 450 * AFFECT_MILLISECOND, gone = 300 * AFFECT_MILLISECOND;
    size_t rows = q->count - q->head, frames = s->frames - q->born_frame + 1;
    if (rows < BASE_MIN(frames, 3)) return false;
    affect_time first = q->rows[q->head].time, last = q->rows[q->count - 1].time;
    return last - first >= shortest || s->last_time - last < gone;
}

/* Writes what is older than `limit`. */
static affect_status write_until(face_stage *s, affect_time limit) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->subject_count && !status; i++) {
        subject *q = s->subjects[i];
        if (q->head < q->count && q->rows[q->head].time <= limit && !q->number) {
            if (!is_person(s, q)) {
                q->head = q->count; /* a flicker: nobody */
                continue;
            }
            q->number = ++s->persons;
            status = open_tracks(s, q);
        }
        while (!status && q->head < q->count && q->rows[q->head].time <= limit)
            status = write_row(s, q, &q->rows[q->head++]);
        if (q->head == q->count) q->head = q->count = 0;
    }
    return status;
}

/* Faces that never became persons and are gone are forgotten, so that memory stays flat. */
static void forget(face_stage *s, affect_time now) {
    size_t kept = 0;
    for (size_t i = 0; i < s->subject_count; i++) {
        subject *q = s->subjects[i];
        if (!q->number && q->count == 0 && now - q->last_seen > 4 * look_ahead)
            subject_destroy(q);
        else
            s->subjects[kept++] = q;
    }
    s->subject_count = kept;
}

affect_status face_push(face_stage *s, const media_frame *frame) {
    if (affect_context_cancelled(s->ctx))
        return base_fail(s->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (frame->width < 1 || frame->height < 1 || !frame->rgb) return AFFECT_OK;
    if (s->last_time != AFFECT_TIME_NONE && frame->time <= s->last_time) return AFFECT_OK;
    s->last_time = frame->time;
    if (!s->frames++) s->shot_t0 = frame->time;
    if (!s->people) return AFFECT_OK;
    double start = base_now_s();
    const face_seen *faces;
    size_t count;
    affect_status status = face_people_step(s->ctx, s->people, frame, &faces, &count);
    affect_time over;
    const char *how;
    while (!status && face_people_shot(s->people, &over, &how)) status = close_shot(s, over, how);
    for (size_t i = 0; i < count && !status; i++) status = take_face(s, frame, &faces[i]);
    if (!status) status = write_until(s, frame->time - look_ahead);
    forget(s, frame->time);
    s->total_s += base_now_s() - start;
    return status;
}

affect_status face_finish(face_stage *s) {
    double start = base_now_s();
    affect_status status = write_until(s, INT64_MAX);
    for (size_t i = 0; i < s->subject_count && !status; i++)
        if (s->subjects[i]->events) status = face_events_finish(s->ctx, s->subjects[i]->events);
    for (size_t i = 0; i < s->subject_count && !status; i++) status = view_close(s, s->subjects[i]);
    if (!status && s->cut) status = close_shot(s, s->last_time, "end");
    if (!status && s->identify) status = merge_persons(s);
    if (!status && s->people && face_people_crowded(s->people))
        status = timeline_warn(s->ctx, s->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                               "face: more than %d faces at a time: the others are not followed",
                               s->options.max_persons);
    s->total_s += base_now_s() - start;
    return status;
}

void face_timing(const face_stage *s, double seconds[4]) {
    seconds[0] = seconds[1] = 0;
    if (s->people) face_people_timing(s->people, &seconds[0], &seconds[1]);
    seconds[2] = s->other_s;
    seconds[3] = s->total_s;
}
