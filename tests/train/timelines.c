/* `affect train recipes/fusion.ini` on made timelines, and what the stage of fusion makes of the model: a hidden path that
 * face and voice show at times of their own, one of them upside down. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/network.h"
#include "report/report.h"
#include "tests/test.h"
#include "train/fusion.h"
#include "train/train.h"

enum { RECORDINGS = 14, LENGTH_S = 28, NEW = RECORDINGS /* a recording that is in no table */ };

static affect_context *ctx;
static char folder[] = "/tmp/affect-fusion-XXXXXX";
static const char recipe[] = "[data]\nkind = timelines\nrate_hz = 2\nvalid_every = 7\n"
                             "[model]\nkind = fusion\nwidth = 16\npath = 8\ncontext = 4\n"
                             "dropout = 0.1\n"
                             "[loss]\nerror = 1\ncontrast = 0.05\nrank = 0\n"
                             "[train]\nepochs = 9\npatience = 0\nbatch = 8\nrate = 0.01\n"
                             "[card]\nname = fusion.made\nlicence = MIT\ncommercial = yes\n";

static const char *in_folder(const char *name) {
    static char path[4][128];
    static int which;
    char *out = path[which++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static double path_at(int recording, double t) {
    double a = recording * 1.7, b = recording * 2.9;
    return .45 * sin((.3 + .02 * (recording % 5)) * t + a) + .35 * sin(.7 * t + b);
}

static affect_track *add_track(affect_timeline *t, track_role role, affect_modality modality) {
    affect_track *track;
    int person = modality == AFFECT_MODALITY_FACE ? 1 : AFFECT_PERSON_NONE;
    const char *const *channels = role == TRACK_ROLE_CATEGORIES ? category_names : NULL;
    assert_int_equal(timeline_add_role(ctx, t, role, modality, person, "", channels,
                                       channels ? FUSE_CATEGORIES : 0, &track),
                     AFFECT_OK);
    return track;
}

/* The face shows valence upside down with little noise, its happiness the right way round; the voice shows half of it. */
static affect_timeline *make_timeline(int recording, bool face, bool voice) {
    affect_timeline *t;
    train_dice dice = {(uint64_t)recording + 100, 0};
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    affect_track *shown = face ? add_track(t, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE) : NULL,
                 *smile = face ? add_track(t, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_FACE) : NULL,
                 *heard = voice ? add_track(t, TRACK_ROLE_AFFECT, AFFECT_MODALITY_VOICE) : NULL;
    for (double at = .1; face && at < LENGTH_S; at += .15 + .2 * train_roll(&dice)) {
        float y = (float)path_at(recording, at), happy = (1 + y) / 2;
        float row[6] = {-y + (float)train_spread(&dice, .2), .1f, NAN, NAN, NAN, NAN};
        float shares[FUSE_CATEGORIES] = {1 - happy, happy};
        assert_int_equal(track_append(ctx, shown, time_from_seconds(at), .9f, row), AFFECT_OK);
        assert_int_equal(track_append(ctx, smile, time_from_seconds(at), .9f, shares), AFFECT_OK);
    }
    for (double at = .3; voice && at < LENGTH_S; at += .4 + .4 * train_roll(&dice)) {
        float y = (float)path_at(recording, at);
        float row[6] = {.5f * y + (float)train_spread(&dice, .2), -.2f, 0, NAN, NAN, NAN};
        assert_int_equal(track_append(ctx, heard, time_from_seconds(at), .8f, row), AFFECT_OK);
    }
    t->duration = LENGTH_S * AFFECT_SECOND;
    return t;
}

/* The trajectory of the fusion with `model` (NULL: the default one). Horizons `step` apart; 0: all at once. */
static affect_timeline *fuse_with(const char *model, const affect_timeline *in, affect_time step) {
    affect_timeline *out;
    fuse_stage *stage = NULL;
    fuse_options options = fuse_options_default();
    const affect_timeline *all[] = {in};
    const timeline_view view = {all, 1};
    options.network = model;
    assert_int_equal(timeline_create(ctx, &out), AFFECT_OK);
    assert_int_equal(fuse_create(ctx, &options, out, &stage), AFFECT_OK);
    for (affect_time at = step; step && at < LENGTH_S * AFFECT_SECOND; at += step)
        assert_int_equal(fuse_advance(stage, &view, at), AFFECT_OK);
    assert_int_equal(fuse_finish(stage, &view, LENGTH_S * AFFECT_SECOND), AFFECT_OK);
    fuse_destroy(stage);
    return out;
}

/* What `affect analyze` leaves beside the modalities' tracks. */
static void add_trajectory(affect_timeline *t) {
    affect_timeline *fused = fuse_with(NULL, t, 0);
    const affect_track *from = affect_timeline_find_track(fused, "trajectory/1");
    affect_track *to;
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1, "",
                                       NULL, 0, &to),
                     AFFECT_OK);
    for (size_t i = 0; i < from->rows; i++)
        assert_int_equal(track_append(ctx, to, from->times[i], from->confidence[i],
                                      from->values + i * from->channel_count),
                         AFFECT_OK);
    affect_timeline_destroy(fused);
}

