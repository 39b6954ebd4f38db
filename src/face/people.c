/* Faces of a frame as persons. Who they are is told by an identity embedding where there is one: when a
 * face appears, and every few
 * seconds. A face that was there in the frame before is followed by the mesh
 * alone; the detector looks now and then, and at once when somebody is lost or the picture cuts.
 * Faces that appear are matched with those that were lost by motion and appearance, in one
 * assignment.
 *
 * Two persons whose boxes merge (one passes before the other) leave one face: the one that
 * continues its motion and appearance keeps it, the other is lost and comes back by the same
 * matching. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_private.h"

enum { REMEMBERED = ASSIGN_MAX };

static const float present = 0.5f;           /* mesh score from which there is a face */
static const float same_box = 0.45f;         /* overlap from which two boxes are one face */
static const float appearance_alike = 0.55f; /* distance of one person in motion's reach */
static const float appearance_same = 0.30f;  /* and when only the appearance can tell */
static const float swap_margin = 0.15f;      /* gain from which two crossed persons swap */
static const affect_time detect_idle = 100 * AFFECT_MILLISECOND;
static const affect_time detect_busy = 400 * AFFECT_MILLISECOND;
static const affect_time reach = 2 * AFFECT_SECOND; /* how long motion says where to look */
static const affect_time appearance_every = 100 * AFFECT_MILLISECOND;
/* Cosines of identity embeddings. Of one picture against the mean of a person's others,
 * build/tools/face/face-identity prints: 95 % of pairs of one person above .80 (of single pictures) to .89
 * (of means), of different persons below .66, none above .78. From the first on a face is somebody who
 * was there before, wherever it is; below the second, twice in a row, or between the two
 * four times, it is nobody's continuation, even where motion says so. */
static const float identity_same = 0.75f, identity_other = 0.70f;
/* From this distance of appearance on it is worth a look at who it is. */
static const float appearance_jump = 0.25f;
static const float identity_first = 0.85f;
static const float identity_yaw = 25; /* degrees; faces turned further say little of who they are */
static const affect_time identify_every = AFFECT_SECOND;
static const affect_time identify_young =
    300 * AFFECT_MILLISECOND; /* while few pictures are known */
static const affect_time identify_again =
    120 * AFFECT_MILLISECOND;            /* where one look said: another */
static const float identity_memory = 20; /* pictures */
/* Misfit of the rigid points from which a face may be turned otherwise than it seems, and how much
 * smaller that of another direction must be. build/tools/face/face-turns prints what they rest on. */
static const float fits_badly = 0.06f, turn_gain = 0.7f;
static const float fits_none = 0.08f; /* where the mesh finds no face as it stands */
/* When to look again: after 0.4 s, then each time after twice as long. */
static const affect_time turn_again = 400 * AFFECT_MILLISECOND, turn_latest = 30 * AFFECT_SECOND;
static const affect_time detect_turned = AFFECT_SECOND; /* where nobody is in view */

/* A face that reappears half covered looks like nobody: for so long it may still turn out to be
 * somebody who was lost. Less than the stage's look-ahead, so that nothing was written yet. */
static const affect_time doubt = 1200 * AFFECT_MILLISECOND;

typedef struct person {
    int key;
    bool active, crowded, unplaced; /* unplaced: the picture cut since; position says nothing */
    face_mesh mesh;
    float box[4], centre[2], size, velocity[2]; /* pixels, pixels per second */
    affect_time seen, looked, born;
    int was; /* the key it had until this frame, 0 if it has not changed */
    face_appearance appearance;
    face_identity identity;
    affect_time identify_at;        /* when to look again who it is */
    affect_time turn_at, turn_wait; /* when to look again which way it is turned */
    int strange;                    /* looks in a row that said it is another: 2 each, 1 in doubt */
} person;

struct face_people {
    face_people_models models;
    int max_persons, next_key;
    size_t count;
    person persons[REMEMBERED];
    face_seen faces[DETECT_MAX];
    affect_time last_frame, next_detect, next_turned; /* turned: detection in the turned picture */
    int turns;                                        /* by how much, in right angles */
    bool started;
    face_shots *shots;
    bool refused;
    double detect_s, mesh_s;
};

affect_status face_people_create(affect_context *ctx, const face_people_models *models,
                                 int max_persons, face_people **out) {
    *out = base_calloc(1, sizeof **out);
    if (*out) (*out)->shots = face_shots_create();
    if (!*out || !(*out)->shots) {
        base_free(*out);
        *out = NULL;
        return base_fail_memory(ctx);
    }
    (*out)->models = *models;
    (*out)->max_persons = max_persons;
    (*out)->next_key = 1;
    return AFFECT_OK;
}

