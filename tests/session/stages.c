/* What a session does with stages that it does not know: it runs them in order, states to each what
 * is final before it, and gives the same result for a stream as for a file. The stages here are
 * toys, of which everything is known; the fusion between them is the real one. */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "affect/affect.h"
#include "report/report.h"
#include "session/session_private.h"

enum { FRAMES = 600, RATE = 10, SIZE = 16 };
static char file[256];
static affect_context *ctx;

/* One minute of grey pictures that change at 20 s and 40 s, as raw video (YUV4MPEG2). */
static int setup(void **state) {
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(file, sizeof file, "%s/affect-stages-XXXXXX", folder ? folder : "/tmp");
    int handle = mkstemp(file);
    FILE *out = handle >= 0 ? fdopen(handle, "wb") : NULL;
    if (!out) return 1;
    fprintf(out, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420\n", SIZE, SIZE, RATE);
    for (int i = 0; i < FRAMES; i++) {
        int luma = (i < 200 ? 70 : i < 400 ? 190 : 100) + i % 3;
        fputs("FRAME\n", out);
        for (int k = 0; k < SIZE * SIZE; k++) putc(luma, out);
        for (int k = 0; k < SIZE * SIZE / 2; k++) putc(128, out);
    }
    return fclose(out) != 0 || affect_context_create(&ctx) != AFFECT_OK;
}

static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return unlink(file);
}

/* ---- toy perception: how bright a picture is, as the valence of person 1 ---- */

typedef struct looker {
    affect_context *ctx;
    affect_timeline *timeline;
    affect_track *track;
} looker;

static bool always(const affect_options *o) { return o != NULL; }
static bool on_a_dark_day(const affect_timeline *made) { return made->tier_count == 0; }

static affect_status look_make(affect_context *c, const affect_options *o,
                               affect_timeline *timeline, void **impl) {
    (void)o;
    looker *l = calloc(1, sizeof *l);
    *l = (looker){c, timeline, NULL};
    *impl = l;
    return timeline_add_role(c, timeline, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, "", NULL, 0,
                             &l->track);
}

static affect_status look_push(void *impl, const media_item *item) {
    looker *l = impl;
    float row[6] = {(float)item->frame.rgb[0] / 127.5F - 1, 0, 0, NAN, NAN, NAN};
    return track_append(l->ctx, l->track, item->frame.time, 1, row);
}

/* A perception that takes one person for two until it knows better, at the end. */
static affect_status double_push(void *impl, const media_item *item) {
    looker *l = impl;
    if (l->track->person == 1 && item->frame.time >= 30 * AFFECT_SECOND) {
        affect_status status = timeline_add_role(l->ctx, l->timeline, TRACK_ROLE_AFFECT,
                                                 AFFECT_MODALITY_FACE, 2, "", NULL, 0, &l->track);
        if (status != AFFECT_OK) return status;
    }
    return look_push(impl, item);
}
static affect_status double_finish(void *impl) {
    looker *l = impl;
    const affect_person same = {.id = 2, .name = "", .merged_into = 1, .score = .8F};
    return timeline_set_person(l->ctx, l->timeline, &same);
}

static affect_status add_interval(looker *l, const char *tier, double t0_s, double t1_s) {
    affect_tier *to;
    affect_status status = timeline_tier(l->ctx, l->timeline, tier, AFFECT_MODALITY_FACE, &to);
    return status != AFFECT_OK ? status
                               : tier_append(l->ctx, to,
                                             &(affect_interval){.t0 = time_from_seconds(t0_s),
                                                                .t1 = time_from_seconds(t1_s),
                                                                .label = "x",
                                                                .score = 1});
}

static affect_status look_finish(void *impl) { return add_interval(impl, "there", 5, 15); }

static affect_status squint_make(affect_context *c, const affect_options *o,
                                 affect_timeline *timeline, void **impl) {
    (void)o;
    looker *l = calloc(1, sizeof *l);
    *l = (looker){c, timeline, NULL};
    *impl = l;
    return AFFECT_OK;
}
static affect_status squint_push(void *impl, const media_item *item) {
    return impl && item ? AFFECT_OK : AFFECT_ERROR_INTERNAL;
}
static affect_status squint_finish(void *impl) { return add_interval(impl, "here", 5, 8); }
static affect_status blind_finish(void *impl) { return impl ? AFFECT_OK : AFFECT_ERROR_INTERNAL; }