static int make_files(void **state) {
    (void)state;
    base_text table = {0};
    if (affect_context_create(&ctx) || !mkdtemp(folder)) return 1;
    base_text_append(&table, "recording,time,valence\n");
    for (int i = 0; i < RECORDINGS; i++) {
        affect_timeline *t = make_timeline(i, true, true);
        add_trajectory(t);
        base_output out = {0};
        char name[32];
        snprintf(name, sizeof name, "r%02d.json", i);
        const report_options how = {.media = ""};
        if (base_output_open(ctx, in_folder(name), &out) ||
            report_print(ctx, t, REPORT_JSON, NULL, &how, out.file) ||
            base_output_commit(ctx, &out))
            return 1;
        affect_timeline_destroy(t);
        for (int k = 0; k < 4 * LENGTH_S; k++)
            base_text_printf(&table, "r%02d,%g,%.4f\n", i, k / 4., path_at(i, k / 4.));
    }
    bool failed = base_write_file(ctx, in_folder("labels.csv"), table.data, table.length) ||
                  base_write_file(ctx, in_folder("fusion.ini"), recipe, sizeof recipe - 1) ||
                  train_fusion_timelines(ctx, in_folder("fusion.ini"), folder,
                                         in_folder("labels.csv"), NULL, in_folder("model"));
    base_text_destroy(&table);
    if (failed) printf("%s\n", affect_context_message(ctx));
    return failed;
}

static int take_files_away(void **state) {
    (void)state;
    static const char *const names[] = {
        "labels.csv", "fusion.ini",      "model/card.json",          "model/weights.safetensors",
        "wrong.csv",  "few.ini",         "held/card.json",           "held/weights.safetensors",
        "based.ini",  "based/card.json", "based/weights.safetensors"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) (void)unlink(in_folder(names[i]));
    for (int i = 0; i < RECORDINGS; i++) {
        char name[32];
        snprintf(name, sizeof name, "r%02d.json", i);
        (void)unlink(in_folder(name));
    }
    (void)rmdir(in_folder("model"));
    (void)rmdir(in_folder("held"));
    (void)rmdir(in_folder("based"));
    (void)rmdir(folder);
    affect_context_destroy(ctx);
    return 0;
}

/* ---- the stage ---- */

static affect_timeline *fuse(const affect_timeline *in, affect_time step) {
    return fuse_with(in_folder("model"), in, step);
}

static double concordance(const affect_track *track, int recording) {
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < track->rows; i++) {
        double a = (double)track->values[i * track->channel_count],
               b = path_at(recording, time_to_seconds(track->times[i]));
        n++, x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
    }
    x /= n, y /= n;
    return 2 * (xy / n - x * y) / (xx / n - x * x + yy / n - y * y + (x - y) * (x - y));
}

static void the_model_follows_a_recording_it_has_not_seen(void **state) {
    (void)state;
    static const double least[3] = {.85, .7, .6}; /* both, face alone, voice alone */
    for (int way = 0; way < 3; way++) {
        affect_timeline *in = make_timeline(NEW, way != 2, way != 1), *out = fuse(in, 0);
        const affect_track *track = affect_timeline_find_track(out, "trajectory/1");
        assert_non_null(track);
        assert_true(track->rows > 10 * (LENGTH_S - 1));
        assert_string_equal(track->model, "fusion.made");
        double ccc = concordance(track, NEW);
        if (!(ccc > least[way])) fail_msg("way %d: CCC %.3f", way, ccc);
        /* The error that the card states, not the latent model's; arousal is the latent model's. */
        const float *row = track->values + 100 * track->channel_count;
        assert_true(row[3] > .01f && row[3] < .5f && row[3] == row[3 + 6]);
        assert_true(row[4] > 0 && row[1] != row[0]);
        affect_timeline_destroy(in);
        affect_timeline_destroy(out);
    }
}

