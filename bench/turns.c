/* Fits what reason/turns.c says of a dialogue, and prints what it is worth.
 *
 * usage: bench-turns DATA [--write FOLDER]          (DATA: the shared data)
 *
 * Causes: RECCON over DailyDialog, every turn up to the one whose emotion is given is a candidate; F1 of
 * the pairs that are causes, and the mean with that of the others ("macro"), as Poria et al. 2021 print.
 * The threshold is from five folds over the dialogues of the train part; the validation part is looked at
 * once, at the end. "read": emotions of the other turns by our text network, as in a timeline.
 *
 * Next: the category of the turn that follows, log loss in nats. Fitted on MELD's train dialogues and
 * judged on its dev part; and fitted on RECCON's and judged on both. The peer is the matrix of transitions
 * between categories in the same train dialogues (half a count added to each); "shares" is what the categories'
 * shares there give whatever came before. Intervals: 2,000 bootstrap
 * rounds over dialogues, paired.
 *
 * --write: weights.json from RECCON's train part alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "align/align_private.h"
#include "data/frame.h"
#include "reason/turns.h"
#include "words/text_network.h"

enum { K = CATEGORIES, FOLDS = 5, ROUNDS = 2000 };
static const double RIDGE = 2;

typedef struct dialogue {
    reason_turn *given, *read;  /* the same turns with the emotion as annotated, and as read */
    unsigned long long *causes; /* bit d: d turns back */
    size_t count;
} dialogue;

typedef struct set {
    dialogue *items;
    size_t count, turns;
    double
        spans[3]; /* causes with words annotated; sums of F1: whole turn, best run of sentences */
} set;

static affect_context *ctx;
static words_network *network;

static void need(affect_status status, const char *what) {
    if (status == AFFECT_OK) return;
    fprintf(stderr, "bench-turns: %s: %s\n", what, affect_context_message(ctx));
    exit(1);
}
static void *room(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    if (!p) exit(1);
    return p;
}

/* ---- data ---- */

/* As words/emit.c writes an utterance: at most three labels that hold. */
static void read_emotion(const char *text, double out[K]) {
    words_reading reading;
    need(words_network_read(ctx, network, text, &reading), "reading");
    size_t count, taken = 0;
    const char *const *labels = words_network_labels(network, &count);
    bool used[WORDS_NETWORK_LABELS] = {false};
    memset(out, 0, K * sizeof *out);
    while (reading.scored && taken++ < 3) {
        size_t best = count;
        for (size_t i = 0; i < count; i++)
            if (!used[i] && reading.posteriors[i] >= words_network_threshold(network) &&
                (best == count || reading.posteriors[i] > reading.posteriors[best]))
                best = i;
        if (best == count) break;
        used[best] = true;
        int c = category_of_label(labels[best]);
        if (c >= 0) out[c] = fmax(out[c], (double)reading.posteriors[best]);
    }
}

/* ---- spans: how well a cause's whole turn (what we cite), or the best run of its sentences, tells the annotated words ---- */

enum { SPAN_WORDS = 256, SPAN_SENTENCES = 24 };

static bool inside_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'';
}

/* F1 of the words of [a, a + n) and of [b, b + m), each counted as often as it comes. */
static double words_f1(const char *a, size_t n, const char *b, size_t m) {
    const char *texts[] = {a, b}, *ends[] = {a + n, b + m};
    const char *at[2][SPAN_WORDS];
    size_t length[2][SPAN_WORDS], count[2] = {0}, both = 0;
    bool used[SPAN_WORDS] = {false};
    for (int t = 0; t < 2; t++)
        for (const char *c = texts[t]; c < ends[t] && count[t] < SPAN_WORDS;) {
            size_t k = 0;
            while (c + k < ends[t] && inside_word(c[k])) k++;
            if (k) at[t][count[t]] = c, length[t][count[t]++] = k;
            c += k + !k;
        }
    for (size_t i = 0; i < count[0]; i++)
        for (size_t k = 0; k < count[1]; k++)
            if (!used[k] && length[0][i] == length[1][k] &&
                strncasecmp(at[0][i], at[1][k], length[0][i]) == 0) {
                used[k] = true;
                both++;
                break;
            }
    return 2 * (double)both / fmax(1, (double)(count[0] + count[1]));
}