void face_people_destroy(face_people *p) {
    if (p) face_shots_destroy(p->shots);
    base_free(p);
}

bool face_people_crowded(const face_people *p) { return p->refused; }

void face_people_timing(const face_people *p, double *detect_s, double *mesh_s) {
    *detect_s = p->detect_s;
    *mesh_s = p->mesh_s;
}

/* ---- boxes ---- */

static float overlap_of(const float a[4], const float b[4]) {
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

static float gap_between(const float a[2], const float b[2]) {
    return hypotf(a[0] - b[0], a[1] - b[1]);
}

static void predict(const person *q, affect_time now, float out[2]) {
    /* Speed is trusted for half a second. */
    float dt = fminf((float)time_to_seconds(now - q->seen), 0.5f);
    out[0] = q->centre[0] + q->velocity[0] * dt;
    out[1] = q->centre[1] + q->velocity[1] * dt;
}

static bool usable(const face_mesh *mesh) {
    if (!(mesh->presence >= present)) return false;
    float box[4];
    face_mesh_box(mesh, box);
    float w = box[2] - box[0], h = box[3] - box[1];
    return w >= 8 && h >= 8 && w < 4 * h && h < 4 * w;
}

static void take(person *q, const face_mesh *mesh, affect_time now, bool fresh) {
    float before[2] = {q->centre[0], q->centre[1]};
    q->mesh = *mesh;
    face_mesh_box(mesh, q->box);
    q->centre[0] = 0.5f * (q->box[0] + q->box[2]);
    q->centre[1] = 0.5f * (q->box[1] + q->box[3]);
    q->size = fmaxf(q->box[2] - q->box[0], q->box[3] - q->box[1]);
    float dt = (float)time_to_seconds(now - q->seen);
    if (fresh || dt <= 0 || dt > 0.5f)
        q->velocity[0] = q->velocity[1] = 0;
    else
        for (int k = 0; k < 2; k++) { /* smoothed over about a tenth of a second */
            float keep = expf(-dt / 0.1f);
            q->velocity[k] = keep * q->velocity[k] + (1 - keep) * (q->centre[k] - before[k]) / dt;
        }
    q->seen = now;
    q->active = true;
    q->unplaced = false;
}

/* Faces turned away say little of who they are. */
static bool is_frontal(const face_mesh *mesh) {
    face_geometry g;
    face_geometry_measure(mesh, &g);
    return fabsf(g.yaw) < identity_yaw && fabsf(g.pitch) < identity_yaw;
}

/* ---- following ---- */

static affect_status run_mesh(affect_context *ctx, face_people *p, const media_frame *frame,
                              const face_roi *roi, face_mesh *out) {
    double start = base_now_s();
    affect_status status = face_mesher_run(ctx, p->models.mesh, frame, roi, out);
    p->mesh_s += base_now_s() - start;
    return status;
}

static affect_status follow(affect_context *ctx, face_people *p, const media_frame *frame) {
    for (size_t i = 0; i < p->count; i++) {
        person *q = &p->persons[i];
        if (!q->active) continue;
        float to[2];
        predict(q, frame->time, to);
        face_roi roi = face_mesh_roi(&q->mesh);
        roi.x += to[0] - q->centre[0];
        roi.y += to[1] - q->centre[1];
        face_mesh mesh;
        affect_status status = run_mesh(ctx, p, frame, &roi, &mesh);
        if (status) return status;
        float box[4] = {0}, centre[2];
        face_mesh_box(&mesh, box);
        centre[0] = 0.5f * (box[0] + box[2]);
        centre[1] = 0.5f * (box[1] + box[3]);
        float size = fmaxf(box[2] - box[0], box[3] - box[1]);
        if (usable(&mesh) && gap_between(centre, to) < 0.6f * q->size && size < 1.7f * q->size &&
            size > 0.55f * q->size)
            take(q, &mesh, frame->time, false);
        else
            q->active = false;
    }
    return AFFECT_OK;
}

/* Which way is a face turned? The detector's eyes are not to be relied on where the picture stands on its
 * head, and the mesh finds a face there that is none: its rigid points fit no head. So where they fit
 * badly, the square is looked at in the three other directions too, and the best fit is kept. */
static affect_status turn(affect_context *ctx, face_people *p, const media_frame *frame,
                          face_mesh *mesh) {
    face_geometry g;
    face_geometry_align(mesh, &g);
    if (usable(mesh) && g.residual < fits_badly) return AFFECT_OK;
    float best = usable(mesh) ? turn_gain * g.residual : fits_none;
    face_roi first = face_mesh_roi(mesh);
    for (int k = 1; k < 4; k++) {
        face_mesh other;
        face_roi roi = first;
        roi.angle += (float)k * 1.57079633f;
        /* Twice, so that the square fits the face that it now finds. */
        affect_status status = run_mesh(ctx, p, frame, &roi, &other);
        if (status) return status;
        roi = face_mesh_roi(&other);
        status = run_mesh(ctx, p, frame, &roi, &other);
        if (status) return status;
        face_geometry_align(&other, &g);
        if (!usable(&other) || !(g.residual < best)) continue;
        best = g.residual;
        *mesh = other;
    }
    return AFFECT_OK;
}

/* Of two persons on one face, the one whose appearance and place fit less is lost. */
static void part_merged(face_people *p, const media_frame *frame, const person *before) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            person *a = &p->persons[i], *b = &p->persons[j];
            if (!a->active || !b->active || overlap_of(a->box, b->box) < same_box) continue;
            face_appearance now;
            face_appearance_measure(frame, &a->mesh, &now);
            person *pair[2] = {a, b};
            float cost[2];
            for (int k = 0; k < 2; k++) {
                const person *old = &before[k ? j : i];
                float to[2];
                predict(old, frame->time, to);
                cost[k] = face_appearance_distance(&pair[k]->appearance, &now) +
                          0.5f * gap_between(pair[k]->centre, to) / fmaxf(old->size, 1);
            }
            int loser = cost[0] > cost[1] ? 0 : 1;
            affect_time seen = before[loser ? j : i].seen;
            *pair[loser] = before[loser ? j : i];
            pair[loser]->seen = seen;
            pair[loser]->active = false;
        }
}

