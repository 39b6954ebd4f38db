/* Trajectories, change points, labels and who speaks, on timelines with known content. */
#include "tests/test.h"

#include "tests/attributes.h"

#include <math.h>
#include <string.h>

#include "fuse/fuse.h"

static affect_context *ctx;
static fuse_parameters *shipped;

static int setup(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK ||
           fuse_parameters_load(ctx, NULL, &shipped) != AFFECT_OK;
}
static int teardown(void **state) {
    (void)state;
    fuse_parameters_destroy(shipped);
    affect_context_destroy(ctx);
    return 0;
}

static uint64_t seed_state;
static double uniform(void) {
    uint64_t z = seed_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

static const char *const affect_channels[] = {"valence",    "arousal",    "dominance",
                                              "valence_sd", "arousal_sd", "dominance_sd"};

static affect_timeline *new_timeline(void) {
    affect_timeline *t;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    return t;
}

static affect_track *new_track(affect_timeline *t, const char *id, affect_modality modality,
                               int person, const char *const *channels, size_t n) {
    affect_track *track;
    assert_int_equal(timeline_add_track(ctx, t, id, modality, person, "", channels, n, &track),
                     AFFECT_OK);
    return track;
}

static void put(affect_track *track, double t_s, double valence, double arousal) {
    float row[6] = {(float)valence, (float)arousal, NAN, NAN, NAN, NAN};
    assert_int_equal(track_append(ctx, track, time_from_seconds(t_s), 1, row), AFFECT_OK);
}

/* A face whose valence steps from -0.4 to 0.5 at 10 s, out of view between 20 and 30 s. */
static double truth(double t) { return t < 10 ? -0.4 : 0.5; }
static affect_timeline *stepping_face(void) {
    affect_timeline *t = new_timeline();
    affect_track *face = new_track(t, "face/1/affect", AFFECT_MODALITY_FACE, 1, affect_channels, 6);
    seed_state = 9;
    for (int i = 0; i < 40 * 30; i++) {
        double at = i / 30.0;
        if (at < 20 || at >= 30) put(face, at, truth(at) + 0.1 * normal(), 0.1 * normal());
    }
    return t;
}

static const affect_track *run(const affect_timeline *const *inputs, size_t n, affect_timeline *out,
                               double step_s, double rate) {
    fuse_options options = fuse_options_default();
    options.rate_hz = rate;
    fuse_stage *stage;
    assert_int_equal(fuse_create(ctx, &options, out, &stage), AFFECT_OK);
    for (double at = step_s; step_s > 0 && at < 40; at += step_s)
        assert_int_equal(fuse_advance(stage, &(timeline_view){inputs, n}, time_from_seconds(at)),
                         AFFECT_OK);
    assert_int_equal(fuse_finish(stage, &(timeline_view){inputs, n}, 40 * AFFECT_SECOND),
                     AFFECT_OK);
    fuse_destroy(stage);
    timeline_sort(out);
    return affect_timeline_find_track(out, "trajectory/1");
}

static void trajectory_follows_and_knows_when_it_does_not_know(void **state) {
    (void)state;
    affect_timeline *in = stepping_face(), *out = new_timeline();
    const affect_timeline *inputs[] = {in};
    const affect_track *t = run(inputs, 1, out, 0, 10);
    assert_non_null(t);
    assert_int_equal(affect_track_channels(t), 6);
    size_t in_gap = 0;
    for (size_t i = 0; i < t->rows; i++) {
        double at = time_to_seconds(t->times[i]);
        const float *row = affect_track_row(t, i);
        assert_true(at <= 40.0);
        if (at > 22.6 && at < 27.4) in_gap++;
        if ((at > 1 && at < 9) || (at > 11 && at < 19))
            assert_true(fabs(row[0] - truth(at)) < 3 * row[3]);
        assert_true(row[3] > 0 && row[3] < 0.5);
        assert_true(row[5] > 0.39); /* nothing was said about dominance: the prior */
    }
    assert_int_equal(in_gap, 0); /* no invention where nobody is seen */
    const affect_tier *episodes = affect_timeline_find_tier(out, "episodes");
    assert_int_equal(episodes->count, 3); /* before the step, after it, after the gap */
    assert_true(llabs(episodes->items[1].t0 - 10 * AFFECT_SECOND) <= 400 * AFFECT_MILLISECOND);
    assert_string_equal(episodes->items[1].label, "pleased");
    const affect_attributes *told = episodes->items[1].attributes;
    assert_null(affect_attributes_find(told, "cue_voice"));
    assert_true(attributes_have(told, "\"cue_face\":\"valence +0.4") ||
                attributes_have(told, "\"cue_face\":\"valence +0.5"));
    /* Numbers that a C caller reads without a JSON parser. */
    assert_true(affect_attributes_number(told, "valence") > 0.3);
    assert_true(affect_attributes_number(told, "valence_sd") > 0);
    assert_string_equal(
        affect_value_text(affect_value_item(affect_attributes_find(told, "labels"), 0)), "pleased");
    assert_string_equal(episodes->items[1].id, "e2");
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

static void cuts_of_the_input_do_not_matter(void **state) {
    (void)state;
    affect_timeline *in = stepping_face();
    affect_timeline *words = new_timeline();
    affect_track *said =
        new_track(words, "words/affect", AFFECT_MODALITY_WORDS, 0, affect_channels, 6);
    for (int i = 0; i < 12; i++) put(said, 1.5 + 3.1 * i, i % 3 ? 0.2 : -0.7, 0.1);
    const affect_timeline *inputs[] = {in, words};
    affect_timeline *a = new_timeline(), *b = new_timeline();
    const affect_track *x = run(inputs, 2, a, 0.37, 25), *y = run(inputs, 2, b, 0, 25);
    assert_int_equal(x->rows, y->rows);
    assert_memory_equal(x->values, y->values, x->rows * 6 * sizeof(float));
    assert_memory_equal(x->times, y->times, x->rows * sizeof(affect_time));
    const affect_tier *p = affect_timeline_find_tier(a, "episodes");
    const affect_tier *q = affect_timeline_find_tier(b, "episodes");
    assert_int_equal(p->count, q->count);
    for (size_t i = 0; i < p->count; i++) {
        char *first = attributes_text(p->items[i].attributes);
        char *second = attributes_text(q->items[i].attributes);
        assert_string_equal(first, second);
        free(first);
        free(second);
    }
    affect_timeline_destroy(a);
    affect_timeline_destroy(b);
    affect_timeline_destroy(in);
    affect_timeline_destroy(words);
}

/* Two mouths; the voice is active in [0,10) while mouth 2 moves and in [12,22) while mouth 1 does;
 * the silent one moves in the pauses. */
static affect_timeline *two_mouths(void) {
    static const char *const mouth[] = {"opening", "width"}, *const activity[] = {"probability"};
    affect_timeline *t = new_timeline();
    affect_track *one = new_track(t, "face/1/mouth", AFFECT_MODALITY_FACE, 1, mouth, 2);
    affect_track *two = new_track(t, "face/2/mouth", AFFECT_MODALITY_FACE, 2, mouth, 2);
    affect_track *voice = new_track(t, "voice/activity", AFFECT_MODALITY_VOICE, 0, activity, 1);
    for (int i = 0; i < 24 * 25; i++) {
        double at = i / 25.0, wave = 0.3 + 0.2 * sin(2 * M_PI * 4 * at);
        bool pause = fmod(at, 1.0) > 0.8;
        int speaker = at < 10 ? 2 : at < 12 ? 0 : 1;
        float a[2] = {(float)((speaker == 1) != pause ? wave : 0.3), 0.5f};
        float b[2] = {(float)((speaker == 2) != pause ? wave : 0.3), 0.5f};
        float p = speaker && !pause ? 0.95f : 0.02f;
        affect_time time = time_from_seconds(at);
        assert_int_equal(track_append(ctx, one, time, 1, a), AFFECT_OK);
        assert_int_equal(track_append(ctx, two, time, 1, b), AFFECT_OK);
        assert_int_equal(track_append(ctx, voice, time, 1, &p), AFFECT_OK);
    }
    return t;
}

static void the_voice_goes_to_the_moving_mouth(void **state) {
    (void)state;
    affect_timeline *t = two_mouths();
    const affect_timeline *inputs[] = {t};
    assert_int_equal(fuse_speaker(&(timeline_view){inputs, 1}, 5 * AFFECT_SECOND, 0), 2);
    assert_int_equal(fuse_speaker(&(timeline_view){inputs, 1}, 17 * AFFECT_SECOND, 2), 1);
    assert_int_equal(fuse_speaker(&(timeline_view){inputs, 1}, 60 * AFFECT_SECOND, 2),
                     2); /* nobody in view */
    assert_int_equal(fuse_speaker(&(timeline_view){inputs, 1}, 60 * AFFECT_SECOND, 0), 1);
    affect_timeline_destroy(t);
}

/* ---- change points against the plain quadratic dynamic programme ---- */

typedef struct observed {
    double mean[3], sd[3];
} observed;

static double stretch(const observed *o, size_t i,
                      size_t j) { /* rows i..j-1, constants of changes.c */
    double cost = 0;
    for (int d = 0; d < 3; d++) {
        double w = 0, f = 0;
        for (size_t k = i; k < j; k++) {
            double v = 0.2 / 0.8 / (o[k].sd[d] * o[k].sd[d] + 0.01);
            w += v, f += v * o[k].mean[d];
        }
        for (size_t k = i; k < j; k++) {
            double v = 0.2 / 0.8 / (o[k].sd[d] * o[k].sd[d] + 0.01), r = o[k].mean[d] - f / w;
            cost += 0.5 * v * r * r;
        }
    }
    return cost;
}

enum { LONG = 220 };

static size_t plain(const observed *o, size_t *edges) {
    double best[LONG + 1];
    size_t from[LONG + 1];
    best[0] = -1.5;
    for (size_t n = 1; n <= LONG; n++) {
        best[n] = INFINITY;
        for (size_t s = 0; s < n; s++) {
            if (s != 0 && (s < 5 || n - s < 5)) continue;
            double cost = best[s] + stretch(o, s, n) + 1.5;
            if (cost < best[n]) best[n] = cost, from[n] = s;
        }
    }
    size_t count = 0;
    for (size_t n = LONG; n; n = from[n]) count++;
    size_t at = count;
    for (size_t n = LONG; n; n = from[n]) edges[--at] = from[n];
    return count;
}

static void changes_equal_plain_dynamic_programming(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        seed_state = seed;
        observed o[LONG];
        double level[3] = {0};
        for (size_t i = 0; i < LONG; i++) {
            if (i % 37 == (size_t)(seed % 37))
                for (int d = 0; d < 3; d++) level[d] = 0.45 * normal();
            for (int d = 0; d < 3; d++) {
                o[i].mean[d] = level[d] + 0.05 * normal();
                o[i].sd[d] = 0.05 + 0.1 * uniform();
            }
        }
        size_t edges[LONG], count = plain(o, edges), got = 0;
        fuse_changes *c;
        assert_int_equal(fuse_changes_create(ctx, &c), AFFECT_OK);
        affect_time t0, t1, last = 0;
        for (size_t i = 0; i < LONG; i++) {
            assert_int_equal(
                fuse_changes_push(c, (affect_time)i * 200 * AFFECT_MILLISECOND, o[i].mean, o[i].sd),
                AFFECT_OK);
            while (fuse_changes_next(c, &t0, &t1)) { /* final ones are right at once */
                assert_int_equal(t0, (affect_time)edges[got] * 200 * AFFECT_MILLISECOND);
                got++;
                last = t1;
            }
        }
        assert_int_equal(fuse_changes_end(c, LONG * 200 * AFFECT_MILLISECOND), AFFECT_OK);
        while (fuse_changes_next(c, &t0, &t1)) {
            assert_true(got < count);
            assert_int_equal(t0, (affect_time)edges[got] * 200 * AFFECT_MILLISECOND);
            got++;
            last = t1;
        }
        assert_int_equal(got, count);
        assert_int_equal(last, LONG * 200 * AFFECT_MILLISECOND);
        fuse_changes_destroy(c);
    }
}

static void hours_of_calm_are_one_stretch_in_bounded_time(void **state) {
    (void)state;
    fuse_changes *c;
    assert_int_equal(fuse_changes_create(ctx, &c), AFFECT_OK);
    seed_state = 4;
    affect_time t0, t1;
    size_t stretches = 0;
    for (int i = 0; i < 2 * 3600 * 5; i++) {
        double mean[3] = {0.02 * normal(), 0.02 * normal(), NAN}, sd[3] = {0.1, 0.1, NAN};
        assert_int_equal(fuse_changes_push(c, i * 200 * AFFECT_MILLISECOND, mean, sd), AFFECT_OK);
        while (fuse_changes_next(c, &t0, &t1)) stretches++;
    }
    assert_int_equal(fuse_changes_end(c, 7200 * AFFECT_SECOND), AFFECT_OK);
    while (fuse_changes_next(c, &t0, &t1)) stretches++;
    assert_int_equal(stretches, 1);
    fuse_changes_destroy(c);
}

/* ---- labels ---- */

static void experts_multiply(void **state) {
    (void)state;
    fuse_evidence e = {
        .mean = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}, .trust = {1.0, 1.0, 1.0, 1.0}};
    double s[FUSE_CATEGORIES], sum = 0;
    fuse_category_scores(shipped, &e, s);
    for (int c = 0; c < FUSE_CATEGORIES; c++) assert_true(fabs(s[c] - 0.125) < 1e-12);
    e.has_face = e.has_voice = true;
    for (int c = 0; c < FUSE_CATEGORIES; c++) e.log_face[c] = e.log_voice[c] = log(0.05);
    e.log_voice[1] = log(0.65); /* the voice says happiness, the face as surely anger */
    e.log_face[4] = log(0.65);
    fuse_category_scores(shipped, &e, s);
    for (int c = 0; c < FUSE_CATEGORIES; c++) sum += s[c];
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(s[1] > s[4] && s[4] > s[0]);                     /* the voice is the better judge */
    e.mean[0] = -0.6, e.mean[1] = 0.6, e.sd[0] = e.sd[1] = 0.05; /* the place decides for anger */
    fuse_category_scores(shipped, &e, s);
    assert_true(s[4] > s[1]);
    /* A voice that the network does not know does not outvote a face that it knows. */
    e.mean[0] = e.mean[1] = e.sd[0] = e.sd[1] = NAN;
    e.trust[FUSE_VOICE] = 0.05;
    fuse_category_scores(shipped, &e, s);
    for (int c = 0; c < FUSE_CATEGORIES; c++) assert_true(c == 4 || s[4] > 1.5 * s[c]);
}