/* The best that a run of whole sentences could do. */
static double best_run(const char *turn, const char *span, size_t length) {
    const char *begin[SPAN_SENTENCES + 1] = {turn};
    size_t count = 1;
    double best = 0;
    for (const char *c = turn; *c && count < SPAN_SENTENCES; c++)
        if (strchr(".!?", *c) && c[1] == ' ' && c[2]) begin[count++] = c + 2;
    begin[count] = turn + strlen(turn);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k <= count; k++)
            best = fmax(best, words_f1(begin[i], (size_t)(begin[k] - begin[i]), span, length));
    return best;
}

/* `turns`: "2|3|b", `spans`: "... || ... || ...", one each; b is what nobody said. */
static void add_spans(const dialogue *d, const char *turns, const char *spans, double sums[3]) {
    while (*turns && *spans) {
        const char *end = strstr(spans, " || ");
        size_t length = end ? (size_t)(end - spans) : strlen(spans);
        long turn = strtol(turns, NULL, 10);
        if (turn >= 1 && (size_t)turn <= d->count + 1) {
            const char *text = d->given[turn - 1].text;
            sums[0] += 1;
            sums[1] += words_f1(text, strlen(text), spans, length);
            sums[2] += best_run(text, spans, length);
        }
        turns += strcspn(turns, "|");
        turns += *turns == '|';
        spans += length + (end ? 4 : 0);
    }
}

/* ---- tables ---- */

static set load(const char *data, const char *file, const char *key, const char *emotion,
                const char *speaker, const char *utterance, const char *causes) {
    base_text path = {0};
    base_text_printf(&path, "%s/%s", data, file);
    data_frame *frame = NULL;
    need(data_frame_open(ctx, path.data, false, &frame), path.data);
    const char *const names[] = {key, emotion, speaker, utterance, causes};
    int columns[5];
    for (int i = 0; i < 5; i++) {
        columns[i] = names[i] ? data_frame_column(frame, names[i]) : 0;
        if (columns[i] >= 0) continue;
        fprintf(stderr, "bench-turns: %s: no column %s\n", path.data, names[i]);
        exit(1);
    }
    set s = {.items = room(frame->rows, sizeof(dialogue))};
    char buffer[DATA_FRAME_CELL], last[64] = "";
    enum { PEOPLE = 64 };
    char people[PEOPLE][64];
    size_t known = 0;
    for (size_t r = 0; r < frame->rows; r++) {
        const char *name = data_frame_text(frame, r, (size_t)columns[0], buffer);
        if (!s.count || strcmp(name, last) != 0) {
            snprintf(last, sizeof last, "%s", name);
            known = 0;
            dialogue *d = &s.items[s.count++];
            d->given = room(200, sizeof *d->given);
            d->read = room(200, sizeof *d->read);
            d->causes = room(200, sizeof *d->causes);
        }
        dialogue *d = &s.items[s.count - 1];
        if (d->count == 200) continue;
        const char *who = data_frame_text(frame, r, (size_t)columns[2], buffer);
        size_t p = 0;
        while (p < known && strncmp(people[p], who, 63) != 0) p++;
        if (p == known && known < PEOPLE) snprintf(people[known++], 64, "%s", who);
        reason_turn *turn = &d->given[d->count];
        turn->speaker = (int)p;
        int c = category_of_label(data_frame_text(frame, r, (size_t)columns[1], buffer));
        if (c < 0) c = 0;
        turn->text = base_strdup(data_frame_text(frame, r, (size_t)columns[3], buffer));
        if (!turn->text) exit(1);
        d->read[d->count] = *turn;
        turn->emotion[c] = 1;
        read_emotion(turn->text, d->read[d->count].emotion);
        if (causes) {
            char second[DATA_FRAME_CELL];
            int column = data_frame_column(frame, "cause_spans");
            if (column >= 0)
                add_spans(d, data_frame_text(frame, r, (size_t)columns[4], buffer),
                          data_frame_text(frame, r, (size_t)column, second), s.spans);
            const char *list = data_frame_text(frame, r, (size_t)columns[4], buffer);
            for (char *end; *list; list = end) {
                long turn_number = strtol(list, &end, 10);
                if (end == list) {
                    end++;
                    continue;
                }
                long back = (long)d->count + 1 - turn_number;
                if (back >= 0 && back < 64) d->causes[d->count] |= 1ULL << back;
            }
        }
        d->count++;
        s.turns++;
    }
    data_frame_destroy(frame);
    base_text_destroy(&path);
    return s;
}