static void train_based(const char *epochs, const char *rate) {
    base_text text = {0};
    base_text_printf(&text,
                     "[data]\nkind = timelines\nrate_hz = 2\nvalid_every = 7\n"
                     "[model]\nkind = fusion\nwidth = 16\npath = 8\ncontext = 4\ndropout = 0.1\n"
                     "base = trajectory\n[loss]\nerror = 1\ncontrast = 0.05\nrank = 0\n"
                     "[train]\nepochs = %s\npatience = 0\nbatch = 8\nrate = %s\n"
                     "[card]\nname = fusion.based\n",
                     epochs, rate);
    assert_int_equal(base_write_file(ctx, in_folder("based.ini"), text.data, text.length),
                     AFFECT_OK);
    assert_int_equal(train_fusion_timelines(ctx, in_folder("based.ini"), folder,
                                            in_folder("labels.csv"), NULL, in_folder("based")),
                     AFFECT_OK);
    base_text_destroy(&text);
}

/* A network that corrects the default fusion: before it has learnt anything it is a line of it with the truth's deviation,
 * afterwards it follows what the default fusion, which believes the face, has the wrong way round. */
static void a_network_may_correct_the_default_fusion(void **state) {
    (void)state;
    affect_timeline *in = make_timeline(NEW, true, true), *plain = fuse_with(NULL, in, 0), *out;
    const affect_track *a = affect_timeline_find_track(plain, "trajectory/1"), *b;
    train_based("1", "1e-6");
    out = fuse_with(in_folder("based"), in, 0);
    b = affect_timeline_find_track(out, "trajectory/1");
    assert_string_equal(b->model, "fusion.based");
    assert_int_equal(a->rows, b->rows);
    double n = (double)a->rows, x = 0, y = 0, xx = 0, yy = 0, xy = 0, truth = 0;
    for (size_t i = 0; i < a->rows; i++) {
        double p = (double)a->values[6 * i], q = (double)b->values[6 * i],
               z = path_at(NEW, time_to_seconds(a->times[i]));
        x += p, y += q, xx += p * p, yy += q * q, xy += p * q, truth += z * z;
    }
    double sx = sqrt(xx / n - x / n * (x / n)), sy = sqrt(yy / n - y / n * (y / n));
    assert_true((xy / n - x / n * (y / n)) / (sx * sy) > .999);
    double wanted = sqrt(truth / n); /* of NEW; the gain is that of the training recordings */
    if (!(sy > .7 * wanted && sy < 1.4 * wanted && sx < .5 * wanted))
        fail_msg("deviation %.3f became %.3f, the truth's is %.3f", sx, sy, wanted);
    affect_timeline_destroy(out);
    train_based("12", "0.01");
    out = fuse_with(in_folder("based"), in, 0);
    double before = concordance(a, NEW),
           after = concordance(affect_timeline_find_track(out, "trajectory/1"), NEW);
    if (!(before < .3 && after > .75)) fail_msg("CCC %.3f became %.3f", before, after);
    affect_timeline_destroy(out);
    affect_timeline_destroy(plain);
    affect_timeline_destroy(in);
}

static void cuts_of_the_input_do_not_matter(void **state) {
    (void)state;
    affect_timeline *in = make_timeline(NEW, true, true), *whole = fuse(in, 0);
    const affect_track *a = affect_timeline_find_track(whole, "trajectory/1");
    static const affect_time steps[] = {700 * AFFECT_MILLISECOND, 5 * AFFECT_SECOND};
    for (size_t i = 0; i < BASE_COUNT(steps); i++) {
        affect_timeline *cut = fuse(in, steps[i]);
        const affect_track *b = affect_timeline_find_track(cut, "trajectory/1");
        assert_int_equal(a->rows, b->rows);
        assert_memory_equal(a->times, b->times, a->rows * sizeof *a->times);
        assert_memory_equal(a->values, b->values, a->rows * a->channel_count * sizeof *a->values);
        affect_timeline_destroy(cut);
    }
    affect_timeline_destroy(in);
    affect_timeline_destroy(whole);
}

