/* The assignment problem (Kuhn 1955; here the shortest-augmenting-path form with potentials,
 * O(n^3), Jonker & Volgenant 1987). */
#include <math.h>

#include "face/face_private.h"

/* Stands for a pair that must not be made: more than any sum of allowed costs. */
static const double forbidden = 1e9;

void face_assign_least_cost(const float *costs, size_t rows, size_t columns, int to[]) {
    for (size_t r = 0; r < rows; r++) to[r] = -1;
    if (rows == 0 || columns == 0 || rows > ASSIGN_MAX || columns > ASSIGN_MAX) return;
    size_t n = BASE_MAX(rows, columns); /* square, padded with forbidden pairs; 1-based below */
    double u[ASSIGN_MAX + 1] = {0}, v[ASSIGN_MAX + 1] = {0};
    size_t match[ASSIGN_MAX + 1] = {0}, way[ASSIGN_MAX + 1] = {0};
    for (size_t r = 1; r <= n; r++) {
        double least[ASSIGN_MAX + 1];
        bool used[ASSIGN_MAX + 1] = {false};
        for (size_t c = 0; c <= n; c++) least[c] = INFINITY;
        size_t column = 0;
        match[0] = r;
        do {
            used[column] = true;
            size_t row = match[column], next = 0;
            double delta = INFINITY;
            for (size_t c = 1; c <= n; c++) {
                if (used[c]) continue;
                double cost = forbidden;
                if (row <= rows && c <= columns) {
                    float given = costs[(row - 1) * columns + (c - 1)];
                    if (isfinite(given)) cost = (double)given;
                }
                double reduced = cost - u[row] - v[c];
                if (reduced < least[c]) {
                    least[c] = reduced;
                    way[c] = column;
                }
                if (least[c] < delta) {
                    delta = least[c];
                    next = c;
                }
            }
            for (size_t c = 0; c <= n; c++)
                if (used[c]) {
                    u[match[c]] += delta;
                    v[c] -= delta;
                } else
                    least[c] -= delta;
            column = next;
        } while (match[column] != 0);
        do {
            size_t before = way[column];
            match[column] = match[before];
            column = before;
        } while (column != 0);
    }
    for (size_t c = 1; c <= columns; c++)
        if (match[c] >= 1 && match[c] <= rows && isfinite(costs[(match[c] - 1) * columns + c - 1]))
            to[match[c] - 1] = (int)(c - 1);
}