static void unload(set *s) {
    for (size_t i = 0; i < s->count; i++) {
        for (size_t t = 0; t < s->items[i].count; t++) base_free((char *)s->items[i].given[t].text);
        free(s->items[i].given), free(s->items[i].read), free(s->items[i].causes);
    }
    free(s->items);
}

/* ---- softmax regression by Newton's method; class 0 has weights 0 where there are two ---- */

typedef struct rows {
    double *x;
    int *y;
    size_t *of; /* dialogue */
    size_t count, width;
} rows;

/* Scores of row i as probabilities. */
static void shares(const rows *r, int classes, const double *weights, size_t i, double p[K]) {
    double top = -INFINITY, sum = 0;
    for (int c = 0; c < classes; c++) {
        p[c] = 0;
        for (size_t k = 0; k < r->width; k++)
            p[c] += weights[(size_t)c * r->width + k] * r->x[i * r->width + k];
        top = fmax(top, p[c]);
    }
    for (int c = 0; c < classes; c++) sum += p[c] = exp(p[c] - top);
    for (int c = 0; c < classes; c++) p[c] /= sum;
}

static bool left_out(const rows *r, int fold, size_t i) {
    return fold >= 0 && r->of[i] % FOLDS == (size_t)fold;
}

static double loss(const rows *r, int classes, int without, const double *weights) {
    double sum = 0, p[K];
    for (size_t i = 0; i < (size_t)classes * r->width; i++)
        sum += RIDGE / 2 * weights[i] * weights[i];
    for (size_t i = 0; i < r->count; i++) {
        if (left_out(r, without, i)) continue;
        shares(r, classes, weights, i, p);
        sum -= log(fmax(p[r->y[i]], 1e-300));
    }
    return sum;
}

/* Weights of `classes` times width; rows of dialogues in fold `without` are left out. */
static void fit(const rows *r, int classes, int without, double *weights) {
    size_t d = r->width, first = classes == 2 ? 1 : 0, n = ((size_t)classes - first) * d;
    double *hessian = room(n * n, sizeof(double)), *step = room(n, sizeof(double));
    double *tried = room((size_t)classes * d, sizeof(double)), p[K];
    memset(weights, 0, (size_t)classes * d * sizeof *weights);
    double now = loss(r, classes, without, weights), gained = 1;
    for (int round = 0; round < 50 && gained > 1e-7; round++) {
        memset(hessian, 0, n * n * sizeof *hessian);
        for (size_t i = 0; i < n; i++) {
            step[i] = RIDGE * weights[first * d + i];
            hessian[i * n + i] = RIDGE;
        }
        for (size_t i = 0; i < r->count; i++) {
            if (left_out(r, without, i)) continue;
            const double *x = r->x + i * d;
            shares(r, classes, weights, i, p);
            size_t at[128], held = 0;
            for (size_t k = 0; k < d; k++)
                if (x[k] != 0) at[held++] = k;
            for (int a = (int)first; a < classes; a++) {
                size_t row = ((size_t)a - first) * d;
                for (size_t k = 0; k < held; k++)
                    step[row + at[k]] += (p[a] - (r->y[i] == a)) * x[at[k]];
                for (int b = (int)first; b <= a; b++) {
                    double w = p[a] * ((a == b) - p[b]);
                    size_t column = ((size_t)b - first) * d;
                    for (size_t k = 0; k < held; k++)
                        for (size_t l = 0; l < held; l++)
                            hessian[(row + at[k]) * n + column + at[l]] += w * x[at[k]] * x[at[l]];
                }
            }
        }
        if (!align_cholesky(hessian, n)) {
            fprintf(stderr, "bench-turns: the fit is singular\n");
            exit(1);
        }
        align_solve_lower(hessian, n, step, 1);
        align_solve_upper(hessian, n, step, 1);
        double length = 1, then = now; /* halved until it helps */
        for (; length > 1e-6; length /= 2) {
            memcpy(tried, weights, (size_t)classes * d * sizeof *tried);
            for (size_t i = 0; i < n; i++) tried[first * d + i] -= length * step[i];
            then = loss(r, classes, without, tried);
            if (then < now) break;
        }
        gained = now - then;
        if (!(gained > 0)) break;
        memcpy(weights, tried, (size_t)classes * d * sizeof *tried);
        now = then;
    }
    free(hessian), free(step), free(tried);
}