static const session_perception look = {.name = "look",
                                        .takes = MEDIA_FRAME,
                                        .wanted = always,
                                        .unfed = "no picture for look",
                                        .create = look_make,
                                        .push = look_push,
                                        .finish = look_finish,
                                        .destroy = free};
static const session_perception doubled = {.name = "doubled",
                                           .takes = MEDIA_FRAME,
                                           .wanted = always,
                                           .create = look_make,
                                           .push = double_push,
                                           .finish = double_finish,
                                           .destroy = free};
static const session_perception squint = {.name = "squint",
                                          .takes = MEDIA_FRAME,
                                          .wanted = always,
                                          .miss = {"there", "here", "squint missed it"},
                                          .create = squint_make,
                                          .push = squint_push,
                                          .finish = squint_finish,
                                          .destroy = free};
static const session_perception blind = {.name = "blind",
                                         .takes = MEDIA_FRAME,
                                         .wanted = always,
                                         .nothing = "blind saw nothing",
                                         .found_nothing = on_a_dark_day,
                                         .create = squint_make,
                                         .push = squint_push,
                                         .finish = blind_finish,
                                         .destroy = free};

/* ---- toy understanding ---- */

/* What the stages were told, in order; of the latest session. */
static struct {
    struct told {
        char who;
        affect_time horizon;
        size_t view, rows; /* timelines in view; rows of the trajectory below the horizon */
    } items[4000];
    size_t count;
    size_t late; /* rows of the trajectory that came below a horizon that was stated before */
} told;

typedef struct thinker {
    affect_context *ctx;
    affect_timeline *timeline;
    affect_track *track;
    affect_time horizon;
    size_t seen, done; /* rows of the trajectory */
} thinker;

#define SMOOTH_REACH AFFECT_SECOND

static const affect_track *trajectory_in(const timeline_view *view) {
    return view_track(view, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1);
}

static void note(char who, thinker *t, const timeline_view *view, affect_time horizon) {
    const affect_track *trajectory = trajectory_in(view);
    size_t rows = trajectory ? trajectory->rows : 0;
    for (; t->seen < rows; t->seen++) told.late += trajectory->times[t->seen] < t->horizon;
    t->horizon = horizon;
    assert_true(told.count < BASE_COUNT(told.items));
    told.items[told.count++] = (struct told){who, horizon, view->count,
                                             trajectory ? track_row_at(trajectory, horizon) : 0};
}

static affect_status think_make(affect_context *c, const affect_options *o,
                                affect_timeline *timeline, void **impl) {
    (void)o;
    thinker *t = calloc(1, sizeof *t);
    *t = (thinker){.ctx = c, .timeline = timeline};
    *impl = t;
    return AFFECT_OK;
}

/* The mean of the trajectory's valence within a second of each of its rows: what depends on rows
 * that are not final would differ with the way of pushing. */
static affect_status smooth_until(thinker *t, const timeline_view *view, affect_time until) {
    const affect_track *from = trajectory_in(view);
    static const char *const channels[] = {"smooth"};
    affect_status status = AFFECT_OK;
    if (from && !t->track)
        status = timeline_add_track(t->ctx, t->timeline, "smooth/1", AFFECT_MODALITY_FUSED, 1, "",
                                    channels, 1, &t->track);
    for (; from && t->done < from->rows && status == AFFECT_OK; t->done++) {
        affect_time at = from->times[t->done];
        if (until - SMOOTH_REACH <= at) break;
        float sum = 0, n = 0;
        for (size_t i = track_row_at(from, at - SMOOTH_REACH);
             i < from->rows && from->times[i] < at + SMOOTH_REACH; i++)
            sum += from->values[i * from->channel_count], n++;
        sum /= n;
        status = track_append(t->ctx, t->track, at, 1, &sum);
    }
    return status;
}