/* Of two hours only the rows around the step under way are kept. */
static void rows_that_were_told_are_forgotten(void **state) {
    (void)state;
    affect_timeline *in = make_timeline(NEW, true, true);
    const affect_timeline *all[] = {in};
    fuse_rows rows = {.inputs = {{.count = 0}}};
    assert_int_equal(fuse_rows_collect(ctx, &rows, &(timeline_view){all, 1}, 1), AFFECT_OK);
    size_t before = rows.inputs[0].count, first[FUSE_INPUTS], count[FUSE_INPUTS];
    assert_true(before > 100 && rows.inputs[1].count == before && rows.inputs[2].count > 40);
    assert_int_equal(rows.inputs[3].count + rows.inputs[4].count + rows.inputs[5].count, 0);
    fuse_piece_rows(&rows, 4, first, count); /* 12 to 24 s */
    for (size_t r = 0; r < before; r++) {
        double at = time_to_seconds(rows.inputs[0].times[r]);
        assert_int_equal(at >= 12 && at < 24, r >= first[0] && r < first[0] + count[0]);
    }
    float kept = rows.inputs[0].values[first[0] * fuse_input_width(0)];
    fuse_rows_forget(&rows, 12 * AFFECT_SECOND);
    assert_int_equal(rows.inputs[0].count, before - first[0]);
    assert_true(rows.inputs[0].values[0] == kept && rows.inputs[0].times[0] >= 12 * AFFECT_SECOND);
    fuse_rows_destroy(&rows);
    affect_timeline_destroy(in);
}

/* ---- what is refused ---- */

static void expect_refused(const char *what) {
    fuse_network *network = NULL;
    assert_int_equal(fuse_network_load(ctx, in_folder("model"), &network), AFFECT_ERROR_MODEL);
    assert_null(network);
    if (!strstr(affect_context_message(ctx), what))
        fail_msg("expected '%s' in: %s", what, affect_context_message(ctx));
}

static void a_broken_model_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *told;
    } cases[] = {{"\"kind\": \"fusion\"", "\"kind\": \"fussion\"", "network.kind"},
                 {"\"inputs\": [4, 9", "\"inputs\": [4, 8", "stream1"},
                 {"\"rate_hz\": 2", "\"rate_hz\": 200", "input.rate_hz"},
                 {"[\"valence\"]", "[\"weather\"]", "labels"},
                 {"\"errors\": {\"valence\"", "\"errors\": {\"arousal\"", "errors"},
                 {"\"width\": 16", "\"width\": 8", "stream0"}};
    char *card, *weights;
    size_t length, size;
    assert_int_equal(base_read_file(ctx, in_folder("model/card.json"), 0, &card, &length),
                     AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        base_text changed = {0};
        char *at = strstr(card, cases[i].from);
        assert_non_null(at);
        base_text_append_n(&changed, card, (size_t)(at - card));
        base_text_append(&changed, cases[i].to);
        base_text_append(&changed, at + strlen(cases[i].from));
        assert_int_equal(
            base_write_file(ctx, in_folder("model/card.json"), changed.data, changed.length),
            AFFECT_OK);
        expect_refused(cases[i].told);
        base_text_destroy(&changed);
    }
    assert_int_equal(base_write_file(ctx, in_folder("model/card.json"), card, length), AFFECT_OK);
    assert_int_equal(
        base_read_file(ctx, in_folder("model/weights.safetensors"), 0, &weights, &size), AFFECT_OK);
    assert_int_equal(
        base_write_file(ctx, in_folder("model/weights.safetensors"), weights, size / 2), AFFECT_OK);
    expect_refused("model fusion.made");
    assert_int_equal(base_write_file(ctx, in_folder("model/weights.safetensors"), weights, size),
                     AFFECT_OK);
    fuse_network *network;
    assert_int_equal(fuse_network_load(ctx, in_folder("model"), &network), AFFECT_OK);
    fuse_network_destroy(network);
    base_free(card);
    base_free(weights);
}