static double apply(const rows *r, const double *weights, size_t i) {
    double sum = 0;
    for (size_t k = 0; k < r->width; k++) sum += weights[k] * r->x[i * r->width + k];
    return 1 / (1 + exp(-sum));
}

/* ---- causes ---- */

typedef enum emotions { GIVEN, READ } emotions;

static rows cause_rows(const set *s, emotions how) {
    rows r = {.width = REASON_CAUSE_FEATURES};
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) most += s->items[i].count * (s->items[i].count + 1) / 2;
    r.x = room(most * r.width, sizeof *r.x);
    r.y = room(most, sizeof *r.y);
    r.of = room(most, sizeof *r.of);
    for (size_t i = 0; i < s->count; i++) {
        const dialogue *d = &s->items[i];
        for (size_t t = 0; t < d->count; t++) {
            if (!d->causes[t] || d->given[t].emotion[0] > 0) continue;
            reason_turn *turns = how == GIVEN ? d->given : d->read, kept = turns[t];
            memcpy(turns[t].emotion, d->given[t].emotion, sizeof kept.emotion);
            for (size_t c = 0; c <= t; c++) {
                reason_cause_features(turns, t, c, r.x + r.count * r.width);
                r.y[r.count] = t - c < 64 && (d->causes[t] >> (t - c) & 1);
                r.of[r.count++] = i;
            }
            turns[t] = kept;
        }
    }
    return r;
}

typedef struct counts {
    double tp, fp, fn, tn;
} counts;

static double f1(counts c) { return 2 * c.tp / fmax(1, 2 * c.tp + c.fp + c.fn); }
static double macro(counts c) { return (f1(c) + 2 * c.tn / fmax(1, 2 * c.tn + c.fp + c.fn)) / 2; }
static void count(counts *c, bool said, bool is) {
    *(said ? is ? &c->tp : &c->fp : is ? &c->fn : &c->tn) += 1;
}

static counts at_threshold(const rows *r, const double *p, double threshold) {
    counts c = {0};
    for (size_t i = 0; i < r->count; i++) count(&c, p[i] >= threshold, r->y[i]);
    return c;
}