/* Two that came close may have been confused: their appearance decides. */
static void swap_confused(face_people *p, const face_appearance *now) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            person *a = &p->persons[i], *b = &p->persons[j];
            if (!a->active || !b->active || !a->crowded || !b->crowded) continue;
            float keep = face_appearance_distance(&a->appearance, &now[i]) +
                         face_appearance_distance(&b->appearance, &now[j]);
            float swap = face_appearance_distance(&a->appearance, &now[j]) +
                         face_appearance_distance(&b->appearance, &now[i]);
            if (swap + swap_margin > keep) continue;
            int key = a->key;
            face_appearance appearance = a->appearance;
            face_identity identity = a->identity;
            a->key = b->key;
            a->appearance = b->appearance;
            a->identity = b->identity;
            b->key = key;
            b->appearance = appearance;
            b->identity = identity;
        }
}

static void learn_appearance(face_people *p, const media_frame *frame) {
    face_appearance now[REMEMBERED];
    bool crowd = false;
    for (size_t i = 0; i < p->count; i++) {
        person *a = &p->persons[i];
        if (!a->active) continue;
        bool near = false;
        for (size_t j = 0; j < p->count; j++) {
            const person *b = &p->persons[j];
            if (j != i && b->active &&
                gap_between(a->centre, b->centre) < 0.6f * (a->size + b->size))
                near = true;
        }
        if (a->crowded || near) {
            face_appearance_measure(frame, &a->mesh, &now[i]);
            crowd = true;
        }
        /* Crowded stays set in the first frame apart, where the appearance decides. */
        if (near)
            a->crowded = true;
        else if (!a->crowded &&
                 (a->appearance.weight <= 0 || frame->time - a->looked >= appearance_every)) {
            face_appearance_measure(frame, &a->mesh, &now[i]);
            if (a->appearance.weight > 0 &&
                face_appearance_distance(&a->appearance, &now[i]) > appearance_jump)
                a->identify_at = BASE_MIN(a->identify_at, frame->time);
            face_appearance_update(&a->appearance, &now[i]);
            a->looked = frame->time;
        }
        if (near && a->appearance.weight <= 0) face_appearance_update(&a->appearance, &now[i]);
    }
    if (!crowd) return;
    swap_confused(p, now);
    for (size_t i = 0; i < p->count; i++) {
        person *a = &p->persons[i];
        bool near = false;
        for (size_t j = 0; a->active && j < p->count; j++) {
            const person *b = &p->persons[j];
            if (j != i && b->active &&
                gap_between(a->centre, b->centre) < 0.6f * (a->size + b->size))
                near = true;
        }
        a->crowded = near;
    }
}