static affect_status smooth_advance(void *impl, const timeline_view *view, affect_time horizon) {
    note('s', impl, view, horizon);
    return smooth_until(impl, view, horizon);
}
static affect_status smooth_finish(void *impl, const timeline_view *view, affect_time end) {
    note('S', impl, view, end);
    return smooth_until(impl, view, INT64_MAX);
}

/* Links nothing and says nothing: looks at what it is shown. */
static affect_status after_advance(void *impl, const timeline_view *view, affect_time horizon) {
    const affect_track *smooth =
        affect_timeline_find_track(view->items[view->count - 1], "smooth/1");
    const affect_track *trajectory = trajectory_in(view);
    note('a', impl, view, horizon);
    /* All rows below the horizon are there already, of both stages before this one. */
    assert_true(!trajectory ||
                (smooth && track_row_at(smooth, horizon) == track_row_at(trajectory, horizon)));
    return AFFECT_OK;
}
static affect_status after_finish(void *impl, const timeline_view *view, affect_time end) {
    note('A', impl, view, end);
    return AFFECT_OK;
}

static affect_status break_advance(void *impl, const timeline_view *view, affect_time horizon) {
    (void)view;
    return base_fail(((thinker *)impl)->ctx, AFFECT_ERROR_FORMAT, "it broke before %d s",
                     (int)(horizon / AFFECT_SECOND) + 100);
}

static const session_task after_tasks[] = {{.task = "after", .model = "face.mesh", .tier = "none"},
                                           {.task = NULL}};
static const session_understanding smooth = {.name = "smooth",
                                             .look_ahead = SMOOTH_REACH,
                                             .create = think_make,
                                             .advance = smooth_advance,
                                             .finish = smooth_finish,
                                             .destroy = free};
static const session_understanding after = {.name = "after",
                                            .tasks = after_tasks,
                                            .create = think_make,
                                            .advance = after_advance,
                                            .finish = after_finish,
                                            .destroy = free};
static const session_understanding broken = {.name = "broken",
                                             .create = think_make,
                                             .advance = break_advance,
                                             .finish = break_advance,
                                             .destroy = free};

/* ---- runs ---- */

static affect_options *with_plan(const session_plan *plan) {
    affect_options *options;
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    options->plan = plan;
    told.count = told.late = 0;
    return options;
}

