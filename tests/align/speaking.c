/* Who speaks, and the offset, of mouths and voices that are known because they are made here: syllables
 * of random length and strength open a mouth and sound; others' are other syllables. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "align/speaking.h"

static affect_context *ctx;

static int setup(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK;
}
static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

/* ---- syllables ---- */

enum { RATE = 200, LONGEST = 60 * RATE };
typedef struct syllables {
    double opening[LONGEST]; /* 0..1, every 5 ms */
} syllables;

static void make_syllables(syllables *s, uint64_t seed) {
    memset(s, 0, sizeof *s);
    for (size_t at = 20; at + 80 < LONGEST;) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        size_t length = 20 + (seed >> 33) % 45, pause = (seed >> 40) % 5 ? 4 : 60;
        double strength = 0.4 + 0.6 * (double)((seed >> 20) % 1000) / 1000;
        for (size_t i = 0; i < length; i++)
            s->opening[at + i] = strength * sin(M_PI * (double)i / (double)length);
        at += length + pause;
    }
}

static double at(const syllables *s, double time_s) {
    double i = time_s * RATE;
    return i < 0 || i >= LONGEST ? 0 : s->opening[(size_t)i];
}

static void add_mouth(affect_timeline *t, int person, const syllables *s, double length_s) {
    static const char *const units[] = {"AU10", "AU12", "AU17", "AU20", "AU23", "AU25", "AU26"};
    affect_track *mouth, *aus;
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_MOUTH, AFFECT_MODALITY_FACE, person, "",
                                       NULL, 0, &mouth),
                     AFFECT_OK);
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE, person, "",
                                       units, 7, &aus),
                     AFFECT_OK);
    for (int i = 0; i < (int)(length_s * 25); i++) {
        double o = s ? at(s, i / 25.0 + .04) : 0; /* a mouth is ahead of its sound */
        float row[2] = {(float)(.02 + .3 * o), (float)(.5 - .05 * o)};
        float values[7] = {0, 0, 0, 0, 0, (float)(3 * o), (float)(3 * o)};
        assert_int_equal(track_append(ctx, mouth, time_from_seconds(i / 25.0), 1, row), AFFECT_OK);
        assert_int_equal(track_append(ctx, aus, time_from_seconds(i / 25.0), 1, values), AFFECT_OK);
    }
}

/* Whose syllables sound, by turns of four seconds; NULL: all the time those of the first. */
static void add_voice(affect_timeline *t, const syllables *const *speakers, size_t count,
                      double late_s, double length_s) {
    static const char *const names[] = {"energy_db",      "loudness", "voicing", "spectral_flux",
                                        "alpha_ratio_db", "f1_hz",    "f2_hz"};
    affect_track *prosody, *activity;
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, 0, "",
                                       names, 7, &prosody),
                     AFFECT_OK);
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, 0, "",
                                       NULL, 0, &activity),
                     AFFECT_OK);
    for (int i = 0; i < (int)(length_s * 100); i++) {
        double time = i / 100.0 - late_s;
        const syllables *s = speakers[time < 0 ? 0 : (size_t)(time / 4) % count];
        double o = at(s, time), before = at(s, time - .01);
        float row[7] = {(float)(-60 + 45 * sqrt(o)),
                        (float)o,
                        (float)(o > .05 ? .9 : .4),
                        (float)fabs(o - before),
                        (float)(10 * o - 15),
                        (float)(400 + 300 * o),
                        1500};
        assert_int_equal(track_append(ctx, prosody, time_from_seconds(i / 100.0), 1, row),
                         AFFECT_OK);
        float p = at(s, time - .1) + o + at(s, time + .1) > .05 ? .95F : .02F;
        if (i % 3 == 0)
            assert_int_equal(track_append(ctx, activity, time_from_seconds(i / 100.0), 1, &p),
                             AFFECT_OK);
    }
}