static void wrong_tables_are_refused_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *table, *told;
        affect_status status;
    } cases[] = {{"recording,valence\nr00,1\n", "expected the columns", AFFECT_ERROR_FORMAT},
                 {"recording,time,weather\nr00,1,1\n", "expected the columns", AFFECT_ERROR_FORMAT},
                 {"recording,time,valence\nr00,1,0\nr00,2,7\n", ":3:", AFFECT_ERROR_FORMAT},
                 {"recording,time,valence\n", "no labels", AFFECT_ERROR_FORMAT},
                 {"recording,time,valence\nr99,1,0\n", "r99", AFFECT_ERROR_NOT_FOUND},
                 {"recording,start,end,valence\nr00,1,2,0\n", "too few", AFFECT_ERROR_FORMAT}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        assert_int_equal(
            base_write_file(ctx, in_folder("wrong.csv"), cases[i].table, strlen(cases[i].table)),
            AFFECT_OK);
        assert_int_equal(train_fusion_timelines(ctx, in_folder("fusion.ini"), folder,
                                                in_folder("wrong.csv"), NULL, in_folder("none")),
                         cases[i].status);
        if (!strstr(affect_context_message(ctx), cases[i].told))
            fail_msg("case %zu: %s", i, affect_context_message(ctx));
    }
    assert_false(base_is_folder(in_folder("none")));
}

/* Pieces that validated, by a model's card. */
static long pieces_of(const char *model) {
    char *card = NULL;
    size_t length;
    char name[64];
    snprintf(name, sizeof name, "%s/card.json", model);
    assert_int_equal(base_read_file(ctx, in_folder(name), 0, &card, &length), AFFECT_OK);
    const char *at = strstr(card, "\"pieces\": ");
    long pieces = at ? strtol(at + strlen("\"pieces\": "), NULL, 10) : -1;
    base_free(card);
    return pieces;
}

static void groups_that_are_held_out_validate(void **state) {
    (void)state;
    char table[4096] = "recording,start,end,valence\n";
    static const char few[] =
        "[data]\nkind = timelines\n[model]\nkind = fusion\nwidth = 8\npath = 4\n"
        "heads = 2\ncontext = 4\n[train]\nepochs = 1\n";
    for (int i = 0; i < 3; i++)
        snprintf(table + strlen(table), sizeof table - strlen(table), "r%02d,0,%d,0.5\n", i,
                 i == 1 ? 4 : 8);
    assert_int_equal(base_write_file(ctx, in_folder("wrong.csv"), table, strlen(table)), AFFECT_OK);
    assert_int_equal(base_write_file(ctx, in_folder("few.ini"), few, sizeof few - 1), AFFECT_OK);
    static const struct {
        const char *hold_out;
        long pieces; /* one every 4 s, and one at the end */
        const char *told;
    } cases[] = {{"r01", 2, NULL},
                 {"r02", 3, NULL},
                 {"r99", 0, "no name of 3 groups"},
                 {"r0", 0, "every name of 3 groups"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        affect_status status =
            train_fusion_timelines(ctx, in_folder("few.ini"), folder, in_folder("wrong.csv"),
                                   cases[i].hold_out, in_folder("held"));
        if (cases[i].told) {
            assert_int_equal(status, AFFECT_ERROR_FORMAT);
            if (!strstr(affect_context_message(ctx), cases[i].told))
                fail_msg("%s", affect_context_message(ctx));
            continue;
        }
        if (status) fail_msg("%s", affect_context_message(ctx));
        assert_int_equal(pieces_of("held"), cases[i].pieces);
    }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    affect_timeline *in = make_timeline(NEW, true, true);
    const affect_timeline *all[] = {in};
    long n = 1;
    for (;; n += 1 + n / 50) {
        affect_timeline *out;
        fuse_stage *stage = NULL;
        fuse_options options = fuse_options_default();
        options.network = in_folder("model");
        assert_int_equal(timeline_create(ctx, &out), AFFECT_OK);
        base_alloc_fail_at(n);
        affect_status status = fuse_create(ctx, &options, out, &stage);
        if (status == AFFECT_OK)
            status = fuse_finish(stage, &(timeline_view){all, 1}, LENGTH_S * AFFECT_SECOND);
        bool over = base_alloc_count() < n;
        base_alloc_fail_at(0);
        fuse_destroy(stage);
        affect_timeline_destroy(out);
        if (over) break;
        if (status != AFFECT_ERROR_MEMORY) fail_msg("allocation %ld: status %d", n, status);
    }
    assert_true(n > 100);
    affect_timeline_destroy(in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_follows_a_recording_it_has_not_seen),
        cmocka_unit_test(a_network_may_correct_the_default_fusion),
        cmocka_unit_test(cuts_of_the_input_do_not_matter),
        cmocka_unit_test(rows_that_were_told_are_forgotten),
        cmocka_unit_test(a_broken_model_is_refused_by_name),
        cmocka_unit_test(wrong_tables_are_refused_with_their_line),
        cmocka_unit_test(groups_that_are_held_out_validate),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_files, take_files_away);
}