/* The real stage of that name. */
static const session_understanding *stage_named(const char *name) {
    const session_understanding *const *all = session_default_plan.understanding;
    for (size_t i = 0; all[i]; i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    fail_msg("there is no stage %s", name);
    return NULL;
}

static affect_timeline *analyzed(const session_plan *plan) {
    affect_timeline *timeline;
    affect_options *options = with_plan(plan);
    affect_status status = affect_analyze(ctx, file, options, &timeline);
    if (status != AFFECT_OK) fail_msg("%s", affect_context_message(ctx));
    affect_options_destroy(options);
    return timeline;
}

/* The pictures of the file, pushed. */
static affect_timeline *pushed(const session_plan *plan, int look_ahead_ms, int threads) {
    media_options media = media_options_default();
    media_reader *reader;
    affect_session *session;
    affect_timeline *timeline;
    affect_options *options = with_plan(plan);
    affect_context_set_threads(ctx, threads);
    assert_int_equal(affect_options_set_look_ahead_ms(options, look_ahead_ms), AFFECT_OK);
    assert_int_equal(media_open(ctx, file, &media, &reader), AFFECT_OK);
    assert_int_equal(affect_session_create(ctx, options, &session), AFFECT_OK);
    for (media_item item = {0};;) {
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        if (item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_FRAME)
            assert_int_equal(affect_session_push_frame(session, item.frame.time, item.frame.width,
                                                       item.frame.height, item.frame.stride,
                                                       item.frame.rgb),
                             AFFECT_OK);
    }
    assert_int_equal(affect_session_finish(session, &timeline), AFFECT_OK);
    affect_session_destroy(session);
    affect_options_destroy(options);
    media_close(reader);
    return timeline;
}

static bool warned(const affect_timeline *t, const char *text, double t0_s) {
    for (size_t i = 0; i < affect_timeline_warning_count(t); i++) {
        const affect_interval *w = affect_timeline_warning(t, i);
        if (strstr(w->label, text) &&
            w->t0 == (t0_s < 0 ? AFFECT_TIME_NONE : time_from_seconds(t0_s)))
            return true;
    }
    return false;
}

static void same_rows(const affect_timeline *a, const affect_timeline *b, const char *id) {
    const affect_track *x = affect_timeline_find_track(a, id),
                       *y = affect_timeline_find_track(b, id);
    assert_non_null(x);
    assert_non_null(y);
    assert_true(x->rows > 500);
    assert_int_equal(x->rows, y->rows);
    assert_memory_equal(x->times, y->times, x->rows * sizeof *x->times);
    assert_memory_equal(x->values, y->values, x->rows * x->channel_count * sizeof *x->values);
}

static void stages_run_in_order_and_see_those_before_them(void **state) {
    (void)state;
    const session_perception *const looks[] = {&look, NULL};
    const session_understanding *const thoughts[] = {stage_named("fuse"), &smooth, &after, NULL};
    const session_plan plan = {looks, thoughts};
    affect_timeline *whole = analyzed(&plan);
    /* A file is understood at its end: look, the texts, fuse; and smooth for the one after it. */
    assert_int_equal(told.count, 2);
    assert_true(told.items[0].who == 'S' && told.items[0].view == 3);
    assert_true(told.items[1].who == 'A' && told.items[1].view == 4);
    assert_true(told.items[0].rows > 500);
    for (int threads = 1; threads <= 2; threads++) {
        affect_timeline *stream = pushed(&plan, 2000, threads);
        same_rows(whole, stream, "trajectory/1");
        same_rows(whole, stream, "smooth/1");
        assert_int_equal(told.late, 0);
        size_t turns = 0;
        for (size_t i = 0; i + 1 < told.count; i++) {
            const struct told *s = &told.items[i], *a = s + 1;
            if (s->who != 's') continue;
            /* What smooth says is final SMOOTH_REACH behind what it was told; fuse's own look-ahead
             * lies before both. */
            if (a->who == 'a') assert_true(a->horizon == s->horizon - SMOOTH_REACH);
            assert_true(s->horizon <=
                        60 * AFFECT_SECOND - 2 * AFFECT_SECOND - thoughts[0]->look_ahead);
            assert_true(s->view == 3 && (a->who != 'a' || a->view == 4));
            turns += a->who == 'a' && s->rows > 0;
        }
        assert_true(turns > 20); /* of a stream of a minute */
        affect_timeline_destroy(stream);
    }
    affect_timeline_destroy(whole);
}

/* Who turns out to be one person has one trajectory, and episodes one after the other, in a stream too. */
static void persons_that_are_one_are_understood_as_one(void **state) {
    (void)state;
    const session_perception *const looks[] = {&doubled, NULL}, *const one[] = {&look, NULL};
    const session_understanding *const thoughts[] = {stage_named("fuse"), &smooth, NULL};
    const session_plan plan = {looks, thoughts}, single = {one, thoughts};
    affect_timeline *whole = analyzed(&plan), *stream = pushed(&plan, 2000, 2),
                    *wanted = analyzed(&single);
    same_rows(whole, wanted, "trajectory/1");
    same_rows(stream, wanted, "trajectory/1");
    same_rows(stream, wanted, "smooth/1");
    assert_null(affect_timeline_find_track(whole, "trajectory/2"));
    assert_null(affect_timeline_find_track(stream, "trajectory/2"));
    assert_false(warned(whole, "person 2 turned out to be person 1", -1));
    assert_true(warned(stream, "person 2 turned out to be person 1", -1));
    const affect_person *person = timeline_find_person(stream, 1);
    assert_true(person && !person->merged_into && fabsf(person->score - .8F) < 1e-6F);
    const affect_tier *episodes = affect_timeline_find_tier(stream, "episodes");
    for (size_t i = 1; i < affect_tier_count(episodes); i++)
        assert_true(affect_tier_interval(episodes, i)->t0 >=
                    affect_tier_interval(episodes, i - 1)->t1);
    affect_timeline_destroy(whole);
    affect_timeline_destroy(stream);
    affect_timeline_destroy(wanted);
}

static void a_stage_that_fails_is_left_out_alone(void **state) {
    (void)state;
    const session_perception *const looks[] = {&look, NULL};
    const session_understanding *const thoughts[] = {stage_named("fuse"), &broken, &smooth, NULL};
    const session_plan plan = {looks, thoughts};
    affect_timeline *whole = analyzed(&plan), *stream = pushed(&plan, 2000, 1);
    assert_true(warned(whole, "broken stopped: it broke before", -1));
    same_rows(whole, stream, "smooth/1");
    affect_timeline_destroy(whole);
    affect_timeline_destroy(stream);
}

static void perception_says_what_it_did_not_find(void **state) {
    (void)state;
    const session_perception *const looks[] = {&look, &squint, &blind, NULL};
    const session_understanding *const none[] = {NULL};
    const session_plan plan = {looks, none};
    affect_timeline *t = analyzed(&plan);
    /* "there" is 5 to 15 s, "here" 5 to 8 s and a pause of one. */
    assert_true(warned(t, "squint missed it", 9));
    assert_true(warned(t, "blind saw nothing", -1));
    assert_false(warned(t, "no picture for look", -1));
    assert_null(affect_timeline_find_tier(t, "episodes"));
    affect_timeline_destroy(t);
}

static void models_of_every_stage_can_be_named(void **state) {
    (void)state;
    const session_perception *const looks[] = {&look, NULL};
    const session_understanding *const thoughts[] = {stage_named("fuse"), &after, NULL};
    const session_plan plan = {looks, thoughts};
    affect_options *options = with_plan(&plan);
    affect_timeline *timeline;
    assert_int_equal(affect_options_set_model(options, "face.mesh", "x"), AFFECT_ERROR_ARGUMENT);
    assert_non_null(strstr(affect_context_message(ctx), "tasks: fuse, fusion, after"));
    assert_int_equal(affect_options_set_model(options, "after", "models/nowhere"), AFFECT_OK);
    assert_int_equal(affect_analyze(ctx, file, options, &timeline), AFFECT_ERROR_MODEL);
    assert_int_equal(affect_options_set_model(options, "after", NULL), AFFECT_OK);
    assert_int_equal(affect_options_set_model(options, "fuse", "models/fuse.default"), AFFECT_OK);
    assert_int_equal(affect_analyze(ctx, file, options, &timeline), AFFECT_OK);
    assert_non_null(affect_timeline_property(timeline, "model/fuse.default"));
    assert_null(affect_timeline_property(timeline, "model/face.mesh")); /* "none" has nothing */
    affect_timeline_destroy(timeline);
    /* A model of another task is named, but is no set of constants. */
    assert_int_equal(affect_options_set_model(options, "fuse", "models/face.geometry"), AFFECT_OK);
    assert_int_equal(affect_analyze(ctx, file, options, &timeline), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "\"dimensions\""));
    affect_options_destroy(options);
}