/* Cuts every `every_s`. */
static void add_shots(affect_timeline *t, double every_s, double length_s) {
    affect_tier *shots;
    assert_int_equal(timeline_tier(ctx, t, "shots", AFFECT_MODALITY_NONE, &shots), AFFECT_OK);
    for (double at_s = 0; at_s < length_s; at_s += every_s) {
        affect_interval shot = {.t0 = time_from_seconds(at_s),
                                .t1 = time_from_seconds(fmin(at_s + every_s, length_s)),
                                .label = at_s + every_s < length_s ? "cut" : "end"};
        assert_int_equal(tier_append(ctx, shots, &shot), AFFECT_OK);
    }
}

static affect_timeline *new_timeline(void) {
    affect_timeline *t;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    return t;
}

/* In one go, or told every `step_s`, as a stream is. */
static affect_timeline *understood(const affect_timeline *t, double length_s, double step_s,
                                   bool keep_offset, align_offset *offset) {
    affect_timeline *out = new_timeline();
    align_speaking *stage;
    timeline_view view = {&t, 1};
    assert_int_equal(align_speaking_create(
                         ctx, &(align_speaking_options){.keep_offset = keep_offset}, out, &stage),
                     AFFECT_OK);
    for (double at_s = step_s; step_s > 0 && at_s < length_s; at_s += step_s)
        assert_int_equal(align_speaking_advance(stage, &view, time_from_seconds(at_s)), AFFECT_OK);
    assert_int_equal(align_speaking_finish(stage, &view, time_from_seconds(length_s)), AFFECT_OK);
    if (offset) *offset = align_speaking_offset(stage);
    align_speaking_destroy(stage);
    return out;
}

static double share(const affect_timeline *out, double t0_s, double t1_s, int person) {
    timeline_view view = {&out, 1};
    return align_speakers_share(&view, time_from_seconds(t0_s), time_from_seconds(t1_s), person);
}

/* ---- tests ---- */

