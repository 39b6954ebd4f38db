/* bench_words_affect: how much the network's and the lexicon's estimate should count beside each
 * other. usage: bench_words_affect EMOBANK.csv [MODEL]
 * On the rows of split "dev": correlation and root mean square error of each alone and of the
 * mixture with the share that is best on one half, judged on the other. */
#include <math.h>
#include <string.h>

#include "data/table.h"
#include "words/estimator.h"

enum { MOST = 4000, STEPS = 21 };
static const char *const names[3] = {"valence", "arousal", "dominance"};

typedef struct row {
    double truth[3], network[3], lexicon[3];
} row;

static void judge(const row *rows, size_t n, size_t half, int d, double share, double *r,
                  double *rmse) {
    double m = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        if (half < 2 && i % 2 != half) continue;
        double x = share * rows[i].network[d] + (1 - share) * rows[i].lexicon[d];
        double y = rows[i].truth[d];
        m++, sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y,
            square += (x - y) * (x - y);
    }
    *r = (sxy - sx * sy / m) / sqrt((sxx - sx * sx / m) * (syy - sy * sy / m));
    *rmse = sqrt(square / m);
}

static affect_status run(affect_context *ctx, const char *path, const char *model) {
    static row rows[MOST];
    size_t n = 0;
    data_table *t = NULL;
    words_estimator *lexicon = NULL;
    words_network *network = NULL;
    affect_status status = data_table_open(ctx, path, NULL, &t);
    if (!status) status = words_estimator_load(ctx, NULL, &lexicon);
    if (!status) status = words_network_create(ctx, model, &network);
    int columns[5] = {0};
    static const char *const wanted[5] = {"V", "A", "D", "split", "text"};
    for (int k = 0; !status && k < 5; k++)
        if ((columns[k] = data_table_column(t, wanted[k])) < 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column %s", path, wanted[k]);
    for (size_t i = 0; !status && i < t->rows && n < MOST; i++) {
        if (strcmp(data_table_cell(t, i, (size_t)columns[3]), "dev") != 0) continue;
        const char *text = data_table_cell(t, i, (size_t)columns[4]);
        words_affect a;
        words_reading r;
        status = words_estimator_text(ctx, lexicon, text, &a);
        if (!status) status = words_network_read(ctx, network, text, &r);
        if (status || !a.scored || !r.scored) continue;
        for (int d = 0; d < 3; d++) {
            const char *cell = data_table_cell(t, i, (size_t)columns[d]);
            if (!base_parse_double(cell, strlen(cell), &rows[n].truth[d])) continue;
            rows[n].truth[d] = (rows[n].truth[d] - 3) / 2;
            rows[n].network[d] = (double)r.value[d];
            rows[n].lexicon[d] = (double)a.value[d];
        }
        n++;
    }
    if (!status) printf("%zu sentences that both score\n", n);
    for (int d = 0; !status && n > 10 && d < 3; d++) {
        double r[3], e[3], share[2];
        judge(rows, n, 2, d, 1, &r[0], &e[0]);
        judge(rows, n, 2, d, 0, &r[1], &e[1]);
        double mixed_r = 0, mixed_e = 0;
        for (size_t half = 0; half < 2; half++) {
            double best = INFINITY, x, y;
            for (int s = 0; s < STEPS; s++) {
                judge(rows, n, half, d, s / 20.0, &x, &y);
                if (y < best) best = y, share[half] = s / 20.0;
            }
            judge(rows, n, 1 - half, d, share[half], &x, &y);
            mixed_r += x / 2;
            mixed_e += y / 2;
        }
        printf("%-10s network r %.3f RMSE %.3f; lexicon r %.3f RMSE %.3f; mixed r %.3f RMSE %.3f "
               "(share of the network %.2f, %.2f)\n",
               names[d], r[0], e[0], r[1], e[1], mixed_r, mixed_e, share[0], share[1]);
    }
    words_network_destroy(network);
    words_estimator_destroy(lexicon);
    data_table_destroy(t);
    return status;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: bench_words_affect EMOBANK.csv [MODEL]\n");
        return AFFECT_ERROR_USAGE;
    }
    affect_context *ctx;
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = run(ctx, arguments[1], count > 2 ? arguments[2] : "text.emotion");
    if (status) fprintf(stderr, "bench_words_affect: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
