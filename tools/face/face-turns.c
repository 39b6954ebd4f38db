/* Which way is a face turned? Prints how well the misfit of the mesh's rigid points tells it, for
 * constants around those of src/face/people.c.
 *
 *     build/tools/face/face-turns VIDEO...
 *
 * Pictures of each video (four a second) are turned by 0, 90, 180 and 270 degrees; in each the detector's
 * first face is read as it seems, and in the three other directions. Right: the roll is within 45
 * degrees of the upright picture's plus the turn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_private.h"

enum { READINGS = 4, MOST = 20000 };

typedef struct look {
    int turned;
    float presence[READINGS], residual[READINGS];
    bool right[READINGS];
} look;

static look looks[MOST];
static size_t look_count, unseen[4];

static void turn_picture(const media_frame *from, int turns, media_frame *to, uint8_t *rgb) {
    bool swap = turns & 1;
    *to = *from;
    to->width = swap ? from->height : from->width;
    to->height = swap ? from->width : from->height;
    to->stride = (size_t)to->width * 3;
    to->rgb = rgb;
    for (int y = 0; y < to->height; y++)
        for (int x = 0; x < to->width; x++) {
            int u = turns == 0   ? x
                    : turns == 1 ? y
                    : turns == 2 ? from->width - 1 - x
                                 : from->width - 1 - y;
            int v = turns == 0   ? y
                    : turns == 1 ? from->height - 1 - x
                    : turns == 2 ? from->height - 1 - y
                                 : x;
            memcpy(rgb + (size_t)y * to->stride + 3 * (size_t)x,
                   from->rgb + (size_t)v * from->stride + 3 * (size_t)u, 3);
        }
}

/* Twice, the second time from its own square. */
static affect_status read_face(affect_context *ctx, face_mesher *m, const media_frame *frame,
                               face_roi roi, face_mesh *mesh, face_geometry *g) {
    affect_status status = face_mesher_run(ctx, m, frame, &roi, mesh);
    roi = face_mesh_roi(mesh);
    if (status == AFFECT_OK) status = face_mesher_run(ctx, m, frame, &roi, mesh);
    face_geometry_align(mesh, g);
    return status;
}

static float apart(float a, float b) {
    float d = fabsf(fmodf(a - b, 360));
    return d > 180 ? 360 - d : d;
}

static affect_status look_at(affect_context *ctx, face_detector *d, face_mesher *m,
                             const media_frame *frame) {
    uint8_t *rgb = malloc((size_t)frame->width * (size_t)frame->height * 3);
    if (!rgb) return AFFECT_ERROR_MEMORY;
    float upright = NAN;
    affect_status status = AFFECT_OK;
    for (int turned = 0; turned < 4 && status == AFFECT_OK && look_count < MOST; turned++) {
        media_frame picture;
        face_detection found[DETECT_MAX];
        size_t count;
        face_mesh mesh;
        face_geometry g;
        turn_picture(frame, turned, &picture, rgb);
        status = face_detector_run(ctx, d, &picture, 0, found, &count);
        if (status == AFFECT_OK && !count) unseen[turned]++;
        if (status != AFFECT_OK || !count) continue;
        status = read_face(ctx, m, &picture, face_detection_roi(found), &mesh, &g);
        if (!turned) upright = g.roll;
        if (!turned && (!(mesh.presence >= 0.5F) || fabsf(g.roll) > 30)) break;
        look *l = &looks[look_count++];
        face_roi first = face_mesh_roi(&mesh);
        for (int k = 0; k < READINGS && status == AFFECT_OK; k++) {
            face_roi roi = first;
            roi.angle += (float)k * 1.57079633F;
            if (k) status = read_face(ctx, m, &picture, roi, &mesh, &g);
            l->turned = turned;
            l->presence[k] = mesh.presence;
            l->residual[k] = g.residual;
            l->right[k] = apart(g.roll, upright + 90 * (float)turned) < 45;
        }
    }
    free(rgb);
    return status;
}

static affect_status look_through(affect_context *ctx, face_detector *d, face_mesher *m,
                                  const char *path) {
    media_options options = media_options_default();
    options.want_audio = false;
    options.max_fps = 4;
    media_reader *reader;
    affect_status status = media_open(ctx, path, &options, &reader);
    if (status != AFFECT_OK) return status;
    for (media_item item = {0}; status == AFFECT_OK;) {
        status = media_next(reader, &item);
        if (status != AFFECT_OK || item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_FRAME) status = look_at(ctx, d, m, &item.frame);
    }
    media_close(reader);
    return status;
}

static void print_rule(float badly, float gain) {
    size_t all[4] = {0}, right[4] = {0}, tried[4] = {0};
    for (size_t i = 0; i < look_count; i++) {
        const look *l = &looks[i];
        int chosen = 0;
        bool here = l->presence[0] >= 0.5F;
        if (!here || l->residual[0] >= badly) {
            float best = here ? gain * l->residual[0] : 0.08F;
            tried[l->turned]++;
            for (int k = 1; k < READINGS; k++)
                if (l->presence[k] >= 0.5F && l->residual[k] < best) {
                    best = l->residual[k];
                    chosen = k;
                }
        }
        all[l->turned]++;
        right[l->turned] += l->right[chosen];
    }
    printf("%.3f %.2f", (double)badly, (double)gain);
    for (int t = 0; t < 4; t++)
        printf("   %5.1f %% right, %5.1f %% tried",
               100.0 * (double)right[t] / (double)BASE_MAX(all[t], (size_t)1),
               100.0 * (double)tried[t] / (double)BASE_MAX(all[t], (size_t)1));
    putchar('\n');
}

int main(int argc, char **argv) {
    affect_context *ctx;
    face_detector *d = NULL;
    face_mesher *m = NULL;
    if (argc < 2 || affect_context_create(&ctx) != AFFECT_OK) return 2;
    affect_status status = face_detector_create(ctx, "face.detect.wide", &d);
    if (status == AFFECT_OK) status = face_mesher_create(ctx, "face.mesh", &m);
    for (int i = 1; i < argc && status == AFFECT_OK; i++) status = look_through(ctx, d, m, argv[i]);
    if (status != AFFECT_OK) {
        fprintf(stderr, "%s\n", affect_context_message(ctx));
    } else {
        printf("%zu readings; turned by 0, 90, 180, 270 degrees; no face found: %zu %zu %zu %zu\n",
               look_count, unseen[0], unseen[1], unseen[2], unseen[3]);
        printf("misfit, gain\n");
        const float badly[] = {9, 0.03F, 0.035F, 0.04F, 0.045F, 0.05F, 0.06F};
        const float gain[] = {0.5F, 0.6F, 0.7F, 0.8F, 0.9F};
        for (size_t b = 0; b < BASE_COUNT(badly); b++)
            for (size_t k = 0; k < BASE_COUNT(gain) && (b || !k); k++)
                print_rule(badly[b], gain[k]);
    }
    face_mesher_destroy(m);
    face_detector_destroy(d);
    affect_context_destroy(ctx);
    return status == AFFECT_OK ? 0 : 1;
}