static void each_turn_goes_to_the_mouth_that_fits(void **state) {
    (void)state;
    static syllables one, two;
    make_syllables(&one, 1);
    make_syllables(&two, 2);
    affect_timeline *t = new_timeline();
    add_mouth(t, 1, &one, 32); /* both mouths move all the time */
    add_mouth(t, 2, &two, 32);
    add_voice(t, (const syllables *const[]){&one, &two}, 2, 0, 32);
    align_offset offset;
    affect_timeline *out = understood(t, 32, 0, false, &offset);
    for (int turn = 0; turn < 8; turn++)
        assert_true(share(out, 4 * turn + .5, 4 * turn + 3.5, 1 + turn % 2) > .8);
    assert_true(offset.claimed && fabs(offset.offset_s) <= .06);
    assert_null(affect_timeline_find_tier(out, "av_offset")); /* nothing to take off */
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

/* What is said of a shot does not depend on what the mouth did in the one before. */
static void a_turn_ends_with_its_shot(void **state) {
    (void)state;
    static syllables one, two;
    make_syllables(&one, 1);
    make_syllables(&two, 2);
    affect_timeline *t = new_timeline();
    add_mouth(t, 1, &one, 24);
    add_mouth(t, 2, &two, 24);
    add_voice(t, (const syllables *const[]){&one, &two}, 2, 0, 24);
    add_shots(t, 4, 24);
    const affect_timeline *const seen = t;
    timeline_view view = {&seen, 1};
    assert_int_equal(align_shot_at(&view, 0), 0);
    assert_int_equal(align_shot_at(&view, 4 * AFFECT_SECOND - 1), 0);
    assert_int_equal(align_shot_at(&view, 4 * AFFECT_SECOND), 1);
    assert_int_equal(align_shot_at(&view, 24 * AFFECT_SECOND), 5);
    affect_timeline *out = understood(t, 24, 0, false, NULL);
    const affect_tier *speaking = affect_timeline_find_tier(out, "speaking");
    for (size_t i = 0; i < speaking->count; i++)
        assert_int_equal(align_shot_at(&view, speaking->items[i].t0),
                         align_shot_at(&view, speaking->items[i].t1 - 1));
    for (int turn = 0; turn < 6; turn++) /* up to the cut */
        assert_true(share(out, 4 * turn + .1, 4 * turn + 3.9, 1 + turn % 2) > .95);
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

static void what_rests_does_not_speak(void **state) {
    (void)state;
    static syllables one;
    make_syllables(&one, 3);
    affect_timeline *t = new_timeline();
    add_mouth(t, 1, NULL, 20); /* a photograph */
    add_voice(t, (const syllables *const[]){&one}, 1, 0, 20);
    align_offset offset;
    affect_timeline *out = understood(t, 20, 0, false, &offset);
    assert_true(share(out, 0, 20, ALIGN_VOICE_FIRST) == 1); /* a person out of view */
    assert_false(offset.claimed);
    assert_null(affect_timeline_property(out, "av_offset_s"));
    affect_timeline_destroy(out);
    add_mouth(t, 2, &one, 20); /* and somebody beside it */
    out = understood(t, 20, 0, false, NULL);
    assert_true(share(out, 0, 20, 2) > .95);
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

static void a_voice_without_any_face_is_person_one(void **state) {
    (void)state;
    static syllables one;
    make_syllables(&one, 4);
    affect_timeline *t = new_timeline();
    add_voice(t, (const syllables *const[]){&one}, 1, 0, 10);
    affect_timeline *out = understood(t, 10, 0, false, NULL);
    assert_true(share(out, 0, 10, 1) == 1);
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

static void a_late_sound_is_found_and_moved(void **state) {
    (void)state;
    static syllables one;
    make_syllables(&one, 5);
    for (int sign = -1; sign <= 1; sign += 2) {
        affect_timeline *t = new_timeline();
        add_mouth(t, 1, &one, 24);
        add_voice(t, (const syllables *const[]){&one}, 1, .24 * sign, 24);
        for (int keep = 0; keep <= 1; keep++) {
            align_offset offset;
            affect_timeline *out = understood(t, 24, 0, keep, &offset);
            const affect_timeline *const seen = out;
            assert_true(offset.claimed);
            assert_true(fabs(offset.offset_s - .24 * sign) <= .06);
            assert_true(offset.sd_s < .06 && offset.confidence > .9);
            assert_non_null(affect_timeline_property(out, "av_offset_s"));
            assert_string_equal(affect_timeline_property(out, "av_offset_corrected"),
                                keep ? "no" : "yes");
            affect_time off = align_offset_at(&(timeline_view){&seen, 1}, 20 * AFFECT_SECOND);
            assert_true(keep ? off == 0 : fabs(time_to_seconds(off) - .24 * sign) <= .06);
            affect_timeline_destroy(out);
        }
        affect_timeline_destroy(t);
    }
}

/* An edit of three recordings of 16 s: the sound of each is its own, later by so much. */
static affect_timeline *edit(const syllables *seen, const syllables *const heard[3],
                             const double late_s[3]) {
    affect_timeline *t = new_timeline(), *parts[3];
    add_mouth(t, 1, seen, 48);
    for (int k = 0; k < 3; k++) {
        parts[k] = new_timeline();
        add_voice(parts[k], &heard[k], 1, late_s[k], 48);
    }
    for (size_t k = 0; k < parts[0]->track_count; k++) {
        const affect_track *first = parts[0]->tracks[k];
        affect_track *to;
        assert_int_equal(timeline_add_role(ctx, t, first->kind->role, AFFECT_MODALITY_VOICE, 0, "",
                                           (const char *const *)first->channels,
                                           first->channel_count, &to),
                         AFFECT_OK);
        for (size_t i = 0; i < first->rows; i++) {
            const affect_track *of = parts[first->times[i] / (16 * AFFECT_SECOND)]->tracks[k];
            assert_int_equal(track_append(ctx, to, of->times[i], of->confidence[i],
                                          of->values + i * of->channel_count),
                             AFFECT_OK);
        }
    }
    for (int k = 0; k < 3; k++) affect_timeline_destroy(parts[k]);
    add_shots(t, 4, 48);
    return t;
}

static const affect_interval *offset_around(const affect_timeline *t, double at_s) {
    const affect_tier *tier = affect_timeline_find_tier(t, "av_offset");
    for (size_t i = 0; tier && i < tier->count; i++)
        if (tier->items[i].t0 <= time_from_seconds(at_s) &&
            time_from_seconds(at_s) < tier->items[i].t1)
            return &tier->items[i];
    return NULL;
}

/* Breaks when an edit of several recordings has one offset for all, or only for where it was found first. */
static void each_scene_has_its_offset(void **state) {
    (void)state;
    static syllables one;
    make_syllables(&one, 5);
    static const double late_s[3] = {.28, -.24, .12};
    affect_timeline *t = edit(&one, (const syllables *const[]){&one, &one, &one}, late_s);
    for (int keep = 0; keep <= 1; keep++) {
        affect_timeline *out = understood(t, 48, 0, keep, NULL);
        const affect_timeline *const seen = out;
        const affect_tier *tier = affect_timeline_find_tier(out, "av_offset");
        assert_int_equal(tier ? tier->count : 0, keep ? 0 : 3);
        assert_non_null(affect_timeline_property(out, "av_offset_sd_s"));
        for (int k = 0; k < 3 && !keep; k++) {
            affect_time off =
                align_offset_at(&(timeline_view){&seen, 1}, (8 + 16 * k) * AFFECT_SECOND);
            assert_true(fabs(time_to_seconds(off) - late_s[k]) <= .06);
            assert_true(tier->items[k].t0 == 16 * k * AFFECT_SECOND);
            assert_true(affect_attributes_number(tier->items[k].attributes, "sd_s") < .06);
        }
        if (!keep) assert_true(share(out, 1, 15, 1) > .9 && share(out, 17, 31, 1) > .9);
        affect_timeline_destroy(out);
    }
    affect_timeline_destroy(t);
}

/* Breaks when a part in which nobody in view speaks is given an offset as if it were known, or takes others' away. */
static void a_part_without_its_speaker_is_unknown(void **state) {
    (void)state;
    static syllables one, other;
    make_syllables(&one, 5);
    make_syllables(&other, 9);
    affect_timeline *t =
        edit(&one, (const syllables *const[]){&one, &other, &one}, (const double[]){.28, 0, -.24});
    affect_timeline *out = understood(t, 48, 0, false, NULL);
    static const double known_s[2] = {.28, -.24};
    for (int k = 0; k < 2; k++) {
        const affect_interval *in = offset_around(out, k ? 40 : 8);
        assert_non_null(in);
        assert_string_not_equal(in->label, "unknown");
        assert_true(in->score > .9F);
        assert_true(fabs(affect_attributes_number(in->attributes, "offset_s") - known_s[k]) <= .06);
    }
    const affect_interval *middle = offset_around(out, 24);
    assert_non_null(middle);
    assert_string_equal(middle->label, "unknown");
    assert_true(middle->score < .9F);
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

static void a_stream_gives_what_a_file_gives(void **state) {
    (void)state;
    static syllables one, two;
    make_syllables(&one, 6);
    make_syllables(&two, 7);
    affect_timeline *t = new_timeline();
    add_mouth(t, 1, &one, 40);
    add_mouth(t, 2, &two, 40);
    add_voice(t, (const syllables *const[]){&one, &two}, 2, .2, 40);
    add_shots(t, 3.3, 40);
    affect_timeline *whole = understood(t, 40, 0, false, NULL);
    for (int k = 0; k < 3; k++) {
        static const double steps[] = {.13, .5, 7};
        affect_timeline *stream = understood(t, 40, steps[k], false, NULL);
        assert_int_equal(whole->tier_count, stream->tier_count);
        for (size_t i = 0; i < whole->tier_count; i++) {
            const affect_tier *a = whole->tiers[i], *b = stream->tiers[i];
            assert_string_equal(a->id, b->id);
            assert_int_equal(a->count, b->count);
            assert_true(a->count > 0);
            for (size_t n = 0; n < a->count; n++) {
                assert_true(a->items[n].t0 == b->items[n].t0 && a->items[n].t1 == b->items[n].t1);
                assert_int_equal(a->items[n].person, b->items[n].person);
                assert_memory_equal(&a->items[n].score, &b->items[n].score, sizeof(float));
            }
        }
        affect_timeline_destroy(stream);
    }
    affect_timeline_destroy(whole);
    affect_timeline_destroy(t);
}

/* Hours without anything cost nothing, and what comes after them is as at a begin. */
static void long_silences_are_passed_over(void **state) {
    (void)state;
    static syllables one;
    make_syllables(&one, 8);
    affect_timeline *t = new_timeline();
    add_mouth(t, 1, &one, 8);
    add_voice(t, (const syllables *const[]){&one}, 1, 0, 8);
    affect_track *prosody =
        (affect_track *)timeline_role(t, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, 0);
    float row[7] = {-60, 0, 0, 0, 0, 0, 0};
    assert_int_equal(track_append(ctx, prosody, 9000 * 3600 * AFFECT_SECOND, 1, row), AFFECT_OK);
    affect_timeline *out = understood(t, 9000.0 * 3600 + 1, 0, false, NULL);
    assert_true(share(out, 0, 8, 1) > .9);
    affect_timeline_destroy(out);
    affect_timeline_destroy(t);
}

static void what_is_heard_gets_its_speaker(void **state) {
    (void)state;
    affect_timeline *t = new_timeline();
    affect_tier *speaking, *words;
    assert_int_equal(timeline_tier(ctx, t, "speaking", AFFECT_MODALITY_NONE, &speaking), AFFECT_OK);
    assert_int_equal(timeline_tier(ctx, t, "words", AFFECT_MODALITY_WORDS, &words), AFFECT_OK);
    for (int i = 0; i < 3; i++) {
        affect_interval said = {.t0 = i * AFFECT_SECOND,
                                .t1 = (i + 1) * AFFECT_SECOND,
                                .label = "",
                                .person = i == 1 ? AFFECT_PERSON_NONE : 1 + i};
        affect_interval word = said;
        word.person = AFFECT_PERSON_NONE;
        word.t1 -= AFFECT_SECOND / 2;
        assert_int_equal(tier_append(ctx, speaking, &said), AFFECT_OK);
        assert_int_equal(tier_append(ctx, words, &word), AFFECT_OK);
    }
    affect_event rise = {.onset = 2 * AFFECT_SECOND,
                         .apex = 2 * AFFECT_SECOND,
                         .offset = 2 * AFFECT_SECOND + 1,
                         .kind = "pitch_rise",
                         .modality = AFFECT_MODALITY_VOICE};
    affect_event smile = rise;
    smile.kind = "smile";
    smile.modality = AFFECT_MODALITY_FACE;
    assert_int_equal(timeline_add_event(ctx, t, &rise), AFFECT_OK);
    assert_int_equal(timeline_add_event(ctx, t, &smile), AFFECT_OK);
    assert_int_equal(align_speakers_apply(ctx, t), AFFECT_OK);
    assert_int_equal(words->items[0].person, 1);
    assert_int_equal(words->items[1].person, AFFECT_PERSON_NONE);
    assert_int_equal(words->items[2].person, 3);
    assert_int_equal(t->events[0].person, 3);
    assert_int_equal(t->events[1].person, AFFECT_PERSON_NONE);
    affect_timeline_destroy(t);
}

/* "I am" by the first, "you were not" by the second, in one utterance; a word of a doubtful speaker. */
static void utterances_end_where_the_speaker_changes(void **state) {
    (void)state;
    static const char *const said[] = {"I", "am", "so", "you", "were", "not"};
    static const int speakers[] = {1, 1, 2, 1, 2, 2}; /* "so" is too short for a turn */
    affect_timeline *t = new_timeline();
    affect_tier *speaking, *words, *utterances;
    affect_attributes *a;
    assert_int_equal(timeline_tier(ctx, t, "speaking", AFFECT_MODALITY_NONE, &speaking), AFFECT_OK);
    assert_int_equal(timeline_tier(ctx, t, "words", AFFECT_MODALITY_WORDS, &words), AFFECT_OK);
    assert_int_equal(timeline_tier(ctx, t, "utterances", AFFECT_MODALITY_WORDS, &utterances),
                     AFFECT_OK);
    assert_int_equal(affect_attributes_create(ctx, &a), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(ctx, a, "valence", .5), AFFECT_OK);
    for (int i = 0; i < 6; i++) {
        affect_interval one = {.t0 = i * AFFECT_SECOND / 4,
                               .t1 = (i + 1) * AFFECT_SECOND / 4,
                               .label = "",
                               .person = speakers[i]};
        assert_int_equal(tier_append(ctx, speaking, &one), AFFECT_OK);
        one.person = AFFECT_PERSON_NONE;
        one.label = said[i];
        one.parent = "u1";
        one.score = 1;
        one.attributes = i == 4 ? a : NULL;
        assert_int_equal(tier_append(ctx, words, &one), AFFECT_OK);
    }
    affect_interval whole = {
        .t1 = 6 * AFFECT_SECOND / 4, .id = "u1", .label = "I am so you were not", .attributes = a};
    assert_int_equal(tier_append(ctx, utterances, &whole), AFFECT_OK);
    affect_attributes_destroy(a);
    timeline_sort(t);
    assert_int_equal(align_speakers_apply(ctx, t), AFFECT_OK);
    assert_int_equal(utterances->count, 2);
    assert_string_equal(utterances->items[0].label, "I am so you");
    assert_string_equal(utterances->items[0].id, "u1");
    assert_int_equal(utterances->items[0].person, 1);
    assert_true(isnan(affect_attributes_number(utterances->items[0].attributes, "valence")));
    assert_string_equal(utterances->items[1].label, "were not");
    assert_int_equal(utterances->items[1].person, 2);
    assert_true(utterances->items[1].t0 == AFFECT_SECOND);
    assert_true(affect_attributes_number(utterances->items[1].attributes, "valence") == .5);
    assert_string_equal(words->items[3].parent, "u1");
    assert_string_equal(words->items[4].parent, utterances->items[1].id);
    affect_timeline_destroy(t);
}

static void weights_must_be_whole(void **state) {
    (void)state;
    align_synchrony *s;
    char *text;
    size_t length;
    assert_int_equal(base_read_file(ctx, "models/align.synchrony/weights.json", 0, &text, &length),
                     AFFECT_OK);
    assert_int_equal(align_synchrony_parse(ctx, "w", text, length, &s), AFFECT_OK);
    align_synchrony_destroy(s);
    assert_int_equal(align_synchrony_parse(ctx, "w", text, length - 4, &s), AFFECT_ERROR_MODEL);
    static const char short_one[] = "{\"correlation\":[0.5]}";
    assert_int_equal(align_synchrony_parse(ctx, "w", short_one, sizeof short_one - 1, &s),
                     AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "\"sound_mean\""));
    base_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_turn_goes_to_the_mouth_that_fits),
        cmocka_unit_test(a_turn_ends_with_its_shot),
        cmocka_unit_test(what_rests_does_not_speak),
        cmocka_unit_test(a_voice_without_any_face_is_person_one),
        cmocka_unit_test(a_late_sound_is_found_and_moved),
        cmocka_unit_test(each_scene_has_its_offset),
        cmocka_unit_test(a_part_without_its_speaker_is_unknown),
        cmocka_unit_test(a_stream_gives_what_a_file_gives),
        cmocka_unit_test(long_silences_are_passed_over),
        cmocka_unit_test(what_is_heard_gets_its_speaker),
        cmocka_unit_test(utterances_end_where_the_speaker_changes),
        cmocka_unit_test(weights_must_be_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