/* Who was taken for upright and is not. */
static affect_status check_turns(affect_context *ctx, face_people *p, const media_frame *frame) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < p->count && status == AFFECT_OK; i++) {
        person *q = &p->persons[i];
        if (!q->active || q->crowded || frame->time < q->turn_at) continue;
        q->turn_wait = BASE_MIN(2 * q->turn_wait, turn_latest);
        q->turn_at = frame->time + q->turn_wait;
        status = turn(ctx, p, frame, &q->mesh);
        if (status == AFFECT_OK) take(q, &q->mesh, frame->time, true);
    }
    return status;
}

/* ---- appearing ---- */

static float price(const person *lost, const face_mesh *mesh, const face_appearance *appearance,
                   const face_identity *identity, affect_time now) {
    /* NaN, where one of the two was never looked at, leaves it to motion and appearance. */
    float like = identity ? face_identity_likeness(&lost->identity, identity) : NAN;
    if (like >= identity_same) return 1 - like;
    if (lost->unplaced && !isnan(like)) return INFINITY;
    float box[4], centre[2], to[2];
    face_mesh_box(mesh, box);
    centre[0] = 0.5f * (box[0] + box[2]);
    centre[1] = 0.5f * (box[1] + box[3]);
    float size = fmaxf(box[2] - box[0], box[3] - box[1]);
    float unlike = face_appearance_distance(&lost->appearance, appearance);
    if (lost->unplaced || now - lost->seen > reach)
        return isnan(like) && unlike < appearance_same ? 1 + unlike : INFINITY;
    predict(lost, now, to);
    float gap = (float)time_to_seconds(now - lost->seen);
    float far = gap_between(centre, to) / fmaxf(lost->size, 1);
    if (like < identity_other) unlike = INFINITY;
    if (far > 0.7f + 2 * gap || size > 2.2f * lost->size || size < 0.45f * lost->size)
        return unlike < appearance_same ? 1 + unlike : INFINITY;
    return unlike < appearance_alike ? unlike + 0.3f * fminf(far, 2) : INFINITY;
}

static bool taken(const face_people *p, const face_detection *found) {
    float box[4] = {found->x0, found->y0, found->x1, found->y1};
    float x = 0.5f * (box[0] + box[2]), y = 0.5f * (box[1] + box[3]);
    for (size_t i = 0; i < p->count; i++) {
        const person *q = &p->persons[i];
        if (!q->active) continue;
        if (overlap_of(q->box, box) > 0.3f) return true;
        if (x > q->box[0] && x < q->box[2] && y > q->box[1] && y < q->box[3]) return true;
    }
    return false;
}

static person *room_for_one(face_people *p) {
    if (p->count < REMEMBERED) return &p->persons[p->count++];
    size_t oldest = REMEMBERED;
    for (size_t i = 0; i < p->count; i++)
        if (!p->persons[i].active &&
            (oldest == REMEMBERED || p->persons[i].seen < p->persons[oldest].seen))
            oldest = i;
    return oldest == REMEMBERED ? NULL : &p->persons[oldest];
}

static size_t active_count(const face_people *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) n += p->persons[i].active;
    return n;
}

