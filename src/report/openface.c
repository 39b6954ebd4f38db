/* A table as OpenFace 2 writes it (Baltrusaitis et al. 2018, "OpenFace 2.0"), for the scripts that read
 * those: a row a frame and face. Its axes are x right, y down, z away from the camera, so a head that
 * looks up or to the viewer's right has a negative angle where ours is positive. Gaze and the head's
 * place in millimetres are not known, and their cells are empty. Landmarks in pixels stand there where the
 * analysis kept them; those in millimetres (X_, Y_, Z_) are not known either. */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

/* OpenFace's units, those whose intensity it gives; AU28 it only detects. AU45, the blink, is our
 * measure of how far the eyes are closed (AU43). */
static const struct {
    const char *name, *ours;
} units[] = {{"AU01", "AU01"}, {"AU02", "AU02"}, {"AU04", "AU04"}, {"AU05", "AU05"},
             {"AU06", "AU06"}, {"AU07", "AU07"}, {"AU09", "AU09"}, {"AU10", "AU10"},
             {"AU12", "AU12"}, {"AU14", "AU14"}, {"AU15", "AU15"}, {"AU17", "AU17"},
             {"AU20", "AU20"}, {"AU23", "AU23"}, {"AU25", "AU25"}, {"AU26", "AU26"},
             {"AU28", NULL},   {"AU45", "AU43"}};

/* FACS's level A, a trace, is the least that counts as present. */
static const double PRESENT = 1;

static const char unknown_before[] = ",,,,,,,,,,,"; /* gaze (8), place (3) */

typedef struct face {
    int person;
    const affect_track *box, *pose, *units, *landmarks;
    size_t at;
} face;

static double value_at(const affect_track *track, affect_time time, const char *channel) {
    if (!track || !channel) return NAN;
    size_t row = track_row_at(track, time), c = affect_track_find_channel(track, channel);
    if (row == track->rows || track->times[row] != time || c == SIZE_MAX) return NAN;
    return (double)track->values[row * track->channel_count + c];
}

static void put(FILE *out, double value, int decimals) {
    char text[NUMBER_TEXT_SIZE];
    fprintf(out, ",%s", report_fixed(value, decimals, text));
}

enum { LANDMARKS = 68 };

static void put_landmark_names(FILE *out) {
    for (const char *axis = "xyXYZ"; *axis; axis++)
        for (int i = 0; i < LANDMARKS; i++) fprintf(out, ",%c_%d", *axis, i);
}

/* Pixels, to a tenth as OpenFace writes them. */
static void put_landmarks(FILE *out, const face *f, affect_time time, const double size[2]) {
    const affect_track *track = f->landmarks;
    size_t row = track ? track_row_at(track, time) : 0;
    bool known = track && row < track->rows && track->times[row] == time &&
                 track->channel_count == (size_t)2 * LANDMARKS;
    const float *points = known ? track->values + row * track->channel_count : NULL;
    for (int i = 0; i < 2 * LANDMARKS; i++)
        put(out, points ? (double)points[i] * size[i / LANDMARKS] : NAN, 1);
    for (int i = 0; i < 3 * LANDMARKS; i++) putc(',', out);
}

static void put_header(FILE *out, bool landmarks) {
    fputs("frame,face_id,timestamp,confidence,success,gaze_0_x,gaze_0_y,gaze_0_z,gaze_1_x,gaze_1_y,"
          "gaze_1_z,gaze_angle_x,gaze_angle_y,pose_Tx,pose_Ty,pose_Tz,pose_Rx,pose_Ry,pose_Rz",
          out);
    if (landmarks) put_landmark_names(out);
    for (size_t i = 0; i < BASE_COUNT(units); i++)
        if (units[i].ours) fprintf(out, ",%s_r", units[i].name);
    for (size_t i = 0; i < BASE_COUNT(units); i++) fprintf(out, ",%s_c", units[i].name);
    fputs("\r\n", out);
}

