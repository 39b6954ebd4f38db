/* Faces of a frame as persons. A face that was there in the frame before is followed by the mesh
 * alone; the detector looks now and then, and at once when somebody is lost or the picture cuts.
 * Faces that appear are matched with those that were lost by motion and looks, in one assignment.
 *
 * Two persons whose boxes merge (one passes before the other) leave one face: the one that
 * continues its motion and looks keeps it, the other is lost and comes back by the same matching.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/internal.h"

enum { REMEMBERED = 48, THUMB_W = 16, THUMB_H = 12 };

static const float present = 0.5f;        /* mesh score from which there is a face */
static const float same_box = 0.45f;      /* overlap from which two boxes are one face */
static const float looks_like = 0.55f;    /* looks distance of one person in motion's reach */
static const float looks_exactly = 0.30f; /* and when only looks can tell */
static const float swap_margin = 0.15f;   /* looks gain from which two crossed persons swap */
static const float cut_level = 28.0f;     /* mean change of a thumbnail, of 255, that is a cut */
static const affect_time detect_idle = 100 * AFFECT_MILLISECOND;
static const affect_time detect_busy = 400 * AFFECT_MILLISECOND;
static const affect_time reach = 2 * AFFECT_SECOND; /* how long motion says where to look */
static const affect_time looks_every = 100 * AFFECT_MILLISECOND;
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
    face_looks looks;
} person;

struct people {
    people_models models;
    int max_persons, next_key;
    size_t count;
    person persons[REMEMBERED];
    people_face faces[DETECT_MAX];
    affect_time last_frame, next_detect;
    bool started;
    uint8_t thumb[THUMB_W * THUMB_H];
    int width, height;
    double detect_s, mesh_s;
};

affect_status people_create(affect_context *ctx, const people_models *models, int max_persons,
                            people **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->models = *models;
    (*out)->max_persons = max_persons;
    (*out)->next_key = 1;
    return AFFECT_OK;
}

void people_destroy(people *p) { base_free(p); }

void people_timing(const people *p, double *detect_s, double *mesh_s) {
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
    mesh_box(mesh, box);
    float w = box[2] - box[0], h = box[3] - box[1];
    return w >= 8 && h >= 8 && w < 4 * h && h < 4 * w;
}

static void take(person *q, const face_mesh *mesh, affect_time now, bool fresh) {
    float before[2] = {q->centre[0], q->centre[1]};
    q->mesh = *mesh;
    mesh_box(mesh, q->box);
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

/* ---- a cut in the picture ---- */

static bool cuts(people *p, const media_frame *frame) {
    uint8_t thumb[THUMB_W * THUMB_H];
    for (int v = 0; v < THUMB_H; v++)
        for (int u = 0; u < THUMB_W; u++) {
            /* A 3 x 3 patch of scattered pixels stands for the cell. */
            int sum = 0;
            for (int k = 0; k < 9; k++) {
                int64_t x = (int64_t)frame->width * (6 * u + 1 + 2 * (k % 3)) / (6 * THUMB_W);
                int64_t y = (int64_t)frame->height * (6 * v + 1 + 2 * (k / 3)) / (6 * THUMB_H);
                sum += frame->rgb[(size_t)y * frame->stride + 3 * (size_t)x + 1];
            }
            thumb[v * THUMB_W + u] = (uint8_t)(sum / 9);
        }
    long change = 0;
    for (int i = 0; i < THUMB_W * THUMB_H; i++) change += labs((long)thumb[i] - (long)p->thumb[i]);
    bool cut = p->started && ((float)change > cut_level * THUMB_W * THUMB_H ||
                              frame->width != p->width || frame->height != p->height);
    memcpy(p->thumb, thumb, sizeof thumb);
    p->width = frame->width;
    p->height = frame->height;
    return cut;
}

/* ---- following ---- */

static affect_status run_mesh(affect_context *ctx, people *p, const media_frame *frame,
                              const face_roi *roi, face_mesh *out) {
    double start = base_now_s();
    affect_status status = mesher_run(ctx, p->models.mesh, frame, roi, out);
    p->mesh_s += base_now_s() - start;
    return status;
}

static affect_status follow(affect_context *ctx, people *p, const media_frame *frame) {
    for (size_t i = 0; i < p->count; i++) {
        person *q = &p->persons[i];
        if (!q->active) continue;
        float to[2];
        predict(q, frame->time, to);
        face_roi roi = mesh_roi(&q->mesh);
        roi.x += to[0] - q->centre[0];
        roi.y += to[1] - q->centre[1];
        face_mesh mesh;
        affect_status status = run_mesh(ctx, p, frame, &roi, &mesh);
        if (status) return status;
        float box[4] = {0}, centre[2];
        mesh_box(&mesh, box);
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

/* Of two persons on one face, the one whose looks and place fit less is lost. */
static void part_merged(people *p, const media_frame *frame, const person *before) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            person *a = &p->persons[i], *b = &p->persons[j];
            if (!a->active || !b->active || overlap_of(a->box, b->box) < same_box) continue;
            face_looks now;
            looks_measure(frame, &a->mesh, &now);
            person *pair[2] = {a, b};
            float cost[2];
            for (int k = 0; k < 2; k++) {
                const person *old = &before[k ? j : i];
                float to[2];
                predict(old, frame->time, to);
                cost[k] = looks_distance(&pair[k]->looks, &now) +
                          0.5f * gap_between(pair[k]->centre, to) / fmaxf(old->size, 1);
            }
            int loser = cost[0] > cost[1] ? 0 : 1;
            affect_time seen = before[loser ? j : i].seen;
            *pair[loser] = before[loser ? j : i];
            pair[loser]->seen = seen;
            pair[loser]->active = false;
        }
}

/* Two that came close may have been confused: their looks decide. */
static void swap_confused(people *p, const face_looks *now) {
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            person *a = &p->persons[i], *b = &p->persons[j];
            if (!a->active || !b->active || !a->crowded || !b->crowded) continue;
            float keep = looks_distance(&a->looks, &now[i]) + looks_distance(&b->looks, &now[j]);
            float swap = looks_distance(&a->looks, &now[j]) + looks_distance(&b->looks, &now[i]);
            if (swap + swap_margin > keep) continue;
            int key = a->key;
            face_looks looks = a->looks;
            a->key = b->key;
            a->looks = b->looks;
            b->key = key;
            b->looks = looks;
        }
}