static affect_status appear(affect_context *ctx, face_people *p, const media_frame *frame) {
    face_detection found[DETECT_MAX];
    size_t n = 0;
    double start = base_now_s();
    affect_status status = face_detector_run(ctx, p->models.detect, frame, 0, found, &n);
    /* A picture without a face may be one that was taken sideways: one turn a second is tried. */
    if (!status && !n && !active_count(p) && frame->time >= p->next_turned) {
        p->turns = p->turns % 3 + 1;
        p->next_turned = frame->time + detect_turned;
        status = face_detector_run(ctx, p->models.detect, frame, p->turns, found, &n);
    }
    p->detect_s += base_now_s() - start;
    static const size_t most_new = 32;
    face_mesh *meshes = base_alloc(most_new * sizeof *meshes);
    face_appearance *appearance = base_alloc(most_new * sizeof *appearance);
    face_identity *identity = base_calloc(most_new, sizeof *identity);
    float *costs = base_alloc(most_new * REMEMBERED * sizeof *costs);
    size_t fresh = 0;
    if (!status && (!meshes || !appearance || !identity || !costs)) status = base_fail_memory(ctx);
    for (size_t i = 0; !status && i < n && fresh < most_new; i++) {
        if (taken(p, &found[i])) continue;
        face_roi roi = face_detection_roi(&found[i]);
        status = run_mesh(ctx, p, frame, &roi, &meshes[fresh]);
        /* What is no face keeps coming: it is not turned over each time. */
        if (!status && !usable(&meshes[fresh]) && frame->time >= p->next_turned) {
            p->next_turned = frame->time + detect_turned;
            status = turn(ctx, p, frame, &meshes[fresh]);
        }
        if (status || !usable(&meshes[fresh])) continue;
        /* Again from the mesh's own square, as every later frame will be: the first row is then no
         * different from the others. */
        roi = face_mesh_roi(&meshes[fresh]);
        status = run_mesh(ctx, p, frame, &roi, &meshes[fresh]);
        if (!status) status = turn(ctx, p, frame, &meshes[fresh]);
        if (status || !usable(&meshes[fresh])) continue;
        float box[4], other[4];
        face_mesh_box(&meshes[fresh], box);
        bool twice = false;
        for (size_t k = 0; k < fresh; k++) {
            face_mesh_box(&meshes[k], other);
            twice |= overlap_of(box, other) > same_box;
        }
        for (size_t k = 0; k < p->count; k++)
            twice |= p->persons[k].active && overlap_of(box, p->persons[k].box) > same_box;
        if (twice) continue;
        face_appearance_measure(frame, &meshes[fresh], &appearance[fresh]);
        if (p->models.identify && is_frontal(&meshes[fresh]))
            status = face_identifier_run(ctx, p->models.identify, frame, &meshes[fresh],
                                         &identity[fresh]);
        fresh++;
    }
    if (!status) {
        int to[ASSIGN_MAX];
        for (size_t i = 0; i < fresh; i++)
            for (size_t k = 0; k < p->count; k++)
                costs[i * p->count + k] = p->persons[k].active
                                              ? INFINITY
                                              : price(&p->persons[k], &meshes[i], &appearance[i],
                                                      &identity[i], frame->time);
        face_assign_least_cost(costs, fresh, p->count, to);
        for (size_t i = 0; i < fresh; i++) {
            if (active_count(p) >= (size_t)p->max_persons) {
                p->refused = true;
                break;
            }
            person *q = to[i] >= 0 ? &p->persons[to[i]] : room_for_one(p);
            if (!q) continue;
            if (to[i] < 0) *q = (person){.key = p->next_key++, .born = frame->time};
            take(q, &meshes[i], frame->time, true);
            face_appearance_update(&q->appearance, &appearance[i]);
            q->looked = frame->time;
            face_identity_add(&q->identity, &identity[i]);
            q->identify_at = frame->time + identify_young;
            q->turn_wait = turn_again;
            q->turn_at = frame->time + turn_again;
            q->strange = 0;
        }
    }
    base_free(meshes);
    base_free(appearance);
    base_free(identity);
    base_free(costs);
    return status;
}

/* Who is new, and doubtful, is compared again with those who are lost. */
static affect_status resolve_doubts(affect_context *ctx, face_people *p, const media_frame *frame) {
    size_t doubtful[REMEMBERED], n = 0;
    for (size_t i = 0; i < p->count; i++) {
        const person *q = &p->persons[i];
        if (q->active && !q->crowded && q->born != frame->time && q->looked == frame->time &&
            frame->time - q->born <= doubt)
            doubtful[n++] = i;
    }
    if (!n) return AFFECT_OK;
    float *costs = base_alloc(n * p->count * sizeof *costs);
    if (!costs) return base_fail_memory(ctx);
    for (size_t i = 0; i < n; i++) {
        const person *q = &p->persons[doubtful[i]];
        face_appearance now;
        face_appearance_measure(frame, &q->mesh, &now);
        for (size_t k = 0; k < p->count; k++) {
            const person *lost = &p->persons[k];
            bool possible = !lost->active && lost->seen < q->born;
            costs[i * p->count + k] =
                possible ? price(lost, &q->mesh, &now, &q->identity, frame->time) : INFINITY;
        }
    }
    int to[ASSIGN_MAX];
    face_assign_least_cost(costs, n, p->count, to);
    for (size_t i = 0; i < n; i++) {
        if (to[i] < 0) continue;
        person *q = &p->persons[doubtful[i]], *lost = &p->persons[to[i]];
        q->was = q->key;
        q->key = lost->key;
        q->appearance = lost->appearance;
        q->born = lost->born;
        face_identity_add(&lost->identity, &q->identity);
        q->identity = lost->identity;
        lost->key = 0; /* removed below */
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->persons[i].key) p->persons[kept++] = p->persons[i];
    p->count = kept;
    base_free(costs);
    return AFFECT_OK;
}