static double causes(const set *train, const set *valid, emotions how, const char *name,
                     double weights[REASON_CAUSE_FEATURES]) {
    rows r = cause_rows(train, how), v = cause_rows(valid, how);
    double both[2 * REASON_CAUSE_FEATURES];
    double *p = room(r.count, sizeof *p), *q = room(v.count, sizeof *q), best = 0, threshold = .5;
    for (int f = 0; f < FOLDS; f++) {
        fit(&r, 2, f, both);
        for (size_t i = 0; i < r.count; i++)
            if (r.of[i] % FOLDS == (size_t)f) p[i] = apply(&r, both + REASON_CAUSE_FEATURES, i);
    }
    for (int k = 5; k < 95; k++)
        if (f1(at_threshold(&r, p, k / 100.0)) > best) {
            best = f1(at_threshold(&r, p, k / 100.0));
            threshold = k / 100.0;
        }
    fit(&r, 2, -1, both);
    memcpy(weights, both + REASON_CAUSE_FEATURES, REASON_CAUSE_FEATURES * sizeof *weights);
    double error = 0; /* of the mean probability: is it calibrated? */
    for (size_t i = 0; i < v.count; i++) {
        q[i] = apply(&v, weights, i);
        error += (q[i] - v.y[i]) / (double)v.count;
    }
    printf("%-44s %.3f    %.3f / %.3f    %.2f   %+.3f\n", name, best,
           f1(at_threshold(&v, q, threshold)), macro(at_threshold(&v, q, threshold)), threshold,
           error);
    counts near[2] = {0};
    if (how == GIVEN)
        for (int part = 0; part < 2; part++) {
            const set *s = part ? valid : train;
            for (size_t i = 0; i < s->count; i++)
                for (size_t t = 0; t < s->items[i].count; t++) {
                    if (!s->items[i].causes[t] || s->items[i].given[t].emotion[0] > 0) continue;
                    for (size_t c = 0; c <= t; c++)
                        count(&near[part], t - c <= 1,
                              t - c < 64 && (s->items[i].causes[t] >> (t - c) & 1));
                }
        }
    if (how == GIVEN)
        printf("%-44s %.3f    %.3f / %.3f\n", "the turn itself and the one before it", f1(near[0]),
               f1(near[1]), macro(near[1]));
    free(r.x), free(r.y), free(r.of), free(v.x), free(v.y), free(v.of), free(p), free(q);
    return threshold;
}

/* ---- next ---- */

static rows next_rows(const set *s, bool who) {
    rows r = {.width = REASON_NEXT_FEATURES};
    r.x = room(s->turns * r.width, sizeof *r.x);
    r.y = room(s->turns, sizeof *r.y);
    r.of = room(s->turns, sizeof *r.of);
    for (size_t i = 0; i < s->count; i++)
        for (size_t t = 1; t < s->items[i].count; t++) {
            const reason_turn *turns = s->items[i].given;
            reason_next_features(turns, t, who ? turns[t].speaker : -1, r.x + r.count * r.width);
            for (int c = 0; c < K; c++)
                if (turns[t].emotion[c] > 0) r.y[r.count] = c;
            r.of[r.count++] = i;
        }
    return r;
}

static uint64_t seed = 1;
static uint64_t draw(void) { /* splitmix64 */
    uint64_t z = seed += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}
