/* Geometry freed from pose: a real mesh turned in space measures the same, its pose is what it was
 * turned by, and a turned head does not read as an expression. */
#include <math.h>

#include "face/face_private.h"
#include "tests/face/clip.h"

static affect_context *ctx;
static face_mesh neutral_mesh, happy_mesh;
static face_population population;
static bool ready;

static bool mesh_of(face_detector *d, face_mesher *m, const char *name, face_mesh *out) {
    picture p = picture_load(ctx, name);
    media_frame frame = picture_frame(&p, 0);
    face_detection found[DETECT_MAX];
    size_t count = 0;
    bool good = face_detector_run(ctx, d, &frame, 0, found, &count) == AFFECT_OK && count > 0;
    face_roi roi = good ? face_detection_roi(&found[0]) : (face_roi){0};
    for (int pass = 0; pass < 2 && good; pass++) {
        good = face_mesher_run(ctx, m, &frame, &roi, out) == AFFECT_OK;
        roi = face_mesh_roi(out);
    }
    base_free(p.rgb);
    return good;
}

static int set_up(void **state) {
    (void)state;
    if (affect_context_create(&ctx)) return 1;
    face_detector *d = NULL;
    face_mesher *m = NULL;
    if (access(test_data(), R_OK) == 0 && !face_detector_create(ctx, "face.detect.wide", &d) &&
        !face_mesher_create(ctx, "face.mesh", &m) &&
        !face_population_load(ctx, "face.geometry", &population))
        ready = mesh_of(d, m, "sadtalker/stills/people_0.png", &neutral_mesh) &&
                mesh_of(d, m, "pyfeat/0-f15-hao-ph.jpg", &happy_mesh);
    face_detector_destroy(d);
    face_mesher_destroy(m);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

#define NEED_MESHES()                                                                              \
    do {                                                                                           \
        if (!ready) {                                                                              \
            print_message("skipped: no data folder or no models\n");                               \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* Turns all points about their mean: first up by pitch, then to the viewer's right by yaw, then
 * clockwise by roll (degrees), then grows by `scale`. */
static face_mesh turned(const face_mesh *mesh, double yaw, double pitch, double roll,
                        double scale) {
    const double radians = 3.14159265358979323846 / 180;
    double cy = cos(yaw * radians), sy = sin(yaw * radians), cx = cos(pitch * radians),
           sx = sin(pitch * radians), cz = cos(roll * radians), sz = sin(roll * radians);
    double mean[3] = {0};
    for (int i = 0; i < MESH_POINTS; i++)
        for (int k = 0; k < 3; k++) mean[k] += (double)mesh->points[i][k] / MESH_POINTS;
    face_mesh out = *mesh;
    for (int i = 0; i < MESH_POINTS; i++) {
        double x = (double)mesh->points[i][0] - mean[0], y = (double)mesh->points[i][1] - mean[1],
               z = (double)mesh->points[i][2] - mean[2];
        double y1 = cx * y + sx * z, z1 = -sx * y + cx * z;
        double x2 = cy * x - sy * z1, z2 = sy * x + cy * z1;
        out.points[i][0] = (float)(mean[0] + scale * (cz * x2 - sz * y1));
        out.points[i][1] = (float)(mean[1] + scale * (sz * x2 + cz * y1));
        out.points[i][2] = (float)(mean[2] + scale * z2);
    }
    return out;
}

static void a_turned_mesh_measures_the_same(void **state) {
    (void)state;
    NEED_MESHES();
    face_geometry straight, g;
    face_geometry_measure(&happy_mesh, &straight);
    static const double turns[][4] = {{20, 0, 0, 1},  {-20, 0, 0, 0.3}, {0, 20, 0, 2},
                                      {0, -20, 0, 1}, {15, -10, 30, 1}, {0, 0, -90, 1}};
    for (size_t t = 0; t < BASE_COUNT(turns); t++) {
        face_mesh mesh = turned(&happy_mesh, turns[t][0], turns[t][1], turns[t][2], turns[t][3]);
        face_geometry_measure(&mesh, &g);
        for (int k = 0; k < FACE_MEASURES; k++)
            assert_true(fabsf(g.measures[k] - straight.measures[k]) < 2e-3f);
        assert_true(fabs((double)(g.scale / straight.scale) / turns[t][3] - 1) < 1e-3);
    }
}

static void pose_is_what_it_was_turned_by(void **state) {
    (void)state;
    NEED_MESHES();
    /* Brought to straight ahead first, as turns do not simply add. */
    face_geometry g;
    face_geometry_align(&neutral_mesh, &g);
    face_mesh straight = neutral_mesh;
    memcpy(straight.points, g.points, sizeof straight.points);
    static const double turns[][3] = {{0, 0, 0},   {20, 0, 0}, {-35, 0, 0},  {0, 20, 0},
                                      {0, -25, 0}, {0, 0, 45}, {20, 10, -15}};
    for (size_t t = 0; t < BASE_COUNT(turns); t++) {
        face_mesh mesh = turned(&straight, turns[t][0], turns[t][1], turns[t][2], 100);
        face_geometry_align(&mesh, &g);
        assert_true(fabs((double)g.yaw - turns[t][0]) < 0.1);
        assert_true(fabs((double)g.pitch - turns[t][1]) < 0.1);
        assert_true(fabs((double)g.roll - turns[t][2]) < 0.1);
    }
}

static void a_turned_head_is_no_expression(void **state) {
    (void)state;
    NEED_MESHES();
    face_geometry g;
    float rest[FACE_MEASURES], d[FACE_MEASURES], units[FACE_UNITS];
    face_geometry_align(&neutral_mesh, &g); /* brought to straight ahead first */
    face_mesh straight = neutral_mesh;
    memcpy(straight.points, g.points, sizeof straight.points);
    face_geometry_measure(&straight, &g);
    face_population_deviation(&population, &g, rest);
    for (int axis = 0; axis < 2; axis++)
        for (int angle = -20; angle <= 20; angle += 5) {
            face_mesh mesh = turned(&straight, axis ? 0 : angle, axis ? angle : 0, 0, 100);
            face_geometry_measure(&mesh, &g);
            face_population_deviation(&population, &g, d);
            for (int k = 0; k < FACE_MEASURES; k++) d[k] -= rest[k];
            face_units_measure(d, units);
            for (int u = 0; u < FACE_UNITS; u++)
                if (units[u] > 1.5f) /* an event begins at 1.5 */
                    fail_msg("%s reads %.2f at %s %d", face_unit_names[u], (double)units[u],
                             axis ? "pitch" : "yaw", angle);
        }
}

static void a_broken_mesh_is_finite(void **state) {
    (void)state;
    face_geometry g;
    face_mesh flat = {.presence = 1};
    face_geometry_measure(&flat, &g);
    for (int k = 0; k < FACE_MEASURES; k++) assert_true(isfinite(g.measures[k]));
    assert_true(isfinite(g.yaw + g.pitch + g.roll + g.scale + g.residual));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turned_mesh_measures_the_same),
        cmocka_unit_test(pose_is_what_it_was_turned_by),
        cmocka_unit_test(a_turned_head_is_no_expression),
        cmocka_unit_test(a_broken_mesh_is_finite),
    };
    return cmocka_run_group_tests_name("face/geometry", tests, set_up, tear_down);
}
