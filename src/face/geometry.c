/* The mesh freed from head pose: the similarity transform (Horn 1987, closed form by unit
 * quaternions) that lays the points which no expression moves onto a canonical face, and measures
 * of what is left.
 *
 * The canonical points are the symmetrised generalised Procrustes mean of the project's own runs of
 * the mesh on FER+ validation faces and the talking-face clips; pitch 0 is the median of those. */
#include <math.h>
#include <string.h>

#include "face/face_private.h"

const char *const face_measure_names[FACE_MEASURES] = {
#define FACE_MEASURE_NAME(name) #name,
    FACE_MEASURE_TABLE(FACE_MEASURE_NAME)
#undef FACE_MEASURE_NAME
};

/* Forehead, temples, bridge of the nose, eye corners. */
static const struct {
    int point;
    float at[3];
} rigid[] = {
    {10, {0, -0.576f, -0.166f}},       {168, {0, -0.052f, -0.209f}},
    {6, {0, 0.037f, -0.256f}},         {197, {0, 0.117f, -0.310f}},
    {195, {0, 0.190f, -0.368f}},       {5, {0, 0.268f, -0.428f}},
    {4, {0, 0.361f, -0.453f}},         {33, {-0.5f, -0.009f, 0.030f}},
    {263, {0.5f, -0.009f, 0.030f}},    {133, {-0.194f, 0.009f, -0.030f}},
    {362, {0.194f, 0.009f, -0.030f}},  {109, {-0.212f, -0.571f, -0.148f}},
    {338, {0.212f, -0.571f, -0.148f}}, {67, {-0.391f, -0.543f, -0.078f}},
    {297, {0.391f, -0.543f, -0.078f}}, {103, {-0.554f, -0.481f, 0.042f}},
    {332, {0.554f, -0.481f, 0.042f}},  {54, {-0.658f, -0.387f, 0.180f}},
    {284, {0.658f, -0.387f, 0.180f}},  {21, {-0.722f, -0.267f, 0.314f}},
    {251, {0.722f, -0.267f, 0.314f}},  {162, {-0.754f, -0.139f, 0.454f}},
    {389, {0.754f, -0.139f, 0.454f}},  {127, {-0.762f, 0.021f, 0.565f}},
    {356, {0.762f, 0.021f, 0.565f}},   {234, {-0.751f, 0.174f, 0.617f}},
    {454, {0.751f, 0.174f, 0.617f}},
};
enum { RIGID = BASE_COUNT(rigid) };

/* Eigenvector of the largest eigenvalue of a symmetric 4 x 4 matrix, by Jacobi rotations. */
static void top_eigenvector(double a[4][4], double out[4]) {
    double v[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    for (int sweep = 0; sweep < 30; sweep++) {
        double off = 0;
        for (int p = 0; p < 4; p++)
            for (int q = p + 1; q < 4; q++) off += a[p][q] * a[p][q];
        if (off < 1e-24) break;
        for (int p = 0; p < 4; p++)
            for (int q = p + 1; q < 4; q++) {
                if (fabs(a[p][q]) < 1e-300) continue;
                double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
                double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < 4; k++) {
                    double x = a[k][p], y = a[k][q];
                    a[k][p] = c * x - s * y;
                    a[k][q] = s * x + c * y;
                }
                for (int k = 0; k < 4; k++) {
                    double x = a[p][k], y = a[q][k];
                    a[p][k] = c * x - s * y;
                    a[q][k] = s * x + c * y;
                    x = v[k][p], y = v[k][q];
                    v[k][p] = c * x - s * y;
                    v[k][q] = s * x + c * y;
                }
            }
    }
    int best = 0;
    for (int k = 1; k < 4; k++)
        if (a[k][k] > a[best][best]) best = k;
    for (int k = 0; k < 4; k++) out[k] = v[k][best];
}