static int ascending(const void *a, const void *b) {
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

static void next(const set *train, const set *test, const char *name,
                 double weights[K][REASON_NEXT_FEATURES]) {
    for (int who = 0; who < 2; who++) {
        rows r = next_rows(train, who), v = next_rows(test, who);
        double matrix[K][K], share[K] = {0}, gain[ROUNDS], ours = 0, peer = 0, flat = 0;
        double *by = room(test->count, sizeof *by);
        for (int a = 0; a < K; a++)
            for (int b = 0; b < K; b++) matrix[a][b] = b < K - 1 ? 0.5 : 0;
        for (size_t i = 0; i < r.count; i++) {
            share[r.y[i]] += 1 / (double)r.count;
            for (int a = 0; a < K; a++)
                if (r.x[i * r.width + (size_t)a] > 0) matrix[a][r.y[i]]++;
        }
        fit(&r, K, -1, &weights[0][0]);
        reason_turns_model model = {0};
        memcpy(model.next, weights, sizeof model.next);
        for (size_t i = 0, row = 0; i < test->count; i++)
            for (size_t t = 1; t < test->items[i].count; t++, row++) {
                const reason_turn *turns = test->items[i].given;
                double p[K], all = 0;
                reason_turn_next(&model, turns, t, who ? turns[t].speaker : -1, p);
                int last = 0;
                for (int c = 0; c < K; c++)
                    if (turns[t - 1].emotion[c] > 0) last = c;
                for (int c = 0; c < K; c++) all += matrix[last][c];
                double a = -log(p[v.y[row]]), b = -log(matrix[last][v.y[row]] / all);
                ours += a / (double)v.count;
                flat -= log(share[v.y[row]]) / (double)v.count;
                peer += b / (double)v.count;
                by[i] += (b - a) / (double)v.count;
            }
        for (int k = 0; k < ROUNDS; k++) {
            gain[k] = 0;
            for (size_t i = 0; i < test->count; i++) gain[k] += by[draw() % test->count];
        }
        qsort(gain, ROUNDS, sizeof *gain, ascending);
        printf("%-28s %-9s %.3f    %.3f    %.3f   %+.3f [%.3f, %.3f]\n", name,
               who ? "known" : "not known", flat, peer, ours, peer - ours, gain[ROUNDS / 40],
               gain[ROUNDS - ROUNDS / 40]);
        free(r.x), free(r.y), free(r.of), free(v.x), free(v.y), free(v.of), free(by);
    }
}

/* ---- out ---- */

static void put(base_text *out, const double *values, size_t n) {
    for (size_t i = 0; i < n; i++) base_text_printf(out, "%s%.6g", i ? "," : "[", values[i]);
    base_text_printf(out, "]");
}

int main(int argc, char **argv) {
    const char *data = argc > 1 ? argv[1] : "../shared/data";
    need(affect_context_create(&ctx), "context");
    need(words_network_create(ctx, "text.emotion", &network), "text.emotion");
    set train = load(data, "reccon_dd/train.tsv", "dialogue", "emotion", "speaker", "utterance",
                     "cause_turns");
    set valid = load(data, "reccon_dd/valid.tsv", "dialogue", "emotion", "speaker", "utterance",
                     "cause_turns");
    static reason_turns_model model;
    static double cause[REASON_CAUSE_FEATURES], weights[K][REASON_NEXT_FEATURES];
    printf("causes, RECCON-DD                            train, folds   valid F1 / macro   from   "
           "bias\n");
    causes(&train, &valid, GIVEN, "ours, emotions of all turns given", cause);
    model.threshold =
        causes(&train, &valid, READ, "ours, only the explained turn's given", model.cause);
    printf("published on its test part: RankCP .330 / .652, RoBERTa-base .643 / .765\n");
    printf("\nwords of a cause, F1 of tokens               train    valid\n");
    for (int k = 1; k < 3; k++)
        printf("%-44s %.3f    %.3f\n",
               k == 1 ? "the whole turn, which is cited" : "the best run of its sentences",
               train.spans[k] / train.spans[0], valid.spans[k] / valid.spans[0]);
    printf("\n");

    set meld_train = load(data, "meld/train_sent_emo.csv", "Dialogue_ID", "Emotion", "Speaker",
                          "Utterance", NULL);
    set meld_dev =
        load(data, "meld/dev_sent_emo.csv", "Dialogue_ID", "Emotion", "Speaker", "Utterance", NULL);
    printf("next category, log loss      speaker   shares   matrix   ours    better by\n");
    next(&meld_train, &meld_dev, "MELD train -> MELD dev", weights);
    next(&train, &meld_dev, "RECCON train -> MELD dev", weights);
    next(&train, &valid, "RECCON train -> its valid", model.next); /* keeps "known" */

    if (argc > 3 && strcmp(argv[2], "--write") == 0) {
        base_text out = {0}, path = {0};
        base_text_printf(&out, "{\"threshold\":%.2f,\n\"cause\":", model.threshold);
        put(&out, model.cause, REASON_CAUSE_FEATURES);
        base_text_printf(&out, ",\n\"next\":[");
        for (int c = 0; c < K; c++) {
            base_text_printf(&out, "%s", c ? ",\n" : "");
            put(&out, model.next[c], REASON_NEXT_FEATURES);
        }
        base_text_printf(&out, "]}\n");
        base_text_printf(&path, "%s/weights.json", argv[3]);
        FILE *f = out.failed || path.failed ? NULL : fopen(path.data, "w");
        bool bad = !f || fwrite(out.data, 1, out.length, f) != out.length;
        if (f && fclose(f) != 0) bad = true;
        if (bad) {
            fprintf(stderr, "bench-turns: cannot write %s\n", path.data);
            return 1;
        }
        base_text_destroy(&out);
        base_text_destroy(&path);
    }
    unload(&train), unload(&valid), unload(&meld_train), unload(&meld_dev);
    words_network_destroy(network);
    affect_context_destroy(ctx);
    return 0;
}