static void all_default_tasks_are_told(void **state) {
    (void)state;
    affect_options *options;
    assert_int_equal(affect_options_create(ctx, &options), AFFECT_OK);
    assert_int_equal(affect_options_set_model(options, "nose", "x"), AFFECT_ERROR_ARGUMENT);
    static const char *const tasks[] = {"face.detect",          "face.mesh",      "face.geometry",
                                        "face.emotion",         "voice.prosody",  "voice.emotion",
                                        "words.recognition.en", "voice.activity", "words.lexicon",
                                        "text.emotion",         "voice.speaker",  "fuse",
                                        "align.synchrony",      "fusion"};
    for (size_t i = 0; i < BASE_COUNT(tasks); i++)
        assert_non_null(strstr(affect_context_message(ctx), tasks[i]));
    for (size_t i = 0; i < BASE_COUNT(tasks); i++)
        assert_int_equal(affect_options_set_model(options, tasks[i], "x"), AFFECT_OK);
    affect_options_destroy(options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_run_in_order_and_see_those_before_them),
        cmocka_unit_test(persons_that_are_one_are_understood_as_one),
        cmocka_unit_test(a_stage_that_fails_is_left_out_alone),
        cmocka_unit_test(perception_says_what_it_did_not_find),
        cmocka_unit_test(models_of_every_stage_can_be_named),
        cmocka_unit_test(all_default_tasks_are_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