static void put_row(FILE *out, const face *f, long long frame, bool landmarks,
                    const double size[2]) {
    affect_time time = f->box->times[f->at];
    const double radians = acos(-1.0) / 180;
    fprintf(out, "%lld,%d", frame, f->person - 1);
    put(out, time_to_seconds(time), 3);
    put(out, (double)f->box->confidence[f->at], 2);
    fputs(",1", out);
    fputs(unknown_before, out);
    put(out, -value_at(f->pose, time, "pitch") * radians, 3);
    put(out, -value_at(f->pose, time, "yaw") * radians, 3);
    put(out, value_at(f->pose, time, "roll") * radians, 3);
    if (landmarks) put_landmarks(out, f, time, size);
    for (size_t i = 0; i < BASE_COUNT(units); i++)
        if (units[i].ours) put(out, value_at(f->units, time, units[i].ours), 2);
    for (size_t i = 0; i < BASE_COUNT(units); i++) {
        double value = value_at(f->units, time, units[i].ours);
        put(out, isfinite(value) ? value >= PRESENT : NAN, 0);
    }
    fputs("\r\n", out);
}

/* "h264 1280x720, 25.000 frames/s", as analysis writes it; NaN where it does not say. */
static double frame_rate(const affect_timeline *timeline) {
    const char *text = affect_timeline_property(timeline, "media/video");
    const char *comma = text ? strrchr(text, ',') : NULL;
    double fps;
    if (!comma || !base_ends_with(text, " frames/s")) return NAN;
    comma += 1 + strspn(comma + 1, " ");
    return base_parse_double(comma, strcspn(comma, " "), &fps) && fps > 0 ? fps : NAN;
}

/* Width and height of the picture in pixels, from the same text; NaN where it does not say. */
static void picture_size(const affect_timeline *timeline, double size[2]) {
    const char *text = affect_timeline_property(timeline, "media/video");
    const char *at = text ? strchr(text, ' ') : NULL;
    size[0] = size[1] = NAN;
    if (!at) return;
    size_t n = strspn(at + 1, "0123456789");
    if (at[1 + n] != 'x') return;
    size_t m = strspn(at + 2 + n, "0123456789");
    if (!base_parse_double(at + 1, n, &size[0]) || !base_parse_double(at + 2 + n, m, &size[1]))
        size[0] = size[1] = NAN;
}

affect_status report_print_openface(affect_context *ctx, const affect_timeline *timeline,
                                    FILE *out) {
    int persons = report_person_count(timeline, 100000);
    face *faces = base_calloc((size_t)persons + 1, sizeof *faces);
    if (!faces) return base_fail_memory(ctx);
    size_t count = 0;
    for (int p = 1; p <= persons; p++) {
        const affect_track *box = timeline_role(timeline, TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, p);
        if (!box || !box->rows) continue;
        faces[count++] =
            (face){p,
                   box,
                   timeline_role(timeline, TRACK_ROLE_POSE, AFFECT_MODALITY_FACE, p),
                   timeline_role(timeline, TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE, p),
                   timeline_role(timeline, TRACK_ROLE_LANDMARKS, AFFECT_MODALITY_FACE, p),
                   0};
    }
    bool landmarks = false;
    double size[2];
    for (size_t i = 0; i < count; i++) landmarks = landmarks || faces[i].landmarks;
    picture_size(timeline, size);
    put_header(out, landmarks);
    double fps = frame_rate(timeline);
    affect_time last = AFFECT_TIME_NONE;
    long long seen = 0;
    for (;;) {
        face *next = NULL; /* in order of time, of one instant by person */
        for (size_t i = 0; i < count; i++)
            if (faces[i].at < faces[i].box->rows &&
                (!next || faces[i].box->times[faces[i].at] < next->box->times[next->at]))
                next = &faces[i];
        if (!next) break;
        affect_time time = next->box->times[next->at];
        seen += time != last;
        last = time;
        /* Frames are numbered from 1, as OpenFace does; without a rate those with a face are. */
        put_row(out, next,
                isfinite(fps) ? (long long)llround(time_to_seconds(time) * fps) + 1 : seen,
                landmarks, size);
        next->at++;
    }
    base_free(faces);
    return AFFECT_OK;
}