static void rotation_of(const double q[4], double r[3][3]) {
    double w = q[0], x = q[1], y = q[2], z = q[3];
    r[0][0] = w * w + x * x - y * y - z * z;
    r[0][1] = 2 * (x * y - w * z);
    r[0][2] = 2 * (x * z + w * y);
    r[1][0] = 2 * (x * y + w * z);
    r[1][1] = w * w - x * x + y * y - z * z;
    r[1][2] = 2 * (y * z - w * x);
    r[2][0] = 2 * (x * z - w * y);
    r[2][1] = 2 * (y * z + w * x);
    r[2][2] = w * w - x * x - y * y + z * z;
}

void face_geometry_align(const face_mesh *mesh, face_geometry *out) {
    double mean_x[3] = {0}, mean_c[3] = {0}, s[3][3] = {{0}}, spread = 0;
    for (int i = 0; i < RIGID; i++)
        for (int k = 0; k < 3; k++) {
            mean_x[k] += (double)mesh->points[rigid[i].point][k] / RIGID;
            mean_c[k] += (double)rigid[i].at[k] / RIGID;
        }
    for (int i = 0; i < RIGID; i++) {
        double x[3], c[3];
        for (int k = 0; k < 3; k++) {
            x[k] = (double)mesh->points[rigid[i].point][k] - mean_x[k];
            c[k] = (double)rigid[i].at[k] - mean_c[k];
            spread += x[k] * x[k];
        }
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) s[a][b] += x[a] * c[b];
    }
    double n[4][4] = {
        {s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0]},
        {s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]},
        {s[2][0] - s[0][2], s[0][1] + s[1][0], s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1]},
        {s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], s[2][2] - s[0][0] - s[1][1]}};
    double q[4], r[3][3];
    top_eigenvector(n, q);
    rotation_of(q, r);
    double dot = 0; /* scale of least squares onto the canonical face */
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) dot += r[b][a] * s[a][b];
    double scale = spread > 0 ? dot / spread : 0;
    for (int i = 0; i < MESH_POINTS; i++)
        for (int a = 0; a < 3; a++) {
            double sum = 0;
            for (int b = 0; b < 3; b++) sum += r[a][b] * ((double)mesh->points[i][b] - mean_x[b]);
            out->points[i][a] = (float)(scale * sum + mean_c[a]);
        }
    double misfit = 0;
    for (int i = 0; i < RIGID; i++)
        for (int k = 0; k < 3; k++) {
            double d = (double)(out->points[rigid[i].point][k] - rigid[i].at[k]);
            misfit += d * d / RIGID;
        }
    out->residual = (float)sqrt(misfit);
    out->scale = scale > 0 ? (float)(1 / scale) : 0;
    /* r takes the frame to the canonical face; the head's own turn is its transpose, written as
     * roll after yaw after pitch. */
    const double degrees = 180 / 3.14159265358979323846;
    double sine = fmax(-1, fmin(1, r[0][2]));
    out->yaw = (float)(asin(sine) * degrees);
    out->pitch = (float)(atan2(-r[1][2], r[2][2]) * degrees);
    out->roll = (float)(atan2(r[0][1], r[0][0]) * degrees);
}

/* ---- measures ---- */

typedef float points3[MESH_POINTS][3];