static void regions_lie_where_they_should(void **state) {
    (void)state;
    static const struct {
        double v, a;
        const char *name;
    } cases[] = {{0, 0, "neutral"},        {0.5, 0.6, "excited"}, {-0.5, 0.6, "tense"},
                 {-0.5, -0.4, "downcast"}, {0.6, -0.4, "calm"},   {0.6, 0.1, "pleased"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        fuse_evidence e = {.mean = {cases[i].v, cases[i].a, NAN}, .sd = {0.05, 0.05, NAN}};
        double score;
        assert_string_equal(fuse_region(shipped, &e, &score), cases[i].name);
        assert_true(score > 0.15 && score < 1);
    }
}

static void cues_name_the_strongest_of_each_modality(void **state) {
    (void)state;
    affect_timeline *in = stepping_face(), *out = new_timeline();
    affect_track *words =
        new_track(in, "words/affect", AFFECT_MODALITY_WORDS, 0, affect_channels, 6);
    affect_tier *utterances;
    put(words, 13, 0.8, 0.2);
    assert_int_equal(timeline_tier(ctx, in, "utterances", AFFECT_MODALITY_WORDS, &utterances),
                     AFFECT_OK);
    assert_int_equal(tier_append(ctx, utterances,
                                 &(affect_interval){.t0 = 12 * AFFECT_SECOND,
                                                    .t1 = 14 * AFFECT_SECOND,
                                                    .label = "that is \"wonderful\"",
                                                    .score = 1}),
                     AFFECT_OK);
    affect_event events[] = {{.onset = 11 * AFFECT_SECOND,
                              .apex = 12 * AFFECT_SECOND,
                              .offset = 13 * AFFECT_SECOND,
                              .kind = "smile",
                              .modality = AFFECT_MODALITY_FACE,
                              .person = 1,
                              .strength = 0.5f,
                              .confidence = 0.9f},
                             {.onset = 11 * AFFECT_SECOND,
                              .apex = 11 * AFFECT_SECOND,
                              .offset = 12 * AFFECT_SECOND,
                              .kind = "blink",
                              .modality = AFFECT_MODALITY_FACE,
                              .person = 1,
                              .strength = 1.0f,
                              .confidence = 1.0f},
                             {.onset = 14 * AFFECT_SECOND,
                              .apex = 15 * AFFECT_SECOND,
                              .offset = 16 * AFFECT_SECOND,
                              .kind = "pitch_rise",
                              .modality = AFFECT_MODALITY_VOICE,
                              .person = 0,
                              .strength = 0.8f,
                              .confidence = 0.8f},
                             {.onset = 14 * AFFECT_SECOND,
                              .apex = 15 * AFFECT_SECOND,
                              .offset = 16 * AFFECT_SECOND,
                              .kind = "smile",
                              .modality = AFFECT_MODALITY_FACE,
                              .person = 2,
                              .strength = 1.0f,
                              .confidence = 1.0f}};
    for (size_t i = 0; i < BASE_COUNT(events); i++)
        assert_int_equal(timeline_add_event(ctx, in, &events[i]), AFFECT_OK);
    const affect_timeline *inputs[] = {in};
    run(inputs, 1, out, 0, 10);
    const affect_tier *episodes = affect_timeline_find_tier(out, "episodes");
    bool found = false;
    for (size_t i = 0; i < episodes->count; i++) {
        if (episodes->items[i].t0 > 11 * AFFECT_SECOND ||
            episodes->items[i].t1 < 15 * AFFECT_SECOND)
            continue;
        const affect_attributes *a = episodes->items[i].attributes;
        assert_string_equal(affect_attributes_text(a, "cue_face"), "smile at 12.000 s");
        assert_string_equal(affect_attributes_text(a, "cue_voice"), "pitch_rise at 15.000 s");
        assert_string_equal(affect_attributes_text(a, "cue_words"), "that is \"wonderful\"");
        found = true;
    }
    assert_true(found);
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

/* Breaks when what speaks against a label is shown as its cause: a smile and cheerful words in an
 * episode whose face is unhappy. */
static void cues_support_the_label(void **state) {
    (void)state;
    affect_timeline *in = new_timeline(), *out = new_timeline();
    affect_track *face =
        new_track(in, "face/1/affect", AFFECT_MODALITY_FACE, 1, affect_channels, 6);
    affect_track *words =
        new_track(in, "words/affect", AFFECT_MODALITY_WORDS, 0, affect_channels, 6);
    affect_tier *utterances;
    for (int i = 0; i < 40 * 30; i++) put(face, i / 30.0, -0.5, 0.3);
    put(words, 13, 0.4, 0.1);
    assert_int_equal(timeline_tier(ctx, in, "utterances", AFFECT_MODALITY_WORDS, &utterances),
                     AFFECT_OK);
    assert_int_equal(tier_append(ctx, utterances,
                                 &(affect_interval){.t0 = 12 * AFFECT_SECOND,
                                                    .t1 = 14 * AFFECT_SECOND,
                                                    .label = "wonderful",
                                                    .score = 1}),
                     AFFECT_OK);
    static const char *const kinds[] = {"smile", "brow_furrow", "blink"};
    for (int k = 0; k < 3; k++)
        assert_int_equal(timeline_add_event(ctx, in,
                                            &(affect_event){.onset = (10 + k) * AFFECT_SECOND,
                                                            .apex = (10 + k) * AFFECT_SECOND,
                                                            .offset = (11 + k) * AFFECT_SECOND,
                                                            .kind = kinds[k],
                                                            .modality = AFFECT_MODALITY_FACE,
                                                            .person = 1,
                                                            .strength = k == 0 ? 1.0F : 0.6F,
                                                            .confidence = 1}),
                         AFFECT_OK);
    const affect_timeline *inputs[] = {in};
    run(inputs, 1, out, 0, 10);
    const affect_tier *episodes = affect_timeline_find_tier(out, "episodes");
    assert_int_equal(episodes->count, 1);
    const affect_attributes *a = episodes->items[0].attributes;
    assert_true(affect_attributes_number(a, "valence") < -0.1);
    assert_string_equal(affect_attributes_text(a, "cue_face"), "brow_furrow at 11.000 s");
    assert_null(affect_attributes_find(a, "cue_words"));
    const affect_value *against = affect_attributes_find(a, "against");
    assert_int_equal(affect_value_count(against), 2);
    assert_string_equal(affect_value_text(affect_value_item(against, 0)),
                        "face: smile at 10.000 s");
    assert_string_equal(affect_value_text(affect_value_item(against, 1)), "words: wonderful");
    affect_timeline_destroy(in);
    affect_timeline_destroy(out);
}

/* ---- the constants of a model folder ---- */

/* weights.json of fuse.default, with one text in it changed. */
static affect_status parse_changed(const char *from, const char *to, fuse_parameters **out) {
    char *text, *at;
    size_t length;
    base_text changed = {0};
    assert_int_equal(base_read_file(ctx, "models/fuse.default/weights.json", 0, &text, &length),
                     AFFECT_OK);
    assert_non_null(at = strstr(text, from));
    base_text_append_n(&changed, text, (size_t)(at - text));
    base_text_append(&changed, to);
    base_text_append(&changed, at + strlen(from));
    affect_status status = fuse_parameters_parse(ctx, "weights", changed.data, changed.length, out);
    base_text_destroy(&changed);
    base_free(text);
    return status;
}

static void shipped_constants_are_those_of_the_table_and_the_docs(void **state) {
    (void)state;
    for (int c = 0; c < FUSE_CATEGORIES; c++)
        for (int d = 0; d < 3; d++)
            assert_true(shipped->places[c][d] == category_table[c].place[d]);
    assert_true(shipped->weights[FUSE_FACE][0] == 0.33 && shipped->weights[FUSE_PLACE][7] == 0.77);
    assert_true(shipped->prior[0] == 1.20 && shipped->face_constants[0] == -1.36);
    assert_true(shipped->streams[1][AFFECT_MODALITY_VOICE - 1].drift_sd == 0.20);
    assert_ptr_equal(shipped->dimensions[2].streams, shipped->streams[2]);
}

static void other_constants_change_the_result(void **state) {
    (void)state;
    fuse_parameters *other;
    assert_int_equal(parse_changed("\"face\": 0.33", "\"face\": 2.5", &other), AFFECT_OK);
    fuse_evidence e = {.mean = {NAN, NAN, NAN},
                       .sd = {NAN, NAN, NAN},
                       .trust = {1, 1, 1, 1},
                       .has_face = true,
                       .has_voice = true};
    for (int c = 0; c < FUSE_CATEGORIES; c++) e.log_face[c] = e.log_voice[c] = log(0.05);
    e.log_voice[1] = e.log_face[4] = log(0.65);
    double a[FUSE_CATEGORIES], b[FUSE_CATEGORIES];
    fuse_category_scores(shipped, &e, a);
    fuse_category_scores(other, &e, b);
    assert_true(a[1] > a[4] && b[4] > b[1]); /* now the face is believed */
    fuse_parameters_destroy(other);
}

static void wrong_constants_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *told;
    } cases[] = {
        {"\"noise_sd\": 0.15", "\"noise_sd\": 0", "valence: latent: stream 0"},
        {"\"gain\": 1", "\"gain\": 0", "\"gain\" of face"},
        {"\"gain\": 1", "\"gain\": \"1\"", "\"gain\" of face"},
        {"\"dominance\"", "\"power\"", "\"dominance\" of dimensions"},
        {"\"place\": 0.77", "\"place\": -0.77", "\"place\" of weights"},
        {"\"place\": 0.77", "\"place\": [1, 1, 1, 1, 1, 1, 1]", "\"place\" of weights"},
        {"\"place\": 0.77", "\"place\": [1, 1, 1, 1, 1, 1, 1, -1]", "\"place\" of weights"},
        {"\"spread\": 0.35", "\"spread\": 0", "\"spread\" of the file"},
        {"\"share\": 0.9", "\"share\": 1", "\"share\" of sets"},
        {"\"voice\": 0.0041", "\"voice\": 0", "\"voice\" of sets"},
        {"\"both\": 0.0660", "\"both\": 0.126", "\"both\" of sets"},
        {"0.81, 0.51, 0.46", "0.81, 0.51", "\"place\" of happiness"},
        {"0.81, 0.51, 0.46", "1.81, 0.51, 0.46", "\"place\" of happiness"},
        {"\"prior\": 1.20", "\"prior\": 1e300", "\"prior\" of neutral"},
        {"\"contempt\": {", "\"contempt\": [", "not valid JSON"},
        {"\"spread\"", "\"weights\"", "not valid JSON"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        fuse_parameters *p = shipped;
        assert_int_equal(parse_changed(cases[i].from, cases[i].to, &p), AFFECT_ERROR_MODEL);
        assert_null(p);
        if (!strstr(affect_context_message(ctx), cases[i].told))
            fail_msg("case %zu: %s", i, affect_context_message(ctx));
    }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    affect_timeline *in = stepping_face();
    const affect_timeline *inputs[] = {in};
    fuse_options options = fuse_options_default();
    long n = 1;
    for (;; n++) {
        affect_timeline *out = new_timeline();
        fuse_stage *stage = NULL;
        base_alloc_fail_at(n);
        affect_status status = fuse_create(ctx, &options, out, &stage);
        if (status == AFFECT_OK)
            status = fuse_finish(stage, &(timeline_view){inputs, 1}, 40 * AFFECT_SECOND);
        bool over = base_alloc_count() < n;
        base_alloc_fail_at(0);
        fuse_destroy(stage);
        affect_timeline_destroy(out);
        if (over) break;
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_true(n < 2000);
    }
    assert_true(n > 20);
    affect_timeline_destroy(in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectory_follows_and_knows_when_it_does_not_know),
        cmocka_unit_test(cuts_of_the_input_do_not_matter),
        cmocka_unit_test(the_voice_goes_to_the_moving_mouth),
        cmocka_unit_test(changes_equal_plain_dynamic_programming),
        cmocka_unit_test(hours_of_calm_are_one_stretch_in_bounded_time),
        cmocka_unit_test(experts_multiply),
        cmocka_unit_test(regions_lie_where_they_should),
        cmocka_unit_test(cues_name_the_strongest_of_each_modality),
        cmocka_unit_test(cues_support_the_label),
        cmocka_unit_test(shipped_constants_are_those_of_the_table_and_the_docs),
        cmocka_unit_test(other_constants_change_the_result),
        cmocka_unit_test(wrong_constants_are_refused_by_name),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