/* Until somebody is looked at again: the better he is known, the later. A change of appearance is not
 * waited for. */
static affect_time identify_wait(const person *q) {
    if (q->identity.weight < 4) return identify_young;
    return q->identity.weight < 8 ? identify_every : 4 * identify_every;
}

/* Is everybody still who he was? A dissolve or a cut between like pictures lets the mesh slide from one
 * face to the next. Whoever is another is lost here, and looked for anew. */
static affect_status check_identities(affect_context *ctx, face_people *p,
                                      const media_frame *frame) {
    if (!p->models.identify) return AFFECT_OK;
    for (size_t i = 0; i < p->count; i++) {
        person *q = &p->persons[i];
        if (!q->active || q->crowded || frame->time < q->identify_at) continue;
        q->identify_at = frame->time + identify_wait(q);
        if (!is_frontal(&q->mesh)) continue;
        face_identity now;
        affect_status status = face_identifier_run(ctx, p->models.identify, frame, &q->mesh, &now);
        if (status) return status;
        float like = face_identity_likeness(&q->identity, &now);
        if (like < identity_same && q->identity.weight >= 1.5f) {
            /* Twice clearly another, or four times in doubt; meanwhile nothing is learnt. */
            q->identify_at = frame->time + identify_again;
            q->strange += like < identity_other ? 2 : 1;
            if (q->strange < 4) continue;
            q->active = false;
            q->unplaced = true;
            p->next_detect = frame->time;
            continue;
        }
        q->strange = 0;
        /* The first picture of somebody who appears in a dissolve is half another's. */
        if (q->identity.weight < 1.5f && like < identity_first) {
            q->identity = now;
            continue;
        }
        face_identity_add(&q->identity, &now);
        q->identity.weight = fminf(q->identity.weight, identity_memory);
    }
    return AFFECT_OK;
}

static int by_key(const void *a, const void *b) {
    const face_seen *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

bool face_people_shot(face_people *p, affect_time *end, const char **how) {
    return face_shots_over(p->shots, end, how);
}

affect_status face_people_step(affect_context *ctx, face_people *p, const media_frame *frame,
                               const face_seen **faces, size_t *count) {
    *faces = p->faces;
    *count = 0;
    if (face_shots_push(p->shots, frame, p->models.identify != NULL)) {
        for (size_t i = 0; i < p->count; i++) {
            p->persons[i].active = false;
            p->persons[i].unplaced = true;
        }
        p->next_detect = frame->time;
    }
    if (!p->started) p->next_detect = frame->time;
    p->started = true;

    person *before = base_alloc(sizeof p->persons);
    if (!before) return base_fail_memory(ctx);
    memcpy(before, p->persons, p->count * sizeof *before);
    size_t were = active_count(p);
    affect_status status = follow(ctx, p, frame);
    if (!status) part_merged(p, frame, before);
    base_free(before);
    if (!status) status = check_turns(ctx, p, frame);
    if (!status) status = check_identities(ctx, p, frame);

    bool lost_one = active_count(p) < were, searching = false;
    for (size_t i = 0; i < p->count; i++)
        searching |= !p->persons[i].active && frame->time - p->persons[i].seen < reach;
    if (!status && p->models.detect && (lost_one || frame->time >= p->next_detect)) {
        status = appear(ctx, p, frame);
        p->next_detect =
            frame->time + (searching || active_count(p) == 0 ? detect_idle : detect_busy);
    }
    if (status) return status;
    for (size_t i = 0; i < p->count; i++) p->persons[i].was = 0;
    learn_appearance(p, frame);
    status = resolve_doubts(ctx, p, frame);
    for (size_t i = 0; i < p->count && *count < BASE_COUNT(p->faces); i++) {
        const person *q = &p->persons[i];
        if (!q->active) continue;
        p->faces[*count] =
            (face_seen){.key = q->key, .was = q->was, .mesh = q->mesh, .identity = &q->identity};
        ++*count;
    }
    qsort(p->faces, *count, sizeof *p->faces, by_key);
    return status;
}