static float mean_of(const points3 p, int axis, int count, const int *which) {
    float sum = 0;
    for (int i = 0; i < count; i++) sum += p[which[i]][axis];
    return sum / (float)count;
}
#define MEAN(axis, ...)                                                                            \
    mean_of(p, axis, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static float distance(const points3 p, int a, int b) {
    float dx = p[a][0] - p[b][0], dy = p[a][1] - p[b][1], dz = p[a][2] - p[b][2];
    return sqrtf(dx * dx + dy * dy + dz * dz);
}

void face_geometry_measure(const face_mesh *mesh, face_geometry *out) {
    face_geometry_align(mesh, out);
    const float(*p)[3] = (const float(*)[3])out->points;
    float *m = out->measures;
    enum { X, Y, Z };
    float eye_r = MEAN(Y, 33, 133), eye_l = MEAN(Y, 263, 362), eyes = 0.5f * (eye_r + eye_l);

    m[MEASURE_brow_inner_r] = eye_r - MEAN(Y, 107, 66, 55, 65);
    m[MEASURE_brow_inner_l] = eye_l - MEAN(Y, 336, 296, 285, 295);
    m[MEASURE_brow_middle_r] = eye_r - MEAN(Y, 66, 105, 65, 52);
    m[MEASURE_brow_middle_l] = eye_l - MEAN(Y, 296, 334, 295, 282);
    m[MEASURE_brow_outer_r] = eye_r - MEAN(Y, 63, 70, 53, 46);
    m[MEASURE_brow_outer_l] = eye_l - MEAN(Y, 293, 300, 283, 276);
    m[MEASURE_brow_gap] = MEAN(X, 336, 285) - MEAN(X, 107, 55);

    float width_r = distance(p, 33, 133), width_l = distance(p, 263, 362);
    m[MEASURE_eye_open_r] =
        (distance(p, 160, 144) + distance(p, 159, 145) + distance(p, 158, 153)) /
        (3 * fmaxf(width_r, 0.02f));
    m[MEASURE_eye_open_l] =
        (distance(p, 387, 373) + distance(p, 386, 374) + distance(p, 385, 380)) /
        (3 * fmaxf(width_l, 0.02f));
    m[MEASURE_lid_upper_r] = eye_r - MEAN(Y, 160, 159, 158);
    m[MEASURE_lid_upper_l] = eye_l - MEAN(Y, 387, 386, 385);
    m[MEASURE_lid_lower_r] = eye_r - MEAN(Y, 144, 145, 153);
    m[MEASURE_lid_lower_l] = eye_l - MEAN(Y, 373, 374, 380);
    m[MEASURE_cheek_r] = eye_r - MEAN(Y, 50, 101, 118, 117);
    m[MEASURE_cheek_l] = eye_l - MEAN(Y, 280, 330, 347, 346);

    m[MEASURE_alar_r] = eyes - MEAN(Y, 129, 98, 64);
    m[MEASURE_alar_l] = eyes - MEAN(Y, 358, 327, 294);
    m[MEASURE_alar_width] = MEAN(X, 358, 294) - MEAN(X, 129, 64);
    m[MEASURE_fold_r] = -MEAN(X, 206, 203, 205);
    m[MEASURE_fold_l] = MEAN(X, 426, 423, 425);

    float nose = MEAN(Y, 2, 97, 326);
    m[MEASURE_lip_upper] = MEAN(Y, 0, 37, 267) - nose;
    m[MEASURE_lip_upper_sides] = MEAN(Y, 39, 40, 269, 270) - nose;
    float middle = MEAN(Y, 13, 14);
    m[MEASURE_corner_up_r] = middle - MEAN(Y, 61, 78);
    m[MEASURE_corner_up_l] = middle - MEAN(Y, 291, 308);
    m[MEASURE_corner_eye_r] = eyes - MEAN(Y, 61, 78);
    m[MEASURE_corner_eye_l] = eyes - MEAN(Y, 291, 308);
    m[MEASURE_corner_depth] = MEAN(Z, 61, 291) - MEAN(Z, 13, 14, 0, 17);
    m[MEASURE_mouth_width] = MEAN(X, 291, 308) - MEAN(X, 61, 78);
    m[MEASURE_mouth_open] = MEAN(Y, 14, 87, 317) - MEAN(Y, 13, 82, 312);
    m[MEASURE_lip_thick_upper] = MEAN(Y, 13, 82, 312) - MEAN(Y, 0, 37, 267);
    m[MEASURE_lip_thick_lower] = MEAN(Y, 17, 84, 314) - MEAN(Y, 14, 87, 317);
    m[MEASURE_lip_lower] = MEAN(Y, 152, 148, 377) - MEAN(Y, 17, 84, 314);
    m[MEASURE_lip_lower_curve] = MEAN(Y, 91, 146, 321, 375) - MEAN(Y, 17, 84, 314);
    m[MEASURE_jaw_drop] = MEAN(Y, 152, 148, 377) - nose;
    m[MEASURE_chin_depth] = MEAN(Z, 152, 200) - MEAN(Z, 18, 17);
    m[MEASURE_corner_asymmetry] = MEAN(Y, 61, 78) - MEAN(Y, 291, 308);
}
