#include "fit.h"

#include <math.h>
#include <string.h>

enum { C = FIT_C, F = FIT_F };

void fit_pose_basis(const face_geometry *g, double b[FIT_POSE]) {
    double y = (double)g->yaw / 20, x = (double)g->pitch / 20;
    b[0] = 1, b[1] = y, b[2] = x, b[3] = y * y, b[4] = x * x, b[5] = y * x;
}

void fit_probabilities(const fit_regression *r, const double *w, size_t i, double p[C]) {
    double best = -INFINITY, sum = 0;
    for (int c = 0; c < C; c++) {
        const double *row = w + (size_t)c * (r->d + 1);
        p[c] = row[r->d] + (r->offset ? (double)r->offset[i * C + (size_t)c] : 0);
        for (size_t k = 0; k < r->d; k++) p[c] += row[k] * (double)r->x[i * r->d + k];
        best = fmax(best, p[c]);
    }
    for (int c = 0; c < C; c++) sum += p[c] = exp(p[c] - best);
    for (int c = 0; c < C; c++) p[c] /= sum;
}

bool fit_softmax(const fit_regression *r, int steps, double *w) {
    size_t size = C * (r->d + 1);
    double *ahead = base_calloc(size, sizeof *ahead), *slope = base_calloc(size, sizeof *slope);
    double *before = base_calloc(size, sizeof *before);
    bool good = ahead && slope && before;
    /* Step from the bound on the curvature: a quarter of the mean square length of a row. */
    double length = 1;
    for (size_t i = 0; i < r->n * r->d; i++)
        length += (double)r->x[i] * (double)r->x[i] / (double)r->n;
    double rate = 4 / length;
    for (int step = 0; good && step < steps; step++) {
        double push = (double)step / (step + 3);
        for (size_t k = 0; k < size; k++) ahead[k] = w[k] + push * (w[k] - before[k]);
        memset(slope, 0, size * sizeof *slope);
        for (size_t i = 0; i < r->n; i++) {
            double p[C];
            fit_probabilities(r, ahead, i, p);
            for (int c = 0; c < C; c++) {
                double gap = (p[c] - (double)r->target[i * C + (size_t)c]) / (double)r->n;
                double *row = slope + (size_t)c * (r->d + 1);
                for (size_t k = 0; k < r->d; k++) row[k] += gap * (double)r->x[i * r->d + k];
                row[r->d] += gap;
            }
        }
        memcpy(before, w, size * sizeof *w);
        for (size_t k = 0; k < size; k++) {
            bool constant = k % (r->d + 1) == r->d;
            w[k] = ahead[k] - rate * (slope[k] + (constant ? 0 : r->decay * ahead[k]));
        }
    }
    base_free(ahead);
    base_free(slope);
    base_free(before);
    return good;
}

int fit_best(const double p[FIT_C]) {
    int best = 0;
    for (int c = 1; c < C; c++)
        if (p[c] > p[best]) best = c;
    return best;
}

void fit_write(FILE *file, const face_population *p, const double *w) {
    fprintf(file, "{\n \"measures\": {\n");
    for (int k = 0; k < F; k++) {
        fprintf(file, "  \"%s\": {\"pose\": [", face_measure_names[k]);
        for (int b = 0; b < 6; b++) fprintf(file, "%s%.5f", b ? ", " : "", (double)p->pose[k][b]);
        fprintf(file, "], \"spread\": %.5f,\n   \"weights\": [", (double)p->spread[k]);
        for (int c = 0; c < C; c++) fprintf(file, "%s%.4f", c ? ", " : "", w[c * (F + 1) + k]);
        fprintf(file, "]}%s\n", k + 1 < F ? "," : "");
    }
    fprintf(file, " },\n \"constant\": [");
    for (int c = 0; c < C; c++) fprintf(file, "%s%.4f", c ? ", " : "", w[c * (F + 1) + F]);
    fprintf(file, "]\n}\n");
}