static void learn_looks(people *p, const media_frame *frame) {
    face_looks now[REMEMBERED];
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
            looks_measure(frame, &a->mesh, &now[i]);
            crowd = true;
        }
        /* Crowded stays set in the first frame apart, where the looks decide. */
        if (near)
            a->crowded = true;
        else if (!a->crowded && (a->looks.weight <= 0 || frame->time - a->looked >= looks_every)) {
            looks_measure(frame, &a->mesh, &now[i]);
            looks_update(&a->looks, &now[i]);
            a->looked = frame->time;
        }
        if (near && a->looks.weight <= 0) looks_update(&a->looks, &now[i]);
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

/* ---- appearing ---- */

static float price(const person *lost, const face_mesh *mesh, const face_looks *looks,
                   affect_time now) {
    float box[4], centre[2], to[2];
    mesh_box(mesh, box);
    centre[0] = 0.5f * (box[0] + box[2]);
    centre[1] = 0.5f * (box[1] + box[3]);
    float size = fmaxf(box[2] - box[0], box[3] - box[1]);
    float unlike = looks_distance(&lost->looks, looks);
    if (lost->unplaced || now - lost->seen > reach)
        return unlike < looks_exactly ? 1 + unlike : INFINITY;
    predict(lost, now, to);
    float gap = (float)time_to_seconds(now - lost->seen);
    float far = gap_between(centre, to) / fmaxf(lost->size, 1);
    if (far > 0.7f + 2 * gap || size > 2.2f * lost->size || size < 0.45f * lost->size)
        return unlike < looks_exactly ? 1 + unlike : INFINITY;
    return unlike < looks_like ? unlike + 0.3f * fminf(far, 2) : INFINITY;
}

static bool taken(const people *p, const face_detection *found) {
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

static person *room_for_one(people *p) {
    if (p->count < REMEMBERED) return &p->persons[p->count++];
    size_t oldest = REMEMBERED;
    for (size_t i = 0; i < p->count; i++)
        if (!p->persons[i].active &&
            (oldest == REMEMBERED || p->persons[i].seen < p->persons[oldest].seen))
            oldest = i;
    return oldest == REMEMBERED ? NULL : &p->persons[oldest];
}

static size_t active_count(const people *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) n += p->persons[i].active;
    return n;
}

static affect_status appear(affect_context *ctx, people *p, const media_frame *frame) {
    face_detection found[DETECT_MAX];
    size_t n = 0;
    double start = base_now_s();
    affect_status status = detector_run(ctx, p->models.detect, frame, found, &n);
    p->detect_s += base_now_s() - start;
    static const size_t most_new = 32;
    face_mesh *meshes = base_alloc(most_new * sizeof *meshes);
    face_looks *looks = base_alloc(most_new * sizeof *looks);
    float *costs = base_alloc(most_new * REMEMBERED * sizeof *costs);
    size_t fresh = 0;
    if (!status && (!meshes || !looks || !costs)) status = base_fail_memory(ctx);
    for (size_t i = 0; !status && i < n && fresh < most_new; i++) {
        if (taken(p, &found[i])) continue;
        face_roi roi = detection_roi(&found[i]);
        status = run_mesh(ctx, p, frame, &roi, &meshes[fresh]);
        if (status || !usable(&meshes[fresh])) continue;
        /* Again from the mesh's own square, as every later frame will be: the first row is then no
         * different from the others. */
        roi = mesh_roi(&meshes[fresh]);
        status = run_mesh(ctx, p, frame, &roi, &meshes[fresh]);
        if (status || !usable(&meshes[fresh])) continue;
        float box[4], other[4];
        mesh_box(&meshes[fresh], box);
        bool twice = false;
        for (size_t k = 0; k < fresh; k++) {
            mesh_box(&meshes[k], other);
            twice |= overlap_of(box, other) > same_box;
        }
        for (size_t k = 0; k < p->count; k++)
            twice |= p->persons[k].active && overlap_of(box, p->persons[k].box) > same_box;
        if (twice) continue;
        looks_measure(frame, &meshes[fresh], &looks[fresh]);
        fresh++;
    }
    if (!status) {
        int to[ASSIGN_MAX];
        for (size_t i = 0; i < fresh; i++)
            for (size_t k = 0; k < p->count; k++)
                costs[i * p->count + k] = p->persons[k].active ? INFINITY
                                                               : price(&p->persons[k], &meshes[i],
                                                                       &looks[i], frame->time);
        assign_least_cost(costs, fresh, p->count, to);
        for (size_t i = 0; i < fresh; i++) {
            if (active_count(p) >= (size_t)p->max_persons) break;
            person *q = to[i] >= 0 ? &p->persons[to[i]] : room_for_one(p);
            if (!q) continue;
            if (to[i] < 0) *q = (person){.key = p->next_key++, .born = frame->time};
            take(q, &meshes[i], frame->time, true);
            looks_update(&q->looks, &looks[i]);
            q->looked = frame->time;
        }
    }
    base_free(meshes);
    base_free(looks);
    base_free(costs);
    return status;
}

/* Who is new, and doubtful, is compared again with those who are lost. */
static affect_status resolve_doubts(affect_context *ctx, people *p, const media_frame *frame) {
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
        face_looks now;
        looks_measure(frame, &q->mesh, &now);
        for (size_t k = 0; k < p->count; k++) {
            const person *lost = &p->persons[k];
            bool possible = !lost->active && lost->seen < q->born;
            costs[i * p->count + k] =
                possible ? price(lost, &q->mesh, &now, frame->time) : INFINITY;
        }
    }
    int to[ASSIGN_MAX];
    assign_least_cost(costs, n, p->count, to);
    for (size_t i = 0; i < n; i++) {
        if (to[i] < 0) continue;
        person *q = &p->persons[doubtful[i]], *lost = &p->persons[to[i]];
        q->was = q->key;
        q->key = lost->key;
        q->looks = lost->looks;
        q->born = lost->born;
        lost->key = 0; /* removed below */
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->persons[i].key) p->persons[kept++] = p->persons[i];
    p->count = kept;
    base_free(costs);
    return AFFECT_OK;
}

static int by_key(const void *a, const void *b) {
    const people_face *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

affect_status people_step(affect_context *ctx, people *p, const media_frame *frame,
                          const people_face **faces, size_t *count) {
    *faces = p->faces;
    *count = 0;
    if (cuts(p, frame)) {
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
    memcpy(before, p->persons, sizeof p->persons);
    size_t were = active_count(p);
    affect_status status = follow(ctx, p, frame);
    if (!status) part_merged(p, frame, before);
    base_free(before);

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
    learn_looks(p, frame);
    status = resolve_doubts(ctx, p, frame);
    for (size_t i = 0; i < p->count && *count < BASE_COUNT(p->faces); i++) {
        const person *q = &p->persons[i];
        if (!q->active) continue;
        p->faces[*count] = (people_face){.key = q->key, .was = q->was, .mesh = q->mesh};
        ++*count;
    }
    qsort(p->faces, *count, sizeof *p->faces, by_key);
    return status;
}
